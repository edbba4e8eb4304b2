"""Whoever makes an object owns its fields by the short way as by the long one, which is compared with Go."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuberklone.apimachinery import managed_fields, schemas
from kuberklone.apimachinery.managed_fields import Write
from tests.apimachinery.made_up import Author
from tests.apimachinery.test_managed_fields import CONFIG_MAP, POD, by, created, pod

Document = dict[str, Any]


def told(document: Document, write: Write) -> Any:
    return json.loads(managed_fields.record_creation(document, write))


@given(st.integers(0, 10**6), st.sampled_from(["", "status"]))
def test_who_made_an_object_owns_the_same_by_the_short_way(seed: int, subresource: str) -> None:
    document = Author(seed).document()
    schema = schemas.schema_of(document["apiVersion"], document["kind"])
    write = replace(CONFIG_MAP, schema=schema, subresource=subresource)
    assert told(document, write) == managed_fields.record_update(None, document, write)


STRANGE_SPECS: list[Document] = [
    {},
    {"containers": []},
    {"containers": None, "nodeSelector": {}, "hostNetwork": False},
    {"containers": [{"name": "a"}, {"name": "a"}, {"name": 'say "<b>"', "env": [{"value": "x"}]}]},
    {"containers": [{"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]}]},
    {"nodeSelector": {'a"b': "1", "<&>": "2", "": "3"}, "tolerations": [{"key": "a"}], "imagePullSecrets": [{}]},
    {"no such field": {"a": [1]}, "containers": {"a": 1}, "volumes": "text", "affinity": {"nodeAffinity": {}}},
]


@pytest.mark.parametrize("spec", STRANGE_SPECS)
@pytest.mark.parametrize("section", ["spec", "metadata", "status", "else"])
def test_the_short_way_reads_strange_objects_alike(spec: Document, section: str) -> None:
    document = pod(**STRANGE_SPECS[3]) | {section: spec}
    assert told(document, POD) == managed_fields.record_update(None, document, POD)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"apiVersion": "v1", "kind": "Pod"},
        {"metadata": None, "spec": None},
        {"metadata": {"labels": {"app": "web"}}, "spec": [1]},
        pod() | {"metadata": {"managedFields": []}},
        pod(hostNetwork=True) | {"metadata": {"managedFields": [{}], "name": "a", "labels": {}}},
        created(pod(hostNetwork=True, priority=1), by(POD, "bob")),
    ],
)
@pytest.mark.parametrize(
    "write",
    [
        POD,
        replace(POD, ignored=("spec",), now=""),
        replace(POD, schema=schemas.Schema({}), manager='a "b" <c>'),
        replace(POD, manager="", subresource="status"),
    ],
)
def test_the_short_way_knows_when_it_is_none(document: Document, write: Write) -> None:
    assert told(document, write) == managed_fields.record_update(None, document, write)
