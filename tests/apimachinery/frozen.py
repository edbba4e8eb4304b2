"""Answers of the Go libraries of Kubernetes, kept in files: one JSON object a line, compressed.

`python -m tests.apimachinery.freeze` writes them anew, with Go.
"""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent / "frozen"


def read(name: str) -> list[Any]:
    """The lines of one file."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz") as file:
        return [msgspec.json.decode(line) for line in file]


def write(name: str, lines: Iterable[Any]) -> None:
    FOLDER.mkdir(exist_ok=True)
    text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    # Without the time of day, so that equal answers make equal files.
    (FOLDER / f"{name}.jsonl.gz").write_bytes(gzip.compress(text, mtime=0))
