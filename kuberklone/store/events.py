"""Telling people what happened, once per distinct thing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection

from kuberklone.chance import Chance
from kuberklone.kinds import json_text
from kuberklone.kinds.event import Event, EventType
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import records, schema
from kuberklone.store.among import among
from kuberklone.store.records import EVENTS, Update
from kuberklone.store.transaction import Transaction

_chance = Chance()
# Kubernetes' limit for what is said to a person in one go.
_MESSAGE_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to be said about a record."""

    kind: str
    namespace: str
    name: str
    uid: str
    type: EventType = "Normal"
    reason: str
    message: str


def about_node(node: Node, reason: str, message: str, *, type: EventType = "Normal") -> Note:
    return Note(
        kind="Node", namespace="default", name=node.name, uid=node.uid, type=type, reason=reason, message=message
    )


def about_pod(pod: Pod, reason: str, message: str, *, type: EventType = "Normal") -> Note:
    return Note(
        kind="Pod", namespace=pod.namespace, name=pod.name, uid=pod.uid, type=type, reason=reason, message=message
    )


def record(transaction: Transaction, notes: Iterable[Note], *, source: str) -> None:
    """Write each note as an event; one that was said before raises the count of its row."""
    readable = [note if len(note.message) < _MESSAGE_BYTES_MAX // 4 else _shortened(note) for note in notes]
    distinct = {(note.uid, note.reason, note.message): note for note in readable}
    if not distinct:
        return
    known = {
        (event.involved_uid, event.reason, event.message): event
        for event in EVENTS.read(
            transaction.connection,
            EVENTS.select().where(among(schema.events.c.involved_uid, {uid for uid, _, _ in distinct})),
        )
        # What a client has said in the same words is the client's to repeat.
        if event.data == json_text.EMPTY
    }
    now_ms = transaction.now_ms
    records.update(
        transaction,
        EVENTS,
        [
            Update(known[key], msgspec.structs.replace(known[key], count=known[key].count + 1, last_ms=now_ms))
            for key in distinct
            if key in known
        ],
        ("count", "last_ms"),
    )
    records.insert(
        transaction,
        EVENTS,
        [_event(note, now_ms, source) for key, note in distinct.items() if key not in known],
    )


def _shortened(note: Note) -> Note:
    message = note.message.encode()
    if len(message) <= _MESSAGE_BYTES_MAX:
        return note
    # What is left of a letter that was cut through is dropped.
    kept = message[: _MESSAGE_BYTES_MAX - len("…".encode())].decode(errors="ignore")
    return replace(note, message=f"{kept}…")


def _event(note: Note, now_ms: int, source: str) -> Event:
    return Event(
        uid=_chance.uid(),
        name=f"{note.name}.{_chance.suffix(letters=12)}",
        namespace=note.namespace,
        involved_kind=note.kind,
        involved_name=note.name,
        involved_uid=note.uid,
        type=note.type,
        reason=note.reason,
        message=note.message,
        last_ms=now_ms,
        source=source,
    )


def of(connection: Connection, uid: str, *, limit: int) -> list[Event]:
    """What was said about one record, newest first."""
    table = schema.events.c
    return EVENTS.read(
        connection,
        EVENTS.select().where(table.involved_uid == uid).order_by(table.last_ms.desc()).limit(limit),
    )


def older_than(connection: Connection, last_ms: int, *, limit: int) -> list[Event]:
    """Events not repeated since `last_ms`."""
    return EVENTS.read(connection, EVENTS.select().where(schema.events.c.last_ms < last_ms).limit(limit))
