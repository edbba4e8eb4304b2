"""`kuberklone settings`: every setting with its value, its unit and where the value comes from."""

import ast
import inspect
import os
from collections.abc import Mapping
from textwrap import dedent

import msgspec
from rich.text import Text

from kuberklone import settings as settings_module
from kuberklone.cli import screen
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.screen import Output
from kuberklone.settings import NAMES, Resolved, Settings, unit


def show(resolved: Resolved, *, names: list[str], explain: bool, output: Output) -> None:
    """Print the named settings, or all."""
    for name in names:
        if name not in NAMES:
            raise Stop(f"there is no setting {name!r}; kuberklone settings lists them.", Exit.USAGE)
    wanted = names or list(NAMES)
    if output is Output.JSON:
        screen.say_json(msgspec.json.encode([_as_json(resolved, name) for name in wanted]))
    elif explain:
        _explain(resolved, wanted)
    else:
        rows = [(name, shown_value(resolved, name), unit(name), resolved.origins[name]) for name in wanted]
        screen.show(screen.table(("SETTING", "VALUE", "UNIT", "FROM"), rows))
    for variable in settings_module.unknown_variables(os.environ):
        screen.complain(f"{variable} is set in the environment and is no setting.")


def documentation() -> Mapping[str, str]:
    """What stands under each field of Settings, on one line."""
    (tree,) = ast.parse(dedent(inspect.getsource(Settings))).body
    assert isinstance(tree, ast.ClassDef), "Settings is a class"
    found: dict[str, str] = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(below.value.value).split())
    return found


def _explain(resolved: Resolved, names: list[str]) -> None:
    texts = documentation()
    for name in names:
        value = f"{shown_value(resolved, name)} {unit(name)}".strip()
        screen.say(Text.assemble((name, "bold"), f" = {value}  ({resolved.origins[name]})"))
        screen.say(f"  {texts[name]}\n")


def shown_value(resolved: Resolved, name: str) -> str:
    if name == "database_url":
        return resolved.settings.database_shown
    value = getattr(resolved.settings, name)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _as_json(resolved: Resolved, name: str) -> dict[str, object]:
    value = shown_value(resolved, name) if name in {"home", "database_url"} else getattr(resolved.settings, name)
    return {"name": name, "value": value, "unit": unit(name), "from": resolved.origins[name]}
