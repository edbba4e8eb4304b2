"""Writes the reference pages that follow from the program: `python -m kuberklone.cli.pages`. A test compares them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, cast

import typer.main

from kuberklone.cli import settings_table
from kuberklone.cli.app import app
from kuberklone.cli.exits import Exit
from kuberklone.settings import DEMO, NAMES, resolve, unit

_WRITTEN = "<!-- Written by `python -m kuberklone.cli.pages`; a test compares. -->\n"

_SETTINGS = """\
# Settings

{written}
Each value is looked for on the command line (`--set NAME=VALUE`; the most used have flags of their own), then in the
environment, then in `kuberklone.toml` in the current directory, else in `home`, then among the times of `--demo`. It is
read once, when a command starts. `kuberklone settings` lists every value with its unit and where it came from.

```toml
# kuberklone.toml
port = 8081
node_grace_s = 20
```

An unknown name, a wrong type, a number that is not above zero, or settings that contradict each other end a command
with a sentence and exit code 2, before anything is started.
"""

_COMMANDS = """\
# Commands

{written}
Every command takes `--help`, which shows its options; those that print a table take `-o json`, whose output is what the
API said. Commands find the API by the `up` that runs on `--home`; `--server` names another.

| exit code | means |
|---|---|
{codes}
"""

_CODES = {
    Exit.OK: "done",
    Exit.FAILED: "refused, failed, or not found; the sentence on standard error says why",
    Exit.USAGE: "the command line or a setting cannot be used, or the port is taken",
    Exit.ALREADY_RUNNING: "another `up` runs on the same data",
    Exit.NO_SERVER: "nothing answers at the server's address",
}


class _Command(Protocol):
    """What is read of a command; Typer keeps the classes to itself."""

    name: str | None
    help: str | None
    epilog: str | None


def all_pages() -> Mapping[str, str]:
    """Each page by its name in docs/."""
    return {"settings.md": _settings_page(), "commands.md": _commands_page()}


def commands() -> Iterator[tuple[str, _Command]]:
    """Every command with all its words, groups before what is in them."""
    yield from _below("", typer.main.get_command(app))


def _below(words: str, group: object) -> Iterator[tuple[str, _Command]]:
    inner: Mapping[str, object] = getattr(group, "commands", {})
    for name, command in inner.items():
        yield f"{words}{name}", cast(_Command, command)
        yield from _below(f"{words}{name} ", command)


def _settings_page() -> str:
    texts = settings_table.documentation()
    defaults = resolve({}, {})
    parts = [_SETTINGS.format(written=_WRITTEN)]
    for name in NAMES:
        value = settings_table.shown_value(defaults, name)
        # These two are places on the machine that writes the page.
        value = {"home": "~/.kuberklone", "database_url": ""}.get(name, value)
        default = f"`{value}` {unit(name)}".strip() if value else "empty"
        demo = f"; with `--demo` `{DEMO[name]:g}` {unit(name)}" if name in DEMO else ""
        parts.append(
            f"## {name}\n\n{texts[name]}\n\nDefault: {default}{demo}. Variable: `KUBERKLONE_{name.upper()}`.\n"
        )
    return "\n".join(parts)


def _commands_page() -> str:
    codes = "\n".join(f"| {code.value} | {meaning} |" for code, meaning in _CODES.items())
    parts = [_COMMANDS.format(written=_WRITTEN, codes=codes)]
    for words, command in commands():
        lines = (command.epilog or "").splitlines()[1:]
        shown = "\n".join(line.strip() for line in lines)
        examples = f"\n```\n{shown}\n```\n" if shown else ""
        parts.append(f"## {words}\n\n{' '.join((command.help or '').split())}\n{examples}")
    return "\n".join(parts)


if __name__ == "__main__":
    for name, page in all_pages().items():
        (Path("docs") / name).write_text(page)
