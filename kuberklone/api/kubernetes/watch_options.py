"""What a watch was asked for: from where, how long, with what at its beginning; and what contradicts itself."""

from dataclasses import dataclass

from kuberklone.api.kubernetes import listing
from kuberklone.api.kubernetes.request import Query
from kuberklone.apimachinery.problem import invalid
from kuberklone.kinds import rules

_MATCH = "resourceVersionMatch"
_NOT_OLDER = "NotOlderThan"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    after: int | None
    """The revision after which changes are wanted; None begins now."""
    initial: bool
    """Whether all that there is comes first, as ADDED."""
    not_older_than: int
    """What is there must be of this revision or a newer one."""
    marks_end: bool
    """Whether a bookmark says where the changes begin."""
    bookmarks: bool
    timeout_s: int | None


def read(query: Query) -> WatchOptions:
    """The options of a watch. Raises Malformed for what cannot be read and Invalid for what does not go together.

    Source of the rules: kube-apiserver's validation of metav1.ListOptions, and its documentation of resource versions.
    """
    revision = listing.revision_of(query.text("resourceVersion"))
    match = query.text(_MATCH)
    sends_initial = query.flag("sendInitialEvents") if query.given("sendInitialEvents") else None
    if sends_initial is None:
        if match:
            detail = f"{_MATCH} is forbidden for watch unless sendInitialEvents is provided"
            raise invalid("ListOptions", "", [rules.forbidden(_MATCH, detail)])
    elif match != _NOT_OLDER:
        detail = f"sendInitialEvents requires setting {_MATCH} to {_NOT_OLDER}"
        raise invalid("ListOptions", "", [rules.forbidden(_MATCH, detail)])
    initial = revision == 0 if sends_initial is None else sends_initial
    bookmarks = query.flag("allowWatchBookmarks")
    timeout_s = query.integer("timeoutSeconds")
    return WatchOptions(
        after=None if initial or revision == 0 else revision,
        initial=initial,
        not_older_than=revision if initial else 0,
        marks_end=bool(sends_initial) and bookmarks,
        bookmarks=bookmarks,
        timeout_s=timeout_s if timeout_s is not None and timeout_s > 0 else None,
    )
