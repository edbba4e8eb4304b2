"""What agents report of their pods."""

from typing import Any

import msgspec
import pytest

from kuberklone.errors import NotFound, Refused, Superseded
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.reporting import MachineInfo, PodReport
from kuberklone.store import nodes, pods, schema
from kuberklone.store.agents import Register
from kuberklone.store.database import Store
from kuberklone.store.operations import Applier, DeletePod, Operation, Outcome
from kuberklone.store.reports import Reported, ReportPods
from kuberklone.store.transaction import write
from tests.store import made


def apply(store: Store, *operations: Operation) -> list[Outcome]:
    with write(store) as transaction:
        return Applier().apply(transaction, operations)


def joined(store: Store, name: str) -> Node:
    """A node whose agent has registered."""
    (node,) = made.add_nodes(store, made.node(name, provider="docker"))
    apply(
        store,
        Register(node_uid=node.uid, session="s", boot_id="b", machine=MachineInfo(), running=0, grant_ms=1000),
    )
    with store.snapshot() as connection:
        return nodes.named(connection, [name])[0]


@pytest.fixture
def node(store: Store) -> Node:
    return joined(store, "node-1")


def reported(node: Node, *seen: PodReport, session: str = "s", boot_id: str = "b", **more: Any) -> ReportPods:
    return ReportPods(node_uid=node.uid, session=session, boot_id=boot_id, pods=seen, **more)


def running(pod: Pod, **more: Any) -> PodReport:
    return PodReport(uid=pod.uid, **{"phase": "Running", "started_ago_ms": 1_000, **more})


def now(store: Store, pod: Pod) -> Pod:
    with store.snapshot() as connection:
        (found,) = pods.with_uids(connection, [pod.uid])
    return found


def test_what_is_observed_becomes_the_record(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, node, made.pod())
    status = msgspec.Raw(b'{"containerStatuses":[{"name":"main","restartCount":2}]}')
    seen = running(
        pod, reason="CrashLoopBackOff", message="again", pod_ip="172.17.0.3", exit_code=3, restarts=2, status=status
    )
    assert apply(store, reported(node, seen)) == [Reported(gone=())]
    written = now(store, pod)
    assert (written.phase, written.reason, written.message) == ("Running", "CrashLoopBackOff", "again")
    assert (written.pod_ip, written.exit_code, written.restarts) == ("172.17.0.3", 3, 2)
    document = made.changes(store)[-1]["object"]
    assert '"containerStatuses":[{"name":"main","restartCount":2}]' in document
    assert document.count("containerStatuses") == 1
    assert [row["reason"] for row in made.rows(store, schema.events) if row["involved_uid"] == pod.uid] == [
        "CrashLoopBackOff"
    ]


def test_saying_the_same_again_writes_nothing(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, node, made.pod())
    apply(store, reported(node, running(pod)))
    before = now(store, pod)
    made.later(store)
    # The age is a second more by now, or a little less for a message that took longer.
    apply(store, reported(node, running(pod, started_ago_ms=1_700)))
    assert now(store, pod) == before


def test_a_container_that_was_started_again_has_another_start(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, node, made.pod())
    apply(store, reported(node, running(pod, started_ago_ms=60_000)))
    first_ms = now(store, pod).started_ms
    apply(store, reported(node, running(pod, started_ago_ms=0, restarts=1)))
    second_ms = now(store, pod).started_ms
    assert first_ms is not None
    assert second_ms is not None
    assert second_ms >= first_ms + 60_000


def test_a_pod_that_finishes_gives_its_room_back_and_has_ended_for_good(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, node, made.pod())
    apply(store, reported(node, PodReport(uid=pod.uid, phase="Failed", exit_code=1, finished_ago_ms=0)))
    failed = now(store, pod)
    assert failed.finished_ms is not None
    assert made.rows(store, schema.node_use)[0]["pods"] == 0
    apply(store, reported(node, running(pod)))
    assert now(store, pod) == failed


def test_a_finished_pod_has_an_end_whatever_its_agent_knows(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, node, made.pod())
    apply(store, reported(node, PodReport(uid=pod.uid, phase="Succeeded")))
    assert now(store, pod).finished_ms is not None


def test_pods_that_are_elsewhere_or_gone_are_named_and_left_alone(store: Store, node: Node) -> None:
    moved = made.bound_pod(store, joined(store, "node-2"), made.pod("moved"))
    (waiting,) = made.add_pods(store, made.pod("waiting"))
    before = made.everything(store)
    seen = [running(moved), running(waiting), PodReport(uid="never", phase="Running")]
    assert apply(store, reported(node, *seen)) == [Reported(gone=(moved.uid, waiting.uid, "never"))]
    assert made.everything(store) == before


@pytest.mark.parametrize(
    ("who", "error"),
    [
        pytest.param({"session": "older"}, Superseded, id="another session"),
        pytest.param({"boot_id": "older"}, Superseded, id="another boot"),
    ],
)
def test_only_the_session_that_speaks_is_believed(
    store: Store, node: Node, who: dict[str, str], error: type[Exception]
) -> None:
    pod = made.bound_pod(store, node, made.pod())
    before = made.everything(store)
    (outcome,) = apply(store, reported(node, running(pod), removed=(pod.uid,), **who))
    assert isinstance(outcome, error)
    assert made.everything(store) == before


def test_nobody_speaks_for_a_node_without_an_agent(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node(provider="docker"))
    (outcome,) = apply(store, reported(node))
    assert isinstance(outcome, Refused)
    (outcome,) = apply(store, ReportPods(node_uid="gone", session="s", boot_id="b", pods=()))
    assert isinstance(outcome, NotFound)


def test_a_confirmed_stop_finishes_a_deletion_and_the_successor_follows(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, node, made.pod("web"))
    with write(store) as transaction:
        made.marked(transaction, pod, "Taint")
    apply(store, reported(node, removed=(pod.uid,)))
    (left,) = made.rows(store, schema.pods)
    assert (left["name"], left["node_name"], left["phase"]) == ("web", None, "Pending")
    assert left["uid"] != pod.uid
    assert [change["type"] for change in made.changes(store)[-2:]] == ["DELETED", "ADDED"]


def test_a_pod_that_a_person_deleted_is_gone(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, node, made.pod())
    apply(store, DeletePod(namespace="default", name=pod.name))
    apply(store, reported(node, running(pod), removed=(pod.uid,)))
    assert made.rows(store, schema.pods) == []


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({}, id="not being deleted"),
        pytest.param({"deleting_ms": 1, "deletion_cause": "User", "finalizers": '["a/b"]'}, id="held by a finalizer"),
    ],
)
def test_a_pod_that_is_not_to_go_stays(store: Store, node: Node, columns: dict[str, Any]) -> None:
    pod = made.bound_pod(store, node, made.pod(), **columns) if columns else made.bound_pod(store, node, made.pod())
    apply(store, reported(node, removed=(pod.uid,)))
    assert now(store, pod) == pod


def test_nobody_removes_the_pods_of_another_node(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, joined(store, "node-2"), made.pod())
    with write(store) as transaction:
        marked = made.marked(transaction, pod, "User")
    apply(store, reported(node, removed=(pod.uid,)))
    assert now(store, pod) == marked


def test_reports_of_one_transaction_have_each_their_outcome(store: Store, node: Node) -> None:
    other = joined(store, "node-2")
    one, two = made.bound_pod(store, node, made.pod("one")), made.bound_pod(store, other, made.pod("two"))
    outcomes = apply(
        store,
        reported(node, running(one)),
        reported(other, running(two), session="older"),
        reported(other, running(one)),
        reported(node, running(one, restarts=1)),
    )
    assert outcomes[0] == outcomes[3] == Reported(gone=())
    assert isinstance(outcomes[1], Superseded)
    assert outcomes[2] == Reported(gone=(one.uid,))
    assert (now(store, one).restarts, now(store, two).phase) == (1, "Pending")
