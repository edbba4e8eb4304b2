"""From what was decided to records: pods made of templates, and a set's status as its document says it."""

from collections.abc import Mapping

import msgspec

from controllers.replicaset.decide import Failure, Status
from controllers.replicaset.reading import REPLICA_FAILURE
from kuberklone.apimachinery.document import Document
from kuberklone.clock import timestamp
from kuberklone.errors import Forbidden, Invalid
from kuberklone.kinds import json_text, owner_references, pod_admission
from kuberklone.kinds.kind import Kind
from kuberklone.kinds.objects.v1 import pod as pod_kind
from kuberklone.kinds.owner_references import OwnerReference
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.pod_admission import PriorityClass
from kuberklone.kinds.stored_object import StoredObject

_decode = msgspec.json.Decoder().decode
_NAME_LENGTH_MAX = 58  # of what stands before the drawn letters, so that a pod's name is a DNS label


def owner(record: StoredObject, kind: Kind[StoredObject]) -> OwnerReference:
    """How the set controls its pods."""
    return owner_references.controlling(api_version=kind.api_version, kind=kind.kind, name=record.name, uid=record.uid)


def model(
    record: StoredObject, kind: Kind[StoredObject], *, toleration_s: float, classes: Mapping[str, PriorityClass]
) -> Pod | Failure:
    """The pod that the set's template makes, without uid and name, as if it had been sent to the API."""
    template: Document = _decode(record.spec).get("template") or {}
    said: Document = template.get("metadata") or {}
    members = ("labels", "annotations", "finalizers")
    document: Document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{member: said[member] for member in members if said.get(member)},
            "generateName": f"{record.name}-"[:_NAME_LENGTH_MAX],
            "namespace": record.namespace,
            "ownerReferences": msgspec.to_builtins([owner(record, kind)]),
        },
        "spec": template.get("spec") or {},
    }
    try:
        pod_kind.KIND.default(document)
        pod_admission.admit(document, toleration_s=toleration_s, classes=classes)
        problems = pod_kind.KIND.validate(document, None)
        if problems:
            return _failure("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
        return pod_kind.KIND.read(document, None)
    except (Invalid, Forbidden) as error:
        return _failure(str(error))


def _failure(message: str) -> Failure:
    return Failure(reason="FailedCreate", message=message)


def status(before: str, wanted: Status, *, now_ms: int) -> str:
    """The section with these counts; conditions of other types stay as they are, and so does the moment of ours."""
    old: Document = _decode(before)
    conditions = [each for each in old.get("conditions") or [] if each.get("type") != REPLICA_FAILURE]
    if wanted.failure is not None:
        conditions.append(_condition(old, wanted.failure, now_ms=now_ms))
    counts = {
        "fullyLabeledReplicas": wanted.fully_labeled,
        "readyReplicas": wanted.ready,
        "availableReplicas": wanted.available,
        "terminatingReplicas": wanted.terminating,
    }
    document: Document = {"replicas": wanted.replicas, **{name: count for name, count in counts.items() if count}}
    document["observedGeneration"] = wanted.observed_generation
    if conditions:
        document["conditions"] = conditions
    return json_text.text(document)


def _condition(old: Document, failure: Failure, *, now_ms: int) -> Document:
    known = (each for each in old.get("conditions") or [] if each.get("type") == REPLICA_FAILURE)
    since = next((each.get("lastTransitionTime") for each in known if each.get("status") == "True"), None)
    return {
        "type": REPLICA_FAILURE,
        "status": "True",
        "reason": failure.reason,
        "message": failure.message,
        "lastTransitionTime": since or timestamp(now_ms),
    }
