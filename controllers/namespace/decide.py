"""Decides what namespaces lack, and what has to go from one that is being deleted.

Source: Kubernetes' namespace, service account and root CA controllers. The order is theirs since 1.33
(OrderedNamespaceDeletion): pods first, so that a pod never runs without what protects it, such as a NetworkPolicy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

STANDARD = ("default", "kube-node-lease", "kube-public", "kube-system")
"""Namespaces that are always there; nobody may delete them."""
_OURS = "kubernetes"
"""The finalizer in `spec` that says: not yet empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceFacts:
    uid: str
    revision: int = 0
    name: str
    deleting: bool = False
    spec_finalizers: tuple[str, ...] = (_OURS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is in a namespace that is being deleted. Amounts by resource, such as `configmaps` or `deployments.apps`."""

    amounts: Mapping[str, int] = field(default_factory=dict)
    unmarked: frozenset[str] = frozenset()
    """Resources of which some are not being deleted yet."""
    finalizers: Mapping[str, int] = field(default_factory=dict)
    """How many of the objects each finalizer holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptying:
    """A namespace on its way out."""

    uid: str
    name: str
    resources: tuple[str, ...]
    """Of these everything that is not marked yet is to be deleted now."""
    content: Content
    finished: bool
    """Nothing is left: our finalizer goes, and with the last one the namespace."""
    spec_finalizers: tuple[str, ...]
    """What they are then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    namespaces: tuple[str, ...]
    """Standard ones that are missing."""
    accounts: tuple[str, ...]
    """Namespaces without their default ServiceAccount."""
    certificates: tuple[str, ...]
    """Namespaces whose copy of the cluster's CA is missing or another one."""
    emptyings: tuple[Emptying, ...]


def decide(
    namespaces: Sequence[NamespaceFacts],
    *,
    with_account: Iterable[str],
    with_certificate: Iterable[str],
    contents: Mapping[str, Content],
) -> Plan:
    """`with_…` name the namespaces that have it already, `contents` is of those being deleted, by name."""
    active = [each.name for each in namespaces if not each.deleting]
    accounts, certificates = set(with_account), set(with_certificate)
    there = {each.name for each in namespaces}
    return Plan(
        namespaces=tuple(name for name in STANDARD if name not in there),
        accounts=tuple(name for name in active if name not in accounts),
        certificates=tuple(name for name in active if name not in certificates),
        emptyings=tuple(
            _emptying(each, contents[each.name]) for each in namespaces if each.deleting and each.name in contents
        ),
    )


def _emptying(each: NamespaceFacts, content: Content) -> Emptying:
    finished = not content.amounts
    if "pods" in content.amounts:
        resources = tuple(content.unmarked & {"pods"})
    else:
        resources = tuple(sorted(content.unmarked))
    return Emptying(
        uid=each.uid,
        name=each.name,
        resources=resources,
        content=content,
        finished=finished,
        spec_finalizers=tuple(name for name in each.spec_finalizers if not finished or name != _OURS),
    )
