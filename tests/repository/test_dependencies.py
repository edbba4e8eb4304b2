"""Dependencies: each is used, each is locked, and the locks name no index."""

import ast
import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.repository import sources

_PROJECT = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())
_LOCKS = ("requirements.lock", "requirements-dev.lock")
# What a distribution's package is called where it differs from its own name.
_PACKAGES = {"jsonschema-rs": "jsonschema_rs", "prometheus-client": "prometheus_client", "pyyaml": "yaml"}
# Used without an import of ours, each for a reason.
_UNIMPORTED = {
    "kubernetes-validate": "only its data is read",
    "httptools": "uvicorn takes it by name",
    "uvloop": "uvicorn takes it by name",
}


def _names(requirements: list[str]) -> set[str]:
    return {Requirement(text).name for text in requirements}


def _imported() -> set[str]:
    found = set()
    for module in sources.modules(*sources.PROGRAM):
        for node in ast.walk(sources.tree(module)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


def test_every_dependency_is_imported_by_the_program() -> None:
    declared = _names(_PROJECT["project"]["dependencies"]) - set(_UNIMPORTED)
    unused = {name for name in declared if _PACKAGES.get(name, name) not in _imported()}
    assert unused == set()


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_lock_names_versions_and_hashes_only(lock: str) -> None:
    lines = [line for line in (sources.ROOT / lock).read_text().splitlines() if line and not line.startswith("#")]
    pinned = re.compile(r"[a-z0-9-]+==[\w.]+( ; .+?)? \\")
    hashed = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    strange = [line for line in lines if not pinned.fullmatch(line) and not hashed.fullmatch(line)]
    assert strange == []


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_lock_names_no_index(lock: str) -> None:
    text = (sources.ROOT / lock).read_text()
    assert [word for word in ("://", "index-url", "find-links", "@ ") if word in text] == []


def test_what_is_declared_is_locked() -> None:
    groups = _PROJECT["dependency-groups"]
    run = _names(_PROJECT["project"]["dependencies"]) | _names(groups["install"])
    develop = run | _names([item for item in groups["dev"] if isinstance(item, str)])
    for lock, declared in zip(_LOCKS, (run, develop), strict=True):
        locked = set(re.findall(r"^([a-z0-9-]+)==", (sources.ROOT / lock).read_text(), flags=re.MULTILINE))
        assert declared - locked == set(), lock


def test_both_locks_agree() -> None:
    run, develop = (
        dict(re.findall(r"^([a-z0-9-]+)==([\w.]+)", (sources.ROOT / lock).read_text(), flags=re.MULTILINE))
        for lock in _LOCKS
    )
    assert {name: version for name, version in run.items() if develop.get(name) != version} == {}
