"""Watches: what a client is told, in which order, from where, in which form, and when it is told to begin anew."""

import pytest

from kuberklone.chance import Chance
from kuberklone.kinds.objects.v1 import config_map as config_map_kind
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.store import compaction, records
from kuberklone.store.transaction import INCARNATION_SPAN, Transaction, write
from tests import waiting
from tests.api.kubernetes.client import CONFIG_MAPS, NAMESPACES, NODES, PODS, TABLE, config_map, patched, pod, refused
from tests.api.kubernetes.watches import ARRIVAL_S, revisions, told, watching
from tests.api.running import Api

ALL = "/api/v1/configmaps"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
_chance = Chance()
INITIAL = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}


def head(api: Api) -> str:
    return str(api.get(CONFIG_MAPS)["metadata"]["resourceVersion"])


def label(api: Api, name: str, labels: dict[str, str | None]) -> None:
    answer = patched(api, f"{CONFIG_MAPS}/{name}", {"metadata": {"labels": labels}})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("revision", [{}, {"resourceVersion": ""}, {"resourceVersion": "0"}])
def test_without_a_revision_what_is_there_comes_first(api: Api, revision: dict[str, str]) -> None:
    for name in ("b", "a"):
        api.post(CONFIG_MAPS, config_map(name))
    with watching(api, CONFIG_MAPS, **revision) as watch:
        assert told(watch.first(2)) == [("ADDED", "a"), ("ADDED", "b")]
        patched(api, f"{CONFIG_MAPS}/a", {"data": {"colour": "red"}})
        api.http.delete(f"{CONFIG_MAPS}/b")
        api.post(CONFIG_MAPS, config_map("c"))
        assert told(watch.first(5)[2:]) == [("MODIFIED", "a"), ("DELETED", "b"), ("ADDED", "c")]


def test_from_a_revision_exactly_what_came_after_it_is_told_in_its_order(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("before"))
    revision = head(api)
    for name in ("a", "b"):
        api.post(CONFIG_MAPS, config_map(name))
    api.http.delete(f"{CONFIG_MAPS}/a")
    with watching(api, CONFIG_MAPS, resourceVersion=revision) as watch:
        api.post(CONFIG_MAPS, config_map("c"))
        events = watch.first(4)
    assert told(events) == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a"), ("ADDED", "c")]
    assert revisions(events) == sorted(set(revisions(events)))
    assert revisions(events)[0] > int(revision)


def test_what_is_deleted_carries_the_revision_of_its_deletion(api: Api) -> None:
    created = api.post(CONFIG_MAPS, config_map("a"))
    with watching(api, CONFIG_MAPS, resourceVersion=created["metadata"]["resourceVersion"]) as watch:
        api.http.delete(f"{CONFIG_MAPS}/a")
        (deleted,) = watch.first(1)
    assert deleted["type"] == "DELETED"
    assert deleted["object"]["data"] == {"colour": "blue"}
    assert int(deleted["object"]["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])
    assert deleted["object"]["metadata"]["resourceVersion"] == head(api)


def test_a_write_that_changes_nothing_is_not_told(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    with watching(api, CONFIG_MAPS, resourceVersion=head(api)) as watch:
        patched(api, f"{CONFIG_MAPS}/a", {})
        patched(api, f"{CONFIG_MAPS}/a", {"data": {"colour": "blue"}})
        api.post(CONFIG_MAPS, config_map("end"))
        assert told(watch.first(1)) == [("ADDED", "end")]


def test_what_comes_to_match_is_added_and_what_no_longer_does_is_deleted(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a", labels={"app": "web"}))
    api.post(CONFIG_MAPS, config_map("other"))
    with watching(api, CONFIG_MAPS, labelSelector="app=web") as watch:
        assert told(watch.first(1)) == [("ADDED", "a")]
        label(api, "other", {"app": "db"})
        label(api, "a", {"tier": "front"})
        label(api, "a", {"app": None})
        label(api, "a", {"tier": "back"})
        label(api, "a", {"app": "web"})
        label(api, "other", {"app": "web"})
        api.http.delete(f"{CONFIG_MAPS}/a")
        events = watch.first(6)[1:]
    assert told(events) == [("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "a"), ("ADDED", "other"), ("DELETED", "a")]


def test_a_field_selector_follows_pods_onto_their_node(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "first"}, "status": {"capacity": {"cpu": "4", "memory": "4Gi"}}})
    with (
        watching(api, PODS, fieldSelector="spec.nodeName=first") as placed,
        watching(api, PODS, fieldSelector="spec.nodeName=") as waiting_pods,
    ):
        api.post(PODS, pod("a"))
        assert told(waiting_pods.first(1)) == [("ADDED", "a")]
        api.post(f"{PODS}/a/binding", {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "first"}})
        assert told(placed.first(1)) == [("ADDED", "a")]
        assert placed.events[0]["object"]["spec"]["nodeName"] == "first"
        assert told(waiting_pods.first(2)[1:]) == [("DELETED", "a")]


def test_a_field_that_stands_in_the_document_is_followed_as_well(api: Api) -> None:
    with watching(api, NAMESPACES, fieldSelector="status.phase=Active,metadata.name=shop") as watch:
        api.post(NAMESPACES, {"metadata": {"name": "shop"}})
        api.http.delete(f"{NAMESPACES}/shop")
        assert told(watch.first(2)) == [("ADDED", "shop"), ("DELETED", "shop")]


def test_a_namespace_is_watched_alone_and_all_of_them_together(api: Api) -> None:
    api.post(NAMESPACES, {"metadata": {"name": "other"}})
    revision = head(api)
    with (
        watching(api, CONFIG_MAPS, resourceVersion=revision) as one,
        watching(api, ALL, resourceVersion=revision) as all_,
    ):
        api.post("/api/v1/namespaces/other/configmaps", config_map("a"))
        api.post(CONFIG_MAPS, config_map("b"))
        assert told(one.first(1)) == [("ADDED", "b")]
        assert told(all_.first(2)) == [("ADDED", "a"), ("ADDED", "b")]


def test_one_object_is_watched_by_its_name(api: Api) -> None:
    with watching(api, CONFIG_MAPS, fieldSelector="metadata.name=b") as watch:
        for name in "abc":
            api.post(CONFIG_MAPS, config_map(name))
        patched(api, f"{CONFIG_MAPS}/b", {"data": {"colour": "red"}})
        assert told(watch.first(2)) == [("ADDED", "b"), ("MODIFIED", "b")]


def test_the_old_form_of_the_path_is_a_watch(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    with watching(api, "/api/v1/watch/namespaces/default/configmaps/a") as watch:
        assert told(watch.first(1)) == [("ADDED", "a")]


# ------------------------------------------------------------------------------------------------ beginnings and ends


def test_a_bookmark_says_where_what_was_there_ends(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    revision = head(api)
    with watching(api, CONFIG_MAPS, allowWatchBookmarks="true", **INITIAL) as watch:
        added, bookmark = watch.first(2)
        api.post(CONFIG_MAPS, config_map("b"))
        assert told(watch.first(3)[2:]) == [("ADDED", "b")]
    assert (added["type"], bookmark["type"]) == ("ADDED", "BOOKMARK")
    assert (bookmark["object"]["kind"], bookmark["object"]["apiVersion"]) == ("ConfigMap", "v1")
    metadata = bookmark["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(metadata["resourceVersion"]) >= int(revision)


def test_who_allows_no_bookmarks_gets_none(api: Api) -> None:
    with watching(api, CONFIG_MAPS, timeoutSeconds="1", **INITIAL) as watch:
        assert watch.to_its_end() == []


def test_initial_events_can_be_declined(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    with watching(api, CONFIG_MAPS, sendInitialEvents="false", resourceVersionMatch="NotOlderThan") as watch:
        api.post(CONFIG_MAPS, config_map("b"))
        assert told(watch.first(1)) == [("ADDED", "b")]


def test_more_than_a_page_comes_as_it_was_at_one_revision(api: Api) -> None:
    count = 1_203
    with write(api.store, reserve=count) as transaction:
        _add_config_maps(transaction, count)
    with watching(api, CONFIG_MAPS, allowWatchBookmarks="true", **INITIAL) as watch:
        events = watch.until("BOOKMARK")
    names = [event["object"]["metadata"]["name"] for event in events[:-1]]
    assert names == sorted(f"c{number:04}" for number in range(count))


def _add_config_maps(transaction: Transaction, count: int) -> None:
    """By the store itself: as many requests would take half a minute."""
    made = [StoredObject(uid=_chance.uid(), name=f"c{number:04}", namespace="default") for number in range(count)]
    records.insert(transaction, records.table_of(config_map_kind.KIND), made)


def test_a_watch_ends_when_its_time_is_up_and_says_up_to_where_it_was(api: Api) -> None:
    with watching(api, CONFIG_MAPS, resourceVersion=head(api), timeoutSeconds="1", allowWatchBookmarks="true") as watch:
        created = api.post(CONFIG_MAPS, config_map("a"))
        events = watch.to_its_end()  # which fails unless the answer ends with its last chunk
    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK"]
    assert revisions(events)[1] >= int(created["metadata"]["resourceVersion"])


def test_nothing_is_told_before_a_revision_of_the_future(api: Api) -> None:
    revision = int(head(api))
    with watching(api, CONFIG_MAPS, resourceVersion=str(revision + 1)) as watch:
        first = api.post(CONFIG_MAPS, config_map("a"))
        second = api.post(CONFIG_MAPS, config_map("b"))
        assert int(first["metadata"]["resourceVersion"]) == revision + 1
        assert revisions(watch.first(1)) == [int(second["metadata"]["resourceVersion"])]


def test_what_was_just_written_is_never_too_new_to_begin_with(api: Api) -> None:
    """The reader of the log may be a moment behind, which is no reason to send a client away."""
    with watching(api, CONFIG_MAPS):
        for number in range(20):
            revision = api.post(CONFIG_MAPS, config_map(f"a{number}"))["metadata"]["resourceVersion"]
            with watching(api, CONFIG_MAPS, **INITIAL, resourceVersion=revision) as watch:
                assert len(watch.first(number + 1)) == number + 1


def test_what_was_compacted_away_cannot_be_taken_up_again(api: Api) -> None:
    revision = head(api)
    api.post(CONFIG_MAPS, config_map("a"))
    patched(api, f"{CONFIG_MAPS}/a", {"data": {"colour": "red"}})
    upto = int(head(api))
    with write(api.store) as transaction:
        compaction.raise_watch_from(transaction, upto)
    with watching(api, CONFIG_MAPS, resourceVersion=revision) as watch:
        (event,) = watch.to_its_end()
    status = event["object"]
    assert (event["type"], status["kind"], status["code"], status["reason"]) == ("ERROR", "Status", 410, "Expired")


def test_a_revision_from_another_life_of_the_database_cannot_be_taken_up(api: Api) -> None:
    with watching(api, CONFIG_MAPS, resourceVersion=str(7 * INCARNATION_SPAN)) as watch:
        (event,) = watch.to_its_end()
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        pytest.param({"resourceVersion": "first"}, 400, "BadRequest", id="a revision that is no number"),
        pytest.param({"resourceVersion": "-1"}, 400, "BadRequest", id="a revision below zero"),
        pytest.param({"timeoutSeconds": "soon"}, 400, "BadRequest", id="a time that is no number"),
        pytest.param({"allowWatchBookmarks": "perhaps"}, 400, "BadRequest", id="neither true nor false"),
        pytest.param({"labelSelector": "a in"}, 400, "BadRequest", id="a label selector that breaks off"),
        pytest.param({"fieldSelector": "spec.colour=red"}, 400, "BadRequest", id="a field that nobody can select by"),
        pytest.param({"resourceVersionMatch": "Exact"}, 422, "Invalid", id="a match without initial events"),
        pytest.param({"sendInitialEvents": "true"}, 422, "Invalid", id="initial events without a match"),
        pytest.param({**INITIAL, "resourceVersionMatch": "Exact"}, 422, "Invalid", id="initial events of exactly then"),
        pytest.param({**INITIAL, "resourceVersion": str(10**17)}, 504, "Timeout", id="initial events of the future"),
    ],
)
def test_what_contradicts_itself_is_refused(idle_api: Api, query: dict[str, str], code: int, reason: str) -> None:
    refused(idle_api.http.get(CONFIG_MAPS, params={"watch": "true", **query}), code, reason)


# -------------------------------------------------------------------------------------------------------------- forms


def test_a_table_tells_its_columns_in_the_first_event_only(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    with watching(api, CONFIG_MAPS, accept=TABLE) as watch:
        api.post(CONFIG_MAPS, config_map("b"))
        first, second = (event["object"] for event in watch.first(2))
    assert [column["name"] for column in first["columnDefinitions"]][:2] == ["Name", "Data"]
    assert not second.get("columnDefinitions")
    assert [row["cells"][0] for table in (first, second) for row in table["rows"]] == ["a", "b"]
    assert second["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert second["metadata"]["resourceVersion"] == second["rows"][0]["object"]["metadata"]["resourceVersion"]


def test_the_columns_are_told_also_when_nothing_was_there_before(api: Api) -> None:
    with watching(api, CONFIG_MAPS, accept=TABLE, resourceVersion=head(api)) as watch:
        api.post(CONFIG_MAPS, config_map("a"))
        (event,) = watch.first(1)
    assert event["object"]["columnDefinitions"]


def test_metadata_alone_is_told_to_who_wants_no_more(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a", labels={"app": "web"}))
    with watching(api, CONFIG_MAPS, accept=PARTIAL) as watch:
        (event,) = watch.first(1)
    assert event["object"].keys() == {"kind", "apiVersion", "metadata"}
    assert event["object"]["kind"] == "PartialObjectMetadata"
    assert event["object"]["metadata"]["labels"] == {"app": "web"}


def test_the_version_that_was_asked_for_is_told(api: Api) -> None:
    group = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
    scaler = {
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"},
            "maxReplicas": 3,
            "targetCPUUtilizationPercentage": 70,
        },
    }
    with watching(api, group.format("v1")) as old, watching(api, group.format("v2")) as new:
        api.post(group.format("v1"), scaler)
        (told_old,), (told_new,) = old.first(1), new.first(1)
    assert told_old["object"]["apiVersion"] == "autoscaling/v1"
    assert told_old["object"]["spec"]["targetCPUUtilizationPercentage"] == 70
    assert told_new["object"]["apiVersion"] == "autoscaling/v2"
    assert told_new["object"]["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70


# ---------------------------------------------------------------------------------------------------------- the server


def test_the_number_of_open_watches_can_be_seen(api: Api) -> None:
    def count() -> str:
        lines = api.http.get("/metrics").text.splitlines()
        return next(line for line in lines if line.startswith("kuberklone_api_watches "))

    with watching(api, CONFIG_MAPS), watching(api, PODS):
        waiting.until(lambda: count().endswith(" 2.0"), within_s=ARRIVAL_S, what="two watches are counted")
    waiting.until(lambda: count().endswith(" 0.0"), within_s=ARRIVAL_S, what="both are gone")
