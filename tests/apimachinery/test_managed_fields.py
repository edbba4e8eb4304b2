"""Who owns which field after a write, and what server-side apply makes of an object."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuberklone.apimachinery import managed_fields, schemas
from kuberklone.apimachinery.managed_fields import Write, merging, sets
from kuberklone.errors import ApplyConflict, Cause, Malformed
from tests.apimachinery import frozen, stories
from tests.apimachinery.made_up import Author

FROZEN = frozen.read("stories")
Document = dict[str, Any]
LATER = "2026-01-01T00:01:00Z"
CONFIG_MAP = Write(
    manager="ann", api_version="v1", now="2026-01-01T00:00:00Z", schema=schemas.schema_of("v1", "ConfigMap")
)
POD = replace(CONFIG_MAP, schema=schemas.schema_of("v1", "Pod"))


def config_map(**data: str) -> Document:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}


def pod(**spec: Any) -> Document:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}


def by(write: Write, manager: str, **others: Any) -> Write:
    return replace(write, manager=manager, now=LATER, **others)


def created(document: Document, write: Write) -> Document:
    return updated(None, document, write)


def updated(old: Document | None, new: Document, write: Write) -> Document:
    entries = managed_fields.record_update(old, new, write)
    return new | {"metadata": new["metadata"] | {"managedFields": entries}}


def owners(document: Document) -> dict[tuple[str, str], Document]:
    """The fields by manager and operation."""
    entries = document["metadata"]["managedFields"]
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in entries}


def times(document: Document) -> dict[str, str]:
    return {entry["manager"]: entry["time"] for entry in document["metadata"]["managedFields"]}


# --------------------------------------------------------------------------------------------------- against Go


@pytest.mark.parametrize("number", range(len(FROZEN)))
def test_a_made_up_story_ends_as_it_ends_in_go(number: int) -> None:
    told = stories.tell(FROZEN[number]["case"])
    for ours, theirs in zip(told, FROZEN[number]["answer"], strict=True):
        expected = stories.answered(theirs)
        if "conflicts" in expected:
            assert sorted(ours["conflicts"]) == sorted(expected["conflicts"])
            assert sorted(ours["message"].splitlines()) == sorted(expected["message"].splitlines())
        elif "error" in expected:
            assert set(ours) == {"error"}
        else:
            assert stories.plain(ours) == stories.plain(expected)


# ------------------------------------------------------------------------------------------------------ updates


def test_whoever_creates_an_object_owns_what_it_says() -> None:
    (entry,) = created(config_map(x="1"), CONFIG_MAP)["metadata"]["managedFields"]
    assert entry == {
        "manager": "ann",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {".": {}, "f:x": {}}},
    }


def test_whoever_changes_a_field_takes_it() -> None:
    live = created(config_map(x="1", y="1"), CONFIG_MAP)
    live = updated(live, config_map(x="1", y="2"), by(CONFIG_MAP, "bob"))
    assert owners(live) == {
        ("ann", "Update"): {"f:data": {".": {}, "f:x": {}}},
        ("bob", "Update"): {"f:data": {"f:y": {}}},
    }


def test_an_update_that_changes_nothing_leaves_everything_as_it_was() -> None:
    live = created(config_map(x="1"), CONFIG_MAP)
    assert updated(live, config_map(x="1"), by(CONFIG_MAP, "bob")) == live


def test_only_the_time_of_whoever_changed_something_moves() -> None:
    live = created(config_map(x="1", y="1"), CONFIG_MAP)
    live = updated(live, config_map(x="1", y="2"), by(CONFIG_MAP, "bob"))
    assert times(live) == {"ann": CONFIG_MAP.now, "bob": LATER}


def test_a_field_that_is_gone_is_nobodys() -> None:
    live = created(config_map(x="1", y="1"), CONFIG_MAP)
    live = updated(live, config_map(x="1"), by(CONFIG_MAP, "bob"))
    assert owners(live) == {("ann", "Update"): {"f:data": {".": {}, "f:x": {}}}}


def test_a_manager_who_owns_nothing_any_more_is_gone() -> None:
    live = created(config_map(), by(CONFIG_MAP, "ann"))
    live = updated(live, config_map(x="1"), by(CONFIG_MAP, "bob"))
    live = updated(live, config_map(x="2"), by(CONFIG_MAP, "carl"))
    assert ("bob", "Update") not in owners(live)


def test_an_object_whose_writers_were_never_recorded_stays_so() -> None:
    assert managed_fields.record_update(config_map(x="1"), config_map(x="2"), CONFIG_MAP) == []


@pytest.mark.parametrize("reset", [[], [{}]], ids=["no entry", "an empty entry"])
def test_a_client_can_have_the_managers_forgotten(reset: list[Any]) -> None:
    live = created(config_map(x="1"), CONFIG_MAP)
    new = config_map(x="2")
    new["metadata"]["managedFields"] = reset
    assert managed_fields.record_update(live, new, CONFIG_MAP) == []


def test_a_client_can_move_ownership() -> None:
    live = created(config_map(x="1"), CONFIG_MAP)
    new = copy.deepcopy(live)
    new["metadata"]["managedFields"][0] |= {"manager": "helm", "operation": "Apply"}
    assert list(owners(updated(live, new, CONFIG_MAP))) == [("helm", "Apply")]


@pytest.mark.parametrize(
    "entry",
    [
        {"manager": "x", "operation": "Spam", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}},
        {"manager": "x", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {}},
        {"manager": "x", "operation": "Update", "apiVersion": "v1"},
        "x",
    ],
    ids=["operation", "version", "type", "no object"],
)
def test_entries_that_cannot_be_read_leave_those_that_are_stored(entry: Any) -> None:
    live = created(config_map(x="1"), CONFIG_MAP)
    new = config_map(x="1")
    new["metadata"]["managedFields"] = [entry]
    assert owners(updated(live, new, CONFIG_MAP)) == owners(live)


def test_a_subresource_is_a_manager_of_its_own() -> None:
    live = created(pod(priority=1) | {"status": {}}, POD)
    new = live | {"status": {"phase": "Running"}}
    live = updated(live, new, by(POD, "ann", subresource="status"))
    entries = live["metadata"]["managedFields"]
    assert [(entry.get("subresource"), entry["fieldsV1"]) for entry in entries] == [
        (None, {"f:spec": {"f:priority": {}}}),
        ("status", {"f:status": {"f:phase": {}}}),
    ]


def test_a_main_write_says_nothing_about_the_status() -> None:
    live = created(pod(priority=1) | {"status": {"phase": "Pending"}}, POD)
    assert owners(live) == {("ann", "Update"): {"f:spec": {"f:priority": {}}}}


def test_of_many_updaters_the_oldest_become_one() -> None:
    live = created(config_map(), CONFIG_MAP)
    for number in range(14):
        data = {f"k{each}": "1" for each in range(number + 1)}
        now = f"2026-01-01T00:00:{number:02}Z"
        live = updated(live, config_map(**data), replace(CONFIG_MAP, manager=f"m{number}", now=now))
    managers = [manager for manager, _ in owners(live)]
    assert len(managers) == 10
    assert managers[0] == "ancient-changes"
    assert set(owners(live)["ancient-changes", "Update"]["f:data"]) >= {"f:k0", "f:k1", "f:k2", "f:k3"}


@given(st.integers(0, 10**6))
def test_an_update_changes_neither_document(seed: int) -> None:
    author = Author(seed)
    old = author.document()
    new = author.like(old)
    write = replace(CONFIG_MAP, schema=schemas.schema_of(old["apiVersion"], old["kind"]))
    old = created(old, write)
    before = copy.deepcopy((old, new))
    managed_fields.record_update(old, new, by(write, "bob"))
    assert (old, new) == before


# -------------------------------------------------------------------------------------------------------- apply


def test_an_apply_creates_what_is_not_there() -> None:
    live = managed_fields.apply(None, config_map(x="1"), CONFIG_MAP)
    assert live["data"] == {"x": "1"}
    assert owners(live) == {("ann", "Apply"): {"f:data": {"f:x": {}}}}


def test_what_an_applier_no_longer_applies_is_removed() -> None:
    live = managed_fields.apply(None, config_map(x="1", y="1"), CONFIG_MAP)
    live = managed_fields.apply(live, config_map(y="1"), by(CONFIG_MAP, "ann"))
    assert live["data"] == {"y": "1"}


def test_what_another_applier_also_applies_stays() -> None:
    live = managed_fields.apply(None, config_map(x="1", y="1"), CONFIG_MAP)
    live = managed_fields.apply(live, config_map(x="1"), by(CONFIG_MAP, "bob"))
    live = managed_fields.apply(live, config_map(y="1"), by(CONFIG_MAP, "ann"))
    assert live["data"] == {"x": "1", "y": "1"}


def test_what_was_never_applied_stays() -> None:
    live = created(config_map(x="1"), CONFIG_MAP)
    live = managed_fields.apply(live, config_map(y="1"), by(CONFIG_MAP, "bob"))
    assert live["data"] == {"x": "1", "y": "1"}


def test_an_apply_that_changes_nothing_leaves_everything_as_it_was() -> None:
    live = managed_fields.apply(None, config_map(x="1"), CONFIG_MAP)
    assert managed_fields.apply(live, config_map(x="1"), by(CONFIG_MAP, "ann")) == live


def test_a_field_of_another_manager_is_a_conflict_with_its_cause() -> None:
    live = created(pod(priority=1, containers=[{"name": "c", "image": "i"}]), POD)
    wanted = pod(containers=[{"name": "c", "image": "j"}])
    with pytest.raises(ApplyConflict) as caught:
        managed_fields.apply(live, wanted, by(POD, "bob"))
    field = '.spec.containers[name="c"].image'
    assert str(caught.value) == f'Apply failed with 1 conflict: conflict with "ann" using v1: {field}'
    assert caught.value.causes == (Cause(field, "FieldManagerConflict", 'conflict with "ann" using v1'),)


def test_a_conflict_can_be_forced() -> None:
    live = created(config_map(x="1"), CONFIG_MAP)
    live = managed_fields.apply(live, config_map(x="2"), by(CONFIG_MAP, "bob"), force=True)
    assert live["data"] == {"x": "2"}
    assert owners(live)["bob", "Apply"] == {"f:data": {"f:x": {}}}
    assert owners(live)["ann", "Update"] == {"f:data": {}}


def test_equal_values_are_shared_without_a_conflict() -> None:
    live = created(config_map(x="1"), CONFIG_MAP)
    live = managed_fields.apply(live, config_map(x="1"), by(CONFIG_MAP, "bob"))
    assert len(owners(live)) == 2


def test_what_was_there_before_anybody_was_recorded_is_in_the_way() -> None:
    with pytest.raises(ApplyConflict, match="before-first-apply"):
        managed_fields.apply(config_map(x="1"), config_map(x="2"), CONFIG_MAP)


def test_null_takes_a_field_away() -> None:
    live = created(pod(priority=1, nodeName="n"), POD)
    live = managed_fields.apply(live, pod(priority=None), by(POD, "bob"), force=True)
    assert live["spec"] == {"nodeName": "n"}


def test_an_object_that_becomes_empty_is_gone() -> None:
    live = managed_fields.apply(None, pod(securityContext={"runAsUser": 1}), POD)
    live = managed_fields.apply(live, pod(), by(POD, "ann"))
    assert live.get("spec") in (None, {})


def test_an_applied_document_may_not_bring_managers() -> None:
    wanted = created(config_map(), CONFIG_MAP)
    with pytest.raises(Malformed, match="managedFields must be nil"):
        managed_fields.apply(None, wanted, CONFIG_MAP)


def test_an_applied_list_may_not_name_an_item_twice() -> None:
    wanted = pod(containers=[{"name": "c"}, {"name": "c"}])
    for live in (None, pod(containers=[{"name": "d"}])):
        with pytest.raises(Malformed, match=r'two items \[name="c"\]'):
            managed_fields.apply(live, wanted, POD)


def test_kubectl_takes_over_what_it_applied_from_the_client() -> None:
    text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"}}'
    document = config_map(x="1", y="1")
    document["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": text}
    live = created(document, by(CONFIG_MAP, "kubectl-client-side-apply"))
    with pytest.raises(ApplyConflict):
        managed_fields.apply(live, config_map(x="2"), by(CONFIG_MAP, "bob"))
    with pytest.raises(ApplyConflict, match=r"1 conflict.*\.data\.y"):
        managed_fields.apply(live, config_map(x="2", y="2"), by(CONFIG_MAP, "kubectl"))
    live = managed_fields.apply(live, config_map(x="2"), by(CONFIG_MAP, "kubectl"))
    assert live["data"] == {"x": "2", "y": "1"}
    annotation = live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
    assert '"data":{"x":"2"}' in annotation


@pytest.mark.parametrize("text", ["{", '"x"', '{"apiVersion":"v9","data":{"x":"1"}}'])
def test_an_annotation_that_says_nothing_gives_kubectl_no_right(text: str) -> None:
    document = config_map(x="1")
    document["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": text}
    live = created(document, by(CONFIG_MAP, "kubectl-client-side-apply"))
    with pytest.raises(ApplyConflict):
        managed_fields.apply(live, config_map(x="2"), by(CONFIG_MAP, "kubectl"))


def test_an_object_whose_fields_are_of_other_types_than_they_should_be_can_still_be_written() -> None:
    strange = pod(containers="x", securityContext=[], nodeSelector="y", hostAliases=[["z"]]) | {
        "metadata": {"labels": 1}
    }
    live = created(strange, POD)
    live = updated(live, pod(containers=[{"name": "c"}, 7]), by(POD, "bob"))
    wanted = pod(containers=[{"name": "c", "image": "i"}], hostAliases=[{"ip": "1.1.1.1"}])
    applied = managed_fields.apply(live, wanted, by(POD, "carl"), force=True)
    assert applied["spec"]["containers"][0] == {"name": "c", "image": "i"}


@given(st.integers(0, 10**6))
def test_what_was_applied_is_there_and_applied_again_changes_nothing(seed: int) -> None:
    author = Author(seed)
    live = author.document()
    wanted = author.like(live)
    write = replace(CONFIG_MAP, schema=schemas.schema_of(live["apiVersion"], live["kind"]), manager="bob", ignored=())
    before = copy.deepcopy((live, wanted))
    once = managed_fields.apply(live, wanted, write, force=True)
    assert (live, wanted) == before
    assert managed_fields.apply(once, wanted, replace(write, now=LATER)) == once


@given(st.integers(0, 10**6))
def test_two_appliers_who_agree_never_conflict(seed: int) -> None:
    wanted = Author(seed).document()
    write = replace(CONFIG_MAP, schema=schemas.schema_of(wanted["apiVersion"], wanted["kind"]))
    live = managed_fields.apply(None, wanted, write)
    assert managed_fields.apply(live, wanted, by(write, "bob"))["metadata"]["name"] == "web"


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        pytest.param({"tolerations": [{"key": "x"}]}, {"tolerations": None}, id="an atomic list"),
        pytest.param({"tolerations": "x"}, {"tolerations": "x"}, id="no list at all"),
        pytest.param({"securityContext": {"runAsUser": 1}}, {"securityContext": None}, id="all of an object"),
        pytest.param({"securityContext": "x"}, {"securityContext": "x"}, id="no object at all"),
    ],
)
def test_what_is_inside_a_value_goes_with_the_value_or_not_at_all(spec: Document, left: Document) -> None:
    fields = sets.of_paths(("f:spec", "f:tolerations", 'k:{"key":"x"}'), ("f:spec", "f:securityContext", "f:runAsUser"))
    assert merging.remove(pod(**spec), fields, POD.schema)["spec"] == left


def test_nothing_is_left_of_an_object_without_all_its_fields() -> None:
    assert merging.remove({"data": {}}, sets.of_paths(("f:data",)), CONFIG_MAP.schema) == {}
