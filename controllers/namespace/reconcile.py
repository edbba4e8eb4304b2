"""Gives every namespace its default ServiceAccount and the cluster's CA, and empties those that are deleted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from controllers._loop.contract import Outcome
from controllers._loop.readable import understood
from controllers.namespace import conditions, decide
from controllers.namespace.decide import Content, Emptying, NamespaceFacts
from kuberklone.chance import Chance
from kuberklone.kinds import json_text
from kuberklone.kinds.header import Header
from kuberklone.kinds.kind import Kind
from kuberklone.kinds.objects.v1 import config_map, namespace, service_account
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.settings import Settings
from kuberklone.store import crashpoints, deletion, namespaces, object_operations, records
from kuberklone.store.database import Snapshot, Store
from kuberklone.store.object_operations import CreateObject
from kuberklone.store.records import NAMESPACES, TableOf, Update, table_of
from kuberklone.store.transaction import ROWS_MAX, Fence, Transaction, in_batches, write

_ACCOUNT = "default"
_CERTIFICATE = "kube-root-ca.crt"
_CERTIFICATE_KEY = "ca.crt"
_CAUSE = "NamespaceDeleted"
# What holds the rest of a namespace may be of any kind, so it is looked for instead of watched, less and less often.
_LOOK_AGAIN_MS = 100
_LOOK_AGAIN_MAX_MS = 5_000

SMALL = True


def controller(store: Store, settings: Settings) -> "Namespaces":
    return Namespaces(store, settings)


class Namespaces:
    watches = (namespace.KIND.resource, service_account.KIND.resource, config_map.KIND.resource)
    # Whoever makes a namespace does not make a pod in it within this time.
    pace_s = 0.02

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._ca_file = settings.home / "pki" / "ca.crt"
        self._chance = Chance()
        self.forget()

    def forget(self) -> None:
        self._look_again_ms = _LOOK_AGAIN_MS

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Make what is missing, delete what is to go."""
        data = _certificate_data(self._ca_file)
        errors: list[str] = []
        with self._store.snapshot() as connection:
            found = NAMESPACES.read(connection)
            facts = [each for _, each in understood(found, _facts, called=_called, errors=errors)]
            accounts = _named(connection, service_account.KIND, _ACCOUNT)
            certificates = _named(connection, config_map.KIND, _CERTIFICATE)
            content = {
                each.name: list(namespaces.content(connection, each.name, limit=ROWS_MAX))
                for each in facts
                if each.deleting
            }
        plan = decide.decide(
            facts,
            with_account=accounts,
            # Where there is no CA, as without TLS, whatever is there is right.
            with_certificate=[name for name, each in certificates.items() if data is None or each.data == data],
            contents={name: _content(each) for name, each in content.items()},
        )
        crashpoints.reach("namespace.decided")
        made = self._make(plan, data or json_text.EMPTY, certificates, fence)
        by_uid = {each.uid: each for each in found}
        emptied = sum(self._empty(by_uid[each.uid], each, content[each.name], now_ms, fence) for each in plan.emptyings)
        return Outcome(
            counts={"made": made, "emptied": emptied},
            next_wake_ms=self._wake_ms(plan, emptied, now_ms),
            errors=tuple(errors),
        )

    def _wake_ms(self, plan: decide.Plan, emptied: int, now_ms: int) -> int | None:
        if all(each.finished for each in plan.emptyings):
            self._look_again_ms = _LOOK_AGAIN_MS
            return None
        self._look_again_ms = _LOOK_AGAIN_MS if emptied else min(_LOOK_AGAIN_MAX_MS, self._look_again_ms * 2)
        return now_ms + self._look_again_ms

    # ------------------------------------------------------------------------------------------------------- making

    def _make(self, plan: decide.Plan, data: str, certificates: Mapping[str, StoredObject], fence: Fence) -> int:
        new = [
            *(_creation(namespace.KIND, namespace.named(name, uid=self._chance.uid())) for name in plan.namespaces),
            *(_creation(service_account.KIND, self._object(_ACCOUNT, name, "{}")) for name in plan.accounts),
            *(
                _creation(config_map.KIND, self._object(_CERTIFICATE, name, data))
                for name in plan.certificates
                if name not in certificates
            ),
        ]

        def create(transaction: Transaction, batch: list[CreateObject]) -> int:
            outcomes = object_operations.create(transaction, batch)
            crashpoints.reach("namespace.filled")
            # What is refused was made by somebody else, or its namespace is being deleted by now.
            return sum(isinstance(outcome, list) for outcome in outcomes)

        def correct(transaction: Transaction, batch: list[StoredObject]) -> int:
            updates = [Update(each, msgspec.structs.replace(each, data=data)) for each in batch]
            return len(records.update(transaction, table_of(config_map.KIND), updates, ("data",)))

        others = [certificates[name] for name in plan.certificates if name in certificates]
        corrected = in_batches(self._store, others, correct, fence=fence)
        return corrected + in_batches(self._store, new, create, fence=fence)

    def _object(self, name: str, place: str, data: str) -> StoredObject:
        return StoredObject(uid=self._chance.uid(), name=name, namespace=place, generation=0, data=data)

    # ----------------------------------------------------------------------------------------------------- emptying

    def _empty(
        self,
        record: StoredObject,
        plan: Emptying,
        content: Sequence[tuple[TableOf[Any], Sequence[Any]]],
        now_ms: int,
        fence: Fence,
    ) -> int:
        """How many records were deleted or marked."""
        deleted = 0
        for table, found in content:
            if _qualified(table) not in plan.resources:
                continue
            unmarked = [each for each in found if each.deleting_ms is None]

            def delete(transaction: Transaction, batch: list[Any], table: TableOf[Any] = table) -> int:
                gone = deletion.delete(transaction, table, batch, cause=_CAUSE, propagation="Background")
                crashpoints.reach("namespace.emptied")
                return len(gone)

            deleted += in_batches(self._store, unmarked, delete, fence=fence)
        status = conditions.status(record.status, plan.content, now_ms=now_ms)
        spec = _with_finalizers(record.spec, plan.spec_finalizers) if plan.finished else record.spec
        new = msgspec.structs.replace(record, status=status, spec=spec)
        if new != record:
            with write(self._store, fence=fence) as transaction:
                written = records.update(transaction, NAMESPACES, [Update(record, new)], ("status", "spec"))
                deletion.release(transaction, NAMESPACES, written)
                crashpoints.reach("namespace.told")
        return deleted


class _Spec(msgspec.Struct):
    finalizers: tuple[str, ...] = ()


_SPEC = msgspec.json.Decoder(_Spec)
_FINALIZERS = msgspec.json.Decoder(list[str])


def _facts(record: StoredObject) -> NamespaceFacts:
    return NamespaceFacts(
        uid=record.uid,
        revision=record.revision,
        name=record.name,
        deleting=record.deleting_ms is not None,
        spec_finalizers=_SPEC.decode(record.spec).finalizers,
    )


def _called(record: StoredObject) -> str:
    return f"namespace {record.name}"


def _with_finalizers(spec: str, finalizers: Iterable[str]) -> str:
    return json_text.text({**msgspec.json.decode(spec), "finalizers": list(finalizers)})


def _certificate_data(file: Path) -> str | None:
    """The `data` section of the ConfigMap; None where the cluster has no CA."""
    try:
        text = file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return json_text.text({"data": {_CERTIFICATE_KEY: text}})


def _named(connection: Snapshot, kind: Kind[StoredObject], name: str) -> dict[str, StoredObject]:
    """The objects of this name, by namespace."""
    table = table_of(kind)
    found = table.read(connection, table.select().where(table.table.c.name == name))
    return {each.namespace: each for each in found}


def _creation(kind: Kind[Any], record: StoredObject) -> CreateObject:
    return CreateObject(kind=kind, record=record)


def _qualified(table: TableOf[Any]) -> str:
    return f"{table.resource}.{table.group}" if table.group else table.resource


def _content(found: Sequence[tuple[TableOf[Any], Sequence[Header]]]) -> Content:
    finalizers: Counter[str] = Counter()
    for _, each in found:
        for record in each:
            if record.finalizers != "[]":
                finalizers.update(_FINALIZERS.decode(record.finalizers))
    return Content(
        amounts={_qualified(table): len(each) for table, each in found},
        unmarked=frozenset(
            _qualified(table) for table, each in found if any(record.deleting_ms is None for record in each)
        ),
        finalizers=finalizers,
    )
