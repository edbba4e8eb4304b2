"""`make` explains itself: what can be done, and what to do where it cannot."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.repository import sources

pytestmark = pytest.mark.process


def _make(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    # Run below `make test`, the outer make's flags are in the environment.
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments],
        cwd=sources.ROOT,
        capture_output=True,
        text=True,
        env=outer | (environment or {}),
        check=False,
    )


def test_make_alone_lists_every_target() -> None:
    text = (sources.ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.+)$", text, flags=re.MULTILINE)
    assert targets is not None
    listed = set(re.findall(r"^make (\S+)", _make().stdout, flags=re.MULTILINE))
    # install-dev is what test and lint do first by themselves; CONTRIBUTING.md names it.
    assert set(targets[1].split()) - listed == {"help", "install-dev", "schema"}


def test_native_windows_is_told_to_use_wsl2() -> None:
    result = _make("up", "OS=Windows_NT")
    assert result.returncode != 0
    assert "WSL2" in result.stderr


@pytest.mark.parametrize("python", ["", "python-that-does-not-exist", "false"])
def test_a_machine_without_a_new_enough_python_is_told_what_to_install(tmp_path: Path, python: str) -> None:
    result = _make(f"{tmp_path}/venv/bin/python", f"VENV={tmp_path}/venv", f"PYTHON={python}")
    assert result.returncode != 0
    assert "KuberKlone needs Python 3.11 or newer" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_a_debian_without_python3_venv_is_told_its_name(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    python.chmod(0o755)
    result = _make(f"{tmp_path}/venv/bin/python", f"VENV={tmp_path}/venv", f"PYTHON={python}")
    assert result.returncode != 0
    assert "sudo apt install python3-venv" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_a_second_make_installs_only_what_changed(tmp_path: Path) -> None:
    # Stamps as the first make leaves them, each newer than what it was made from.
    for name in ("bin/python", ".installed", ".installed-dev"):
        stamp = tmp_path / name
        stamp.parent.mkdir(exist_ok=True)
        stamp.touch()
    second = ("--dry-run", "install-dev", f"VENV={tmp_path}")
    assert "pip" not in _make(*second).stdout
    assert "-r requirements.lock" in _make(*second, "--what-if=requirements.lock").stdout
