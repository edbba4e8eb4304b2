"""Which metadata an object may have: name, labels, annotations, finalizers and owners (apimachinery `validation`)."""

import re
from typing import Any

from kuberklone.apimachinery import naming
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import rules
from kuberklone.kinds.kind import Kind

_ANNOTATIONS_BYTES_MAX = 256 * 2**10  # all of them together, as in Kubernetes
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# A service's name becomes the name of variables in containers, so it begins with a letter (RFC 1035).
_SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_RBAC = "rbac.authorization.k8s.io"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SERVICE_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def name_rule(kind: Kind[Any], name: str) -> str | None:
    """What a name must be, where it is not; None for a good one."""
    if kind.group == _RBAC:
        return None if _is_path_segment(name) else "may not be '.', '..' or contain '/' or '%'"
    if kind.group == "" and kind.resource == "services":
        return None if _SERVICE.fullmatch(name) else _SERVICE_RULE
    if kind.group == "" and kind.resource == "namespaces":
        return None if _DNS_LABEL.fullmatch(name) else _LABEL_RULE
    return None if naming.is_subdomain(name) else _SUBDOMAIN_RULE


def _is_path_segment(name: str) -> bool:
    return name not in (".", "..") and not set(name) & set("/%") and len(name) <= naming.NAME_LENGTH_MAX and bool(name)


def problems(kind: Kind[Any], metadata: Document) -> list[Problem]:
    """What is wrong with the metadata of a document that fits its schema."""
    name = metadata.get("name") or ""
    prefix = metadata.get("generateName") or ""
    found: list[Problem] = []
    if not name and not prefix:
        found.append(rules.required("metadata.name", "name or generateName is required"))
    elif name and (rule := name_rule(kind, name)) is not None:
        found.append(rules.invalid("metadata.name", name, rule))
    elif not name and (rule := name_rule(kind, f"{prefix[:58]}x")) is not None:
        found.append(rules.invalid("metadata.generateName", prefix, rule))
    if metadata.get("labels"):
        found += rules.labels("metadata.labels", metadata["labels"])
    if metadata.get("annotations"):
        found += _annotations(metadata["annotations"])
    for finalizer in metadata.get("finalizers") or ():
        if not naming.is_label_key(finalizer):
            found.append(rules.invalid("metadata.finalizers", finalizer, rules.NAME_OF_LABEL))
    if metadata.get("ownerReferences"):
        found += _owners(metadata["ownerReferences"])
    return found


def _annotations(annotations: Document) -> list[Problem]:
    found = [
        rules.invalid("metadata.annotations", key, rules.NAME_OF_LABEL)
        for key in annotations
        # Unlike those of labels, keys of annotations may have capitals in their prefix.
        if not naming.is_label_key(key.lower())
    ]
    held = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if held > _ANNOTATIONS_BYTES_MAX:
        message = f"Too long: may not be more than {_ANNOTATIONS_BYTES_MAX} bytes"
        found.append(Problem("metadata.annotations", message, "too_long"))
    return found


def _owners(references: list[Document]) -> list[Problem]:
    found: list[Problem] = []
    for place, reference in enumerate(references):
        path = f"metadata.ownerReferences[{place}]"
        for field in ("apiVersion", "kind", "name", "uid"):
            if not reference.get(field):
                found.append(rules.required(f"{path}.{field}", f"{field} must not be empty"))
    controllers = [reference for reference in references if reference.get("controller")]
    if len(controllers) > 1:
        found.append(
            rules.invalid("metadata.ownerReferences", controllers, "Only one reference can have Controller set to true")
        )
    return found


def changes(metadata: Document, old: Document) -> list[Problem]:
    """Identity that an update may not change; what it leaves out stays."""
    found: list[Problem] = []
    for field in ("uid", "name", "namespace"):
        given = metadata.get(field)
        if given and given != old.get(field):
            found.append(rules.invalid(f"metadata.{field}", given, "field is immutable"))
    before = set(old.get("finalizers") or ())
    added = [each for each in metadata.get("finalizers") or () if each not in before]
    if old.get("deletionTimestamp") and added:
        detail = f"no new finalizers can be added if the object is being deleted, found new finalizers {added}"
        found.append(rules.forbidden("metadata.finalizers", detail))
    return found
