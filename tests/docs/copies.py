"""A copy of the tree into which the blocks of a page are written, as a reader would who follows it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.reading import ROOT, blocks

_FOLDERS = ("kuberklone", "controllers", "migrations", "tests")


def with_blocks_of(page: Path, folder: Path) -> Path:
    """The copy. A block that names a new file makes it; one that names an existing file is added at its end."""
    copy = folder / "copy"
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for block in blocks(page, language="python"):
        assert block.file, f"a block of {page.name} does not say where it belongs:\n{block.text}"
        file = copy / block.file
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as stream:
            stream.write(block.text)
    return copy


def environment(copy: Path) -> dict[str, str]:
    """The copy comes first on the path, before the editable install of this tree."""
    # Set here by the tools that measure this run, which is none of the copy's business.
    ours = ("COV_CORE", "COVERAGE", "PYTEST")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHONPATH": str(copy), "COLUMNS": "200"}


def run(copy: Path, *command: str) -> str:
    """Run one of Python's programs in the copy; what it said, once it has succeeded."""
    program = Path(sys.executable).with_name(command[0])
    result = subprocess.run(
        [str(program), *command[1:]], cwd=copy, env=environment(copy), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def run_its_tests(page: Path, copy: Path, *options: str) -> None:
    """The tests that the page shows pass, and so do the checks of style, types and layers for its files."""
    files = [block.file for block in blocks(page, language="python")]
    tests = [file for file in files if file.startswith("tests/")]
    new = [file for file in files if not (ROOT / file).exists()]
    assert tests
    assert " passed" in run(copy, "pytest", "-q", "-p", "no:cacheprovider", *options, *tests)
    run(copy, "ruff", "check", "--no-cache", *new)
    run(copy, "ruff", "format", "--no-cache", "--check", *new)
    run(copy, "mypy", "--cache-dir", str(copy / ".mypy_cache"), *new)
    run(copy, "lint-imports", "--no-cache")
