"""Asks the Go libraries of Kubernetes and keeps their answers: `python -m tests.apimachinery.freeze`. Needs Go."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec

from tests.apimachinery import frozen

_ORACLE = Path(__file__).parent / "oracle"


def ask(*words: str, questions: list[Any] | None = None) -> list[Any]:
    """One answer for each line that the program prints."""
    asked = b"".join(msgspec.json.encode(question) + b"\n" for question in questions or [])
    result = subprocess.run(["go", "run", ".", *words], cwd=_ORACLE, input=asked, stdout=subprocess.PIPE, check=True)
    return [msgspec.json.decode(line) for line in result.stdout.splitlines()]


if __name__ == "__main__":
    frozen.write("protobuf", ask("samples", "2", "37"))
