"""Nodes that really exist: who may speak for them, what they said of themselves, and what they use."""

import sqlalchemy as sa
from alembic import op

from kuberklone.chance import Chance

revision = "2026_11_30"
down_revision = "2026_11_23"
branch_labels = None
depends_on = None

# SQLite makes only an INTEGER primary key the row's own key.
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# 27 letters each: two clusters on one engine share an id once in 387 million.
CLUSTER_ID_LETTERS = 6


def upgrade() -> None:
    op.add_column("cluster", sa.Column("cluster_id", sa.Text(), server_default=sa.text("''"), nullable=False))
    drawn = Chance().suffix(letters=CLUSTER_ID_LETTERS)
    op.execute(sa.text("UPDATE cluster SET cluster_id = :drawn").bindparams(drawn=drawn))
    op.add_column("pods", sa.Column("restarts", sa.Integer(), server_default=sa.text("0"), nullable=False))

    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("expires_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    op.create_index("ix_tokens_subject", "tokens", ["subject"], unique=False)

    op.create_table(
        "agents",
        sa.Column("node_uid", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Text(), nullable=True),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("superseded", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=True),
        sa.Column("registered_ms", BIG, nullable=True),
        *(
            sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)
            for name in (
                "engine_version",
                "os_image",
                "kernel",
                "architecture",
                "runtime",
                "address",
                "agent_version",
            )
        ),
        sa.PrimaryKeyConstraint("node_uid", name=op.f("pk_agents")),
    )
    op.create_index("ix_agents_machine_id", "agents", ["machine_id"], unique=False)

    for table, key in (("node_usage", "node_uid"), ("pod_usage", "pod_uid")):
        op.create_table(
            table,
            sa.Column(key, sa.Text(), nullable=False),
            sa.Column("cpu_millis", BIG, nullable=False),
            sa.Column("memory_bytes", BIG, nullable=False),
            sa.Column("measured_ms", BIG, nullable=False),
            sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
            sqlite_with_rowid=False,
        )


def downgrade() -> None:
    op.drop_table("pod_usage")
    op.drop_table("node_usage")
    op.drop_index("ix_agents_machine_id", "agents")
    op.drop_table("agents")
    op.drop_index("ix_tokens_subject", "tokens")
    op.drop_table("tokens")
    op.drop_column("pods", "restarts")
    op.drop_column("cluster", "cluster_id")
