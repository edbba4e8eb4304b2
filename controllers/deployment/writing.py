"""From what was decided to records: new and changed ReplicaSets, and the Deployment's own status."""

from collections.abc import Mapping
from typing import Any

import msgspec

from controllers.deployment.decide import NewSet, SetChange
from controllers.deployment.facts import Condition, Status
from controllers.deployment.revisions import HASH_LABEL, REVISION
from kuberklone.apimachinery.document import Document
from kuberklone.clock import timestamp
from kuberklone.kinds import json_text, owner_references
from kuberklone.kinds.objects.apps import deployment as deployment_kind
from kuberklone.kinds.objects.apps import replica_set
from kuberklone.kinds.owner_references import OwnerReference
from kuberklone.kinds.stored_object import StoredObject

_decode = msgspec.json.Decoder().decode


def owner(deployment: StoredObject) -> OwnerReference:
    """How the Deployment controls its sets."""
    kind = deployment_kind.KIND
    return owner_references.controlling(
        api_version=kind.api_version, kind=kind.kind, name=deployment.name, uid=deployment.uid
    )


def new_set(deployment: StoredObject, new: NewSet, *, uid: str) -> StoredObject:
    """The set of the Deployment's template; its hash keeps its pods apart from those of other templates."""
    spec: Document = _decode(deployment.spec)
    template: Document = spec.get("template") or {}
    metadata: Document = template.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), HASH_LABEL: new.template_hash}
    selector: Document = spec.get("selector") or {}
    wanted: Document = {
        "replicas": new.replicas,
        "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: new.template_hash}},
        "template": {**template, "metadata": {**metadata, "labels": labels}},
    }
    if spec.get("minReadySeconds"):
        wanted["minReadySeconds"] = spec["minReadySeconds"]
    kind = replica_set.KIND
    document: Document = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": new.name,
            "namespace": deployment.namespace,
            "labels": labels,
            "annotations": dict(new.annotations),
            "ownerReferences": msgspec.to_builtins([owner(deployment)]),
        },
        "spec": wanted,
    }
    return msgspec.structs.replace(kind.read(document, None), uid=uid)


def changed_set(each: StoredObject, change: SetChange) -> StoredObject:
    spec: Document = _decode(each.spec)
    if change.replicas is not None:
        spec["replicas"] = change.replicas
    if change.min_ready_s is not None:
        spec["minReadySeconds"] = change.min_ready_s
    is_other = spec != _decode(each.spec)
    return msgspec.structs.replace(
        each,
        spec=json_text.text(spec) if is_other else each.spec,
        generation=each.generation + is_other,
        annotations=each.annotations if change.annotations is None else json_text.text(dict(change.annotations)),
    )


def changed_deployment(
    deployment: StoredObject, status: Status, *, annotations: Mapping[str, str], revision: int | None
) -> StoredObject:
    """With its status, and the revision that is rolled out."""
    text = deployment.annotations
    if revision is not None and annotations.get(REVISION) != str(revision):
        text = json_text.text({**annotations, REVISION: str(revision)})
    return msgspec.structs.replace(deployment, annotations=text, status=_status(deployment.status, status))


def _status(before: str, wanted: Status) -> str:
    """The section; the old text where it says the same."""
    counts = {
        "observedGeneration": wanted.observed_generation,
        "replicas": wanted.replicas,
        "updatedReplicas": wanted.updated,
        "readyReplicas": wanted.ready,
        "availableReplicas": wanted.available,
        "unavailableReplicas": wanted.unavailable,
        "terminatingReplicas": wanted.terminating,
    }
    document: dict[str, Any] = {name: count for name, count in counts.items() if count}
    if wanted.collisions is not None:
        document["collisionCount"] = wanted.collisions
    if wanted.conditions:
        document["conditions"] = [_condition(each) for each in wanted.conditions]
    return before if _decode(before) == document else json_text.text(document)


def _condition(condition: Condition) -> Document:
    return {
        "type": condition.type,
        "status": condition.status,
        "lastUpdateTime": timestamp(condition.updated_ms),
        "lastTransitionTime": timestamp(condition.changed_ms),
        "reason": condition.reason,
        "message": condition.message,
    }
