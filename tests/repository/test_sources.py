"""Sizes and names of the source files: what makes a module easy to find and to read in one sitting."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository import sources

_LINES_PER_MODULE = 400
_LINES_PER_FUNCTION = 70
_METHODS_PER_CLASS = 15
# Names that say nothing about what is inside; code collects in them for no reason.
_EMPTY_NAMES = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "base",
    "misc",
    "manager",
    "service",
    "handler",
    "core",
    "lib",
}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _written() -> Iterator[Path]:
    """Modules that people write; a migration is a frozen list of statements, drafted by Alembic."""
    return (module for module in sources.modules() if module.parent.name != "versions")


def _functions() -> Iterator[tuple[str, _Function]]:
    for module in _written():
        for node in ast.walk(sources.tree(module)):
            if isinstance(node, _Function):
                yield f"{module}:{node.lineno} {node.name}", node


def _lines_of_code(function: _Function) -> int:
    """The function's length without its texts (docstring, SQL), which may be as long as they need."""
    texts = sum(
        (node.end_lineno or 0) - node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    )
    return (function.end_lineno or 0) - function.lineno - texts


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(module) for module in sources.modules() if not ast.get_docstring(sources.tree(module))]
    assert silent == []


def test_that_sentence_is_the_first_line() -> None:
    late = [str(module) for module in sources.modules() if not sources.text(module).startswith(('"""', 'r"""', "#!"))]
    assert late == []


def test_no_module_is_too_long_to_read_in_one_sitting() -> None:
    long = {
        str(module): lines for module in _written() if (lines := sources.text(module).count("\n")) > _LINES_PER_MODULE
    }
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {place: lines for place, node in _functions() if (lines := _lines_of_code(node)) > _LINES_PER_FUNCTION}
    assert long == {}


def test_no_class_of_the_program_does_too_many_things() -> None:
    # The tests' own classes are left out: one that plays a whole cluster has a method for each thing a test can say.
    crowded = {
        f"{module}:{node.lineno} {node.name}": count
        for module in sources.modules(*sources.PROGRAM)
        for node in ast.walk(sources.tree(module))
        if isinstance(node, ast.ClassDef)
        and (count := sum(isinstance(child, _Function) for child in node.body)) > _METHODS_PER_CLASS
    }
    assert crowded == {}


def test_every_module_has_a_name_that_says_something() -> None:
    empty = [
        str(module)
        for module in sources.modules()
        if _EMPTY_NAMES & {part.strip("_") for part in (*module.parts[:-1], module.stem)}
    ]
    assert empty == []


@pytest.mark.parametrize("folder", ["kuberklone", "controllers"])
def test_the_program_has_no_leftover_marks(folder: str) -> None:
    marked = [
        f"{module}:{number}"
        for module in sources.modules(folder)
        for number, line in enumerate(sources.text(module).splitlines(), start=1)
        if any(mark in line for mark in ("TODO", "FIXME", "XXX", "HACK"))
    ]
    assert marked == []
