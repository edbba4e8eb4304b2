"""Whatever a document says, a kind fills it in, refuses it or keeps it, and never stumbles."""

import copy
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.document import Document
from kuberklone.errors import Invalid
from kuberklone.kinds import tables
from kuberklone.kinds.catalogue import Served, catalogue
from kuberklone.kinds.preparing import prepared
from tests.kinds import examples

NOW_MS = 1_795_427_700_000
EVERY = [pytest.param(each, id=f"{each.api_version} {each.kind.kind}") for each in catalogue().served]
# What somebody may put in the place of any value.
_STRANGE: list[Any] = [
    *[None, {}, [], "", "x", "a b", "50%", "-1", "1e300", 0, -1, 1, 2**31, 2**62, True, False, 0.5],
    *[[None], [{}], [""], {"a": None}, {"a": "b"}, {"name": "a"}, {"cpu": "-1"}, {"matchLabels": None}],
]
# A copy each time: what was put into a document may be changed in the next step.
STRANGE = st.sampled_from(_STRANGE).map(copy.deepcopy)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside."""
    if isinstance(value, dict):
        inner = [place for key, each in value.items() for place in places(each, (*path, key))]
    elif isinstance(value, list):
        inner = [place for number, each in enumerate(value) for place in places(each, (*path, number))]
    else:
        inner = []
    return [*([path] if path else []), *inner]


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for part in path[:-1]:
        document = document[part]
    document[path[-1]] = value


def members(api_version: str, kind: str) -> list[str]:
    schema = schemas.schema_of(api_version, kind)
    return sorted(set(schema.properties) - {"apiVersion", "kind", "metadata"})


@st.composite
def documents(draw: st.DrawFn, served: Served) -> Document:
    """The example of a kind, filled in or not, with strange values here and there."""
    document = copy.deepcopy(examples.document(served.api_version, served.kind.kind))
    if draw(st.booleans()):
        document = served.shown(prepared(served, document))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from([place for place in places(document) if place[0] not in ("apiVersion", "kind")]))
        if path[:1] == ("metadata",) and len(path) < 3:
            continue
        put(document, path, draw(STRANGE))
    if draw(st.booleans()):
        document[draw(st.sampled_from(members(served.api_version, served.kind.kind)))] = draw(STRANGE)
    return document


def passes(api_version: str, kind: str, document: Document, *, only_types: bool) -> bool:
    """What the API lets through to the kind: first what has the right types, later what fits the schema."""
    problems = schemas.validate(api_version, kind, document)
    return not [problem for problem in problems if not only_types or problem.reason in ("type", "unknown")]


@pytest.mark.parametrize("served", EVERY)
@settings(max_examples=40)
@given(data=st.data())
def test_no_document_makes_a_kind_stumble(served: Served, data: st.DataObject) -> None:
    kind = served.kind
    document = data.draw(documents(served))
    if not passes(served.api_version, kind.kind, document, only_types=True):
        return
    stored = prepared(served, document)
    if not passes(kind.api_version, kind.kind, stored, only_types=False):
        return
    example = prepared(served, examples.document(served.api_version, kind.kind))
    if [*kind.validate(stored, None), *kind.validate(stored, example)]:
        return
    with suppress(Invalid):
        _comes_back(served, kind.read(stored, None))


def _comes_back(served: Served, new: Any) -> None:
    kind = served.kind
    kept = msgspec.structs.replace(new, uid="u", created_ms=NOW_MS)
    shown = msgspec.json.decode(kind.document(kept))
    assert kind.read(prepared(served, served.shown(shown)), kept) == kept
    row = tables.row(served, served.shown(shown), NOW_MS)
    assert len(row["cells"]) == len(kind.columns)


@pytest.mark.parametrize(
    "served",
    [
        pytest.param(each, id=f"{each.api_version} {each.kind.kind}")
        for each in catalogue().served
        if each.kind.read_status is not None
    ],
)
@settings(max_examples=40)
@given(data=st.data())
def test_no_status_makes_a_kind_stumble(served: Served, data: st.DataObject) -> None:
    kind = served.kind
    assert kind.read_status is not None
    new = kind.read(prepared(served, examples.document(served.api_version, kind.kind)), None)
    kept = msgspec.structs.replace(new, uid="u", created_ms=NOW_MS)
    document = served.shown(msgspec.json.decode(kind.document(kept)))
    schema = schemas.schema_of(served.api_version, kind.kind).field("status")
    for name in data.draw(st.lists(st.sampled_from(sorted(schema.properties) or [""]), max_size=3)):
        document.setdefault("status", {})[name] = data.draw(STRANGE)
    if not passes(served.api_version, kind.kind, document, only_types=False):
        return
    stored = prepared(served, document)
    if not passes(kind.api_version, kind.kind, stored, only_types=False):
        return
    with suppress(Invalid):
        after = kind.read_status(stored, kept)
        shown = served.shown(msgspec.json.decode(kind.document(after)))
        assert len(tables.row(served, shown, NOW_MS)["cells"]) == len(kind.columns)
