"""What a list was asked for, and the token with which it goes on."""

import base64
import binascii
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from kuberklone.api.kubernetes.request import Request
from kuberklone.api.kubernetes.statuses import StatusError
from kuberklone.apimachinery import selectors
from kuberklone.apimachinery.problem import Problem, invalid
from kuberklone.apimachinery.selectors import FieldRequirement, FieldSelector, LabelSelector
from kuberklone.errors import Malformed
from kuberklone.kinds import json_text, rules
from kuberklone.kinds import served as served_documents
from kuberklone.kinds.catalogue import Served
from kuberklone.kinds.field_values import field_value
from kuberklone.store.watch_feed import WholeChange

# More at once than kubectl's pages by far; a client with a limit has to be ready to go on anyway.
LIMIT_MAX = 5_000
_REVISION_MAX = 2**53
_ALWAYS = frozenset({"metadata.name", "metadata.namespace"})
_MATCHES = ("Exact", "NotOlderThan")


class Token(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Where a list goes on: after a key, at a revision; revision 0 is whatever is there now."""

    revision: int
    namespace: str
    name: str

    def text(self) -> str:
        """As clients see it: they may not read it, only send it back."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


_TOKEN = msgspec.json.Decoder(Token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which objects are wanted."""

    served: Served
    namespace: str
    labels: LabelSelector
    fields: FieldSelector

    @property
    def is_everything(self) -> bool:
        return self.labels.is_everything and self.fields.is_everything

    def matches(self, change: WholeChange) -> bool:
        """Whether an object is among them; decodes it only where its text does not say so already."""
        for each in self.labels.requirements:
            if each.operator == "In" and len(each.values) == 1:
                # Equal labels are equal text, so most of what does not match is ruled out by this.
                member = f"{json_text.quoted(each.key)}:{json_text.quoted(each.values[0])}"
                if member not in change.object:
                    return False
        document = served_documents.decoded(change.object)
        if not self.labels.is_everything and not self.labels.matches(document["metadata"].get("labels") or {}):
            return False
        if self.fields.is_everything:
            return True
        # In the version that is kept, as selectors are declared: other versions may say the same in other places.
        return self.fields.matches(lambda path: field_value(document, path))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    selection: Selection
    limit: int
    """0: all of them."""
    token: Token | None
    exactly_at: int | None
    not_older_than: int


def read(request: Request) -> ListOptions:
    """The options of a list; raises Malformed, Invalid or a StatusError."""
    query = request.query
    limit = query.integer("limit") or 0
    if limit < 0:
        raise invalid("ListOptions", "", [rules.invalid("limit", limit, "must be greater than or equal to 0")])
    revision = revision_of(query.text("resourceVersion"))
    token = _token(query.text("continue")) if query.text("continue") else None
    _check_together(query.text("resourceVersion"), query.text("resourceVersionMatch"), token)
    if query.given("sendInitialEvents"):
        detail = "sendInitialEvents is forbidden for list"
        raise invalid("ListOptions", "", [rules.forbidden("sendInitialEvents", detail)])
    is_exact = query.text("resourceVersionMatch") == "Exact"
    return ListOptions(
        selection=selection(request),
        limit=min(limit, LIMIT_MAX),
        token=token,
        exactly_at=revision if is_exact else None,
        not_older_than=0 if is_exact else revision,
    )


def selection(request: Request) -> Selection:
    """Which objects a request is about; raises Malformed for a selector that cannot be read."""
    fields = selectors.parse_fields(request.query.text("fieldSelector"))
    kind = request.kind
    known = _ALWAYS | set(kind.selectable) | set(kind.selectable_paths)
    for each in fields.requirements:
        if each.path not in known:
            raise Malformed(f"field label not supported: {each.path[:200]}")
        if "\0" in each.value:
            raise Malformed(f"the value of {each.path} holds a zero byte")
    if request.path.name:
        fields = FieldSelector((*fields.requirements, FieldRequirement("metadata.name", "=", request.path.name)))
    return Selection(
        served=request.served,
        namespace=request.path.namespace,
        labels=selectors.parse_labels(request.query.text("labelSelector")),
        fields=fields,
    )


def revision_of(text: str) -> int:
    """The resourceVersion that a client sends, 0 for none; raises Malformed."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Malformed(f"invalid resource version {text[:80]!r}: send one that an answer of this server holds")
    return int(text)


def _check_together(revision: str, match: str, token: Token | None) -> None:
    """Source of the rules: kube-apiserver's validation of metav1.ListOptions."""
    problems: list[Problem] = []
    if match and not revision:
        problems.append(
            rules.forbidden(
                "resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"
            )
        )
    elif match and token is not None:
        problems.append(
            rules.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
        )
    elif match and match not in _MATCHES:
        problems.append(rules.unsupported("resourceVersionMatch", match, _MATCHES))
    elif match == "Exact" and revision == "0":
        detail = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        problems.append(rules.forbidden("resourceVersionMatch", detail))
    if problems:
        raise invalid("ListOptions", "", problems)
    if token is not None and revision not in ("", "0"):
        raise Malformed("specifying resource version is not allowed when using continue")


def _token(text: str) -> Token:
    try:
        found = _TOKEN.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (msgspec.MsgspecError, binascii.Error, UnicodeError, ValueError):
        raise Malformed("continue key is not valid: send the one that the last page holds") from None
    if not 0 <= found.revision < _REVISION_MAX or "\0" in found.namespace + found.name:
        raise Malformed("continue key is not valid: send the one that the last page holds")
    return found


def expired(token: Token | None) -> StatusError:
    """What was is no longer kept; a list that had begun may go on with what is now."""
    if token is None:
        message = "The resourceVersion for the provided list is too old."
        return StatusError(HTTPStatus.GONE, "Expired", message)
    message = (
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list."
    )
    going_on = Token(revision=0, namespace=token.namespace, name=token.name)
    return StatusError(HTTPStatus.GONE, "Expired", message, continue_token=going_on.text())
