"""Keeps count of the containers that exist, with as few questions to the engine as possible.

One request lists all of them; each is inspected only when it is new or its state has changed. The engine's moments are
of the machine's clock, which people set; they are turned into steady time when first seen, and stay.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from kuberklone.agent.facts import Container
from kuberklone.clock import SystemClock
from kuberklone.engine import labels
from kuberklone.engine.pod_containers import Inspected, Listed, PodContainers
from kuberklone.errors import ContainerMissing

_TO_SECONDS = len("2026-11-23T09:53:47")


class Inventory:
    """What exists, as of the last look. For one thread."""

    def __init__(self, containers: PodContainers, *, clock: SystemClock) -> None:
        self._containers = containers
        self._clock = clock
        self._known: dict[str, Container] = {}

    def look(self) -> tuple[Container, ...]:
        """All containers of the node's pods; raises EngineError."""
        known: dict[str, Container] = {}
        for listed in self._containers.listed():
            before = self._known.get(listed.id)
            if before is not None and before.state == listed.state:
                known[listed.id] = before
                continue
            try:
                known[listed.id] = self._seen(listed, self._containers.inspected(listed.id))
            except ContainerMissing:
                continue  # removed since it was listed
        self._known = known
        return tuple(known.values())

    def forget(self, container_ids: Iterable[str]) -> None:
        """Inspect these again at the next look: something happened to them."""
        for container_id in container_ids:
            self._known.pop(container_id, None)

    def _seen(self, listed: Listed, inspected: Inspected) -> Container:
        carried = listed.labels
        now_ms, wall_ms = self._clock.steady_ms(), self._clock.wall_ms()

        def steady(moment: str) -> int:
            # Whatever lies in the future by a clock that was set back happens now.
            return now_ms - max(0, wall_ms - _wall_ms(moment))

        container = Container(
            id=inspected.id,
            pod_uid=carried.get(labels.POD_UID, ""),
            name=carried.get(labels.CONTAINER_NAME, ""),
            attempt=_number(carried.get(labels.ATTEMPT)),
            boot_id=carried.get(labels.BOOT_ID, ""),
            # Of one instant, as all that follows is; the list is of an earlier one.
            state=inspected.state,
            restart_delay_ms=_number(carried.get(labels.RESTART_DELAY_MS)),
            image_id=inspected.image_id,
            error=inspected.error,
            address=inspected.address,
        )
        if inspected.state == "Created":
            return container
        container = replace(
            container, started_ms=steady(inspected.started_at), started_at=_seconds(inspected.started_at)
        )
        if inspected.state == "Running":
            return container
        return replace(
            container,
            ended_ms=steady(inspected.ended_at),
            ended_at=_seconds(inspected.ended_at),
            exit_code=inspected.exit_code,
            out_of_memory=inspected.out_of_memory,
        )


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def _wall_ms(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


def _seconds(moment: str) -> str:
    """As Kubernetes writes moments: without fractions, in UTC, which is what the engine writes."""
    return moment[:_TO_SECONDS] + "Z"
