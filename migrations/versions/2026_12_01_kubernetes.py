"""What documents of the Kubernetes API say beyond those of the lab API."""

import sqlalchemy as sa
from alembic import op

revision = "2026_12_01"
down_revision = "2026_11_30"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES_OF_RECORDS = ("nodes", "pods", "objects", "events")


def upgrade() -> None:
    for table in _TABLES_OF_RECORDS:
        op.add_column(table, sa.Column("generate_name", sa.Text(), nullable=False, server_default=sa.text("''")))
    # Clients name their events themselves, and may say the same thing twice under two names.
    with op.batch_alter_table("events") as events:
        events.drop_constraint("uq_events_involved_uid_reason_message", type_="unique")
        events.create_unique_constraint("uq_events_namespace_name", ["namespace", "name"])
    op.create_index("ix_events_involved_uid", "events", ["involved_uid"], unique=False)
    op.add_column("events", sa.Column("data", sa.Text(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("decisions", sa.Column("revision", _BIG, nullable=False, server_default=sa.text("0")))
    op.create_index(
        "ix_decisions_unplaced",
        "decisions",
        ["revision"],
        unique=False,
        sqlite_where=sa.text("outcome = 'Unschedulable'"),
        postgresql_where=sa.text("outcome = 'Unschedulable'"),
    )


def downgrade() -> None:
    op.drop_index("ix_decisions_unplaced", table_name="decisions")
    op.drop_column("decisions", "revision")
    op.drop_column("events", "data")
    op.drop_index("ix_events_involved_uid", table_name="events")
    # Of what was said twice, as only clients can, the older program keeps the last.
    op.execute(
        "DELETE FROM events WHERE EXISTS (SELECT 1 FROM events AS e WHERE e.involved_uid = events.involved_uid "
        "AND e.reason = events.reason AND e.message = events.message AND e.revision > events.revision)"
    )
    with op.batch_alter_table("events") as events:
        events.drop_constraint("uq_events_namespace_name", type_="unique")
        events.create_unique_constraint("uq_events_involved_uid_reason_message", ["involved_uid", "reason", "message"])
    for table in _TABLES_OF_RECORDS:
        op.drop_column(table, "generate_name")
