"""Watches an engine's own account of what ran when, and finds every moment in which something ran twice."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kuberklone.engine import labels

# Marks of an overlap shorter than the engine needs to say that a container has ended: it tells the end after the fact.
_END_IS_TOLD_LATE_NS = 50_000_000


@dataclass(slots=True)
class Run:
    """One container's life, in the engine's nanoseconds."""

    container: str
    pod_uid: str
    node: str
    started_ns: int
    ended_ns: int | None = None
    frozen_ns: int | None = None
    """Since when it has stood still, once: what a frozen machine runs is the one documented exception, from the freeze
    to its stop after the thaw."""

    def overlap_ns(self, other: "Run") -> int:
        end = min(_or_for_ever(self._counts_until_ns()), _or_for_ever(other._counts_until_ns()))
        return end - max(self.started_ns, other.started_ns)

    def _counts_until_ns(self) -> int | None:
        return self.ended_ns if self.frozen_ns is None else self.frozen_ns


def _or_for_ever(moment_ns: int | None) -> int:
    return 2**62 if moment_ns is None else moment_ns


@dataclass(slots=True)
class Witness:
    """Reads `docker events` from a file, as the command writes it."""

    output: Path
    process: subprocess.Popen
    _runs: dict[str, Run] = field(default_factory=dict)
    _of: dict[tuple[str, str, str], list[Run]] = field(default_factory=lambda: defaultdict(list))
    _read: int = 0

    def twice(self) -> list[str]:
        """What ran twice at a time, in words."""
        self._take_in()
        return [line for (namespace, name, _), runs in self._of.items() for line in _overlaps(namespace, name, runs)]

    def runs_of(self, name: str) -> list[Run]:
        """All that ran for the pods of this name, oldest first."""
        self._take_in()
        return [run for (_, pod, _), runs in self._of.items() if pod == name for run in runs]

    def runs(self) -> list[Run]:
        """All that ran for any pod."""
        self._take_in()
        return list(self._runs.values())

    def _take_in(self) -> None:
        assert self.process.poll() is None, f"the witness is gone: {self.output.read_text()[-500:]}"
        text = self.output.read_text()
        whole = text.rfind("\n") + 1
        for line in text[self._read : whole].splitlines():
            self._note(json.loads(line))
        self._read = whole

    def _note(self, event: dict) -> None:
        attributes = event["Actor"]["Attributes"]
        container, moment_ns, action = event["Actor"]["ID"], event["timeNano"], event["Action"]
        if attributes.get(labels.ROLE) == "node" and action == "pause":
            self._freeze(attributes[labels.NODE_NAME], moment_ns)
        if attributes.get(labels.ROLE) != "pod":
            return
        if action == "start":
            run = Run(
                container=attributes["name"],
                pod_uid=attributes[labels.POD_UID],
                node=attributes[labels.NODE_NAME],
                started_ns=moment_ns,
            )
            self._runs[container] = run
            key = (attributes[labels.POD_NAMESPACE], attributes[labels.POD_NAME], attributes[labels.CONTAINER_NAME])
            self._of[key].append(run)
        elif action in ("die", "destroy") and container in self._runs:
            run = self._runs[container]
            run.ended_ns = moment_ns if run.ended_ns is None else run.ended_ns

    def _freeze(self, node: str, moment_ns: int) -> None:
        """Freezing a machine freezes what runs there; the engine tells it of the machine only."""
        for run in self._runs.values():
            if run.node == node and run.ended_ns is None and run.frozen_ns is None:
                run.frozen_ns = moment_ns


def _overlaps(namespace: str, name: str, runs: list[Run]) -> Iterator[str]:
    for index, first in enumerate(runs):
        for second in runs[index + 1 :]:
            overlap_ns = first.overlap_ns(second)
            if overlap_ns > _END_IS_TOLD_LATE_NS:
                yield (
                    f"{namespace}/{name} ran twice for {overlap_ns / 1e6:.0f} ms: {first.container} on {first.node} "
                    f"and {second.container} on {second.node}"
                )


@contextmanager
def watching(cluster_id: str, folder: Path, *, socket: str, since: str | None = None) -> Iterator[Witness]:
    """Everything that the engine tells of a cluster's containers, from now on, or from a moment it still remembers."""
    output = folder / f"events-{cluster_id}"
    with output.open("w") as stream:
        process = subprocess.Popen(
            [
                "docker", "-H", socket, "events", "--format", "{{json .}}", "--filter", "type=container",
                "--filter", f"label={labels.CLUSTER}={cluster_id}", *(() if since is None else ("--since", since)),
            ],
            stdout=stream,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield Witness(output=output, process=process)
    finally:
        process.kill()
        process.wait()
