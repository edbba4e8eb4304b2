"""A pod's record as the Kubernetes document v1/Pod. It is made for every change of every pod, so it is made of text.

What follows from the specification alone is made once for each specification (`_Outline`): pods of one workload have
the same one.
"""

from functools import lru_cache
from typing import Any

import msgspec

from kuberklone.clock import timestamp
from kuberklone.kinds import json_text
from kuberklone.kinds.header import metadata
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.pod_resources import QosClass, qos_class

_decode = msgspec.json.Decoder().decode
# Specifications that are in use at one time; each takes a few hundred bytes.
_OUTLINES_MAX = 4096


def document(pod: Pod) -> str:
    """The pod as a document, without resourceVersion."""
    spec = pod.spec
    if pod.node_name:
        rest = spec[1:-1]
        spec = f'{{"nodeName":"{pod.node_name}",{rest}}}' if rest else f'{{"nodeName":"{pod.node_name}"}}'
    status = _status(pod)
    if pod.status != "{}":
        # What an agent or a client has written says more than what follows from the columns; the columns' own facts,
        # such as the phase, are never in it.
        status = json_text.text({**_decode(status), **_decode(pod.status)})
    head = metadata(pod, namespace=pod.namespace, grace_s=pod.deletion_grace_s)
    return f'{{"apiVersion":"v1","kind":"Pod",{head},"spec":{spec},"status":{status}}}'


class _Container(msgspec.Struct, frozen=True):
    name: str = ""
    image: str = ""


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    containers: tuple[_Container, ...] = ()
    init_containers: tuple[_Container, ...] = ()


class _Outline(msgspec.Struct, frozen=True):
    """What documents of all pods of one specification have in common."""

    containers: tuple[str, ...]
    """For each container the members of its status that never change, up to the restart count."""
    init_containers: tuple[str, ...]
    names: tuple[str, ...]
    init_names: tuple[str, ...]
    qos: QosClass
    waiting: str
    """`containerStatuses` of a pod that has its place and has not started."""


_SPEC = msgspec.json.Decoder(_Spec)


@lru_cache(maxsize=_OUTLINES_MAX)
def _outline(spec: str) -> _Outline:
    found = _SPEC.decode(spec)
    members, init_members = _members(found.containers), _members(found.init_containers)
    creating = '"imageID":"","ready":false,"started":false,"state":{"waiting":{"reason":"ContainerCreating"}}}'
    return _Outline(
        containers=members,
        init_containers=init_members,
        names=tuple(container.name for container in found.containers),
        init_names=tuple(container.name for container in found.init_containers),
        qos=qos_class(_decode(spec)),
        waiting=",".join(f"{each}{creating}" for each in members),
    )


def _members(containers: tuple[_Container, ...]) -> tuple[str, ...]:
    return tuple(
        f'{{"name":{json_text.quoted(each.name)},"image":{json_text.quoted(each.image)},"restartCount":0,'
        for each in containers
    )


def _status(pod: Pod) -> str:
    outline = _outline(pod.spec)
    parts = [f'"phase":"{pod.phase}"']
    if pod.node_name:
        parts.append(f'"conditions":[{_conditions(pod, outline)}]')
    if pod.reason:
        parts.append(f'"reason":{json_text.quoted(pod.reason)}')
    if pod.message:
        parts.append(f'"message":{json_text.quoted(pod.message)}')
    if pod.pod_ip:
        parts.append(f'"podIP":"{pod.pod_ip}","podIPs":[{{"ip":"{pod.pod_ip}"}}]')
    if pod.started_ms is not None:
        parts.append(f'"startTime":"{timestamp(pod.started_ms)}"')
    parts.append(f'"qosClass":"{outline.qos}"')
    if pod.node_name and (statuses := _containers(pod, outline)):
        parts.append(statuses)
    return "{" + ",".join(parts) + "}"


def _conditions(pod: Pod, outline: _Outline) -> str:
    bound = timestamp(pod.bound_ms or 0)
    scheduled = f'{{"type":"PodScheduled","status":"True","lastTransitionTime":"{bound}"}}'
    if pod.phase == "Running":
        started = timestamp(pod.started_ms or pod.bound_ms or 0)
        rest = f'"status":"True","lastTransitionTime":"{started}"}}'
        initialized = f'"status":"True","lastTransitionTime":"{started}"}}'
    elif pod.phase == "Pending":
        rest = f'"status":"False","lastTransitionTime":"{bound}","reason":"ContainersNotReady"}}'
        done = "False" if outline.init_containers else "True"
        initialized = f'"status":"{done}","lastTransitionTime":"{bound}"}}'
    else:
        finished = timestamp(pod.finished_ms or pod.bound_ms or 0)
        reason = "PodCompleted" if pod.phase == "Succeeded" else "PodFailed"
        rest = f'"status":"False","lastTransitionTime":"{finished}","reason":"{reason}"}}'
        started = timestamp(pod.started_ms or pod.bound_ms or 0)
        initialized = f'"status":"True","lastTransitionTime":"{started}"}}'
    return f'{scheduled},{{"type":"Initialized",{initialized},{{"type":"ContainersReady",{rest},{{"type":"Ready",{rest}'


def _containers(pod: Pod, outline: _Outline) -> str:
    if pod.phase == "Pending":
        if not outline.init_containers:
            return f'"containerStatuses":[{outline.waiting}]'
        creating = '"imageID":"","ready":false,"started":false,"state":{"waiting":{"reason":"PodInitializing"}}}'
        first = ",".join(f"{each}{creating}" for each in outline.init_containers)
        return f'"containerStatuses":[{outline.waiting}],"initContainerStatuses":[{first}]'
    if pod.phase == "Failed" and pod.exit_code is None:
        # Nobody saw a container of it: the node did not let it in, or was lost.
        return ""
    started = timestamp(pod.started_ms or pod.bound_ms or 0)
    if pod.phase == "Running":
        state = f'"ready":true,"started":true,"state":{{"running":{{"startedAt":"{started}"}}}}'
    else:
        state = f'"ready":false,"started":false,"state":{{"terminated":{_ended(pod, started)}}}'
    listed = _listed(pod, outline.containers, outline.names, state)
    if not outline.init_containers:
        return f'"containerStatuses":[{listed}]'
    # Init containers have done their work at the moment at which the others start.
    done = f'{{"exitCode":0,"reason":"Completed","startedAt":"{started}","finishedAt":"{started}"}}'
    over = f'"ready":true,"started":false,"state":{{"terminated":{done}}}'
    first = _listed(pod, outline.init_containers, outline.init_names, over)
    return f'"containerStatuses":[{listed}],"initContainerStatuses":[{first}]'


def _listed(pod: Pod, members: tuple[str, ...], names: tuple[str, ...], state: str) -> str:
    return ",".join(
        f'{member}"imageID":"","containerID":"simulated://{pod.uid}/{name}",{state}}}'
        for member, name in zip(members, names, strict=True)
    )


def _ended(pod: Pod, started: str) -> str:
    finished = timestamp(pod.finished_ms or 0)
    code = pod.exit_code or 0
    reason = "Completed" if code == 0 else "Error"
    return f'{{"exitCode":{code},"reason":"{reason}","startedAt":"{started}","finishedAt":"{finished}"}}'


def written_status(status: dict[str, Any]) -> dict[str, Any]:
    """Of a status that a client has read and sends back, what the columns do not say."""
    return {key: value for key, value in status.items() if key not in _IN_COLUMNS}


_IN_COLUMNS = frozenset({"phase", "reason", "message", "podIP", "podIPs", "startTime", "qosClass"})
