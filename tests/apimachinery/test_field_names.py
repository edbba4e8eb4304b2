"""Managers, fields and items are called what people and Go call them."""

from typing import Any

import pytest

from kuberklone.apimachinery import managed_fields, schemas
from kuberklone.apimachinery.managed_fields import elements
from kuberklone.errors import Invalid


@pytest.mark.parametrize(
    ("field_manager", "user_agent", "name"),
    [
        ("helm", "kubectl/v1.32.0 (linux)", "helm"),
        (None, "kubectl/v1.32.0 (linux)", "kubectl"),
        ("", "curl", "curl"),
        (None, None, "unknown"),
        (None, "/x", "unknown"),
        (None, "a\x07b" + "c" * 200, "ab" + "c" * 126),
    ],
)
def test_a_manager_is_named_by_itself_or_by_its_program(
    field_manager: str | None, user_agent: str | None, name: str
) -> None:
    assert managed_fields.manager_of(field_manager, user_agent) == name


@pytest.mark.parametrize("name", ["x" * 129, "a\nb"])
def test_a_name_that_cannot_be_shown_is_invalid(name: str) -> None:
    with pytest.raises(Invalid, match="fieldManager"):
        managed_fields.manager_of(name, None)


@pytest.mark.parametrize(
    ("path", "spelled"),
    [
        (
            ("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', "f:name"),
            '.spec[containerPort=80,protocol="TCP"].name',
        ),
        (("f:metadata", "f:finalizers", 'v:"a/b"'), '.metadata.finalizers[="a/b"]'),
        (("f:metadata", "f:labels", "f:a.b/c:d"), ".metadata.labels.a.b/c:d"),
        (("f:x", "i:3"), ".x[3]"),
    ],
)
def test_a_path_is_spelled_as_people_know_it(path: tuple[str, ...], spelled: str) -> None:
    assert elements.spelled(path) == spelled


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"containerPort": 80}, 'k:{"containerPort":80,"protocol":"TCP"}'),
        ({}, 'k:{"containerPort":0,"protocol":"TCP"}'),
        ("x", 'v:"x"'),
    ],
)
def test_an_item_without_a_key_has_what_go_reads(item: Any, name: str) -> None:
    ports = schemas.schema_of("v1", "Pod").field("spec").field("containers").items.field("ports")
    assert elements.item(item, ports) == name
