"""Finds the clients that these tests use: every kubectl there is, and what `make clients` built.

kubectl is looked for in `.clients/bin` (where `make clients` puts the newest), on the PATH with its siblings
(`kubectl.1.33` beside `kubectl`), and in the folders or files that the variable KUBERKLONE_TEST_KUBECTL names,
separated as in PATH. Each minor version is taken once.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".clients"
VARIABLE = "KUBERKLONE_TEST_KUBECTL"
# The oldest that is promised: older ones are no longer maintained, and ask for the schemas of OpenAPI v2.
OLDEST_MINOR = 29

_NAME = re.compile(r"kubectl(\.\d+\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    path: Path
    minor: int

    def __str__(self) -> str:
        return f"kubectl 1.{self.minor}"


@cache
def kubectls() -> tuple[Kubectl, ...]:
    """One of each minor version from OLDEST_MINOR on, oldest first."""
    by_minor: dict[int, Kubectl] = {}
    for path in _candidates():
        minor = _minor(path)
        if minor is not None and minor >= OLDEST_MINOR:
            by_minor.setdefault(minor, Kubectl(path=path, minor=minor))
    return tuple(by_minor[minor] for minor in sorted(by_minor))


def built(name: str) -> Path:
    """A program that `make clients` builds; the test is skipped when it was not built."""
    path = BUILT / "bin" / name
    if not path.exists():
        pytest.skip(f"needs {name}: run `make clients` (it needs Go)")
    return path


def node_modules() -> Path:
    """Where `make clients` put the JavaScript client; the test is skipped without it or without node."""
    path = BUILT / "node"
    if shutil.which("node") is None or not (path / "node_modules").exists():
        pytest.skip("needs the JavaScript client: run `make clients` (it needs node and npm)")
    return path


def _candidates() -> list[Path]:
    found = sorted((BUILT / "bin").glob("kubectl*"))
    for given in os.environ.get(VARIABLE, "").split(os.pathsep):
        if given:
            found += sorted(Path(given).glob("kubectl*")) if Path(given).is_dir() else [Path(given)]
    on_path = shutil.which("kubectl")
    if on_path is not None:
        # Versions lie beside the real file, whatever links lead to it.
        real = Path(on_path).resolve()
        found += [*sorted(real.parent.glob("kubectl.*")), real]
    return [path for path in found if _NAME.fullmatch(path.name) and os.access(path, os.X_OK)]


def _minor(path: Path) -> int | None:
    said = subprocess.run(
        [path, "version", "--client", "--output=json"], capture_output=True, text=True, check=False, timeout=60
    )
    try:
        version = json.loads(said.stdout)["clientVersion"]["gitVersion"]
    except (ValueError, KeyError):
        return None
    # A distribution's own program, which starts others: they are found beside it.
    if "dispatcher" in version:
        return None
    match = re.match(r"v1\.(\d+)", version)
    return None if match is None else int(match[1])
