"""Options that several commands share, so that they look and mean the same everywhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from kuberklone import settings as settings_module
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.screen import Output
from kuberklone.settings import NAMES, Resolved, Settings

Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Where the data is kept. (default: ~/.kuberklone)"),
]
Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Listen here. (default: 127.0.0.1)")]
Port = Annotated[int | None, typer.Option("--port", metavar="PORT", help="Listen here. (default: 8080)")]
Insecure = Annotated[
    bool | None,
    typer.Option("--insecure", help="Let other machines reach it, although it asks nobody who they are."),
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

Labels = Annotated[list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="May be repeated.")]

# The parts of the help.
CLUSTER = "The cluster"
LOOK = "Look"
CHANGE = "Change"
DATA = "The data"


def resolve(flags: Mapping[str, Any], *, assignments: list[str] | None = None, demo: bool = False) -> Resolved:
    """The settings of this command. A flag of its own that was given goes over the same name given to --set."""
    given = {name: value for name, value in flags.items() if value is not None}
    return settings_module.load({**_assigned(assignments or []), **given}, demo=demo)


def settings(home: Path | None, server: str | None = None) -> Settings:
    """For commands that only need to know where things are."""
    return resolve({"home": home, "server": server}).settings


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


def segment(name: str) -> str:
    """A name as one part of a path, whatever a person types."""
    return quote(name, safe="")


def pairs(given: list[str] | None, option: str) -> dict[str, str] | None:
    """`KEY=VALUE` options as a mapping."""
    if not given:
        return None
    found: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise Stop(f"{option} {each}: send KEY=VALUE, such as disk=ssd.", Exit.USAGE)
        found[key] = value
    return found


def taint(given: str) -> dict[str, str]:
    """A taint as kubectl writes it: `key=value:Effect` or `key:Effect`."""
    what, colon, effect = given.rpartition(":")
    key, _, value = what.partition("=")
    if not colon or not key:
        raise Stop(f"--taint {given}: send KEY[=VALUE]:EFFECT, such as gpu=yes:NoSchedule.", Exit.USAGE)
    return {"key": key, "value": value, "effect": effect}


def toleration(given: str) -> dict[str, str]:
    """A toleration as `--toleration` takes it: like a taint; without a value it tolerates every value."""
    what, _, effect = given.rpartition(":") if ":" in given else (given, "", "")
    key, equals, value = what.partition("=")
    if not key:
        raise Stop(f"--toleration {given}: send KEY[=VALUE][:EFFECT], such as gpu=yes:NoSchedule.", Exit.USAGE)
    return {"key": key, "operator": "Equal" if equals else "Exists", "value": value, "effect": effect}


def without_none(**fields: object) -> dict[str, object]:
    """A request's body: only what was given, so that the server's defaults stay the server's."""
    return {name: value for name, value in fields.items() if value is not None}
