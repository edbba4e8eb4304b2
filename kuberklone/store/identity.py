"""Which cluster this is: a short id, drawn when the database was made, that marks what the cluster makes elsewhere."""

from sqlalchemy import Connection, select

from kuberklone.store import schema

_CLUSTER_ID = select(schema.cluster.c.cluster_id)


def cluster_id(connection: Connection) -> str:
    found: str = connection.execute(_CLUSTER_ID).scalar_one()
    return found
