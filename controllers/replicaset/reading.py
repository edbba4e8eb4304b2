"""From records to what is decided on: sets, with what they want, and pods, with whose they are."""

from functools import lru_cache

import msgspec

from controllers._loop.readable import UNREADABLE
from controllers.replicaset.decide import Failure, SetFacts, Status
from controllers.replicaset.facts import PodFacts
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.selectors import LabelSelector, label_selector
from kuberklone.kinds import owner_references, pod_readiness
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.stored_object import StoredObject

REPLICA_FAILURE = "ReplicaFailure"
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

_TEXTS = msgspec.json.Decoder(dict[str, str])


# Pods of a set have the same labels, and hardly anything else has.
@lru_cache(maxsize=4096)
def _labels(raw: str) -> dict[str, str]:
    return _TEXTS.decode(raw)


def pod_facts(pod: Pod) -> PodFacts:
    """What a set must know of a pod; raises when not even its owner can be read."""
    controller = owner_references.controller_of(pod.owner_references)
    try:
        return PodFacts(
            uid=pod.uid,
            revision=pod.revision,
            namespace=pod.namespace,
            name=pod.name,
            labels=_labels(pod.labels),
            controller_uid=None if controller is None else controller.uid,
            node_name=pod.node_name,
            phase=pod_kind.phase(pod.phase),
            deleting=pod.deleting_ms is not None,
            ready_since_ms=pod_readiness.ready_since_ms(pod),
            created_ms=pod.created_ms,
            restarts=_restarts(pod),
            deletion_cost=_deletion_cost(pod),
        )
    except UNREADABLE:
        return PodFacts(
            uid=pod.uid,
            revision=pod.revision,
            namespace=pod.namespace,
            name=pod.name,
            labels={},
            controller_uid=None if controller is None else controller.uid,
            deleting=pod.deleting_ms is not None,
            is_readable=False,
        )


class _ContainerStatus(msgspec.Struct, rename="camel"):
    restart_count: int = 0


class _PodStatus(msgspec.Struct, rename="camel"):
    container_statuses: list[_ContainerStatus] = []


_POD_STATUS = msgspec.json.Decoder(_PodStatus)


def _restarts(pod: Pod) -> int:
    if pod.status == "{}":
        return 0  # containers of simulated pods are not started twice
    return max((each.restart_count for each in _POD_STATUS.decode(pod.status).container_statuses), default=0)


def _deletion_cost(pod: Pod) -> int:
    if _DELETION_COST not in pod.annotations:
        return 0
    text = _TEXTS.decode(pod.annotations)[_DELETION_COST]
    try:
        return int(text)
    except ValueError:
        return 0  # as in Kubernetes: what is no number costs nothing


# -------------------------------------------------------------------------------------------------------------- sets


class _Metadata(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Template(msgspec.Struct):
    metadata: _Metadata | None = None


class _Spec(msgspec.Struct, rename="camel"):
    replicas: int | None = None
    selector: Document | None = None
    template: _Template | None = None
    min_ready_seconds: int | None = None


class _Condition(msgspec.Struct):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""


class _StatusDocument(msgspec.Struct, rename="camel"):
    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int = 0
    observed_generation: int = 0
    conditions: list[_Condition] = []


_SPEC = msgspec.json.Decoder(_Spec)
_STATUS = msgspec.json.Decoder(_StatusDocument)


def replica_set_facts(record: StoredObject) -> SetFacts:
    spec = _SPEC.decode(record.spec)
    return _set_facts(record, spec, label_selector(spec.selector))


def replication_controller_facts(record: StoredObject) -> SetFacts:
    """Its selector is a map; without one it chooses what its template makes."""
    spec = _SPEC.decode(record.spec)
    return _set_facts(record, spec, label_selector({"matchLabels": spec.selector or dict(_template_labels(spec))}))


def _template_labels(spec: _Spec) -> dict[str, str]:
    if spec.template is None or spec.template.metadata is None:
        return {}
    return spec.template.metadata.labels or {}


def _set_facts(record: StoredObject, spec: _Spec, selector: LabelSelector) -> SetFacts:
    controller = owner_references.controller_of(record.owner_references)
    return SetFacts(
        uid=record.uid,
        revision=record.revision,
        namespace=record.namespace,
        name=record.name,
        replicas=1 if spec.replicas is None else spec.replicas,
        selector=selector,
        template_labels=_template_labels(spec),
        min_ready_ms=1000 * (spec.min_ready_seconds or 0),
        owner_uid=None if controller is None else controller.uid,
        deleting=record.deleting_ms is not None,
        generation=record.generation,
        status=_status(_STATUS.decode(record.status)),
    )


def _status(document: _StatusDocument) -> Status:
    failures = (each for each in document.conditions if each.type == REPLICA_FAILURE and each.status == "True")
    failure = next(failures, None)
    return Status(
        replicas=document.replicas,
        fully_labeled=document.fully_labeled_replicas,
        ready=document.ready_replicas,
        available=document.available_replicas,
        terminating=document.terminating_replicas,
        observed_generation=document.observed_generation,
        failure=None if failure is None else Failure(reason=failure.reason, message=failure.message),
    )
