"""The PriorityClasses, remembered by the API's process: every new pod asks for them, and they hardly ever change."""

import asyncio
from collections.abc import Mapping

from kuberklone.kinds.pod_admission import SYSTEM_CLASSES, PriorityClass
from kuberklone.store import priority_classes
from kuberklone.store.database import Store

# Changes by this process are seen at once; those by another one as late as a second, as late as in Kubernetes, whose
# plugin reads a watch.
_TRUSTED_S = 1.0


class PriorityClasses:
    def __init__(self, store: Store) -> None:
        self._store = store
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
        with self._store.snapshot() as connection:
            return priority_classes.read(connection)
