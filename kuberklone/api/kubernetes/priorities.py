"""The PriorityClasses, remembered by the API's process: every new pod asks for them, and they hardly ever change."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from kuberklone.kinds.kind import Kind
from kuberklone.kinds.pod_admission import SYSTEM_CLASSES, PriorityClass
from kuberklone.store.database import Store
from kuberklone.store.records import table_of

# Changes by this process are seen at once; those by another one as late as a second, as late as in Kubernetes, whose
# plugin reads a watch.
_TRUSTED_S = 1.0


class _Data(msgspec.Struct, rename="camel"):
    value: int = 0
    global_default: bool = False
    preemption_policy: str = "PreemptLowerPriority"


_DATA = msgspec.json.Decoder(_Data)


class PriorityClasses:
    def __init__(self, store: Store, kind: Kind[Any] | None) -> None:
        self._store = store
        self._table = None if kind is None else table_of(kind)
        self._known: Mapping[str, PriorityClass] = {}
        self._read_s: float | None = None

    async def known(self, name: str) -> Mapping[str, PriorityClass]:
        """All of them; `name` is one that must be among them if it exists."""
        is_fresh = self._read_s is not None and self._store.clock.monotonic() - self._read_s < _TRUSTED_S
        is_there = not name or name in self._known or name in SYSTEM_CLASSES
        if not (is_fresh and is_there):
            read_s = self._store.clock.monotonic()
            self._known = await asyncio.to_thread(self._read)
            self._read_s = read_s
        return self._known

    def forget(self) -> None:
        """This process has changed one."""
        self._read_s = None

    def _read(self) -> Mapping[str, PriorityClass]:
        if self._table is None:
            return {}
        with self._store.snapshot() as connection:
            rows = self._table.read(connection)
        return {row.name: _class(row.name, _DATA.decode(row.data)) for row in rows}


def _class(name: str, data: _Data) -> PriorityClass:
    return PriorityClass(
        name=name, value=data.value, preemption_policy=data.preemption_policy, is_default=data.global_default
    )
