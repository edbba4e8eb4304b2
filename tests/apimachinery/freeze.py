"""Asks the Go libraries of Kubernetes and keeps their answers: `python -m tests.apimachinery.freeze`. Needs Go."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec

from tests.apimachinery import frozen
from tests.apimachinery.made_up import Author

_ORACLE = Path(__file__).parent / "oracle"
_CASES = 400
_STORIES = 150


def ask(*words: str, questions: list[Any] | None = None) -> list[Any]:
    """One answer for each line that the program prints."""
    asked = b"".join(msgspec.json.encode(question) + b"\n" for question in questions or [])
    result = subprocess.run(["go", "run", ".", *words], cwd=_ORACLE, input=asked, stdout=subprocess.PIPE, check=True)
    return [msgspec.json.decode(line) for line in result.stdout.splitlines()]


def strategic_case(seed: int) -> dict[str, Any]:
    author = Author(seed)
    document = author.document()
    patch = author.strategic_patch(document)
    return {"apiVersion": document["apiVersion"], "kind": document["kind"], "document": document, "patch": patch}


def _answered(cases: list[dict[str, Any]], answers: list[Any]) -> list[Any]:
    return [{"case": case, "answer": answer} for case, answer in zip(cases, answers, strict=True)]


if __name__ == "__main__":
    frozen.write("protobuf", ask("samples", "2", "37"))
    cases = [strategic_case(seed) for seed in range(_CASES)]
    frozen.write("strategic", _answered(cases, ask("strategic", questions=cases)))
    tales = [Author(seed).story() for seed in range(_STORIES)]
    frozen.write("stories", _answered(tales, ask("apply", questions=tales)))
