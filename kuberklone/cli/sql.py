"""`kuberklone sql`: one question to the database, which itself refuses everything that would change something."""

import csv
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from kuberklone.cli import screen
from kuberklone.cli.exits import Exit, Stop
from kuberklone.settings import Settings
from kuberklone.store import query

# Postgres computes rounded sums as decimals; JSON knows one kind of number.
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def run(settings: Settings, question: str, *, as_json: bool, as_csv: bool) -> None:
    """Ask, and print the answer as a table, as JSON objects or as CSV with a heading."""
    if as_json and as_csv:
        raise Stop("--json and --csv are both given; leave one out.", Exit.USAGE)
    asked = sys.stdin.read() if question == "-" else question
    columns, rows = query.run(settings.database_url, asked, timeout_s=settings.sql_timeout_s)
    if as_json:
        screen.say_json(_ENCODER.encode([dict(zip(columns, row, strict=True)) for row in rows]))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    elif columns:
        screen.show(screen.table(columns, rows, right=_numbers(columns, rows)))
        if not rows:
            screen.say("(no rows)")


def _numbers(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """The columns that hold only numbers: they are compared by their last digits, so they are aligned there."""
    return [
        column
        for at, column in enumerate(columns)
        if rows and all(isinstance(row[at], int | float) or row[at] is None for row in rows)
    ]
