"""What the status of a namespace says while it is being emptied; the words are Kubernetes'."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from controllers.namespace.decide import Content
from kuberklone.apimachinery.document import Document
from kuberklone.clock import timestamp
from kuberklone.kinds import json_text


class _Words(NamedTuple):
    type: str
    status: str
    reason: str
    message: str


def status(before: str, content: Content, *, now_ms: int) -> str:
    """The section of a namespace being deleted; the old text where it says the same."""
    old: Document = msgspec.json.decode(before)
    known = {each.get("type"): each for each in old.get("conditions") or []}
    conditions = [_condition(known.get(words.type) or {}, words, now_ms=now_ms) for words in _said(content)]
    document = {**old, "phase": "Terminating", "conditions": conditions}
    return before if document == old else json_text.text(document)


def _said(content: Content) -> Iterator[_Words]:
    yield _Words(
        "NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"
    )
    yield _Words(
        "NamespaceDeletionGroupVersionParsingFailure",
        "False",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    )
    yield _Words(
        "NamespaceDeletionContentFailure",
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    )
    if content.amounts:
        listed = ", ".join(f"{name}. has {count} resource instances" for name, count in sorted(content.amounts.items()))
        message = f"Some resources are remaining: {listed}"
        yield _Words("NamespaceContentRemaining", "True", "SomeResourcesRemain", message)
    else:
        yield _Words("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed")
    if content.finalizers:
        held = sorted(content.finalizers.items())
        listed = ", ".join(f"{name} in {count} resource instances" for name, count in held)
        message = f"Some content in the namespace has finalizers remaining: {listed}"
        yield _Words("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message)
    else:
        message = "All content-preserving finalizers finished"
        yield _Words("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", message)


def _condition(before: Document, words: _Words, *, now_ms: int) -> Document:
    since = before.get("lastTransitionTime") if before.get("status") == words.status else None
    return {**words._asdict(), "lastTransitionTime": since or timestamp(now_ms)}
