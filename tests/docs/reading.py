"""Reads the documents: their headings, their code blocks, their links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: the first word after the fence, the second if there is one, and what is inside."""

    language: str
    file: str
    text: str


def pages() -> list[Path]:
    """Every document that people read."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path, *, language: str | None = None, section: str | None = None) -> list[Block]:
    """The fenced blocks in order; only those of one language, or below one heading of the second level, if given."""
    text = page.read_text()
    if section is not None:
        text = text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    found = [_block(match) for match in _FENCE.finditer(text)]
    return [block for block in found if language in (None, block.language)]


def _block(match: re.Match[str]) -> Block:
    words = (*match["words"].split(), "", "")
    return Block(language=words[0], file=words[1], text=match["text"])


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def headings(page: Path) -> list[str]:
    return [match[1].strip() for match in re.finditer(r"^#+ (.+)$", prose(page), re.MULTILINE)]


def links(page: Path) -> Iterator[tuple[str, str]]:
    """`(path, part)` of every link to a file of ours, as written."""
    for match in _LINK.finditer(prose(page)):
        if "://" not in match[1]:
            path, _, part = match[1].partition("#")
            yield path, part


def anchor(heading: str) -> str:
    """How a link names a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
