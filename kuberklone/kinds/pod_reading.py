"""The record of a pod that a Kubernetes document asks for.

Columns that controllers decide on are derived here, as `pod_request` derives them from the lab API's words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from kuberklone.apimachinery import problem
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import durations, metadata_reading, pod_defaults, pod_document, pod_resources, rules
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.pod import ON_NODE_FAILURE, OnNodeFailure, Pod
from kuberklone.kinds.pod_request import EXIT_CODE, EXIT_CODE_MAX, RUN, SECONDS_MAX, START_DELAY
from kuberklone.kinds.quantity import CPU_MILLIS_MAX, MEMORY_BYTES_MAX
from kuberklone.kinds.remembering import by_text

_PHASES = frozenset(get_args(pod_kind.Phase))


def read(document: Document, old: Pod | None) -> Pod:
    """The record of a document that fits its schema and has its defaults; raises Invalid."""
    header = metadata_reading.read(document)
    spec: Document = dict(document.get("spec") or {})
    node_name = spec.pop("nodeName", None) or None
    text = metadata_reading.section(spec, None if old is None else old.spec)
    if old is not None and text != old.spec and _says_the_same(spec, old):
        text = old.spec
    said: dict[str, Any] = {"spec": text, **header.columns(old)}
    problems: list[Problem] = []
    if old is None or said["annotations"] != old.annotations:
        said |= _of_annotations(header.sections.get("annotations") or {}, problems)
    if old is None or text != old.spec:
        counted = _counted(text)
        said |= counted.columns
        problems += counted.problems
    if problems:
        raise problem.invalid("Pod", header.name or header.generate_name, problems)
    if old is None:
        # A pod that names its node is bound by whoever writes it: only then the time of the binding is known.
        return Pod(uid="", name=header.name, namespace=header.namespace, node_name=node_name, **said)
    return msgspec.structs.replace(old, generation=old.generation + 1 if text != old.spec else old.generation, **said)


def _says_the_same(spec: Document, old: Pod) -> bool:
    """Whether only the defaults are new: a pod of the lab API is kept without them, and comes back with them."""
    before = {"spec": msgspec.json.decode(old.spec)}
    pod_defaults.pod(before)
    return bool(before["spec"] == spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """What follows from a specification: columns, or why they cannot be counted."""

    columns: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


@by_text
def _counted(text: str) -> _Counted:
    spec: Document = msgspec.json.decode(text)
    cpu_millis = pod_resources.requested(spec, "cpu")
    memory_bytes = pod_resources.requested(spec, "memory")
    if cpu_millis > CPU_MILLIS_MAX or memory_bytes > MEMORY_BYTES_MAX:
        too_much = rules.forbidden("spec.containers", "together they request more than can be counted")
        return _Counted(columns={}, problems=(too_much,))
    # The scheduler decodes the column by the same rules, so both have one idea of what the pod says.
    inputs = pod_kind.scheduling_inputs(
        Pod(uid="", name="", spec=text, cpu_millis=cpu_millis, memory_bytes=memory_bytes)
    )
    columns = {
        "cpu_millis": cpu_millis,
        "memory_bytes": memory_bytes,
        "priority": spec.get("priority") or 0,
        "shape": pod_kind.shape(inputs),
    }
    return _Counted(columns=columns)


def _of_annotations(annotations: dict[str, str], problems: list[Problem]) -> dict[str, Any]:
    words: dict[str, OnNodeFailure] = {word: word for word in get_args(OnNodeFailure)}
    on_node_failure = annotations.get(ON_NODE_FAILURE, "Delete")
    if on_node_failure not in words:
        path = f"metadata.annotations[{ON_NODE_FAILURE}]"
        problems.append(rules.unsupported(path, on_node_failure, words))
    run_ms = _milliseconds(annotations, RUN, problems)
    exit_code = annotations.get(EXIT_CODE, "0")
    # By its length first: a number of thousands of digits is none that Python would read.
    is_number = exit_code.isdecimal() and len(exit_code) <= len(str(EXIT_CODE_MAX))
    if not is_number or int(exit_code) > EXIT_CODE_MAX:
        detail = f"must be a whole number from 0 to {EXIT_CODE_MAX}"
        problems.append(rules.invalid(f"metadata.annotations[{EXIT_CODE}]", exit_code, detail))
        exit_code = "0"
    return {
        "on_node_failure": on_node_failure,
        "start_delay_ms": _milliseconds(annotations, START_DELAY, problems) or 0,
        "run_ms": run_ms,
        "planned_exit_code": int(exit_code),
    }


def _milliseconds(annotations: dict[str, str], key: str, problems: list[Problem]) -> int | None:
    text = annotations.get(key)
    if text is None:
        return None
    try:
        milliseconds = float(text) * 1000
    except ValueError:
        milliseconds = -1.0
    # Not a number compares as false, whatever it is compared with.
    if not 0 <= milliseconds <= SECONDS_MAX * 1000:
        detail = f"must be a number of seconds from 0 to {SECONDS_MAX}"
        problems.append(rules.invalid(f"metadata.annotations[{key}]", text, detail))
        return None
    return round(milliseconds)


def read_status(document: Document, old: Pod) -> Pod:
    """The record with what a write of `/status` says; it is for agents of machines that are not simulated.

    What is only repeated from the pod's own document is not kept: it goes on following from the columns.
    """
    status: Document = document.get("status") or {}
    shown = msgspec.json.decode(pod_document.document(old))["status"]
    changed = {key: value for key, value in pod_document.written_status(status).items() if shown.get(key) != value}
    before: Document = msgspec.json.decode(old.status)
    repeated = {key: value for key, value in before.items() if status.get(key) == value}
    phase = status.get("phase") or old.phase
    if phase not in _PHASES:
        raise problem.invalid("Pod", old.name, [rules.unsupported("status.phase", phase, _PHASES)])
    ends = _ends(status.get("containerStatuses") or []) if phase in pod_kind.FINISHED else (None, None)
    started_ms = durations.moment_ms(status.get("startTime"))
    return msgspec.structs.replace(
        old,
        status=metadata_reading.section({**repeated, **changed}, old.status),
        phase=phase,
        reason=status.get("reason") or None,
        message=status.get("message") or None,
        pod_ip=status.get("podIP") or None,
        # The document shows whole seconds; what only comes back rounded has not changed.
        started_ms=old.started_ms if shown.get("startTime") == status.get("startTime") else started_ms,
        exit_code=old.exit_code if phase == old.phase else ends[0],
        finished_ms=old.finished_ms if phase == old.phase else ends[1],
        **metadata_reading.read(document).columns(old),
    )


def _ends(statuses: list[Document]) -> tuple[int | None, int | None]:
    """The exit code that says most, and the last moment, of containers that have ended."""
    ended = [found for each in statuses if (found := (each.get("state") or {}).get("terminated"))]
    codes = [code for each in ended if (code := each.get("exitCode")) is not None]
    moments = [moment for each in ended if (moment := durations.moment_ms(each.get("finishedAt"))) is not None]
    return max(codes, default=None), max(moments, default=None)
