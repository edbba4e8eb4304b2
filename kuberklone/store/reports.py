"""What agents report of their pods: taken over into the records, and deletions finished whose stop is confirmed.

An agent says all that it observes, again and again; only what differs from the record is written. It may speak of pods
bound to its own node alone, and only while its session is the node's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from kuberklone.errors import KuberkloneError, NotFound
from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.kinds.reporting import PodReport
from kuberklone.store import agents, events, nodes, pods, removal
from kuberklone.store.agents import Agent
from kuberklone.store.events import Note
from kuberklone.store.records import Update
from kuberklone.store.transaction import Transaction

_COLUMNS = (
    "phase", "reason", "message", "pod_ip", "started_ms", "finished_ms", "exit_code", "restarts", "status",
)  # fmt: skip
_SOURCE = "agent"
# A moment is told as an age, and the telling takes a while that varies: what differs by less is the same moment.
_SAME_MOMENT_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPods:
    """An agent tells what it observes of its pods, and which of those to be deleted it has stopped."""

    node_uid: str
    session: str
    boot_id: str
    pods: tuple[PodReport, ...]
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    gone: tuple[str, ...]
    """Uids that are not, or no longer, this node's."""


def apply(transaction: Transaction, reports: Sequence[ReportPods]) -> list[Reported | KuberkloneError]:
    """The outcome of each, in order; all pods by one read and two writes."""
    connection = transaction.connection
    speakers = agents.of_nodes(connection, {report.node_uid for report in reports})
    names = {node.uid: node.name for node in nodes.with_uids(connection, {report.node_uid for report in reports})}
    refused = {
        index: error
        for index, report in enumerate(reports)
        if (error := _refusal(report, speakers.get(report.node_uid), names)) is not None
    }
    valid = [report for index, report in enumerate(reports) if index not in refused]
    uids = {uid for report in valid for uid in (*(each.uid for each in report.pods), *report.removed)}
    found = {pod.uid: pod for pod in pods.with_uids(connection, uids)} if uids else {}
    here = {uid: pod.node_name for uid, pod in found.items()}
    _take_over(transaction, valid, found, names)
    _remove(transaction, valid, found, names)
    outcomes: list[Reported | KuberkloneError] = []
    for index, report in enumerate(reports):
        gone = tuple(each.uid for each in report.pods if here.get(each.uid) != names.get(report.node_uid, ""))
        outcomes.append(refused.get(index) or Reported(gone=gone))
    return outcomes


def _refusal(report: ReportPods, speaker: Agent | None, names: dict[str, str]) -> KuberkloneError | None:
    if report.node_uid not in names:
        return NotFound("the node of this token no longer exists")
    return agents.refusal(speaker, report.session, report.boot_id)


def _take_over(
    transaction: Transaction, reports: Sequence[ReportPods], found: dict[str, Pod], names: dict[str, str]
) -> None:
    """Write what differs, and put it into `found`."""
    observed: dict[str, Pod] = {}
    for report in reports:
        for each in report.pods:
            pod = found.get(each.uid)
            if pod is not None and pod.node_name == names[report.node_uid]:
                # Two reports of one transaction: the later one counts.
                observed[each.uid] = _observed(pod, each, transaction.now_ms)
    updates = [Update(found[uid], pod) for uid, pod in observed.items() if pod != found[uid]]
    written = pods.update(transaction, updates, _COLUMNS)
    assert len(written) == len(updates), "they were read under the lock that orders all writes"
    notes = [_note(change.new) for change in updates if _is_news(change)]
    events.record(transaction, notes, source=_SOURCE)
    found.update((pod.uid, pod) for pod in written)


def _remove(
    transaction: Transaction, reports: Sequence[ReportPods], found: dict[str, Pod], names: dict[str, str]
) -> None:
    doomed: dict[str, Pod] = {}
    for report in reports:
        for uid in report.removed:
            pod = found.get(uid)
            # One with finalizers stays until they are gone; its agent sees that, and reports it once more.
            if (
                pod is not None
                and pod.node_name == names[report.node_uid]
                and pod.deleting_ms is not None
                and pod.finalizers == "[]"
            ):
                doomed[uid] = pod
    if doomed:
        removal.remove_pods(transaction, list(doomed.values()))


def _observed(pod: Pod, report: PodReport, now_ms: int) -> Pod:
    """The pod as the report says it is; a finished pod has ended for good."""
    if pod.phase in FINISHED:
        return pod
    started_ms = _moment(pod.started_ms, report.started_ago_ms, now_ms)
    return msgspec.structs.replace(
        pod,
        phase=report.phase,
        reason=report.reason,
        message=report.message,
        pod_ip=report.pod_ip or None,
        started_ms=started_ms,
        finished_ms=_finished(pod, report, started_ms, now_ms),
        exit_code=report.exit_code,
        restarts=report.restarts,
        status=bytes(report.status).decode(),
    )


def _moment(known_ms: int | None, ago_ms: int | None, now_ms: int) -> int | None:
    """The first telling of a moment is the nearest to it, so a later one counts only if it tells of another."""
    if ago_ms is None:
        return known_ms
    told_ms = max(0, now_ms - ago_ms)
    return told_ms if known_ms is None or told_ms > known_ms + _SAME_MOMENT_MS else known_ms


def _finished(pod: Pod, report: PodReport, started_ms: int | None, now_ms: int) -> int | None:
    if report.phase not in FINISHED:
        return None
    # Retention counts from it, so a finished pod has one, whatever its agent knows.
    finished_ms = _moment(pod.finished_ms, report.finished_ago_ms or 0, now_ms)
    # Start and end are told by two reports, of which the first may have been the longer on its way.
    return finished_ms if finished_ms is None else max(finished_ms, started_ms or 0)


def _is_news(change: Update[Pod]) -> bool:
    return change.new.reason is not None and change.new.reason != change.old.reason


def _note(pod: Pod) -> Note:
    went_well = pod.phase == "Succeeded"
    message = pod.message or f"The pod is {pod.phase}."
    return events.about_pod(pod, pod.reason or pod.phase, message, type="Normal" if went_well else "Warning")
