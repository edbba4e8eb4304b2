"""The arithmetic of a rollout: how many replicas the new set and the old ones shall have next.

Source: Kubernetes' deployment controller (`rolling.go`, `sync.go`, `deployment_util.go`). One thing is stricter: old
sets give up available pods only once the statuses of all sets have caught up with their replicas. Kubernetes compares
replicas of now with a status that may still count pods which are already on their way out.
"""

from collections.abc import Sequence

from controllers.deployment.facts import DeploymentFacts, SetFacts
from controllers.deployment.revisions import MAX_REPLICAS, number
from kuberklone.kinds import shares

Sizes = dict[str, int]
"""How many replicas sets shall have, by uid; a set that is not named stays as it is."""


def bounds(deployment: DeploymentFacts) -> tuple[int, int]:
    """`(surge, unavailable)`: how many pods more than wanted there may be, and how many fewer may be available."""
    if deployment.recreates:
        return 0, 0
    surge = shares.of(deployment.max_surge, deployment.replicas, round_up=True)
    unavailable = shares.of(deployment.max_unavailable, deployment.replicas, round_up=False)
    if surge == 0 and unavailable == 0:
        # Nothing could ever move. Two numbers may not both be zero, but two shares may round to it.
        unavailable = 1
    return surge, min(unavailable, deployment.replicas)


def most(deployment: DeploymentFacts) -> int:
    """How many pods there may be in the course of a rollout."""
    return deployment.replicas + bounds(deployment)[0]


def first_size(deployment: DeploymentFacts, old: Sequence[SetFacts]) -> int:
    """The replicas a new set begins with."""
    return _grown(deployment, 0, others=_replicas(old))


def step(deployment: DeploymentFacts, new: SetFacts, old: Sequence[SetFacts]) -> Sizes:
    """One step of a rolling update: first the new set, and when it stays as it is, the old ones."""
    if new.replicas > deployment.replicas:
        return {new.uid: deployment.replicas}
    size = _grown(deployment, new.replicas, others=_replicas(old))
    if size != new.replicas:
        return {new.uid: size}
    return _shrink(deployment, new, old)


def _grown(deployment: DeploymentFacts, size: int, *, others: int) -> int:
    if deployment.recreates:
        return deployment.replicas
    room = most(deployment) - others - size
    return size + max(0, min(room, deployment.replicas - size))


def _shrink(deployment: DeploymentFacts, new: SetFacts, old: Sequence[SetFacts]) -> Sizes:
    if not all(each.has_settled for each in (new, *old)):
        return {}
    least = deployment.replicas - bounds(deployment)[1]
    sizes = {each.uid: each.replicas for each in old}
    # Pods that are not available are given up first, as many as the new ones that may still fail can be spared for.
    spare = _replicas(old) + new.replicas - least - max(0, new.replicas - new.available)
    for each in _oldest_first(old):
        given_up = max(0, min(spare, each.replicas - each.available))
        sizes[each.uid] -= given_up
        spare -= given_up
    available = new.available + sum(min(each.available, sizes[each.uid]) for each in old)
    spare = min(spare, available - least)
    for each in _oldest_first(old):
        given_up = max(0, min(spare, sizes[each.uid]))
        sizes[each.uid] -= given_up
        spare -= given_up
    return {each.uid: sizes[each.uid] for each in old if sizes[each.uid] != each.replicas}


def proportional(deployment: DeploymentFacts, new: SetFacts | None, old: Sequence[SetFacts]) -> Sizes:
    """Scales in the middle of a rollout, or while it is paused: every set by its share, so that the risk stays.

    What rounding leaves over goes to the largest set.
    """
    sets = [*([new] if new is not None else []), *old]
    active = [each for each in sets if each.replicas > 0]
    if len(active) <= 1:
        alone = active[0] if active else new or max(old, key=_age, default=None)
        return {} if alone is None or alone.replicas == deployment.replicas else {alone.uid: deployment.replicas}
    if new is not None and _is_saturated(deployment, new):
        return {each.uid: 0 for each in old if each.replicas > 0}
    if deployment.recreates:
        return {}
    to_add = (most(deployment) if deployment.replicas > 0 else 0) - _replicas(active)
    # Growing, the younger of two equal sets gets more; shrinking, the older one gives more.
    ranked = sorted(active, key=lambda each: (each.replicas, _age(each) if to_add > 0 else _reversed(_age(each))))
    ranked.reverse()
    sizes: Sizes = {}
    added = 0
    for each in ranked:
        share = _share(each, deployment, to_add=to_add, added=added)
        sizes[each.uid] = each.replicas + share
        added += share
    if to_add and ranked:
        first = ranked[0].uid
        sizes[first] = max(0, sizes[first] + to_add - added)
    return {each.uid: sizes[each.uid] for each in ranked if sizes[each.uid] != each.replicas}


def _share(each: SetFacts, deployment: DeploymentFacts, *, to_add: int, added: int) -> int:
    if to_add == added:
        return 0
    if deployment.replicas == 0:
        return -each.replicas
    before = number(each.annotations, MAX_REPLICAS) or deployment.status.replicas or most(deployment)
    wanted = _rounded(each.replicas * most(deployment), before) - each.replicas
    left = to_add - added
    return max(0, min(wanted, left)) if to_add > 0 else min(0, max(wanted, left))


def _rounded(numerator: int, denominator: int) -> int:
    """Half goes up, as in Go's math.Round; Python's own rounds half to even."""
    return (2 * numerator + denominator) // (2 * denominator)


def _is_saturated(deployment: DeploymentFacts, new: SetFacts) -> bool:
    return new.has_settled and new.replicas == new.available == deployment.replicas


def _replicas(sets: Sequence[SetFacts]) -> int:
    return sum(each.replicas for each in sets)


def _age(each: SetFacts) -> tuple[int, str]:
    return each.created_ms, each.uid


def _oldest_first(sets: Sequence[SetFacts]) -> list[SetFacts]:
    return sorted(sets, key=_age)


def _reversed(age: tuple[int, str]) -> tuple[int, str]:
    return -age[0], age[1]


def scaled_to_nothing(sets: Sequence[SetFacts]) -> Sizes:
    return {each.uid: 0 for each in sets if each.replicas > 0}
