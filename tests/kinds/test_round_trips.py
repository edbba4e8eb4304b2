"""What a person wrote comes back, with defaults; and writing the same again is no change."""

import copy
from typing import Any

import msgspec
import pytest

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.document import Document
from kuberklone.kinds import tables
from kuberklone.kinds.catalogue import Served, catalogue
from kuberklone.kinds.preparing import prepared
from tests.kinds import examples

NOW_MS = 1_795_427_700_000
EVERY = [pytest.param(each, id=f"{each.api_version} {each.kind.kind}") for each in catalogue().served]


def record(served: Served, document: Document) -> Any:
    """The record of a document, as the store would have written it."""
    read = served.kind.read(prepared(served, document), None)
    return msgspec.structs.replace(read, uid="u", revision=7, created_ms=NOW_MS - 60_000)


def shown(served: Served, kept: Any) -> Document:
    return served.shown(msgspec.json.decode(served.kind.document(kept)))


def holds(whole: Any, part: Any) -> bool:
    """Whether everything of `part` is in `whole`, where objects may have more members and lists may go on."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and holds(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) >= len(part) and all(map(holds, whole, part))
    return bool(whole == part)


@pytest.mark.parametrize("served", EVERY)
def test_a_document_comes_back_with_all_that_was_written(served: Served) -> None:
    document = examples.document(served.api_version, served.kind.kind)
    found = shown(served, record(served, document))
    written = {key: value for key, value in document.items() if key != "stringData"}
    assert holds(found, written)
    assert found["metadata"]["uid"] == "u"


@pytest.mark.parametrize("served", EVERY)
def test_what_comes_back_fits_the_schema_and_all_rules(served: Served) -> None:
    found = shown(served, record(served, examples.document(served.api_version, served.kind.kind)))
    assert list(schemas.validate(served.api_version, served.kind.kind, found)) == []
    stored = prepared(served, found)
    assert list(served.kind.validate(stored, None)) == []
    assert list(served.kind.validate(stored, stored)) == []


@pytest.mark.parametrize("served", EVERY)
def test_reading_what_was_shown_changes_nothing(served: Served) -> None:
    kept = record(served, examples.document(served.api_version, served.kind.kind))
    assert served.kind.read(prepared(served, shown(served, kept)), kept) == kept
    if served.kind.read_status is not None:
        assert served.kind.read_status(prepared(served, shown(served, kept)), kept) == kept


@pytest.mark.parametrize("served", EVERY)
def test_defaults_are_filled_in_once(served: Served) -> None:
    once = prepared(served, examples.document(served.api_version, served.kind.kind))
    twice = copy.deepcopy(once)
    served.kind.default(twice)
    assert twice == once


@pytest.mark.parametrize("served", EVERY)
def test_preparing_leaves_the_given_document_alone(served: Served) -> None:
    document = examples.document(served.api_version, served.kind.kind)
    before = copy.deepcopy(document)
    prepared(served, document)
    assert document == before


@pytest.mark.parametrize("served", EVERY)
def test_every_kind_has_a_row_of_cells_of_their_types(served: Served) -> None:
    found = shown(served, record(served, examples.document(served.api_version, served.kind.kind)))
    row = tables.row(served, found, NOW_MS)
    assert row["object"]["metadata"] == found["metadata"]
    types: dict[str, Any] = {"string": str, "date": str, "integer": int, "boolean": (bool, str)}
    for cell, column in zip(row["cells"], served.kind.columns, strict=True):
        assert isinstance(cell, types[column.type]), column.name
        if column.name == "Age":
            assert cell == "60s"


@pytest.mark.parametrize("served", EVERY)
def test_a_status_is_the_owners_and_not_the_writers(served: Served) -> None:
    if not served.kind.resets_status or served.kind.kind == "Node":
        return
    document = examples.document(served.api_version, served.kind.kind)
    plain = record(served, document)
    kind = served.kind
    assert record(served, {**document, "status": {"observedGeneration": 9}}) == plain
    assert kind.read(prepared(served, {**document, "status": {"observedGeneration": 9}}), plain) == plain


@pytest.mark.parametrize("served", EVERY)
def test_generation_counts_changes_of_what_is_wanted(served: Served) -> None:
    kept = record(served, examples.document(served.api_version, served.kind.kind))
    document = shown(served, kept)
    labelled = {**document, "metadata": {**document["metadata"], "labels": {"tier": "back"}}}
    after = served.kind.read(prepared(served, labelled), kept)
    assert after.generation == kept.generation
    assert msgspec.json.decode(after.labels)["tier"] == "back"
    if kept.generation and "spec" in document:
        changed = copy.deepcopy(prepared(served, document))
        changed["spec"]["somethingElse"] = 1
        assert served.kind.read(changed, kept).generation == kept.generation + 1
