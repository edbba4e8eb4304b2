"""A client's document made ready to be checked and kept: in the stored version, with defaults, without empty words."""

from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.kinds.catalogue import Served

_HOLDERS = (dict, list)


def prepared(served: Served, document: Document) -> Document:
    """A copy in the version that is kept, with what Kubernetes fills in.

    What is null is left out: Go programs write it for what is not set, and say the same by that.
    """
    found: Document = served.stored(without_nulls(document))
    served.kind.default(found)
    return found


def without_nulls(value: Any) -> Any:
    """A copy in which nothing is null: neither members of objects nor items of lists."""
    # Most values are plain; a call for each of them would cost more than all the rest.
    if isinstance(value, dict):
        return {
            key: without_nulls(inner) if isinstance(inner, _HOLDERS) else inner
            for key, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [without_nulls(inner) if isinstance(inner, _HOLDERS) else inner for inner in value if inner is not None]
    return value
