"""POST serviceaccounts/NAME/token: a token for a program, good at the TLS listener until it expires.

There are no roles here, so it lets its holder do anything; it says under which name.
"""

import msgspec

from kuberklone.api.kubernetes import answers, documents, options, reading, shapes, users
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem, invalid
from kuberklone.clock import timestamp
from kuberklone.kinds import rules
from kuberklone.store.operations import CreatedToken, CreateToken

_API_VERSION, _KIND = "authentication.k8s.io/v1", "TokenRequest"
_CREATED = 201
# Kubernetes' own: an hour unless another time is asked for, ten minutes at least, and no more than 32 bits of seconds.
_EXPIRATION_S = 3_600
_EXPIRATION_MIN_S = 600
_EXPIRATION_MAX_S = 2**32


async def create(cluster: Cluster, request: Request) -> Answer:
    chosen = options.read(request, "CreateOptions")
    body = bodies.read(await request.body(), request.header(b"content-type"))
    sent = documents.checked(request, body.document, chosen, body.problems, api_version=_API_VERSION, kind=_KIND)
    spec = sent.get("spec") or {}
    seconds = _seconds(spec, request.path.name)
    account = await reading.existing(cluster, request)
    status: Document = {"token": "", "expirationTimestamp": None}
    if not chosen.dry_run:
        wanted = CreateToken(
            purpose="admin",
            valid_ms=1000 * seconds,
            subject=users.service_account(account.namespace, account.name),
        )
        made = await cluster.writes.outcome(wanted, CreatedToken)
        assert made.token.expires_ms is not None, "it was asked for with a time"
        status = {"token": str(made.text), "expirationTimestamp": timestamp(made.token.expires_ms)}
    answered = {
        "kind": _KIND,
        "apiVersion": _API_VERSION,
        "metadata": {"name": account.name, "namespace": account.namespace},
        "spec": {"audiences": spec.get("audiences") or [], "expirationSeconds": seconds},
        "status": status,
    }
    form = answers.form(request.header(b"accept"), shapes=False)
    return shapes.plain(request, form, msgspec.json.encode(answered), _CREATED)


def _seconds(spec: Document, name: str) -> int:
    """For how long; raises Invalid for what cannot be promised."""
    seconds: int = spec.get("expirationSeconds") or _EXPIRATION_S
    problems: list[Problem] = []
    if seconds < _EXPIRATION_MIN_S:
        problems.append(
            rules.invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        )
    elif seconds > _EXPIRATION_MAX_S:
        problems.append(
            rules.invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
        )
    if spec.get("boundObjectRef"):
        problems.append(rules.forbidden("spec.boundObjectRef", "tokens are not bound to objects here"))
    if problems:
        raise invalid(_KIND, name, problems)
    return seconds
