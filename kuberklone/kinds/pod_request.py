"""What a person says to get pods through the lab API, and the records that follow from it.

The record keeps what was written (`"0.5"` stays `"0.5"`) in its document; the columns that controllers decide on are
derived from it here, once.
"""

import math
from typing import Annotated, Any, Literal

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
# What `docker stop` waits. Kubernetes waits 30; a shell that ignores SIGTERM would make a classroom do so, too.
GRACE_S_DEFAULT = 10
# Longer than any program of sense; images are named by registries' paths of at most 255 characters and a tag of 128.
IMAGE_LENGTH_MAX = 512
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


class LimitsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    cpus: Annotated[Quantity | None, Meta(description="CPU cores, such as 2 or 500m.", examples=[2])] = None
    memory: Annotated[Quantity | None, Meta(description="bytes, such as 512Mi.", examples=["512Mi"])] = None


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
    image: Annotated[
        str | None,
        Meta(description="the image that runs, such as python:3.13-slim; a program that waits where nothing is said."),
    ] = None
    command: Annotated[
        list[str], Meta(description="instead of the image's entrypoint.", examples=[["sleep", "3600"]])
    ] = []
    args: Annotated[list[str], Meta(description="the arguments of the command.", examples=[["--verbose"]])] = []
    env: Annotated[dict[str, str], Meta(description="variables of its environment.", examples=[{"MODE": "fast"}])] = {}
    working_dir: Annotated[
        str | None, Meta(description="the absolute path of the directory it runs in.", examples=["/tmp"])
    ] = None
    restart_policy: Annotated[
        Literal["Always", "OnFailure", "Never"] | None,
        Meta(description="Always, OnFailure or Never; Always where nothing is said, with run_seconds Never."),
    ] = None
    limits: Annotated[
        LimitsRequest | None,
        Meta(description="what it may not exceed: cpus, memory, or both; no less than it asks for."),
    ] = None
    termination_grace_seconds: Annotated[
        int | None,
        Meta(description=f"whole seconds from SIGTERM to SIGKILL; {GRACE_S_DEFAULT} where a program is given."),
    ] = None
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
    _check_program(request)
    _check_limits(request, cpu_millis=cpu_millis, memory_bytes=memory_bytes)
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
    spec: dict[str, Any] = {"containers": [_container(request)]}
    if request.node_selector:
        spec["nodeSelector"] = request.node_selector
    spec["tolerations"] = [_toleration_document(toleration) for toleration in tolerations]
    if request.priority:
        spec["priority"] = request.priority
    # A container that ends by plan is not started again: simulated pods finish.
    spec["restartPolicy"] = request.restart_policy or ("Always" if request.run_seconds is None else "Never")
    grace_s = request.termination_grace_seconds
    if grace_s is None and (request.image or request.command):
        grace_s = GRACE_S_DEFAULT
    if grace_s is not None:
        spec["terminationGracePeriodSeconds"] = grace_s
    return spec


def _container(request: PodRequest) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": request.image or IMAGE}
    if request.command:
        container["command"] = request.command
    if request.args:
        container["args"] = request.args
    if request.env:
        container["env"] = [{"name": name, "value": value} for name, value in request.env.items()]
    if request.working_dir is not None:
        container["workingDir"] = request.working_dir
    container["resources"] = {"requests": _amounts(request.cpus, request.memory)}
    if request.limits is not None:
        container["resources"]["limits"] = _amounts(request.limits.cpus, request.limits.memory)
    return container


def _amounts(cpus: Quantity | None, memory: Quantity | None) -> dict[str, str]:
    given = {"cpu": cpus, "memory": memory}
    return {name: str(amount) for name, amount in given.items() if amount is not None}


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


def _check_program(request: PodRequest) -> None:
    image = request.image
    if image is not None and (not image or len(image) > IMAGE_LENGTH_MAX or not image.isprintable() or " " in image):
        raise InvalidField("image", f"send the name of an image, such as python:3.13-slim; got {image!r:.80}")
    for field in ("command", "args"):
        for place, word in enumerate(getattr(request, field)):
            if "\0" in word:
                raise InvalidField(f"{field}[{place}]", "leave out the character NUL: no program can be given it")
    for name, value in request.env.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise InvalidField(f"env.{name!r:.80}", "send names without '=', and names and values without NUL")
    folder = request.working_dir
    if folder is not None and (not folder.startswith("/") or "\0" in folder):
        raise InvalidField("working_dir", f"send an absolute path, such as /tmp; got {folder!r:.80}")
    grace_s = request.termination_grace_seconds
    if grace_s is not None and not 0 <= grace_s <= SECONDS_MAX:
        raise InvalidField("termination_grace_seconds", f"send whole seconds from 0 to {SECONDS_MAX}; got {grace_s}")


def _check_limits(request: PodRequest, *, cpu_millis: int, memory_bytes: int) -> None:
    limits = request.limits
    if limits is None:
        return
    if limits.cpus is not None and quantity.cpu_millis(limits.cpus, field="limits.cpus") < cpu_millis:
        raise InvalidField("limits.cpus", f"send at least what the pod asks for, {request.cpus}; got {limits.cpus}")
    if limits.memory is not None and quantity.memory_bytes(limits.memory, field="limits.memory") < memory_bytes:
        raise InvalidField(
            "limits.memory", f"send at least what the pod asks for, {request.memory}; got {limits.memory}"
        )


def _check_exit_code(request: PodRequest) -> None:
    if request.run_seconds is None:
        raise InvalidField("exit_code", "send run_seconds as well: a pod that runs for ever does not exit")
    if not 0 <= (request.exit_code or 0) <= EXIT_CODE_MAX:
        raise InvalidField("exit_code", f"send a whole number from 0 to {EXIT_CODE_MAX}; got {request.exit_code}")
