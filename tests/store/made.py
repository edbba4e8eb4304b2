"""Records and stores made for tests: short to write, different where it matters."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select, text

from kuberklone.chance import Chance
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import binding, heartbeats, nodes, pods, schema
from kuberklone.store.binding import Binding
from kuberklone.store.database import Store
from kuberklone.store.records import Update
from kuberklone.store.transaction import Transaction, write

_chance = Chance()


def uid() -> str:
    return _chance.uid()


def node(name: str = "node-1", **columns: Any) -> Node:
    """A node that is ready for pods."""
    ready = {"uid": uid(), "machine": "Running", "boot_id": "boot-1", "ready": "True", "ready_reason": "KubeletReady"}
    return Node(name=name, **{**ready, **columns})


def pod(name: str = "pod-1", **columns: Any) -> Pod:
    """A pod that wants one CPU and is moved when its node fails."""
    wants = {"cpu_millis": 1000, "memory_bytes": 2**20, "shape": "s", "on_node_failure": "Reschedule"}
    return Pod(name=name, **{"uid": uid(), **wants, **columns})


def add_nodes(store: Store, *wanted: Node) -> list[Node]:
    with write(store, reserve=len(wanted)) as transaction:
        return nodes.create(transaction, wanted)


def add_pods(store: Store, *wanted: Pod) -> list[Pod]:
    with write(store, reserve=len(wanted)) as transaction:
        return pods.create(transaction, wanted)


def bind(store: Store, node: Node, wanted: Sequence[Pod]) -> list[Pod]:
    """The pods of `wanted` that could be bound to the node as it was read."""
    with write(store, reserve=len(wanted)) as transaction:
        return binding.bind(
            transaction, [Binding(pod=pod, node_name=node.name, node_revision=node.revision) for pod in wanted]
        )


def bound_pod(store: Store, node: Node, pod: Pod, **columns: Any) -> Pod:
    """A pod on the node, brought into the state that `columns` say."""
    (bound,) = bind(store, node, add_pods(store, pod))
    return change_pod(store, bound, **columns) if columns else bound


def change_pod(store: Store, pod: Pod, **columns: Any) -> Pod:
    with write(store, reserve=1) as transaction:
        (changed,) = pods.update(transaction, [_update(pod, columns)], tuple(columns))
    return changed


def change_node(store: Store, node: Node, **columns: Any) -> Node:
    with write(store, reserve=1) as transaction:
        (changed,) = nodes.update(transaction, [_update(node, columns)], tuple(columns))
    return changed


def _update(record: Any, columns: dict[str, Any]) -> Update[Any]:
    return Update(record, msgspec.structs.replace(record, **columns))


def rows(store: Store, table: Table) -> list[dict[str, Any]]:
    """All rows of a table, in the order of its key."""
    with store.snapshot() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key.columns))
        return [dict(row._mapping) for row in found]


def changes(store: Store) -> list[dict[str, Any]]:
    """The change log of nodes and pods."""
    return [row for row in rows(store, schema.changes) if row["resource"] in {"nodes", "pods"}]


def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every table's rows, to see that nothing was written. Time passes in `cluster`, so it is left out."""
    return {table.name: rows(store, table) for table in schema.metadata.sorted_tables if table.name != "cluster"}


def head(store: Store) -> int:
    (row,) = rows(store, schema.cluster)
    return int(row["revision"])


def beat(connection: Connection, path: str) -> None:
    heartbeats.beat_path(connection, path, now_ms=1)


def marked(transaction: Transaction, pod: Pod, cause: str) -> Pod:
    """The pod on its way out."""
    columns = {"deleting_ms": transaction.now_ms, "deletion_cause": cause}
    (changed,) = pods.update(transaction, [_update(pod, columns)], tuple(columns))
    return changed


def insert(transaction: Transaction, pod: Pod) -> Pod:
    (written,) = pods.create(transaction, [pod])
    return written


def later(store: Store) -> None:
    """Let cluster time go on by a second, whatever the machine's clock says."""
    with store.turn(), store.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE cluster SET time_ms = time_ms + 1000"))
