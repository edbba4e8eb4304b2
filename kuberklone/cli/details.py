"""Prints one record with all that the API says about it: plain facts first, then a table for each list."""

from collections.abc import Mapping, Sequence

import msgspec
from rich.text import Text

from kuberklone.cli import screen

# Identities are for programs, which read -o json; in a table they take the room of what a person looks for.
_LEFT_OUT = frozenset({"uid", "pod_uid", "revision", "namespace", "labels", "created_at", "first_at"})


def show(raw: bytes) -> None:
    """An object whose shape is the server's business: new fields appear here by themselves."""
    record: dict[str, object] = msgspec.json.decode(raw, type=dict[str, object])
    facts = {name: value for name, value in record.items() if not _is_list_of_records(value)}
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        if value not in (None, [], {}):
            screen.say(Text.assemble((f"{_title(name):<{width}}   ", "bold"), _fact(name, value)))
    for name, value in record.items():
        if _is_list_of_records(value):
            screen.say("")
            screen.say(Text(_title(name), style="bold underline"))
            _table(value)


def _is_list_of_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _table(records: object) -> None:
    assert isinstance(records, list), "a list of records was asked for"
    columns = [name for name in dict.fromkeys(name for record in records for name in record) if name not in _LEFT_OUT]
    rows = [[_fact(name, record.get(name)) for name in columns] for record in records]
    screen.show(screen.table([_title(name).upper() for name in columns], rows))


def _fact(name: str, value: object) -> Text:
    if isinstance(value, int) and "_bytes" in name:
        return screen.cell(screen.memory(value))
    if isinstance(value, int | float) and name.endswith("_seconds") and not isinstance(value, bool):
        return screen.cell(f"{value:.1f} s")
    return screen.cell(_plain(value))


def _plain(value: object) -> object:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_plain(item)}" for name, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(_plain(item)) for item in value)
    return str(value).lower() if isinstance(value, bool) else value


def _title(name: str) -> str:
    return name.replace("_bytes", "").removesuffix("_seconds").replace("_", " ")
