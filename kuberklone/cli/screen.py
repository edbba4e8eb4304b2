"""What a person sees: sentences, tables and JSON on standard output, complaints on standard error."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum

import msgspec
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

# Without a terminal nobody has a width; rich would cut tables at 80 columns, and `grep` needs whole lines.
_WIDTH_WITHOUT_TERMINAL = 400

# Colours only repeat what the word says, so that nothing is lost without them.
_STYLES = {
    "Ready": "green",
    "Running": "green",
    "Succeeded": "green",
    "NotReady": "red",
    "Failed": "red",
    "Pending": "yellow",
    "Restarting": "yellow",
    "Terminating": "yellow",
    "Warning": "yellow",
}


class Output(StrEnum):
    """How a command prints what it found."""

    TABLE = "table"
    JSON = "json"


def console() -> Console:
    """The console for what stdout is now; made when needed, so that nothing is decided at import time."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL, highlight=False, soft_wrap=True)


def say(*parts: str | Text) -> None:
    """Print a line. A terminal that is gone must not end what we do."""
    with suppress(OSError):
        console().print(*parts, markup=False)


def complain(sentence: str) -> None:
    with suppress(OSError):
        errors = Console(stderr=True, highlight=False, soft_wrap=True)
        errors.print(Text.assemble(("error: ", "bold red"), sentence))


def write(raw: bytes) -> bool:
    """Pass on what a program wrote, byte for byte; false once nobody reads it any more (`| head`)."""
    try:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
    except OSError:
        return False
    return True


def say_json(raw: bytes) -> None:
    """Indented, and byte for byte what the server said otherwise: a script sees fields this program does not know."""
    say(msgspec.json.format(raw, indent=2).decode())


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """Plain columns, as every tool of this kind prints them: easy to read, easy to cut."""
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    return made


def show(made: RenderableType) -> None:
    with suppress(OSError):
        console().print(made)


def cell(value: object) -> Text:
    text = "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return Text(text, style=_STYLES.get(text, ""))


def memory(size_bytes: int) -> str:
    """`8 GiB`: binary units, as the kernel and Kubernetes count."""
    amount = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.4g} {unit}"
        amount /= 1024
    return f"{amount:.4g} TiB"


def age(seconds: float | None) -> str:
    """`95s`, `12m`, `5h`, `3d`: the largest unit of which there are at least two."""
    if seconds is None:
        return "-"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"
