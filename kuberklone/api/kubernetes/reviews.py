"""Reviews: may I, who am I, who is that. There are no roles here, so whoever is let in may do anything."""

from collections.abc import Awaitable, Callable

from kuberklone.api.kubernetes import answers, documents, options, shapes, users
from kuberklone.api.kubernetes.answers import Answer, Handler
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import invalid
from kuberklone.errors import Malformed, Unauthenticated
from kuberklone.kinds import json_text, rules

_CREATED = 201
_WHY = "there are no roles here: whoever is let in may do anything"

Judge = Callable[[Cluster, Request, Document], Awaitable[Document]]
"""The status of a review that was sent. Raises Invalid or Malformed for one that asks nothing."""


def _answering(api_version: str, kind: str, judge: Judge) -> Handler:
    async def answer(cluster: Cluster, request: Request) -> Answer:
        # Before anything else, as kube-apiserver does: a review is no record, so it can be no table.
        form = answers.form(request.header(b"accept"), shapes=False)
        chosen = options.read(request, "CreateOptions")
        body = bodies.read(await request.body(), request.header(b"content-type"))
        sent = documents.checked(request, body.document, chosen, body.problems, api_version=api_version, kind=kind)
        reviewed = {**sent, "status": await judge(cluster, request, sent)}
        return shapes.plain(request, form, json_text.text(reviewed).encode(), _CREATED)

    return answer


async def _access(cluster: Cluster, request: Request, sent: Document) -> Document:
    del cluster, request
    spec = sent.get("spec") or {}
    if bool(spec.get("resourceAttributes")) == bool(spec.get("nonResourceAttributes")):
        message = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid(sent["kind"], "", [rules.invalid("spec.resourceAttributes", "null", message)])
    return {"allowed": True, "reason": _WHY}


async def _access_of_somebody(cluster: Cluster, request: Request, sent: Document) -> Document:
    spec = sent.get("spec") or {}
    if not spec.get("user") and not spec.get("groups"):
        message = "at least one of user or group must be specified"
        raise invalid(sent["kind"], "", [rules.invalid("spec.user", "", message)])
    return await _access(cluster, request, sent)


async def _rules(cluster: Cluster, request: Request, sent: Document) -> Document:
    del cluster, request
    if not (sent.get("spec") or {}).get("namespace"):
        raise Malformed("no namespace on request")
    everything = ["*"]
    return {
        "resourceRules": [{"verbs": everything, "apiGroups": everything, "resources": everything}],
        "nonResourceRules": [{"verbs": everything, "nonResourceURLs": everything}],
        "incomplete": False,
    }


async def _self(cluster: Cluster, request: Request, sent: Document) -> Document:
    del cluster, sent
    return {"userInfo": users.of(request.scope).document()}


async def _token(cluster: Cluster, request: Request, sent: Document) -> Document:
    del request
    try:
        identity = await cluster.authenticator.holder((sent.get("spec") or {}).get("token") or "")
    except Unauthenticated as error:
        return {"authenticated": False, "error": str(error)}
    if identity.purpose != "admin":
        return {"authenticated": False, "error": "the token is for an agent and says nothing here"}
    return {"authenticated": True, "user": users.named(identity.subject).document()}


_REVIEWS: tuple[tuple[str, str, Judge], ...] = (
    ("authentication.k8s.io/v1", "SelfSubjectReview", _self),
    ("authentication.k8s.io/v1", "TokenReview", _token),
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview", _access),
    ("authorization.k8s.io/v1", "SelfSubjectRulesReview", _rules),
    ("authorization.k8s.io/v1", "SubjectAccessReview", _access_of_somebody),
    ("authorization.k8s.io/v1", "LocalSubjectAccessReview", _access_of_somebody),
)

HANDLERS: dict[tuple[str, str], dict[str, Handler]] = {
    (api_version, f"{kind.lower()}s"): {"POST": _answering(api_version, kind, judge)}
    for api_version, kind, judge in _REVIEWS
}
