"""What the scheduler decides is told as events, although it keeps none: in lists, and to watches in the one order."""

from collections.abc import Sequence
from typing import Any

import pytest

from kuberklone.kinds.pod import Pod
from kuberklone.store import decisions, nodes, pods
from kuberklone.store.binding import Binding, bind
from kuberklone.store.decisions import Decision
from kuberklone.store.transaction import write
from tests.api.kubernetes.client import NODES, PODS, pod
from tests.api.kubernetes.watches import revisions, watching
from tests.api.running import Api

EVENTS = "/api/v1/namespaces/default/events"
INITIAL = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}


def waiting_pod(api: Api, name: str) -> Pod:
    api.post(PODS, pod(name))
    with api.store.snapshot() as connection:
        found = pods.named(connection, "default", name)
    assert found is not None
    return found


def find_no_place(api: Api, found: Sequence[Pod], reason: str = "Insufficient cpu") -> None:
    """As the scheduler does when it has tried in vain."""
    with write(api.store) as transaction:
        decisions.record(
            transaction,
            [
                Decision(pod_uid=each.uid, outcome="Unschedulable", nodes_evaluated=1, reasons={reason: 1})
                for each in found
            ],
        )


def place(api: Api, found: Pod, node_name: str) -> None:
    """As the scheduler does when it has found a node: the bind first, then what it decided."""
    with write(api.store) as transaction:
        (node,) = nodes.named(transaction.connection, {node_name})
        bound = bind(transaction, [Binding(pod=found, node_name=node_name, node_revision=node.revision)])
        assert bound
        decisions.record(
            transaction,
            [Decision(pod_uid=found.uid, outcome="Scheduled", node_name=node_name, nodes_evaluated=1, reasons={})],
        )


def said(events: list[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    """Type of the watch's event; reason, name of the pod and count of the event that it tells."""
    return [
        (
            each["type"],
            each["object"]["reason"],
            each["object"]["involvedObject"]["name"],
            each["object"]["count"],
        )
        for each in events
    ]


def test_decisions_are_told_while_they_are_made(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "first"}, "status": {"capacity": {"cpu": "4", "memory": "4Gi"}}})
    found = waiting_pod(api, "a")
    with watching(api, EVENTS, fieldSelector="involvedObject.kind=Pod") as watch:
        find_no_place(api, [found])
        assert said(watch.first(1)) == [("ADDED", "FailedScheduling", "a", 1)]
        find_no_place(api, [found])
        assert said(watch.first(2)[1:]) == [("MODIFIED", "FailedScheduling", "a", 2)]
        place(api, found, "first")
        events = watch.first(3)
    assert said(events[2:]) == [("ADDED", "Scheduled", "a", 1)]
    assert revisions(events) == sorted(set(revisions(events)))
    assert events[0]["object"]["metadata"]["uid"] == events[1]["object"]["metadata"]["uid"]


def test_a_watch_that_is_taken_up_again_misses_no_decision_and_hears_none_twice(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "first"}, "status": {"capacity": {"cpu": "4", "memory": "4Gi"}}})
    one, other = waiting_pod(api, "one"), waiting_pod(api, "other")
    find_no_place(api, [one])
    revision = api.get(EVENTS)["metadata"]["resourceVersion"]
    place(api, one, "first")
    find_no_place(api, [other])
    with watching(api, EVENTS, resourceVersion=revision, fieldSelector="involvedObject.kind=Pod") as watch:
        events = watch.first(2)
        assert said(events) == [("ADDED", "Scheduled", "one", 1), ("ADDED", "FailedScheduling", "other", 1)]
        between = events[0]["object"]["metadata"]["resourceVersion"]
    with watching(api, EVENTS, resourceVersion=between, fieldSelector="involvedObject.kind=Pod") as watch:
        assert said(watch.first(1)) == [("ADDED", "FailedScheduling", "other", 1)]


def test_many_decisions_at_once_are_all_told(api: Api) -> None:
    """More than one read of the log takes."""
    count = 450
    with watching(api, EVENTS, fieldSelector="reason=FailedScheduling") as watch:
        api.http.post("/add_pod", json={"cpus": 1, "count": count})
        with api.store.snapshot() as connection:
            found = pods.unbound(connection)
        assert len(found) == count
        find_no_place(api, found)
        events = watch.first(count)
    assert {each["object"]["involvedObject"]["name"] for each in events} == {each.name for each in found}


def test_lists_and_beginnings_tell_the_same_events(api: Api) -> None:
    find_no_place(api, [waiting_pod(api, "a"), waiting_pod(api, "b")])
    listed = api.get(EVENTS)["items"]
    with watching(api, EVENTS, **INITIAL) as watch:
        told = [event["object"] for event in watch.until("BOOKMARK")[:-1]]
    assert known(told) == known(listed)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_pages_tell_every_event_once(api: Api, limit: int) -> None:
    for name in "amz":
        about = {"kind": "ConfigMap", "namespace": "default", "name": name}
        api.post(EVENTS, {"metadata": {"name": name}, "involvedObject": about})
    find_no_place(api, [waiting_pod(api, "c"), waiting_pod(api, "d"), waiting_pod(api, "e")])
    listed: list[str] = []
    going_on: dict[str, str] = {}
    while True:
        page = api.get(EVENTS, params={"limit": str(limit), **going_on})
        listed += [item["metadata"]["uid"] for item in page["items"]]
        if "continue" not in page["metadata"]:
            break
        going_on = {"continue": page["metadata"]["continue"]}
    assert sorted(listed) == sorted(known(api.get(EVENTS)["items"]))
    assert len(listed) == 6


def known(events: list[dict[str, Any]]) -> dict[str, str]:
    """The revision of each event, by its uid."""
    return {event["metadata"]["uid"]: event["metadata"]["resourceVersion"] for event in events}
