"""Agents that report through the API: sessions, beats, grants, and what they measured."""

from dataclasses import replace
from typing import Any

import pytest

from kuberklone.errors import KuberkloneError, NotFound, Refused, Superseded
from kuberklone.kinds.node import Node
from kuberklone.kinds.reporting import MachineInfo, NodeUsage, PodUsage
from kuberklone.store import agents, heartbeats, nodes, schema
from kuberklone.store.agents import Beat, BeatPath, Done, Register, Registration
from kuberklone.store.database import Store
from kuberklone.store.operations import Applier, Operation, Outcome
from kuberklone.store.removal import remove_pods
from kuberklone.store.transaction import write
from tests.store import made

GRANT_MS = 40_000
MACHINE = MachineInfo(os_image='Debian "13"', kernel="6.1", address="10.0.0.7", agent_version="1")


def apply(store: Store, *operations: Operation) -> list[Outcome]:
    with write(store) as transaction:
        return Applier().apply(transaction, operations)


def registration(node: Node, *, session: str = "s1", boot_id: str = "boot-1") -> Register:
    return Register(node_uid=node.uid, session=session, boot_id=boot_id, machine=MACHINE, running=0, grant_ms=GRANT_MS)


def beat(node: Node, seq: int, *, session: str = "s1", **more: Any) -> Beat:
    return Beat(node_uid=node.uid, session=session, seq=seq, grant_ms=GRANT_MS, **more)


def register(store: Store, node: Node, **more: Any) -> Registration:
    (outcome,) = apply(store, registration(node, **more))
    assert isinstance(outcome, Registration), outcome
    return outcome


@pytest.fixture
def node(store: Store) -> Node:
    (added,) = made.add_nodes(store, made.node(provider="docker", ready="Unknown", ready_reason="NeverHeard"))
    return added


def heartbeat(store: Store) -> dict[str, Any]:
    (row,) = made.rows(store, schema.heartbeats)
    return row


def test_a_registration_is_the_first_beat_and_grants(store: Store, node: Node) -> None:
    registered = register(store, node)
    row = heartbeat(store)
    assert (row["path"], row["boot_id"], row["seq"]) == ("api", "boot-1", registered.seq)
    assert row["granted_until_ms"] == row["received_ms"] + GRANT_MS
    assert registered.cluster_id == made.rows(store, schema.cluster)[0]["cluster_id"]
    (path,) = made.rows(store, schema.reporting_paths)
    assert (path["path"], path["beat"]) == ("api", 1)


def test_a_registration_tells_what_the_machine_is(store: Store, node: Node) -> None:
    register(store, node)
    (row,) = made.rows(store, schema.agents)
    assert (row["session"], row["os_image"], row["address"]) == ("s1", 'Debian "13"', "10.0.0.7")
    document = made.changes(store)[-1]["object"]
    assert '"osImage":"Debian \\"13\\""' in document
    assert '{"type":"InternalIP","address":"10.0.0.7"}' in document
    assert document.count('"nodeInfo"') == 1


def test_who_registers_again_unchanged_does_not_change_the_record(store: Store, node: Node) -> None:
    register(store, node)
    before = len(made.changes(store))
    assert register(store, node).seq == 2
    assert len(made.changes(store)) == before


def test_the_newest_session_speaks_and_no_earlier_one_comes_back(store: Store, node: Node) -> None:
    for session in ("s1", "s2", "s3"):
        register(store, node, session=session)
    for session in ("s1", "s2"):
        (outcome,) = apply(store, registration(node, session=session))
        assert isinstance(outcome, Superseded)
    assert [type(outcome) for outcome in apply(store, beat(node, 9, session="s2"), beat(node, 9, session="s3"))] == [
        Superseded,
        Done,
    ]


def test_a_beat_before_the_registration_is_refused(store: Store, node: Node) -> None:
    (outcome,) = apply(store, beat(node, 1))
    assert isinstance(outcome, Refused)
    assert made.rows(store, schema.heartbeats) == []


def test_an_agent_of_a_node_that_is_gone_is_told_so(store: Store, node: Node) -> None:
    with write(store) as transaction:
        nodes.delete(transaction, [node])
    (outcome,) = apply(store, registration(node))
    assert isinstance(outcome, NotFound)
    assert made.rows(store, schema.agents) == []


def test_beats_of_many_nodes_are_counted_together(store: Store, node: Node) -> None:
    others = made.add_nodes(store, *(made.node(f"node-{number}", provider="docker") for number in range(2, 6)))
    apply(store, *(registration(each) for each in (node, *others)))
    outcomes = apply(store, *(beat(each, 5) for each in (node, *others)))
    assert outcomes == [Done()] * 5
    assert {row["seq"] for row in made.rows(store, schema.heartbeats)} == {5}


@pytest.mark.parametrize("seq", [1, 4], ids=["long past", "the same again"])
def test_a_beat_that_is_not_newer_grants_nothing(store: Store, node: Node, seq: int) -> None:
    register(store, node)
    apply(store, beat(node, 4))
    before = heartbeat(store)
    made.later(store)
    (outcome,) = apply(store, beat(node, seq))
    assert isinstance(outcome, Refused)
    assert heartbeat(store) == before


def test_a_shorter_grant_takes_back_no_longer_one(store: Store, node: Node) -> None:
    """The agent goes by the longest that it was told, so what is moved waits for that one."""
    register(store, node)
    promised_ms = heartbeat(store)["granted_until_ms"]
    apply(store, replace(beat(node, 5), grant_ms=1))
    assert heartbeat(store)["seq"] == 5
    assert heartbeat(store)["granted_until_ms"] == promised_ms
    apply(store, replace(registration(node, session="s2"), grant_ms=1))
    assert heartbeat(store)["granted_until_ms"] == promised_ms


def test_of_two_beats_of_a_transaction_the_newer_one_counts(store: Store, node: Node) -> None:
    register(store, node)
    outcomes = apply(store, beat(node, 6), beat(node, 5))
    assert [isinstance(outcome, KuberkloneError) for outcome in outcomes] == [False, True]
    assert heartbeat(store)["seq"] == 6


def test_beats_are_not_in_the_change_log(store: Store, node: Node) -> None:
    register(store, node)
    before = made.rows(store, schema.changes)
    apply(store, beat(node, 5))
    assert made.rows(store, schema.changes) == before


def test_the_path_beats_only_while_somebody_reports_by_it(store: Store, node: Node) -> None:
    apply(store, BeatPath())
    assert made.rows(store, schema.reporting_paths) == []
    register(store, node)
    apply(store, BeatPath())
    (path,) = made.rows(store, schema.reporting_paths)
    assert path["beat"] == 2


def test_a_new_boot_is_counted_anew(store: Store, node: Node) -> None:
    register(store, node)
    with write(store) as transaction:
        heartbeats.write_silence(transaction.connection, [(node.uid, 1, 9_000)])
    register(store, node, session="s2", boot_id="boot-2")
    row = heartbeat(store)
    assert (row["boot_id"], row["silent_seq"], row["silence_ms"]) == ("boot-2", -1, 0)


def test_the_latest_usage_is_kept_of_what_is_on_the_node(store: Store, node: Node) -> None:
    (other,) = made.add_nodes(store, made.node("node-2", provider="docker"))
    mine = made.bound_pod(store, node, made.pod("mine"))
    foreign = made.bound_pod(store, other, made.pod("foreign"))
    register(store, node)
    for seq, cpu_millis in ((5, 100), (6, 250)):
        measured = [PodUsage(uid=uid, cpu_millis=cpu_millis, memory_bytes=7) for uid in (mine.uid, foreign.uid, "none")]
        usage = NodeUsage(cpu_millis=cpu_millis, memory_bytes=9)
        apply(store, beat(node, seq, usage=usage, pods=tuple(measured)))
    assert [(row["node_uid"], row["cpu_millis"]) for row in made.rows(store, schema.node_usage)] == [(node.uid, 250)]
    assert [(row["pod_uid"], row["cpu_millis"]) for row in made.rows(store, schema.pod_usage)] == [(mine.uid, 250)]


def test_what_is_known_of_an_agent_goes_with_its_node_and_its_pods(store: Store, node: Node) -> None:
    pod = made.bound_pod(store, node, made.pod())
    register(store, node)
    measured = (PodUsage(uid=pod.uid, cpu_millis=1, memory_bytes=1),)
    apply(store, beat(node, 5, usage=NodeUsage(cpu_millis=1, memory_bytes=1), pods=measured))
    with write(store) as transaction:
        remove_pods(transaction, [pod])
        nodes.delete(transaction, nodes.named(transaction.connection, [node.name]))
    for table in (schema.agents, schema.node_usage, schema.pod_usage, schema.heartbeats, schema.tokens):
        assert made.rows(store, table) == [], table.name


def test_the_nodes_of_pods_are_found_also_of_those_just_removed(store: Store, node: Node) -> None:
    (simulated,) = made.add_nodes(store, made.node("node-2"))
    register(store, node)
    gone = made.bound_pod(store, nodes_now(store, node), made.pod("gone"))
    here = made.bound_pod(store, nodes_now(store, node), made.pod("here"))
    elsewhere = made.bound_pod(store, simulated, made.pod("elsewhere"))
    with write(store) as transaction:
        remove_pods(transaction, [gone])
    with store.snapshot() as connection:
        found = agents.nodes_of_pods(connection, [gone.uid, here.uid, elsewhere.uid, "none"])
    assert sorted(found) == sorted([(gone.uid, "node-1"), (here.uid, "node-1")])


def nodes_now(store: Store, node: Node) -> Node:
    with store.snapshot() as connection:
        (found,) = nodes.named(connection, [node.name])
    return found
