"""Runs migrations in one transaction, on a connection it is handed or on the database of the settings."""

import os

from alembic import context
from sqlalchemy import Connection

from kuberklone.store import schema, views
from kuberklone.store.database import Store


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=schema.metadata,
        transaction_per_migration=False,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_from_the_shell() -> None:
    url = os.environ.get("KUBERKLONE_DATABASE_URL")
    if not url:
        raise SystemExit("set KUBERKLONE_DATABASE_URL, for example sqlite:////tmp/kuberklone.db")
    store = Store(url)
    try:
        with store.turn(), store.engine.connect() as connection, connection.begin():
            views.drop(connection)
            _run(connection)
            views.recreate(connection)
    finally:
        store.close()


given: Connection | None = context.config.attributes.get("connection")
if given is None:
    _run_from_the_shell()
else:
    _run(given)
