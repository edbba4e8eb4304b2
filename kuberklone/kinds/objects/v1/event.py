"""Event: what components and clients tell people about an object."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import event, event_columns, event_versions, rules
from kuberklone.kinds.event import Event
from kuberklone.kinds.kind import Kind, Version

_MESSAGE_BYTES_MAX = 1024  # as in Kubernetes


def _default(document: Document) -> None:
    document["type"] = document.get("type") or "Normal"


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    involved = document.get("involvedObject") or {}
    namespace = document["metadata"].get("namespace") or ""
    problems = rules.one_of("type", document.get("type"), ("Normal", "Warning"))
    if involved.get("namespace") and involved["namespace"] != namespace:
        detail = "does not match event.namespace"
        problems.append(rules.invalid("involvedObject.namespace", involved["namespace"], detail))
    if len(str(document.get("message") or "").encode()) > _MESSAGE_BYTES_MAX:
        problems.append(Problem("message", f"Too long: may not be more than {_MESSAGE_BYTES_MAX} bytes", "too_long"))
    return problems


KIND = Kind(
    kind="Event",
    resource="events",
    record=Event,
    table="events",
    short_names=("ev",),
    versions=(
        Version(
            api_version=event_versions.API_VERSION,
            to_stored=event_versions.to_core,
            from_stored=event_versions.from_core,
        ),
    ),
    document=event.document,
    read=event.read,
    # Columns whose change moves an object in or out of a field selector.
    selectable={
        "involvedObject.kind": "involved_kind",
        "involvedObject.name": "involved_name",
        "involvedObject.uid": "involved_uid",
        "type": "type",
        "reason": "reason",
        "source": "source",
    },
    selectable_paths=(
        "involvedObject.apiVersion",
        "involvedObject.fieldPath",
        "involvedObject.namespace",
        "involvedObject.resourceVersion",
        "reportingComponent",
    ),
    default=_default,
    validate=_validate,
    columns=event_columns.COLUMNS,
    acts="Told by the controllers, by the scheduler's decisions, and by clients; `garbage` removes old ones.",
)
