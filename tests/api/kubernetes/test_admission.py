"""What the cluster decides of new objects: namespaces, priorities, tolerations, accounts; and what a dry run shows."""

import threading
from typing import Any

import pytest

from kuberklone.store import object_operations
from tests.api.kubernetes.client import (
    CONFIG_MAPS,
    MERGE,
    NAMESPACES,
    NODES,
    PODS,
    config_map,
    names,
    patched,
    pod,
    refused,
)
from tests.api.running import Api

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"


def test_a_namespace_has_to_be_there(api: Api) -> None:
    status = refused(api.http.post("/api/v1/namespaces/nowhere/configmaps", json=config_map("a")), 404, "NotFound")
    assert status["message"] == 'namespaces "nowhere" not found'
    assert status["details"] == {"name": "nowhere", "kind": "namespaces"}


def test_a_namespace_that_is_being_deleted_takes_nothing_new(api: Api) -> None:
    api.post(NAMESPACES, {"metadata": {"name": "going"}})
    path = "/api/v1/namespaces/going/configmaps"
    api.post(path, config_map("a"))
    assert api.http.delete(f"{NAMESPACES}/going").status_code == 200
    assert api.get(f"{NAMESPACES}/going")["status"]["phase"] == "Terminating"
    status = refused(api.http.post(path, json=config_map("b")), 403, "Forbidden")
    assert "because it is being terminated" in status["message"]
    assert status["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    # What is there may still be changed: whoever holds it has to be able to let go.
    assert patched(api, f"{path}/a", {"data": {"colour": "red"}}).status_code == 200


@pytest.mark.parametrize("name", ["default"])
def test_the_clusters_own_namespaces_stay(api: Api, name: str) -> None:
    status = refused(api.http.delete(f"{NAMESPACES}/{name}"), 403, "Forbidden")
    assert status["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


def test_a_pod_gets_what_its_writer_left_out(api: Api) -> None:
    spec = api.post(PODS, pod("a"))["spec"]
    assert (spec["serviceAccountName"], spec["priority"]) == ("default", 0)
    assert (spec["preemptionPolicy"], spec["restartPolicy"]) == ("PreemptLowerPriority", "Always")
    assert spec["schedulerName"] == "default-scheduler"
    assert spec["terminationGracePeriodSeconds"] == 30


def test_a_pod_tolerates_a_dead_node_for_as_long_as_one_of_the_lab_api(api: Api) -> None:
    api.post("/add_pod", {"cpus": 1, "name": "lab"})
    api.post(PODS, pod("a"))
    tolerations = api.get(f"{PODS}/a")["spec"]["tolerations"]
    assert tolerations == api.get(f"{PODS}/lab")["spec"]["tolerations"]
    assert [each["key"] for each in tolerations] == [NOT_READY, UNREACHABLE]


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], [NOT_READY, UNREACHABLE]),
        ([{"key": "colour", "operator": "Exists"}], [NOT_READY, UNREACHABLE]),
        ([{"key": NOT_READY, "operator": "Exists", "tolerationSeconds": 9, "effect": "NoExecute"}], [UNREACHABLE]),
        ([{"operator": "Exists"}], []),
        ([{"operator": "Exists", "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE]),
    ],
)
def test_tolerations_are_added_where_nothing_is_said(api: Api, given: list[dict[str, Any]], added: list[str]) -> None:
    spec = api.post(PODS, pod("a", spec={"tolerations": given}))["spec"]
    assert spec["tolerations"][: len(given)] == given
    assert [each["key"] for each in spec["tolerations"][len(given) :]] == added


def test_a_class_gives_priority(api: Api) -> None:
    api.post(CLASSES, {"metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"})
    spec = api.post(PODS, pod("a", spec={"priorityClassName": "high"}))["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")
    system = api.post(PODS, pod("b", spec={"priorityClassName": "system-node-critical"}))["spec"]
    assert system["priority"] == 2_000_001_000


def test_a_default_class_is_for_all_who_name_none(api: Api) -> None:
    assert api.post(PODS, pod("before"))["spec"]["priority"] == 0
    api.post(CLASSES, {"metadata": {"name": "usual"}, "value": 10, "globalDefault": True})
    spec = api.post(PODS, pod("after"))["spec"]
    assert (spec["priorityClassName"], spec["priority"]) == ("usual", 10)
    api.http.delete(f"{CLASSES}/usual")
    assert api.post(PODS, pod("later"))["spec"]["priority"] == 0


def test_priority_is_not_to_be_chosen(api: Api) -> None:
    status = refused(api.http.post(PODS, json=pod("a", spec={"priority": 7})), 403, "Forbidden")
    assert "the integer value of priority (7) must not be provided in pod spec" in status["message"]
    status = refused(api.http.post(PODS, json=pod("a", spec={"priorityClassName": "none"})), 403, "Forbidden")
    assert status["message"] == 'pods "a" is forbidden: no PriorityClass with name none was found'


def test_a_kind_on_which_nothing_acts_is_created_with_a_warning(api: Api) -> None:
    kinds = {"apiVersion": "batch/v1", "spec": {"template": {"spec": {**pod()["spec"], "restartPolicy": "Never"}}}}
    answer = api.http.post("/apis/batch/v1/namespaces/default/jobs", json={**kinds, "metadata": {"name": "a"}})
    assert answer.status_code == 201
    assert answer.headers["warning"].startswith('299 - "')


def test_a_dry_run_says_what_would_be_and_leaves_no_trace(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a", finalizers=["example.com/hold"]))
    made = api.get(f"{CONFIG_MAPS}/a")
    before = api.written()
    query = {"dryRun": "All"}
    would = api.http.post(CONFIG_MAPS, json=config_map(generateName="b-"), params=query)
    assert would.status_code == 201
    assert would.json()["metadata"]["name"].startswith("b-")
    assert "resourceVersion" not in would.json()["metadata"]
    changed = patched(api, f"{CONFIG_MAPS}/a", {"data": {"colour": "red"}}, as_=MERGE, **query).json()
    assert changed["data"] == {"colour": "red"}
    # The revision that it would get will be somebody else's.
    assert changed["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    replaced = api.http.put(f"{CONFIG_MAPS}/a", json={**made, "data": {}}, params=query)
    assert not replaced.json()["data"]
    assert api.http.delete(f"{CONFIG_MAPS}/a", params=query).status_code == 200
    assert api.http.request("DELETE", f"{CONFIG_MAPS}/a", json={"dryRun": ["All"]}).status_code == 200
    assert api.http.delete(CONFIG_MAPS, params=query).status_code == 200
    refused(api.http.post(CONFIG_MAPS, json=config_map("a"), params=query), 409, "AlreadyExists")
    refused(api.http.post(CONFIG_MAPS.replace("default", "no"), json=config_map("a"), params=query), 404, "NotFound")
    assert api.written() == before
    assert api.get(f"{CONFIG_MAPS}/a") == made


def test_no_revision_is_told_twice_while_others_try_things_out(api: Api) -> None:
    """Dry runs and writes from many threads: every write is told a revision of its own, and the log knows it."""
    told: list[int] = []

    def work(number: int) -> None:
        for index in range(8):
            api.http.post(CONFIG_MAPS, json=config_map(f"dry-{number}-{index}"), params={"dryRun": "All"})
            made = api.http.post(CONFIG_MAPS, json=config_map(f"real-{number}-{index}")).json()
            told.append(int(made["metadata"]["resourceVersion"]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(told)) == len(told) == 48
    listed = api.get(CONFIG_MAPS)
    assert sorted(int(item["metadata"]["resourceVersion"]) for item in listed["items"]) == sorted(told)
    assert not [name for name in names(listed) if name.startswith("dry")]


def test_a_dry_run_undoes_everything_whatever_the_operation(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "n"}})
    before = api.written()
    answer = api.http.post(PODS, json=pod("a", spec={"nodeName": "n"}), params={"dryRun": "All"})
    assert answer.json()["spec"]["nodeName"] == "n"
    assert api.written() == before
    assert object_operations.try_out is not None


def test_a_write_of_somebody_else_is_no_reason_to_refuse_a_patch(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    answers: list[int] = []

    def count(number: int) -> None:
        for index in range(5):
            answers.append(patched(api, f"{CONFIG_MAPS}/a", {"data": {f"k{number}-{index}": "v"}}).status_code)

    threads = [threading.Thread(target=count, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = api.get(f"{CONFIG_MAPS}/a")["data"]
    assert answers.count(200) == len(kept) - 1
    assert set(answers) <= {200, 409}
