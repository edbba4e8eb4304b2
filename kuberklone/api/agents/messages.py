"""How messages of agents become records and records become messages."""

import re
from collections.abc import Mapping

import msgspec

from kuberklone.errors import InvalidField
from kuberklone.kinds import json_text
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.reporting import AssignedPod, PodReport

STATUS_MEMBERS = frozenset(
    {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses", "hostIP", "hostIPs"}
)
"""What an agent may add to a pod's status; all else in there has a column, and so one writer."""

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXTS = msgspec.json.Decoder(dict[str, str])
_LIST = msgspec.json.Decoder(list[str])
# An escaped NUL, which Postgres takes into no JSON; an even number of backslashes before it escape each other.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def checked(report: PodReport, place: int) -> PodReport:
    """The report with a status that can be spliced into a document; raises InvalidField."""
    field = f"pods[{place}].status"
    raw = bytes(report.status)
    try:
        members: Mapping[str, msgspec.Raw] = _MEMBERS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidField(field, "send an object with members of a pod's status") from error
    unknown = sorted(members.keys() - STATUS_MEMBERS)
    if unknown:
        raise InvalidField(
            f"{field}.{unknown[0]}"[:200], f"leave it out; known are {', '.join(sorted(STATUS_MEMBERS))}"
        )
    if _NUL.search(raw):
        raise InvalidField(field, "leave out the character NUL")
    # Encoded anew: without the blanks of whoever sent it, it begins and ends with a brace.
    try:
        status = json_text.text(members)
    except UnicodeDecodeError as error:
        # What the members hold was not looked into until now.
        raise InvalidField(field, "send text in UTF-8") from error
    return msgspec.structs.replace(report, status=msgspec.Raw(status.encode()))


def assigned(pod: Pod, *, now_ms: int) -> AssignedPod:
    return AssignedPod(
        uid=pod.uid,
        namespace=pod.namespace,
        name=pod.name,
        spec=msgspec.Raw(pod.spec.encode()),
        annotations=_TEXTS.decode(pod.annotations),
        phase=pod_kind.phase(pod.phase),
        on_node_failure=pod_kind.on_node_failure(pod.on_node_failure),
        deleting=pod.deleting_ms is not None,
        deletion_grace_s=pod.deletion_grace_s,
        deleting_ago_ms=None if pod.deleting_ms is None else max(0, now_ms - pod.deleting_ms),
        held=_LIST.decode(pod.finalizers),
        restarts=pod.restarts,
        start_delay_ms=pod.start_delay_ms,
    )
