"""The built wheel is the whole program: installed into an empty environment, it runs from anywhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.repository import clusters, sources

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(sources.ROOT)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_program_controllers_and_migrations_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    modules = map(str, sources.modules(*sources.PROGRAM))
    assert held == {module.replace("migrations/", "kuberklone/_migrations/", 1) for module in modules}


def test_the_installed_wheel_runs_a_cluster_from_the_root_folder(wheel: Path, tmp_path: Path) -> None:
    programs = _environment_with(wheel, tmp_path / "venv")
    # Nothing of this checkout's environment: no PYTHONPATH may lead back to it.
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    command = [str(programs / "kuberklone")]
    home = tmp_path / "cluster"
    with clusters.running(command, home=home, environment=environment, folder=Path("/")) as cluster:
        names = [node["name"] for node in cluster.nodes()]
    assert names == ["node-1", "node-2", "node-3"]


def _environment_with(wheel: Path, folder: Path) -> Path:
    """An empty environment with the locked dependencies and the wheel; the folder of its programs."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    lock = sources.ROOT / "requirements.lock"
    subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True)
    # The lock must satisfy what the wheel asks for: nothing more may be fetched.
    subprocess.run([*pip, "--no-index", str(wheel)], check=True)
    return folder / "bin"
