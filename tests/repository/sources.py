"""The project's own files, as the tests about the repository see them."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = ("kuberklone", "controllers", "migrations")
FOLDERS = (*PROGRAM, "tests", "benchmarks", "examples", "images", ".ci")


@cache
def modules(*folders: str) -> tuple[Path, ...]:
    """Every Python file below the folders, named from the root."""
    return tuple(
        sorted(path.relative_to(ROOT) for folder in folders or FOLDERS for path in (ROOT / folder).rglob("*.py"))
    )


@cache
def text(module: Path) -> str:
    return (ROOT / module).read_text()


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(text(module), filename=str(module))
