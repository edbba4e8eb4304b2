"""The two pages about adding something are true: their blocks, written into a copy of this tree, work."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests import waiting
from tests.docs import copies
from tests.docs.reading import DOCS, blocks
from tests.repository import clusters

_DEADLINE_S = 30.0


@pytest.mark.timeout(180)
def test_a_kind_is_added_as_its_page_says(tmp_path: Path) -> None:
    page = DOCS / "adding-a-kind.md"
    copy = copies.with_blocks_of(page, tmp_path)
    copies.run_its_tests(page, copy)


@pytest.mark.timeout(180)
def test_a_controller_is_added_as_its_page_says(tmp_path: Path) -> None:
    page = DOCS / "adding-a-controller.md"
    copy = copies.with_blocks_of(page, tmp_path)
    copies.run_its_tests(page, copy)
    kuberklone = (sys.executable, "-m", "kuberklone")
    environ = copies.environment(copy)
    with clusters.running(kuberklone, "--demo", home=tmp_path / "home", environment=environ, folder=copy) as cluster:
        said = _typed(page, environ | {"KUBERKLONE_HOME": str(cluster.home)})
        assert "expiry" in said
        waiting.until(lambda: _pods(cluster.url) == ["long"], within_s=_DEADLINE_S, what="only the long one is left")


def _typed(page: Path, environ: dict[str, str]) -> str:
    """What the page's shell lines print, typed where `kuberklone` is on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    (block,) = blocks(page, language="sh")
    result = subprocess.run(
        ["bash", "-e", "-c", block.text], env=environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def _pods(url: str) -> list[str]:
    answer = httpx.get(f"{url}/pods", trust_env=False, timeout=_DEADLINE_S)
    return sorted(pod["name"] for pod in answer.json()["items"])
