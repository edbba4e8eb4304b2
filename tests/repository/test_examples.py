"""Every file in examples/ does what its first lines say, against a running cluster."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import programs
from tests.repository import clusters, sources
from tests.repository.clusters import Cluster

pytestmark = pytest.mark.process

_EXAMPLES = sorted(path for path in (sources.ROOT / "examples").iterdir() if path.is_file())
_KUBERKLONE = (sys.executable, "-m", "kuberklone")
_PROGRAMS = {".sh": ("bash",), ".py": (sys.executable,)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all of them, as a reader would have; with the times of a classroom."""
    home = tmp_path_factory.mktemp("home")
    environment = dict(os.environ)
    with clusters.running(_KUBERKLONE, "--demo", home=home, environment=environment, folder=sources.ROOT) as cluster:
        yield cluster


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs_as_its_first_lines_say(cluster: Cluster, example: Path) -> None:
    environment = os.environ | {"KUBERKLONE_HOME": str(cluster.home), "KUBERKLONE_URL": cluster.url}
    environment |= {"KUBECONFIG": str(cluster.home / "kubeconfig"), "KUBECACHEDIR": str(cluster.home / "kube-cache")}
    command, given = _command(example)
    result = subprocess.run(
        command, input=given, env=environment, cwd=sources.ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.strip()
    assert f"examples/{example.name}" in "".join(example.read_text().splitlines()[:2])


def _command(example: Path) -> tuple[list[str], str]:
    """What runs it, and what that reads from standard input."""
    if example.suffix in _PROGRAMS:
        return [*_PROGRAMS[example.suffix], str(example)], ""
    if example.suffix == ".yaml":
        found = programs.kubectls()
        if not found:
            pytest.skip(f"needs kubectl 1.{programs.OLDEST_MINOR} or later on PATH, or named by {programs.VARIABLE}")
        return [str(found[-1].path), "apply", "-f", str(example)], ""
    assert example.suffix == ".sql", f"no test knows how to run {example.name}"
    return [*_KUBERKLONE, "sql", "-"], example.read_text()
