"""Nodes as documents: capacity, conditions, taints and what a client may change of them."""

from typing import Any

import msgspec
import pytest

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.document import Document
from kuberklone.errors import Invalid
from kuberklone.kinds import node_columns, node_document, node_request
from kuberklone.kinds.node import Node
from kuberklone.kinds.node_request import NodeRequest
from kuberklone.kinds.preparing import prepared
from tests.kinds import examples

NODE = examples.served("v1", "Node")
READY: dict[str, Any] = {
    "uid": "u",
    "machine": "Running",
    "boot_id": "boot-1",
    "ready": "True",
    "ready_reason": "KubeletReady",
    "ready_since_ms": 1_795_427_600_000,
}


def read(old: Node | None = None, *, status: Document | None = None, **spec: Any) -> Node:
    document = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "spec": spec}
    return node_document.read(prepared(NODE, {**document, "status": status or {}}), old)


def ready(**columns: Any) -> Node:
    return Node(name="node-1", **{**READY, **columns})


def shown(node: Node) -> Any:
    return msgspec.json.decode(node_document.document(node))


def cells(document: Document) -> dict[str, Any]:
    return {column.name: column.value(document, 1_795_427_700_000) for column in node_columns.COLUMNS}


@pytest.mark.parametrize(
    ("node", "status"),
    [
        pytest.param(ready(), "Ready", id="ready"),
        pytest.param(ready(unschedulable=True), "Ready,SchedulingDisabled", id="cordoned"),
        pytest.param(ready(ready="Unknown", ready_reason="NodeStatusUnknown"), "NotReady", id="silent"),
        pytest.param(ready(ready="False"), "NotReady", id="not ready"),
        pytest.param(Node(uid="u", name="node-1"), "NotReady", id="never heard"),
    ],
)
def test_a_node_is_said_in_the_words_that_people_know(node: Node, status: str) -> None:
    document = shown(node)
    assert schemas.validate("v1", "Node", document) == []
    found = cells(document)
    assert (found["Status"], found["Roles"], found["Version"]) == (status, "<none>", "v1.37.0")


def test_roles_are_labels() -> None:
    labels = '{"node-role.kubernetes.io/worker":"","node-role.kubernetes.io/control-plane":"","kubernetes.io/role":"x"}'
    assert cells(shown(ready(labels=labels)))["Roles"] == "control-plane,worker,x"


def test_conditions_are_those_that_people_look_for() -> None:
    conditions = {each["type"]: each["status"] for each in shown(ready())["status"]["conditions"]}
    assert conditions == {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True"}
    silent = shown(ready(ready="Unknown", ready_reason="NodeStatusUnknown"))
    assert {each["status"] for each in silent["status"]["conditions"]} == {"Unknown"}


def test_a_file_with_a_name_makes_a_simulated_node() -> None:
    node = read()
    assert (node.provider, node.cpu_millis, node.memory_bytes, node.pods_max) == ("simulated", 4000, 8 * 2**30, 110)
    assert msgspec.json.decode(node.labels) == {
        "kubernetes.io/hostname": "node-1",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
    }


def test_capacity_is_what_the_file_says() -> None:
    node = read(status={"capacity": {"cpu": "2500m", "memory": "16Gi", "pods": "20", "example.com/gpu": "2"}})
    assert (node.cpu_millis, node.memory_bytes, node.pods_max) == (2500, 16 * 2**30, 20)
    status = shown(node)["status"]
    assert status["capacity"] == {"cpu": "2500m", "memory": "16Gi", "pods": "20", "example.com/gpu": "2"}
    assert status["allocatable"] == {"cpu": "2500m", "memory": "16Gi", "pods": "20"}


@pytest.mark.parametrize(
    ("annotations", "provider"),
    [({}, "simulated"), ({"kuberklone.io/provider": "external"}, "external")],
)
def test_an_annotation_says_what_makes_the_machine(annotations: dict[str, str], provider: str) -> None:
    document = {"metadata": {"name": "node-1", "annotations": annotations}, "spec": {}}
    assert node_document.read(document, None).provider == provider


def test_a_provider_that_there_is_not_is_refused() -> None:
    with pytest.raises(Invalid, match="Unsupported value"):
        node_document.read({"metadata": {"name": "n", "annotations": {"kuberklone.io/provider": "cloud"}}}, None)


def test_both_apis_make_the_same_record_of_the_same_wish() -> None:
    (asked,) = node_request.build(NodeRequest(cpus=2, name="node-1", memory="4Gi", taints=[]))
    again = node_document.read(shown(asked), None)
    for column in ("provider", "cpu_millis", "memory_bytes", "pods_max", "taints", "unschedulable", "spec", "status"):
        assert getattr(again, column) == getattr(asked, column), column


def test_taints_that_follow_from_health_are_not_kept() -> None:
    node = ready(ready="Unknown", ready_reason="NodeStatusUnknown", unschedulable=True)
    document = shown(node)
    assert len(document["spec"]["taints"]) == 3
    document["spec"]["taints"].append({"key": "dedicated", "value": "batch", "effect": "NoSchedule"})
    after = node_document.read(prepared(NODE, document), node)
    kept = msgspec.json.decode(after.taints)
    assert [(taint["key"], taint["effect"]) for taint in kept] == [("dedicated", "NoSchedule")]
    assert node_document.read(prepared(NODE, shown(after)), after) == after


def test_cordon_and_uncordon_are_one_field() -> None:
    cordoned = read(ready(), unschedulable=True)
    assert cordoned.unschedulable
    assert not read(cordoned).unschedulable


def test_an_update_keeps_what_others_own() -> None:
    node = ready(restarts=3, cpu_millis=2000)
    labelled = {**shown(node), "metadata": {"name": "node-1", "labels": {"zone": "a"}}}
    after = node_document.read(prepared(NODE, labelled), node)
    changed = {name: value for name, value in msgspec.structs.asdict(after).items() if value != getattr(node, name)}
    assert list(changed) == ["labels"]


def test_a_status_write_changes_the_capacity_and_not_the_readiness() -> None:
    node = ready()
    document = shown(node)
    document["status"]["capacity"] = {"cpu": "8", "memory": "8Gi", "pods": "110", "example.com/gpu": "1"}
    document["status"]["allocatable"] = {"cpu": "7", "memory": "8Gi", "pods": "110"}
    document["status"]["addresses"] = [{"type": "InternalIP", "address": "10.0.0.1"}]
    document["status"]["conditions"] = [
        {"type": "Ready", "status": "False"},
        {"type": "GpuHealthy", "status": "True"},
    ]
    after = node_document.read_status(document, node)
    assert (after.cpu_millis, after.ready) == (7000, "True")
    status = shown(after)["status"]
    assert status["capacity"]["example.com/gpu"] == "1"
    assert {each["type"]: each["status"] for each in status["conditions"]}["GpuHealthy"] == "True"
    assert cells(shown(after))["Internal-IP"] == "10.0.0.1"
    assert node_document.read_status(shown(after), after) == after


@pytest.mark.parametrize(
    ("members", "field"),
    [
        pytest.param({"status": {"capacity": {"cpu": "0"}}}, "status.capacity.cpu", id="no cpu"),
        pytest.param({"status": {"capacity": {"memory": "-1"}}}, "status.capacity.memory", id="negative memory"),
        pytest.param({"status": {"capacity": {"cpu": "9e9"}}}, "status.capacity.cpu", id="too much"),
        pytest.param(
            {"spec": {"taints": [{"key": "a b", "effect": "NoSchedule"}]}}, "metadata.taints[0].key", id="key"
        ),
        pytest.param({"spec": {"taints": [{"key": "a", "effect": "Never"}]}}, "metadata.taints[0].effect", id="effect"),
        pytest.param(
            {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule"}]}},
            "metadata.taints[1]",
            id="twice",
        ),
    ],
)
def test_a_node_that_cannot_be_is_refused_by_field(members: Document, field: str) -> None:
    document = prepared(NODE, examples.document("v1", "Node", **members))
    assert [problem.path for problem in NODE.kind.validate(document, None)] == [field]


def test_a_provider_id_is_decided_once() -> None:
    before = shown(ready())
    after = {**before, "spec": {**before["spec"], "providerID": "docker://node-1"}}
    assert [problem.path for problem in NODE.kind.validate(after, before)] == ["spec.providerID"]


@pytest.mark.parametrize("cpu", ["-1", "0", "9999999999999999999"])
def test_a_status_says_no_more_than_a_node_may_have(cpu: str) -> None:
    """Otherwise nothing else could be written of the node any more."""
    node = Node(uid="u1", name="node-1", cpu_millis=1000, memory_bytes=2**30)
    with pytest.raises(Invalid, match=r"status\.allocatable\.cpu"):
        node_document.read_status({**shown(node), "status": {"allocatable": {"cpu": cpu}}}, node)
