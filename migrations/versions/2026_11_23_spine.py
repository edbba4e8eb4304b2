"""The tables of the first release: records, change log, signs of life, leaderships, history."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23"
down_revision = None
branch_labels = None
depends_on = None

# SQLite makes only an INTEGER primary key the row's own key.
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# The first incarnation; revisions are incarnation · 10¹² + n.
FIRST_REVISION = 10**12
# Cluster time begins at the machine's time, so that a young cluster's times read like everybody else's.
_WALL = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER) * 1000",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}
# `kuberklone sql` asks its questions as this role. Roles belong to the whole server, so it may be there already.
_READER_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kuberklone_reader') THEN
        BEGIN
            CREATE ROLE kuberklone_reader NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'kuberklone_reader', 'MEMBER') THEN
        GRANT kuberklone_reader TO CURRENT_USER;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO kuberklone_reader', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO kuberklone_reader', current_schema());
    EXECUTE format(
        'ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO kuberklone_reader', current_schema()
    );
END $$
"""


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("revision", BIG, autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("api_group", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=True),
        sa.Column("time_ms", BIG, nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_changes")),
    )
    op.create_index("ix_changes_key", "changes", ["resource", "namespace", "name", "revision"], unique=False)

    op.create_table(
        "cluster",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("incarnation", BIG, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("min_writer", sa.Integer(), nullable=False),
        sa.Column("time_ms", BIG, nullable=False),
        sa.Column("wall_ms", BIG, nullable=False),
        sa.Column("watch_from", BIG, nullable=False),
        sa.Column("history_from", BIG, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_cluster_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster")),
    )
    op.create_table(
        "decisions",
        sa.Column("pod_uid", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("node_name", sa.Text(), nullable=True),
        sa.Column("first_ms", BIG, nullable=False),
        sa.Column("last_ms", BIG, nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("nodes_evaluated", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("best", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.PrimaryKeyConstraint("pod_uid", "fingerprint", name="pk_decisions"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column(
            "generation",
            BIG,
            server_default=sa.text("1"),
            nullable=False,
        ),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("labels", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("annotations", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finalizers", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("owner_references", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("managed_fields", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("deleting_ms", BIG, nullable=True),
        sa.Column("deletion_cause", sa.Text(), nullable=True),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("involved_kind", sa.Text(), nullable=False),
        sa.Column("involved_name", sa.Text(), nullable=False),
        sa.Column("involved_uid", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("last_ms", BIG, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_events")),
        sa.UniqueConstraint("involved_uid", "reason", "message", name=op.f("uq_events_involved_uid_reason_message")),
    )
    op.create_index("ix_events_last_ms", "events", ["last_ms"], unique=False)

    op.create_table(
        "evictions",
        sa.Column("pod_uid", sa.Text(), nullable=False),
        sa.Column("node_name", sa.Text(), nullable=False),
        sa.Column("due_ms", BIG, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pod_uid", name=op.f("pk_evictions")),
    )
    op.create_index("ix_evictions_due_ms", "evictions", ["due_ms"], unique=False)

    op.create_table(
        "faults",
        sa.Column("node_uid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("restart", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("node_uid", name=op.f("pk_faults")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("node_uid", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("seq", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("received_ms", BIG, nullable=False),
        sa.Column("granted_until_ms", BIG, nullable=False),
        sa.Column(
            "silent_seq",
            BIG,
            server_default=sa.text("(-1)"),
            nullable=False,
        ),
        sa.Column(
            "silence_ms",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("node_uid", name=op.f("pk_heartbeats")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leaderships",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column(
            "renewals",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("acquired_ms", BIG, nullable=False),
        sa.Column("passes", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("errors", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_ms", BIG, nullable=True),
        sa.Column("pass_ms", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column(
            "revision_seen",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leaderships")),
    )
    op.create_table(
        "node_use",
        sa.Column("node_name", sa.Text(), nullable=False),
        sa.Column(
            "cpu_millis",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "memory_bytes",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("pods", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "revision",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("node_name", name=op.f("pk_node_use")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "nodes",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column(
            "generation",
            BIG,
            server_default=sa.text("1"),
            nullable=False,
        ),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("labels", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("annotations", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finalizers", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("owner_references", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("managed_fields", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("deleting_ms", BIG, nullable=True),
        sa.Column("deletion_cause", sa.Text(), nullable=True),
        sa.Column("spec", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("cpu_millis", BIG, nullable=False),
        sa.Column("memory_bytes", BIG, nullable=False),
        sa.Column("pods_max", sa.Integer(), nullable=False),
        sa.Column("unschedulable", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("taints", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("restarts_wanted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("machine", sa.Text(), server_default=sa.text("'Absent'"), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=True),
        sa.Column("restarts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("restarts_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("restart_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("restart_at_ms", BIG, nullable=True),
        sa.Column("ready", sa.Text(), server_default=sa.text("'Unknown'"), nullable=False),
        sa.Column("ready_reason", sa.Text(), server_default=sa.text("'NeverHeard'"), nullable=False),
        sa.Column(
            "ready_since_ms",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_nodes")),
        sa.UniqueConstraint("name", name=op.f("uq_nodes_name")),
    )
    op.create_table(
        "objects",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column(
            "generation",
            BIG,
            server_default=sa.text("1"),
            nullable=False,
        ),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("labels", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("annotations", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finalizers", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("owner_references", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("managed_fields", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("deleting_ms", BIG, nullable=True),
        sa.Column("deletion_cause", sa.Text(), nullable=True),
        sa.Column("api_group", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("data", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_objects")),
        sa.UniqueConstraint(
            "api_group", "resource", "namespace", "name", name=op.f("uq_objects_api_group_resource_namespace_name")
        ),
    )
    op.create_table(
        "placements",
        sa.Column("pod_uid", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("node_name", sa.Text(), nullable=False),
        sa.Column("bound_ms", BIG, nullable=False),
        sa.Column("ended_ms", BIG, nullable=True),
        sa.Column("why_ended", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("pod_uid", name=op.f("pk_placements")),
    )
    op.create_index("ix_placements_ended_ms", "placements", ["ended_ms"], unique=False)
    op.create_index("ix_placements_name", "placements", ["namespace", "name"], unique=False)

    op.create_table(
        "pods",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column(
            "generation",
            BIG,
            server_default=sa.text("1"),
            nullable=False,
        ),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("labels", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("annotations", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finalizers", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("owner_references", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("managed_fields", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("deleting_ms", BIG, nullable=True),
        sa.Column("deletion_cause", sa.Text(), nullable=True),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("node_name", sa.Text(), nullable=True),
        sa.Column("bound_ms", BIG, nullable=True),
        sa.Column("phase", sa.Text(), server_default=sa.text("'Pending'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("pod_ip", sa.Text(), nullable=True),
        sa.Column("started_ms", BIG, nullable=True),
        sa.Column("finished_ms", BIG, nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("deletion_grace_s", sa.Integer(), nullable=True),
        sa.Column("cpu_millis", BIG, nullable=False),
        sa.Column("memory_bytes", BIG, nullable=False),
        sa.Column("priority", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("on_node_failure", sa.Text(), server_default=sa.text("'Delete'"), nullable=False),
        sa.Column(
            "start_delay_ms",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("run_ms", BIG, nullable=True),
        sa.Column("planned_exit_code", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_pods")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_pods_namespace_name")),
    )
    op.create_index(
        "ix_pods_deleting",
        "pods",
        ["deleting_ms"],
        unique=False,
        sqlite_where=sa.text("deleting_ms IS NOT NULL"),
        postgresql_where=sa.text("deleting_ms IS NOT NULL"),
    )
    op.create_index(
        "ix_pods_finished",
        "pods",
        ["finished_ms"],
        unique=False,
        sqlite_where=sa.text("finished_ms IS NOT NULL"),
        postgresql_where=sa.text("finished_ms IS NOT NULL"),
    )
    op.create_index(
        "ix_pods_node_name",
        "pods",
        ["node_name"],
        unique=False,
        sqlite_where=sa.text("node_name IS NOT NULL"),
        postgresql_where=sa.text("node_name IS NOT NULL"),
    )
    op.create_index(
        "ix_pods_to_start",
        "pods",
        ["bound_ms"],
        unique=False,
        sqlite_where=sa.text("phase = 'Pending' AND node_name IS NOT NULL"),
        postgresql_where=sa.text("phase = 'Pending' AND node_name IS NOT NULL"),
    )
    op.create_index(
        "ix_pods_unbound",
        "pods",
        ["priority", "created_ms"],
        unique=False,
        sqlite_where=sa.text("node_name IS NULL"),
        postgresql_where=sa.text("node_name IS NULL"),
    )

    op.create_table(
        "reporting_paths",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("beat", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("received_ms", BIG, nullable=False),
        sa.Column(
            "judged_beat",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "judged_ms",
            BIG,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("halted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("halted_since_ms", BIG, nullable=True),
        sa.Column("resumed_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_reporting_paths")),
    )
    op.create_table(
        "simulated_containers",
        sa.Column("pod_uid", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("node_name", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_ms", BIG, nullable=False),
        sa.Column("ends_at_ms", BIG, nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("ended_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("pod_uid", name=op.f("pk_simulated_containers")),
    )
    op.create_index("ix_simulated_containers_ends_at_ms", "simulated_containers", ["ends_at_ms"], unique=False)
    op.create_index("ix_simulated_containers_node_name", "simulated_containers", ["node_name"], unique=False)

    op.execute(
        "INSERT INTO cluster (id, incarnation, revision, min_writer, time_ms, wall_ms, watch_from, history_from) "
        f"VALUES (1, 1, {FIRST_REVISION}, 1, {_WALL[op.get_context().dialect.name]}, "
        f"{_WALL[op.get_context().dialect.name]}, {FIRST_REVISION}, {FIRST_REVISION})"
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(_READER_ROLE)


def downgrade() -> None:
    op.drop_index("ix_simulated_containers_node_name", "simulated_containers")
    op.drop_index("ix_simulated_containers_ends_at_ms", "simulated_containers")

    op.drop_table("simulated_containers")
    op.drop_table("reporting_paths")
    op.drop_index(
        "ix_pods_unbound",
        "pods",
        sqlite_where=sa.text("node_name IS NULL"),
        postgresql_where=sa.text("node_name IS NULL"),
    )
    op.drop_index(
        "ix_pods_to_start",
        "pods",
        sqlite_where=sa.text("phase = 'Pending' AND node_name IS NOT NULL"),
        postgresql_where=sa.text("phase = 'Pending' AND node_name IS NOT NULL"),
    )
    op.drop_index(
        "ix_pods_node_name",
        "pods",
        sqlite_where=sa.text("node_name IS NOT NULL"),
        postgresql_where=sa.text("node_name IS NOT NULL"),
    )
    op.drop_index(
        "ix_pods_finished",
        "pods",
        sqlite_where=sa.text("finished_ms IS NOT NULL"),
        postgresql_where=sa.text("finished_ms IS NOT NULL"),
    )
    op.drop_index(
        "ix_pods_deleting",
        "pods",
        sqlite_where=sa.text("deleting_ms IS NOT NULL"),
        postgresql_where=sa.text("deleting_ms IS NOT NULL"),
    )

    op.drop_table("pods")
    op.drop_index("ix_placements_name", "placements")
    op.drop_index("ix_placements_ended_ms", "placements")

    op.drop_table("placements")
    op.drop_table("objects")
    op.drop_table("nodes")
    op.drop_table("node_use")
    op.drop_table("leaderships")
    op.drop_table("heartbeats")
    op.drop_table("faults")
    op.drop_index("ix_evictions_due_ms", "evictions")

    op.drop_table("evictions")
    op.drop_index("ix_events_last_ms", "events")

    op.drop_table("events")
    op.drop_table("decisions")
    op.drop_table("cluster")
    op.drop_index("ix_changes_key", "changes")

    op.drop_table("changes")
