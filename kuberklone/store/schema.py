"""The tables. What a column means and who writes it is said here; how tables change over time is in `migrations/`."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

# Alembic can only change what has a name, so every constraint has one from the first table on.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes only an INTEGER primary key the row's own key; every integer there holds 64 bits anyway.
Big = BigInteger().with_variant(Integer(), "sqlite")


def _required(name: str, kind: Any, default: str | None = None) -> Column[Any]:
    return Column(name, kind, nullable=False, server_default=None if default is None else text(default))


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean(create_constraint=False), nullable=False, server_default=false())


def _json(name: str, empty: str) -> Column[Any]:
    """Raw JSON text: kept byte for byte, spliced into documents without being decoded."""
    return Column(name, Text, nullable=False, server_default=text(f"'{empty}'"))


def _header() -> list[Column[Any]]:
    """Columns of `kinds.header.Header`, the same in every table of records."""
    return [
        Column("uid", Text, primary_key=True),
        _required("name", Text),
        _required("revision", Big),
        _required("generation", Big, "1"),
        _required("created_ms", Big),
        _json("labels", "{}"),
        _json("annotations", "{}"),
        _json("finalizers", "[]"),
        _json("owner_references", "[]"),
        _json("managed_fields", "[]"),
        Column("deleting_ms", Big),
        Column("deletion_cause", Text),
        _required("generate_name", Text, "''"),
    ]


cluster = Table(
    "cluster",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    # Raised by a restore or a branch, so that a cursor from before gets an error and never a silent gap.
    _required("incarnation", Big),
    # The last revision handed out: incarnation · 10¹² + n. Its row lock orders all writes.
    _required("revision", Big),
    # The oldest program (transaction.WRITER) that may still write.
    _required("min_writer", Integer),
    # Cluster time, and the machine's time when it was last advanced (cluster_time.py).
    _required("time_ms", Big),
    _required("wall_ms", Big),
    # Feed cursors below this are refused; set by compaction.
    _required("watch_from", Big),
    # The state at revisions below this can no longer be told; set by compaction, at or below watch_from.
    _required("history_from", Big),
    # Short, drawn once: tells the containers of one cluster from those of another on the same engine.
    _required("cluster_id", Text, "''"),
    CheckConstraint("id = 1", name="one_row"),
)

nodes = Table(
    "nodes",
    metadata,
    *_header(),
    _json("spec", "{}"),
    _json("status", "{}"),
    _required("provider", Text),
    _required("cpu_millis", Big),
    _required("memory_bytes", Big),
    _required("pods_max", Integer),
    _flag("unschedulable"),
    _json("taints", "[]"),
    _required("restarts_wanted", Integer, "0"),
    # Written by controllers/node.
    _required("machine", Text, "'Absent'"),
    Column("boot_id", Text),
    _required("restarts", Integer, "0"),
    _required("restarts_done", Integer, "0"),
    _required("restart_attempts", Integer, "0"),
    Column("restart_at_ms", Big),
    # Written by controllers/node_health.
    _required("ready", Text, "'Unknown'"),
    _required("ready_reason", Text, "'NeverHeard'"),
    _required("ready_since_ms", Big, "0"),
    UniqueConstraint("name"),
)

pods = Table(
    "pods",
    metadata,
    *_header(),
    _required("namespace", Text),
    _json("spec", "{}"),
    _json("status", "{}"),
    # Written by the scheduler, through binding.py.
    Column("node_name", Text),
    Column("bound_ms", Big),
    # Written by the node's agent.
    _required("phase", Text, "'Pending'"),
    Column("reason", Text),
    Column("message", Text),
    Column("pod_ip", Text),
    Column("started_ms", Big),
    Column("finished_ms", Big),
    Column("exit_code", Integer),
    # How often its containers were started again.
    _required("restarts", Integer, "0"),
    Column("deletion_grace_s", Integer),
    # Derived from the document.
    _required("cpu_millis", Big),
    _required("memory_bytes", Big),
    _required("priority", Integer, "0"),
    _required("shape", Text),
    _required("on_node_failure", Text, "'Delete'"),
    _required("start_delay_ms", Big, "0"),
    Column("run_ms", Big),
    _required("planned_exit_code", Integer, "0"),
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
    *_header(),
    _required("api_group", Text),
    _required("resource", Text),
    # '' for kinds without a namespace, never NULL: NULL would make the key below no key.
    _required("namespace", Text),
    _json("spec", "{}"),
    _json("status", "{}"),
    _json("data", "{}"),
    UniqueConstraint("api_group", "resource", "namespace", "name"),
)

changes = Table(
    "changes",
    metadata,
    Column("revision", Big, primary_key=True, autoincrement=False),
    # Settles whether a commit whose answer was lost took place.
    _required("transaction_id", Text),
    _required("api_group", Text),
    _required("resource", Text),
    _required("namespace", Text),
    _required("name", Text),
    _required("uid", Text),
    _required("type", Text),
    _required("api_version", Text),
    # The whole object after the change, without resourceVersion; for DELETED the object as it was last.
    _required("object", Text),
    # {"labels": {…}, "fields": {…}} as they were before, where they changed: what a selector's watcher needs.
    Column("previous", Text),
    _required("time_ms", Big),
    _required("writer", Text),
)
Index("ix_changes_key", changes.c.resource, changes.c.namespace, changes.c.name, changes.c.revision)

node_use = Table(
    "node_use",
    metadata,
    Column("node_name", Text, primary_key=True),
    _required("cpu_millis", Big, "0"),
    _required("memory_bytes", Big, "0"),
    _required("pods", Integer, "0"),
    _required("revision", Big, "0"),
    sqlite_with_rowid=False,
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("node_uid", Text, primary_key=True),
    _required("path", Text),
    _required("boot_id", Text),
    _required("seq", Big, "0"),
    _required("received_ms", Big),
    # Until when the agent may run reschedulable pods without hearing from us again.
    _required("granted_until_ms", Big),
    # Written by controllers/node_health: the sequence number that has been silent, and for how long.
    _required("silent_seq", Big, "-1"),
    _required("silence_ms", Big, "0"),
    sqlite_with_rowid=False,
)

reporting_paths = Table(
    "reporting_paths",
    metadata,
    Column("path", Text, primary_key=True),
    _required("beat", Big, "0"),
    _required("received_ms", Big),
    # Written by controllers/node_health.
    _required("judged_beat", Big, "0"),
    _required("judged_ms", Big, "0"),
    _flag("halted"),
    Column("halted_since_ms", Big),
    # When the path last left a halt: countdowns that began before count from here.
    Column("resumed_ms", Big),
)

leaderships = Table(
    "leaderships",
    metadata,
    Column("name", Text, primary_key=True),
    _required("holder", Text),
    _required("epoch", Big),
    _required("renewals", Big, "0"),
    _required("acquired_ms", Big),
    # What the loop says of itself; counted since the leadership was taken.
    _required("passes", Big, "0"),
    _required("errors", Big, "0"),
    Column("last_error", Text),
    Column("last_error_ms", Big),
    _required("pass_ms", Big, "0"),
    # The feed revision the loop has seen; behind cluster.revision by the loop's lag.
    _required("revision_seen", Big, "0"),
)

placements = Table(
    "placements",
    metadata,
    Column("pod_uid", Text, primary_key=True),
    _required("namespace", Text),
    _required("name", Text),
    _required("node_name", Text),
    _required("bound_ms", Big),
    Column("ended_ms", Big),
    Column("why_ended", Text),
)
Index("ix_placements_name", placements.c.namespace, placements.c.name)
Index("ix_placements_ended_ms", placements.c.ended_ms)

decisions = Table(
    "decisions",
    metadata,
    _required("pod_uid", Text),
    # Distinguishes outcomes: a pod that stays unschedulable for the same causes keeps one row.
    _required("fingerprint", Text),
    _required("outcome", Text),
    Column("node_name", Text),
    _required("first_ms", Big),
    _required("last_ms", Big),
    _required("count", Integer, "1"),
    _required("nodes_evaluated", Integer),
    _json("reasons", "{}"),
    # The reasons as a sentence; NULL for a pod that was placed.
    Column("message", Text),
    _json("best", "[]"),
    # Of the last time it was decided: decisions are told to those who watch events, in the one order of all writes.
    _required("revision", Big, "0"),
    PrimaryKeyConstraint("pod_uid", "fingerprint", name="pk_decisions"),
    sqlite_with_rowid=False,
)
# Pods that are placed are found by the change that binds them: writing this for each would slow down the scheduler.
Index(
    "ix_decisions_unplaced",
    decisions.c.revision,
    sqlite_where=text("outcome = 'Unschedulable'"),
    postgresql_where=text("outcome = 'Unschedulable'"),
)

evictions = Table(
    "evictions",
    metadata,
    Column("pod_uid", Text, primary_key=True),
    _required("node_name", Text),
    _required("due_ms", Big),
    _required("cause", Text),
)
Index("ix_evictions_due_ms", evictions.c.due_ms)

events = Table(
    "events",
    metadata,
    *_header(),
    _required("namespace", Text),
    _required("involved_kind", Text),
    _required("involved_name", Text),
    _required("involved_uid", Text),
    _required("type", Text),
    _required("reason", Text),
    _required("message", Text),
    _required("count", Integer, "1"),
    _required("last_ms", Big),
    _required("source", Text),
    # Members of a client's event that no column holds.
    _json("data", "{}"),
    UniqueConstraint("namespace", "name"),
)
Index("ix_events_involved_uid", events.c.involved_uid)
Index("ix_events_last_ms", events.c.last_ms)

faults = Table(
    "faults",
    metadata,
    Column("node_uid", Text, primary_key=True),
    _required("kind", Text),
    # Whether a boot ends the fault; only a crash ends so.
    _flag("restart"),
    _required("since_ms", Big),
    # The boot that was hit.
    Column("boot_id", Text),
)

simulated_containers = Table(
    "simulated_containers",
    metadata,
    Column("pod_uid", Text, primary_key=True),
    _required("namespace", Text),
    _required("name", Text),
    _required("node_name", Text),
    _required("boot_id", Text),
    _required("state", Text),
    _required("started_ms", Big),
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
    _required("purpose", Text),
    # The uid of the node that speaks with it; '' for purposes that are nobody's own.
    _required("subject", Text, "''"),
    # SHA-256 of the secret, which is 256 bits of chance: nothing that could be guessed is behind it.
    _required("secret_hash", Text),
    _required("created_ms", Big),
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
    _json("superseded", "[]"),
    Column("boot_id", Text),
    Column("registered_ms", Big),
    _required("engine_version", Text, "''"),
    _required("os_image", Text, "''"),
    _required("kernel", Text, "''"),
    _required("architecture", Text, "''"),
    _required("runtime", Text, "''"),
    _required("address", Text, "''"),
    _required("agent_version", Text, "''"),
)
Index("ix_agents_machine_id", agents.c.machine_id)

node_usage = Table(
    "node_usage",
    metadata,
    Column("node_uid", Text, primary_key=True),
    _required("cpu_millis", Big),
    _required("memory_bytes", Big),
    _required("measured_ms", Big),
    sqlite_with_rowid=False,
)

pod_usage = Table(
    "pod_usage",
    metadata,
    Column("pod_uid", Text, primary_key=True),
    _required("cpu_millis", Big),
    _required("memory_bytes", Big),
    _required("measured_ms", Big),
    sqlite_with_rowid=False,
)
