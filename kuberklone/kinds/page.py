"""Writes the table of kinds into `docs/kubernetes.md`: `python -m kuberklone.kinds.page`. A test compares them."""

from pathlib import Path
from typing import Any

from kuberklone.kinds.catalogue import Catalogue, catalogue
from kuberklone.kinds.kind import Kind

BEGIN = "<!-- Written by `python -m kuberklone.kinds.page`; a test compares. -->\n"
END = "<!-- The end of what is written. -->\n"

_HEAD = """\
| kind | resource | short | versions | parts | what acts on it |
|---|---|---|---|---|---|
"""
_PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"


def table(kinds: Catalogue) -> str:
    """One line for each kind, in the order of their groups."""
    listed = sorted(kinds.kinds, key=lambda kind: (kind.group, kind.kind))
    return _HEAD + "".join(_line(kind) for kind in listed)


def _line(kind: Kind[Any]) -> str:
    versions = ", ".join([kind.api_version, *(version.api_version for version in kind.versions)])
    parts = ", ".join(f"`{part.name}`" for part in kind.subresources)
    short = ", ".join(f"`{name}`" for name in kind.short_names)
    scope = "" if kind.namespaced else " (cluster-wide)"
    return f"| {kind.kind}{scope} | `{kind.resource}` | {short} | {versions} | {parts} | {kind.acts} |\n"


def rewritten(text: str, kinds: Catalogue) -> str:
    """The page with the table as it has to be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(kinds)}\n{END}{after}"


if __name__ == "__main__":
    _PAGE.write_text(rewritten(_PAGE.read_text(), catalogue()))
