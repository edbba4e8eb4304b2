"""Which template a set belongs to, and the annotations by which people follow a Deployment's history.

`kubectl rollout history` and `undo` read the annotations; their names and formats are Kubernetes'.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

REVISION: Final = "deployment.kubernetes.io/revision"
HISTORY: Final = "deployment.kubernetes.io/revision-history"
"""On a set: the earlier revisions that had the same template."""
DESIRED_REPLICAS: Final = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS: Final = "deployment.kubernetes.io/max-replicas"
"""On a set: what the Deployment wanted when it was last scaled; a difference from now is how scaling is noticed."""
HASH_LABEL: Final = "pod-template-hash"

_OWN: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
    }
)
"""Annotations of a Deployment that are not copied to its sets."""

_HISTORY_LENGTH_MAX = 2000  # Kubernetes' limit; the oldest are forgotten
# Letters that spell no word, as in generated names; a hash is part of the names of sets and pods.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH = 10


def template_hash(template: str, collisions: int | None) -> str:
    """What the name of the template's set ends with; another one after each collision."""
    digest = blake2b(f"{template}/{collisions or 0}".encode(), digest_size=_HASH_LENGTH).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)


def number(annotations: Mapping[str, str], name: str) -> int:
    """A number among the annotations; 0 where there is none, or something else that a person wrote."""
    text = annotations.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def of_set(
    deployment: Mapping[str, str], existing: Mapping[str, str], *, revision: int, replicas: int, max_replicas: int
) -> dict[str, str]:
    """The annotations of the set that is to run now: those of the Deployment, and its place in the history."""
    wanted = {**existing, **{name: value for name, value in deployment.items() if name not in _OWN}}
    before = number(existing, REVISION)
    if before < revision:
        wanted[REVISION] = str(revision)
        if before:
            wanted[HISTORY] = _remembered(existing.get(HISTORY, ""), before)
    return scaled(wanted, replicas=replicas, max_replicas=max_replicas)


def scaled(existing: Mapping[str, str], *, replicas: int, max_replicas: int) -> dict[str, str]:
    """The annotations of a set with what its Deployment wants now."""
    return {**existing, DESIRED_REPLICAS: str(replicas), MAX_REPLICAS: str(max_replicas)}


def _remembered(history: str, revision: int) -> str:
    revisions = [*(each for each in history.split(",") if each), str(revision)]
    while len(",".join(revisions)) > _HISTORY_LENGTH_MAX:
        del revisions[0]
    return ",".join(revisions)
