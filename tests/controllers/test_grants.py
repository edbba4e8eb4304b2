"""A run grant that is being given while somebody concludes that there is none."""

import threading

from kuberklone.store import heartbeats
from tests.controllers.loops import Loops
from tests.waiting import until

_DEADLINE_S = 15.0


def test_a_pod_is_not_removed_while_a_new_grant_for_its_node_is_on_its_way(loops: Loops) -> None:
    if loops.store.dialect == "sqlite":
        return  # one write lock for all: there is no such moment
    loops.add_nodes(2)
    loops.add_pods(2)
    (own,) = loops.pods_on("node-1")
    loops.fail("node-1", "partition")
    loops.kill("garbage")
    loops.pass_s(12)
    assert loops.pod(own).deletion_cause == "NodeUnreachable"
    uid = loops.pod(own).uid
    loops.start("garbage")
    with loops.store.engine.connect() as connection, connection.begin():
        # The cut has healed, and the node's beat is about to be committed.
        now_ms = loops.now_ms()
        heartbeats.beat_path(connection, "simulator", now_ms=now_ms)
        heartbeats.beat_all_but(connection, [], path="simulator", now_ms=now_ms, granted_until_ms=now_ms + 60_000)
        collecting = threading.Thread(target=loops.run, args=["garbage"])
        collecting.start()
        until(lambda: _waiting_for_a_lock(loops), within_s=_DEADLINE_S, what="garbage waits for the beat")
    collecting.join(_DEADLINE_S)
    assert loops.pod(own).uid == uid, "the agent was told that it may run it"


def _waiting_for_a_lock(loops: Loops) -> bool:
    return bool(
        loops.sql("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    )
