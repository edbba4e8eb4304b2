"""The tables. What a column means and who writes it is said here; how tables change over time is in `migrations/`."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kuberklone.store.columns import Big, flag, header, json, metadata, required

# Who looks for a table looks here, and for all of them together too.
__all__ = ["metadata"]

cluster = Table(
    "cluster",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    # Raised by a restore or a branch, so that a cursor from before gets an error and never a silent gap.
    required("incarnation", Big),
    # The last revision handed out: incarnation · 10¹² + n. Its row lock orders all writes.
    required("revision", Big),
    # The oldest program (transaction.WRITER) that may still write.
    required("min_writer", Integer),
    # Cluster time, and the machine's time when it was last advanced (cluster_time.py).
    required("time_ms", Big),
    required("wall_ms", Big),
    # Feed cursors below this are refused; set by compaction.
    required("watch_from", Big),
    # The state at revisions below this can no longer be told; set by compaction, at or below watch_from.
    required("history_from", Big),
    # Short, drawn once: tells the containers of one cluster from those of another on the same engine.
    required("cluster_id", Text, "''"),
    CheckConstraint("id = 1", name="one_row"),
)

nodes = Table(
    "nodes",
    metadata,
    *header(),
    json("spec", "{}"),
    json("status", "{}"),
    required("provider", Text),
    required("cpu_millis", Big),
    required("memory_bytes", Big),
    required("pods_max", Integer),
    flag("unschedulable"),
    json("taints", "[]"),
    required("restarts_wanted", Integer, "0"),
    # Written by controllers/node.
    required("machine", Text, "'Absent'"),
    Column("boot_id", Text),
    required("restarts", Integer, "0"),
    required("restarts_done", Integer, "0"),
    required("restart_attempts", Integer, "0"),
    Column("restart_at_ms", Big),
    # Written by controllers/node_health.
    required("ready", Text, "'Unknown'"),
    required("ready_reason", Text, "'NeverHeard'"),
    required("ready_since_ms", Big, "0"),
    UniqueConstraint("name"),
)

pods = Table(
    "pods",
    metadata,
    *header(),
    required("namespace", Text),
    json("spec", "{}"),
    json("status", "{}"),
    # Written by the scheduler, through binding.py.
    Column("node_name", Text),
    Column("bound_ms", Big),
    # Written by the node's agent.
    required("phase", Text, "'Pending'"),
    Column("reason", Text),
    Column("message", Text),
    Column("pod_ip", Text),
    Column("started_ms", Big),
    Column("finished_ms", Big),
    Column("exit_code", Integer),
    # How often its containers were started again.
    required("restarts", Integer, "0"),
    Column("deletion_grace_s", Integer),
    # Derived from the document.
    required("cpu_millis", Big),
    required("memory_bytes", Big),
    required("priority", Integer, "0"),
    required("shape", Text),
    required("on_node_failure", Text, "'Delete'"),
    required("start_delay_ms", Big, "0"),
    Column("run_ms", Big),
    required("planned_exit_code", Integer, "0"),
    UniqueConstraint("namespace", "name"),
)
# Each of these indexes holds only the rows that one controller looks for, so it stays small and cheap to keep.
Index(
    "ix_pods_unbound",
    pods.c.priority,
    pods.c.created_ms,
    sqlite_where=text("node_name IS NULL"),
    postgresql_where=text("node_name IS NULL"),
)
Index(
    "ix_pods_node_name",
    pods.c.node_name,
    sqlite_where=text("node_name IS NOT NULL"),
    postgresql_where=text("node_name IS NOT NULL"),
)
Index(
    "ix_pods_to_start",
    pods.c.bound_ms,
    sqlite_where=text("phase = 'Pending' AND node_name IS NOT NULL"),
    postgresql_where=text("phase = 'Pending' AND node_name IS NOT NULL"),
)
Index(
    "ix_pods_deleting",
    pods.c.deleting_ms,
    sqlite_where=text("deleting_ms IS NOT NULL"),
    postgresql_where=text("deleting_ms IS NOT NULL"),
)
Index(
    "ix_pods_finished",
    pods.c.finished_ms,
    sqlite_where=text("finished_ms IS NOT NULL"),
    postgresql_where=text("finished_ms IS NOT NULL"),
)

objects = Table(
    "objects",
    metadata,
    *header(),
    required("api_group", Text),
    required("resource", Text),
    # '' for kinds without a namespace, never NULL: NULL would make the key below no key.
    required("namespace", Text),
    json("spec", "{}"),
    json("status", "{}"),
    json("data", "{}"),
    UniqueConstraint("api_group", "resource", "namespace", "name"),
)

changes = Table(
    "changes",
    metadata,
    Column("revision", Big, primary_key=True, autoincrement=False),
    # Settles whether a commit whose answer was lost took place.
    required("transaction_id", Text),
    required("api_group", Text),
    required("resource", Text),
    required("namespace", Text),
    required("name", Text),
    required("uid", Text),
    required("type", Text),
    required("api_version", Text),
    # The whole object after the change, without resourceVersion; for DELETED the object as it was last.
    required("object", Text),
    # {"labels": {…}, "fields": {…}} as they were before, where they changed: what a selector's watcher needs.
    Column("previous", Text),
    required("time_ms", Big),
    required("writer", Text),
)
Index("ix_changes_key", changes.c.resource, changes.c.namespace, changes.c.name, changes.c.revision)

node_use = Table(
    "node_use",
    metadata,
    Column("node_name", Text, primary_key=True),
    required("cpu_millis", Big, "0"),
    required("memory_bytes", Big, "0"),
    required("pods", Integer, "0"),
    required("revision", Big, "0"),
    sqlite_with_rowid=False,
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("node_uid", Text, primary_key=True),
    required("path", Text),
    required("boot_id", Text),
    required("seq", Big, "0"),
    required("received_ms", Big),
    # Until when the agent may run reschedulable pods without hearing from us again.
    required("granted_until_ms", Big),
    # Written by controllers/node_health: the sequence number that has been silent, and for how long.
    required("silent_seq", Big, "-1"),
    required("silence_ms", Big, "0"),
    sqlite_with_rowid=False,
)

reporting_paths = Table(
    "reporting_paths",
    metadata,
    Column("path", Text, primary_key=True),
    required("beat", Big, "0"),
    required("received_ms", Big),
    # Written by controllers/node_health.
    required("judged_beat", Big, "0"),
    required("judged_ms", Big, "0"),
    flag("halted"),
    Column("halted_since_ms", Big),
    # When the path last left a halt: countdowns that began before count from here.
    Column("resumed_ms", Big),
)

leaderships = Table(
    "leaderships",
    metadata,
    Column("name", Text, primary_key=True),
    required("holder", Text),
    required("epoch", Big),
    required("renewals", Big, "0"),
    required("acquired_ms", Big),
    # What the loop says of itself; counted since the leadership was taken.
    required("passes", Big, "0"),
    required("errors", Big, "0"),
    Column("last_error", Text),
    Column("last_error_ms", Big),
    required("pass_ms", Big, "0"),
    # The feed revision the loop has seen; behind cluster.revision by the loop's lag.
    required("revision_seen", Big, "0"),
)

placements = Table(
    "placements",
    metadata,
    Column("pod_uid", Text, primary_key=True),
    required("namespace", Text),
    required("name", Text),
    required("node_name", Text),
    required("bound_ms", Big),
    Column("ended_ms", Big),
    Column("why_ended", Text),
)
Index("ix_placements_name", placements.c.namespace, placements.c.name)
Index("ix_placements_ended_ms", placements.c.ended_ms)

decisions = Table(
    "decisions",
    metadata,
    required("pod_uid", Text),
    # Distinguishes outcomes: a pod that stays unschedulable for the same causes keeps one row.
    required("fingerprint", Text),
    required("outcome", Text),
    Column("node_name", Text),
    required("first_ms", Big),
    required("last_ms", Big),
    required("count", Integer, "1"),
    required("nodes_evaluated", Integer),
    json("reasons", "{}"),
    # The reasons as a sentence; NULL for a pod that was placed.
    Column("message", Text),
    json("best", "[]"),
    PrimaryKeyConstraint("pod_uid", "fingerprint", name="pk_decisions"),
    sqlite_with_rowid=False,
)

evictions = Table(
    "evictions",
    metadata,
    Column("pod_uid", Text, primary_key=True),
    required("node_name", Text),
    required("due_ms", Big),
    required("cause", Text),
)
Index("ix_evictions_due_ms", evictions.c.due_ms)

events = Table(
    "events",
    metadata,
    *header(),
    required("namespace", Text),
    required("involved_kind", Text),
    required("involved_name", Text),
    required("involved_uid", Text),
    required("type", Text),
    required("reason", Text),
    required("message", Text),
    required("count", Integer, "1"),
    required("last_ms", Big),
    required("source", Text),
    # The same thing said again raises the count of one row.
    UniqueConstraint("involved_uid", "reason", "message"),
)
Index("ix_events_last_ms", events.c.last_ms)

faults = Table(
    "faults",
    metadata,
    Column("node_uid", Text, primary_key=True),
    required("kind", Text),
    # Whether a boot ends the fault; only a crash ends so.
    flag("restart"),
    required("since_ms", Big),
    # The boot that was hit.
    Column("boot_id", Text),
)

simulated_containers = Table(
    "simulated_containers",
    metadata,
    Column("pod_uid", Text, primary_key=True),
    required("namespace", Text),
    required("name", Text),
    required("node_name", Text),
    required("boot_id", Text),
    required("state", Text),
    required("started_ms", Big),
    Column("ends_at_ms", Big),
    Column("exit_code", Integer),
    Column("ended_ms", Big),
)
Index("ix_simulated_containers_node_name", simulated_containers.c.node_name)
Index("ix_simulated_containers_ends_at_ms", simulated_containers.c.ends_at_ms)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    required("purpose", Text),
    # The uid of the node that speaks with it; '' for purposes that are nobody's own.
    required("subject", Text, "''"),
    # SHA-256 of the secret, which is 256 bits of chance: nothing that could be guessed is behind it.
    required("secret_hash", Text),
    required("created_ms", Big),
    Column("expires_ms", Big),
)
Index("ix_tokens_subject", tokens.c.subject)

agents = Table(
    "agents",
    metadata,
    Column("node_uid", Text, primary_key=True),
    # By which a machine that joins again finds its node; NULL for nodes whose machine we make ourselves.
    Column("machine_id", Text),
    # The one process that speaks for the node; NULL until the first has registered.
    Column("session", Text),
    # Earlier sessions, newest first: none of them may come back.
    json("superseded", "[]"),
    Column("boot_id", Text),
    Column("registered_ms", Big),
    required("engine_version", Text, "''"),
    required("os_image", Text, "''"),
    required("kernel", Text, "''"),
    required("architecture", Text, "''"),
    required("runtime", Text, "''"),
    required("address", Text, "''"),
    required("agent_version", Text, "''"),
)
Index("ix_agents_machine_id", agents.c.machine_id)

node_usage = Table(
    "node_usage",
    metadata,
    Column("node_uid", Text, primary_key=True),
    required("cpu_millis", Big),
    required("memory_bytes", Big),
    required("measured_ms", Big),
    sqlite_with_rowid=False,
)

pod_usage = Table(
    "pod_usage",
    metadata,
    Column("pod_uid", Text, primary_key=True),
    required("cpu_millis", Big),
    required("memory_bytes", Big),
    required("measured_ms", Big),
    sqlite_with_rowid=False,
)
