"""Lists: selectors, pages of one revision, and what a revision in a request means."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kuberklone.store import compaction
from kuberklone.store.transaction import write
from tests.api.kubernetes.client import CONFIG_MAPS, NODES, PODS, TABLE, config_map, names, patched, pod, refused
from tests.api.running import Api, running

ALL = "/api/v1/configmaps"


def pages(api: Api, path: str, **query: str) -> Iterator[dict[str, Any]]:
    going_on: dict[str, str] = {}
    while True:
        page = api.get(path, params={**query, **going_on})
        yield page
        if "continue" not in page["metadata"]:
            return
        going_on = {"continue": page["metadata"]["continue"]}


def test_pages_show_one_revision_whatever_happens_in_between(api: Api) -> None:
    for name in "abcde":
        api.post(CONFIG_MAPS, config_map(name))
    reading = pages(api, CONFIG_MAPS, limit="2")
    first = next(reading)
    api.http.delete(f"{CONFIG_MAPS}/c")
    api.http.delete(f"{CONFIG_MAPS}/a")
    api.post(CONFIG_MAPS, config_map("bb"))
    patched(api, f"{CONFIG_MAPS}/d", {"data": {"colour": "red"}})
    rest = list(reading)
    assert [names(page) for page in [first, *rest]] == [["a", "b"], ["c", "d"], ["e"]]
    assert {page["metadata"]["resourceVersion"] for page in rest} == {first["metadata"]["resourceVersion"]}
    shown = {item["metadata"]["name"]: item["data"]["colour"] for page in rest for item in page["items"]}
    assert shown["d"] == "blue"


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_the_last_page_says_that_it_is_the_last(api: Api, count: int) -> None:
    for number in range(count):
        api.post(CONFIG_MAPS, config_map(f"a{number}"))
    sizes = [len(page["items"]) for page in pages(api, CONFIG_MAPS, limit="2")]
    assert sizes == {0: [0], 1: [1], 2: [2], 3: [2, 1], 4: [2, 2]}[count]


def test_more_than_a_page_of_ours_is_listed_at_once(api: Api) -> None:
    api.post("/add_pod", {"cpus": 1, "name": "p", "count": 1_203})
    listed = api.get("/api/v1/pods")
    assert len(listed["items"]) == 1_203
    assert names(listed) == sorted(names(listed))
    assert len({item["metadata"]["uid"] for item in listed["items"]}) == 1_203
    table = api.get("/api/v1/pods", headers={"accept": TABLE})
    assert len(table["rows"]) == 1_203


def test_a_list_may_be_of_a_revision_that_was(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    revision = api.post(CONFIG_MAPS, config_map("b"))["metadata"]["resourceVersion"]
    api.http.delete(f"{CONFIG_MAPS}/a")
    exactly = {"resourceVersion": revision, "resourceVersionMatch": "Exact"}
    assert names(api.get(CONFIG_MAPS, params=exactly)) == ["a", "b"]
    assert api.get(CONFIG_MAPS, params=exactly)["metadata"]["resourceVersion"] == revision
    at_least = {"resourceVersion": revision, "resourceVersionMatch": "NotOlderThan"}
    assert names(api.get(CONFIG_MAPS, params=at_least)) == ["b"]
    assert names(api.get(CONFIG_MAPS, params={"resourceVersion": "0"})) == ["b"]


def test_a_revision_that_is_not_yet_is_waited_for_by_asking_again(api: Api) -> None:
    ahead = str(int(api.get(CONFIG_MAPS)["metadata"]["resourceVersion"]) + 1_000)
    status = refused(api.http.get(CONFIG_MAPS, params={"resourceVersion": ahead}), 504, "Timeout")
    assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert status["details"]["retryAfterSeconds"] == 1


def test_what_is_forgotten_is_gone_and_a_list_may_go_on_with_what_is_now(api: Api) -> None:
    for name in "abc":
        api.post(CONFIG_MAPS, config_map(name))
    first = api.get(CONFIG_MAPS, params={"limit": "1"})
    api.post(CONFIG_MAPS, config_map("bb"))
    _forget(api)
    token = first["metadata"]["continue"]
    status = refused(api.http.get(CONFIG_MAPS, params={"limit": "1", "continue": token}), 410, "Expired")
    rest = list(pages(api, CONFIG_MAPS, limit="2", **{"continue": status["metadata"]["continue"]}))
    assert [name for page in rest for name in names(page)] == ["b", "bb", "c"]
    exactly = {"resourceVersion": first["metadata"]["resourceVersion"], "resourceVersionMatch": "Exact"}
    refused(api.http.get(CONFIG_MAPS, params=exactly), 410, "Expired")


def _forget(api: Api) -> None:
    """Compact the log up to now, as garbage does."""
    with write(api.store) as transaction:
        upto = transaction.first_free - 1
        compaction.raise_watch_from(transaction, upto)
        compaction.delete_changes(transaction, [], upto=upto)


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("tier=front", ["a"]),
        ("tier==front", ["a"]),
        ("tier!=front", ["b", "c"]),
        ("tier in (front,back)", ["a", "b"]),
        ("tier notin (front)", ["b", "c"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c"]),
        ("tier=front,size=big", ["a"]),
        ("tier=front,size=small", []),
        ("", ["a", "b", "c"]),
    ],
)
def test_labels_select(api: Api, selector: str, chosen: list[str]) -> None:
    api.post(CONFIG_MAPS, config_map("a", labels={"tier": "front", "size": "big"}))
    api.post(CONFIG_MAPS, config_map("b", labels={"tier": "back"}))
    api.post(CONFIG_MAPS, config_map("c"))
    for path in (CONFIG_MAPS, ALL):
        assert names(api.get(path, params={"labelSelector": selector})) == chosen
        paged = pages(api, path, labelSelector=selector, limit="1")
        assert [name for page in paged for name in names(page)] == chosen


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("metadata.name=on-n", ["on-n"]),
        ("metadata.name!=on-n", ["free", "on-m"]),
        ("metadata.namespace=default", ["free", "on-m", "on-n"]),
        ("spec.nodeName=n", ["on-n"]),
        ("spec.nodeName!=n", ["free", "on-m"]),
        ("spec.nodeName=", ["free"]),
        ("spec.nodeName!=", ["on-m", "on-n"]),
        ("status.phase=Pending", ["free", "on-m", "on-n"]),
        ("status.phase!=Pending", []),
        ("spec.nodeName=n,status.phase!=Succeeded,status.phase!=Failed", ["on-n"]),
        ("spec.restartPolicy=Never", ["free"]),
        ("spec.serviceAccountName=default", ["free", "on-m", "on-n"]),
    ],
)
def test_fields_select(api: Api, selector: str, chosen: list[str]) -> None:
    for name in ("n", "m"):
        api.post(NODES, {"metadata": {"name": name}})
        api.post(PODS, pod(f"on-{name}", spec={"nodeName": name}))
    api.post(PODS, pod("free", spec={"restartPolicy": "Never"}))
    assert names(api.get(PODS, params={"fieldSelector": selector})) == chosen
    paged = pages(api, PODS, fieldSelector=selector, limit="1")
    assert [name for page in paged for name in names(page)] == chosen


def test_an_absent_boolean_is_false(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "n"}})
    api.post(NODES, {"metadata": {"name": "m"}, "spec": {"unschedulable": True}})
    assert names(api.get(NODES, params={"fieldSelector": "spec.unschedulable=false"})) == ["n"]
    assert names(api.get(NODES, params={"fieldSelector": "spec.unschedulable=true"})) == ["m"]


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        ({"fieldSelector": "spec.colour=blue"}, 400, "BadRequest"),
        ({"fieldSelector": "nothing"}, 400, "BadRequest"),
        ({"labelSelector": "a=b=c"}, 400, "BadRequest"),
        ({"labelSelector": "a in"}, 400, "BadRequest"),
        ({"limit": "many"}, 400, "BadRequest"),
        ({"limit": "-1"}, 422, "Invalid"),
        ({"continue": "rubbish"}, 400, "BadRequest"),
        ({"continue": "WzEsImEiXQ"}, 400, "BadRequest"),
        ({"resourceVersion": "new"}, 400, "BadRequest"),
        ({"resourceVersion": "-1"}, 400, "BadRequest"),
        ({"resourceVersionMatch": "Exact"}, 422, "Invalid"),
        ({"resourceVersion": "1", "resourceVersionMatch": "Sometimes"}, 422, "Invalid"),
        ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 422, "Invalid"),
        ({"watch": "perhaps"}, 400, "BadRequest"),
        ({"pretty": "perhaps"}, 400, "BadRequest"),
    ],
    ids=str,
)
def test_what_a_list_cannot_mean_is_refused(idle_api: Api, query: dict[str, str], code: int, reason: str) -> None:
    before = idle_api.written()
    refused(idle_api.http.get(CONFIG_MAPS, params=query), code, reason)
    assert idle_api.written() == before


@pytest.mark.parametrize("agent", [{}, {"accept": "application/json"}, {"accept": "*/*"}])
def test_a_list_is_json(idle_api: Api, agent: dict[str, str]) -> None:
    answer = idle_api.http.get(PODS, headers=agent)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["kind"] == "PodList"


_NAMES = st.sampled_from(["a", "b", "c", "d", "e", "f"])
_LABELS = st.sampled_from([{}, {"x": "1"}, {"x": "2"}, {"x": "1", "y": "1"}])


class Listing(RuleBasedStateMachine):
    """The API beside a dictionary: whatever was written, lists and pages say the same as it."""

    http: httpx.Client

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, dict[str, str]] = {}
        self.token: str | None = None
        self.frozen: list[str] = []
        self.limit = 1

    @initialize()
    def clear(self) -> None:
        self.http.delete(CONFIG_MAPS)

    @rule(name=_NAMES, labels=_LABELS)
    def create(self, name: str, labels: dict[str, str]) -> None:
        code = self.http.post(CONFIG_MAPS, json=config_map(name, labels=labels)).status_code
        assert code == (409 if name in self.objects else 201)
        self.objects.setdefault(name, labels)

    @rule(name=_NAMES, labels=_LABELS)
    def replace(self, name: str, labels: dict[str, str]) -> None:
        answer = self.http.put(f"{CONFIG_MAPS}/{name}", json=config_map(name, labels=labels))
        assert answer.status_code == (200 if name in self.objects else 404)
        if name in self.objects:
            self.objects[name] = labels

    @rule(name=_NAMES)
    def delete(self, name: str) -> None:
        answer = self.http.delete(f"{CONFIG_MAPS}/{name}")
        assert answer.status_code == (200 if name in self.objects else 404)
        self.objects.pop(name, None)

    @rule()
    def delete_some(self) -> None:
        self.http.delete(CONFIG_MAPS, params={"labelSelector": "x=2"})
        self.objects = {name: labels for name, labels in self.objects.items() if labels.get("x") != "2"}

    @rule(limit=st.integers(1, 4))
    def begin(self, limit: int) -> None:
        """Read a first page; the others have to show what is there now, whatever happens until they are read."""
        page = self.http.get(CONFIG_MAPS, params={"limit": str(limit)}).json()
        everything = sorted(self.objects)
        assert names(page) == everything[:limit]
        self.token, self.frozen, self.limit = page["metadata"].get("continue"), everything[limit:], limit
        assert (self.token is None) == (not self.frozen)

    @precondition(lambda self: self.token is not None)
    @rule()
    def go_on(self) -> None:
        page = self.http.get(CONFIG_MAPS, params={"limit": str(self.limit), "continue": str(self.token)}).json()
        assert names(page) == self.frozen[: self.limit]
        self.frozen = self.frozen[self.limit :]
        self.token = page["metadata"].get("continue")
        assert (self.token is None) == (not self.frozen)

    @invariant()
    def lists_say_what_is_there(self) -> None:
        listed = self.http.get(CONFIG_MAPS).json()
        assert {
            item["metadata"]["name"]: item["metadata"].get("labels", {}) for item in listed["items"]
        } == self.objects
        chosen = self.http.get(CONFIG_MAPS, params={"labelSelector": "x=1"}).json()
        assert names(chosen) == sorted(name for name, labels in self.objects.items() if labels.get("x") == "1")


@pytest.mark.timeout(120)
def test_lists_and_pages_agree_with_a_dictionary(migrated_url: str, tmp_path: Path) -> None:
    with running(migrated_url, tmp_path) as api:
        machine = type("Machine", (Listing,), {"http": api.http})
        run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=15))
