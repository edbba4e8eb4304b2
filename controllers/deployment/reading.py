"""From records to what is decided on: Deployments and ReplicaSets."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from controllers.deployment.facts import Condition, ConditionStatus, DeploymentFacts, SetFacts, Status
from controllers.deployment.revisions import HASH_LABEL
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.selectors import label_selector
from kuberklone.kinds import durations, owner_references, pod_defaults, shares
from kuberklone.kinds.shares import Amount
from kuberklone.kinds.stored_object import StoredObject

_SHARE_DEFAULT = "25%"  # as the rules of the kind fill it in
_DEADLINE_NEVER = 2**31 - 1  # how Kubernetes writes that there is none
_HISTORY_NEVER = 2**31 - 1

_TEXTS = msgspec.json.Decoder(dict[str, str])
_SORTED = msgspec.json.Encoder(order="sorted")


class _Rolling(msgspec.Struct, rename="camel"):
    max_surge: Amount | None = None
    max_unavailable: Amount | None = None


class _Strategy(msgspec.Struct, rename="camel"):
    type: str = "RollingUpdate"
    rolling_update: _Rolling | None = None


class _Spec(msgspec.Struct, rename="camel"):
    """Of a Deployment; what a ReplicaSet has, it calls the same."""

    replicas: int | None = None
    selector: Document | None = None
    template: Document = {}
    min_ready_seconds: int | None = None
    strategy: _Strategy | None = None
    revision_history_limit: int | None = None
    progress_deadline_seconds: int | None = None
    paused: bool = False


class _Condition(msgspec.Struct, rename="camel"):
    type: str
    status: ConditionStatus = "Unknown"
    reason: str = ""
    message: str = ""
    last_update_time: str | None = None
    last_transition_time: str | None = None


class _Status(msgspec.Struct, rename="camel"):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    terminating_replicas: int = 0
    collision_count: int | None = None
    conditions: list[_Condition] = []


_SPEC = msgspec.json.Decoder(_Spec)
_STATUS = msgspec.json.Decoder(_Status)


# A set is read at every change of its status, and its template never changes.
@lru_cache(maxsize=1024)
def fingerprint(spec: str) -> str:
    """Of the template in a spec: equal for templates that mean the same, whether the defaults are filled in or not.

    Were two texts of one meaning different, a Deployment would not know its own set and make one after the other. The
    label that tells the sets of a Deployment apart is no part of it.
    """
    filled: Document = {"template": _SPEC.decode(spec).template}
    pod_defaults.template(filled)
    template: Document = filled["template"]
    metadata: Document = dict(template.get("metadata") or {})
    labels: Mapping[str, Any] = metadata.get("labels") or {}
    metadata["labels"] = {key: value for key, value in labels.items() if key != HASH_LABEL}
    return blake2b(_SORTED.encode({**template, "metadata": metadata}), digest_size=16).hexdigest()


def deployment_facts(record: StoredObject) -> DeploymentFacts:
    spec = _SPEC.decode(record.spec)
    strategy = spec.strategy or _Strategy()
    rolling = strategy.rolling_update or _Rolling()
    deadline_s, history = spec.progress_deadline_seconds, spec.revision_history_limit
    return DeploymentFacts(
        uid=record.uid,
        revision=record.revision,
        namespace=record.namespace,
        name=record.name,
        replicas=1 if spec.replicas is None else spec.replicas,
        selector=label_selector(spec.selector),
        template=fingerprint(record.spec),
        annotations=_TEXTS.decode(record.annotations),
        paused=spec.paused,
        recreates=strategy.type == "Recreate",
        max_surge=_SHARE_DEFAULT if rolling.max_surge is None else shares.readable(rolling.max_surge),
        max_unavailable=_SHARE_DEFAULT if rolling.max_unavailable is None else shares.readable(rolling.max_unavailable),
        min_ready_s=spec.min_ready_seconds or 0,
        history_limit=None if history is None or history >= _HISTORY_NEVER else history,
        progress_deadline_s=None if deadline_s is None or deadline_s >= _DEADLINE_NEVER else deadline_s,
        deleting=record.deleting_ms is not None,
        generation=record.generation,
        status=_status(_STATUS.decode(record.status)),
    )


def _status(document: _Status) -> Status:
    return Status(
        observed_generation=document.observed_generation,
        replicas=document.replicas,
        updated=document.updated_replicas,
        ready=document.ready_replicas,
        available=document.available_replicas,
        unavailable=document.unavailable_replicas,
        terminating=document.terminating_replicas,
        collisions=document.collision_count,
        conditions=tuple(_condition(each) for each in document.conditions),
    )


def _condition(document: _Condition) -> Condition:
    changed_ms = durations.moment_ms(document.last_transition_time) or 0
    return Condition(
        type=document.type,
        status=document.status,
        reason=document.reason,
        message=document.message,
        updated_ms=durations.moment_ms(document.last_update_time) or changed_ms,
        changed_ms=changed_ms,
    )


def set_facts(record: StoredObject) -> SetFacts:
    spec = _SPEC.decode(record.spec)
    status = _STATUS.decode(record.status)
    controller = owner_references.controller_of(record.owner_references)
    failure = next((each for each in status.conditions if (each.type, each.status) == ("ReplicaFailure", "True")), None)
    return SetFacts(
        uid=record.uid,
        revision=record.revision,
        namespace=record.namespace,
        name=record.name,
        labels=_TEXTS.decode(record.labels),
        controller_uid=None if controller is None else controller.uid,
        template=fingerprint(record.spec),
        annotations=_TEXTS.decode(record.annotations),
        replicas=1 if spec.replicas is None else spec.replicas,
        min_ready_s=spec.min_ready_seconds or 0,
        created_ms=record.created_ms,
        deleting=record.deleting_ms is not None,
        generation=record.generation,
        observed_generation=status.observed_generation,
        current=status.replicas,
        ready=status.ready_replicas,
        available=status.available_replicas,
        terminating=status.terminating_replicas,
        failure=None if failure is None else (failure.reason, failure.message),
    )
