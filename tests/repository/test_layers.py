"""The order of the layers holds, and the contracts that say so notice when it does not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import sources

pytestmark = pytest.mark.process


def _lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--no-cache",
        "--config",
        str(root / "pyproject.toml"),
    ]
    # The root of the checked tree comes first on the path, before the editable install of this one.
    return subprocess.run(command, cwd=root, capture_output=True, text=True, env={"PYTHONPATH": str(root)}, check=False)


def test_every_layer_imports_downwards_only() -> None:
    result = _lint_imports(sources.ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        pytest.param(
            "kuberklone/kinds/pod.py",
            "import kuberklone.store",
            "Layers import downwards",
            id="a kind imports the store",
        ),
        pytest.param(
            "controllers/node/decide.py", "import asyncio", "Deciding is pure", id="a decision imports the event loop"
        ),
        pytest.param(
            "controllers/scheduler/decide.py",
            "import controllers.node.decide",
            "Controllers do not know each other",
            id="a controller imports another",
        ),
        pytest.param(
            "kuberklone/errors.py",
            "import sqlalchemy",
            "Only the store knows SQLAlchemy",
            id="SQLAlchemy below the store",
        ),
        pytest.param(
            "controllers/node/reconcile.py",
            "import docker",
            "Only the engine's package knows Docker",
            id="a loop and Docker",
        ),
        pytest.param(
            "kuberklone/cli/__init__.py", "import kuberklone.store", "The command line speaks HTTP", id="cli and store"
        ),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copy(sources.ROOT / "pyproject.toml", tmp_path)
    for package in ("kuberklone", "controllers"):
        shutil.copytree(sources.ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    result = _lint_imports(tmp_path)
    broken = [text for text in result.stdout.splitlines() if "BROKEN" in text and text.startswith(contract)]
    assert result.returncode == 1, result.stdout + result.stderr
    assert broken, result.stdout
