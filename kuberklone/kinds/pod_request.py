"""What a person says to get pods through the lab API, and the records that follow from it.

The record keeps what was written (`"0.5"` stays `"0.5"`) in its document; the columns that controllers decide on are
derived from it here, once.
"""

import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kuberklone.chance import Chance
from kuberklone.errors import InvalidField
from kuberklone.kinds import json_text, names, quantity
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.node_request import Count, Labels, Name, Quantity, numbered
from kuberklone.kinds.pod import ON_NODE_FAILURE, PRIORITY_MAX, Pod, SchedulingInputs
from kuberklone.kinds.taints import EFFECTS, Toleration

START_DELAY = "kuberklone.io/start-delay-seconds"
RUN = "kuberklone.io/run-seconds"
EXIT_CODE = "kuberklone.io/exit-code"
"""Annotations by which a simulated pod's container is played."""

IMAGE = "registry.k8s.io/pause:3.10"  # what Kubernetes itself runs where nothing is to be done
SECONDS_MAX = 10**9  # thirty years; milliseconds of it fit every integer
EXIT_CODE_MAX = 255  # what a process can return on Unix
PRIORITY_MIN = -(2**31)  # Kubernetes keeps priorities as 32-bit integers

_chance = Chance()


class TolerationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: Annotated[str, Meta(examples=["dedicated"])] = ""
    operator: Annotated[str, Meta(description="Equal or Exists.", examples=["Equal"])] = "Equal"
    value: Annotated[str, Meta(examples=["batch"])] = ""
    effect: Annotated[str, Meta(description="one of " + ", ".join(EFFECTS) + "; empty: all.")] = ""
    toleration_seconds: Annotated[
        int | None,
        Meta(description="whole seconds that a NoExecute taint is tolerated; for ever where nothing is said."),
    ] = None


class PodRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    cpus: Annotated[Quantity, Meta(description="CPU cores, such as 2, 0.5 or 500m.", examples=[2])]
    name: Name | None = None
    memory: Annotated[Quantity | None, Meta(description="bytes, such as 512Mi.", examples=["512Mi"])] = None
    priority: Annotated[
        int, Meta(description=f"a whole number up to {PRIORITY_MAX}; higher ones are placed first.", examples=[0])
    ] = 0
    labels: Labels = {}
    node_selector: Annotated[
        dict[str, str], Meta(description="labels that a node must have.", examples=[{"zone": "a"}])
    ] = {}
    tolerations: Annotated[list[TolerationRequest], Meta(description="taints that the pod puts up with.")] = []
    count: Count | None = None
    start_delay_seconds: Annotated[
        float, Meta(description="seconds that a simulated pod takes to start.", examples=[0])
    ] = 0.0
    run_seconds: Annotated[
        float | None, Meta(description="seconds that a simulated pod runs; for ever where nothing is said.")
    ] = None
    exit_code: Annotated[
        int | None, Meta(description=f"0 to {EXIT_CODE_MAX}: how a simulated pod ends; needs run_seconds.")
    ] = None


def build(request: PodRequest, *, toleration_s: float) -> tuple[Pod, ...]:
    """The pods that are asked for, without a name where the store shall number them; raises InvalidField."""
    wanted = numbered(request.name, request.count)
    template = _template(request, toleration_s=toleration_s)
    return tuple(msgspec.structs.replace(template, uid=_chance.uid(), name=name) for name in wanted)


def _template(request: PodRequest, *, toleration_s: float) -> Pod:
    cpu_millis = quantity.cpu_millis(request.cpus, field="cpus")
    memory_bytes = 0 if request.memory is None else quantity.memory_bytes(request.memory, field="memory")
    if not PRIORITY_MIN <= request.priority <= PRIORITY_MAX:
        raise InvalidField("priority", f"send a whole number up to {PRIORITY_MAX}; got {request.priority}")
    names.labels(request.node_selector, field="node_selector")
    given = [_toleration(toleration, place) for place, toleration in enumerate(request.tolerations)]
    # Kubernetes counts whole seconds; a person who sets half a second means that the pod waits a little.
    tolerations = pod_kind.default_tolerations(given, seconds=math.ceil(toleration_s))
    run_ms = None if request.run_seconds is None else _milliseconds(request.run_seconds, "run_seconds", least_ms=1)
    if request.exit_code is not None:
        _check_exit_code(request)
    return Pod(
        uid="",
        name="",
        labels=json_text.text(names.labels(request.labels, field="labels")) if request.labels else "{}",
        annotations=json_text.text(_annotations(request)),
        spec=json_text.text(_spec(request, tolerations)),
        cpu_millis=cpu_millis,
        memory_bytes=memory_bytes,
        priority=request.priority,
        shape=pod_kind.shape(
            SchedulingInputs(
                cpu_millis=cpu_millis,
                memory_bytes=memory_bytes,
                node_selector=request.node_selector,
                tolerations=tolerations,
            )
        ),
        on_node_failure="Reschedule",
        start_delay_ms=_milliseconds(request.start_delay_seconds, "start_delay_seconds", least_ms=0),
        run_ms=run_ms,
        planned_exit_code=request.exit_code or 0,
    )


def _annotations(request: PodRequest) -> dict[str, str]:
    annotations = {ON_NODE_FAILURE: "Reschedule"}
    if request.start_delay_seconds:
        annotations[START_DELAY] = f"{request.start_delay_seconds:g}"
    if request.run_seconds is not None:
        annotations[RUN] = f"{request.run_seconds:g}"
    if request.exit_code is not None:
        annotations[EXIT_CODE] = str(request.exit_code)
    return annotations


def _spec(request: PodRequest, tolerations: list[Toleration]) -> dict[str, Any]:
    amounts = {"cpu": str(request.cpus)}
    if request.memory is not None:
        amounts["memory"] = str(request.memory)
    spec: dict[str, Any] = {"containers": [{"name": "main", "image": IMAGE, "resources": {"requests": amounts}}]}
    if request.node_selector:
        spec["nodeSelector"] = request.node_selector
    spec["tolerations"] = [_toleration_document(toleration) for toleration in tolerations]
    if request.priority:
        spec["priority"] = request.priority
    # A container that ends is not started again: simulated pods finish.
    spec["restartPolicy"] = "Always" if request.run_seconds is None else "Never"
    return spec


def _toleration_document(toleration: Toleration) -> dict[str, Any]:
    document: dict[str, Any] = {"operator": toleration.operator}
    if toleration.key:
        document["key"] = toleration.key
    if toleration.value:
        document["value"] = toleration.value
    if toleration.effect:
        document["effect"] = toleration.effect
    if toleration.seconds is not None:
        document["tolerationSeconds"] = toleration.seconds
    return document


def _toleration(request: TolerationRequest, place: int) -> Toleration:
    field = f"tolerations[{place}]"
    if request.key:
        names.label_key(request.key, field=f"{field}.key")
    names.label_value(request.value, field=f"{field}.value")
    seconds = request.toleration_seconds
    if seconds is not None and not 0 <= seconds <= SECONDS_MAX:
        raise InvalidField(f"{field}.toleration_seconds", f"send whole seconds from 0 to {SECONDS_MAX}; got {seconds}")
    if request.effect and request.effect not in EFFECTS:
        raise InvalidField(f"{field}.effect", f"send one of {', '.join(EFFECTS)}; got {request.effect!r:.60}")
    if request.operator not in ("Equal", "Exists"):
        raise InvalidField(f"{field}.operator", f"send Equal or Exists; got {request.operator!r:.60}")
    if request.operator == "Exists" and request.value:
        raise InvalidField(f"{field}.value", "leave it out: Exists matches every value")
    if request.operator == "Equal" and not request.key:
        raise InvalidField(f"{field}.key", "send the taint's key, or operator Exists for every taint")
    return msgspec.convert(
        {
            "key": request.key,
            "operator": request.operator,
            "value": request.value,
            "effect": request.effect,
            "seconds": seconds,
        },
        Toleration,
    )


def _milliseconds(seconds: float, field: str, *, least_ms: int) -> int:
    milliseconds = seconds * 1000
    if not least_ms <= milliseconds <= SECONDS_MAX * 1000:
        least = "0 or more" if least_ms == 0 else "above 0"
        raise InvalidField(field, f"send seconds, {least} and at most {SECONDS_MAX}; got {seconds:g}")
    return round(milliseconds)


def _check_exit_code(request: PodRequest) -> None:
    if request.run_seconds is None:
        raise InvalidField("exit_code", "send run_seconds as well: a pod that runs for ever does not exit")
    if not 0 <= (request.exit_code or 0) <= EXIT_CODE_MAX:
        raise InvalidField("exit_code", f"send a whole number from 0 to {EXIT_CODE_MAX}; got {request.exit_code}")
