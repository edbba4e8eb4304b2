"""Options that several commands share, so that they look and mean the same everywhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from kuberklone import settings as settings_module
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.screen import Output
from kuberklone.errors import SettingsError
from kuberklone.settings import NAMES, Resolved, Settings

Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Where the data is kept. (default: ~/.kuberklone)"),
]
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Talk to this address. (default: what runs on --home)"),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting by its name; `kuberklone settings` lists them."),
]
Demo = Annotated[
    bool, typer.Option("--demo", help="Times that suit a classroom: failed nodes are emptied within seconds.")
]
OutputAs = Annotated[Output, typer.Option("--output", "-o", help="For people or for programs.")]


def resolve(flags: Mapping[str, Any], *, assignments: list[str] | None = None, demo: bool = False) -> Resolved:
    """The settings of this command; a problem with one is a problem with the command line."""
    try:
        return settings_module.load({**_assigned(assignments or []), **flags}, demo=demo)
    except SettingsError as error:
        raise Stop(str(error), Exit.USAGE) from error


def settings(home: Path | None) -> Settings:
    """For commands that only need to know where things are."""
    return resolve({"home": home}).settings


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\n".join(["[bold]Examples[/bold]", *(f"  {line}" for line in lines)])


def _assigned(assignments: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or name not in NAMES:
            raise Stop(f"--set {assignment}: send NAME=VALUE with a name from kuberklone settings.", Exit.USAGE)
        given[name] = value
    return given
