"""Namespace (core/v1): a scope for names."""

from kuberklone.kinds.header import Header, metadata
from kuberklone.kinds.kind import Kind

RESOURCE = "namespaces"
DEFAULT = "default"


class Namespace(Header, frozen=True, gc=False):
    """One row of `objects` with resource `namespaces`."""

    spec: str = '{"finalizers":["kubernetes"]}'
    status: str = '{"phase":"Active"}'


def document(record: Namespace) -> str:
    """The namespace as the Kubernetes document v1/Namespace, without resourceVersion."""
    return f'{{"apiVersion":"v1","kind":"Namespace",{metadata(record)},"spec":{record.spec},"status":{record.status}}}'


KIND = Kind(record=Namespace, resource=RESOURCE, document=document, namespaced=False)
