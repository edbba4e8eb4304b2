"""What a new object gets that its writer did not say, or why it may not be: the rules people meet at once."""

from typing import Any

from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery.document import Document
from kuberklone.chance import Chance
from kuberklone.kinds import pod_admission
from kuberklone.kinds.kind import Kind
from kuberklone.kinds.objects.v1.pod import KIND as PODS

_chance = Chance()


def new_uid() -> str:
    """Identity of an object that is about to be."""
    return _chance.uid()


async def admit_new(cluster: Cluster, request: Request, document: Document) -> None:
    """Complete a document that is about to be created; changes it. Raises Forbidden."""
    kind = request.kind
    if kind is PODS:
        await _admit_pod(cluster, document)
    if kind.warning:
        request.warnings.append(kind.warning)


async def _admit_pod(cluster: Cluster, document: Document) -> None:
    name = document["spec"].get("priorityClassName") or ""
    classes = await cluster.priorities.known(name)
    pod_admission.admit(document, toleration_s=cluster.settings.toleration_s, classes=classes)


def admit_changed(cluster: Cluster, kind: Kind[Any], document: Document, before: Document) -> None:
    """Complete a document that is about to replace another one; changes it."""
    if kind is PODS:
        pod_admission.admit_changed(document, before, toleration_s=cluster.settings.toleration_s)
