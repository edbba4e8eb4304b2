"""Taking pods away on purpose: what an eviction takes from the budget that guards the pod.

Source: Kubernetes' eviction subresource (`EvictionREST`). The budget is read and written under the writers' lock, in
the transaction that deletes the pod: of two evictions at one time the second one sees what the first has taken.
"""

from collections.abc import Iterator

import msgspec

from kuberklone.errors import DisruptionRefused, SeveralBudgets
from kuberklone.kinds import disruption, pod_readiness
from kuberklone.kinds.disruption import Budget
from kuberklone.kinds.objects.policy import pod_disruption_budget
from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.store import records
from kuberklone.store.records import Update, table_of
from kuberklone.store.transaction import Transaction

# As in Kubernetes: more pods at once on their way out mean that nobody keeps the budget's status.
_DISRUPTED_MAX = 2_000

_BUDGETS = table_of(pod_disruption_budget.KIND)
_LABELS = msgspec.json.Decoder(dict[str, str])


def take_budget(transaction: Transaction, pod: Pod) -> None:
    """Let the pod go, or raise DisruptionRefused or SeveralBudgets; nothing is written then."""
    if pod.phase in FINISHED or pod.phase == "Pending" or pod.deleting_ms is not None:
        return  # nothing is disrupted
    found = list(_guarding(transaction, pod))
    if len(found) > 1:
        raise SeveralBudgets
    if not found:
        return
    (budget,) = found
    if pod_readiness.ready_since_ms(pod) is None and _lets_unhealthy_go(budget):
        return
    _ensure_allowed(budget)
    taken = disruption.with_one_less(budget, pod.name, now_ms=transaction.now_ms)
    records.update(transaction, _BUDGETS, [Update(budget.record, taken)], ("status",))


def _guarding(transaction: Transaction, pod: Pod) -> Iterator[Budget]:
    """The budgets whose selector chooses the pod."""
    statement = _BUDGETS.select().where(_BUDGETS.table.c.namespace == pod.namespace)
    labels = _LABELS.decode(pod.labels)
    for record in _BUDGETS.read(transaction.connection, statement):
        try:
            budget = disruption.read(record)
        except ValueError as error:
            # Whom it guards is not known, so nobody is taken from the namespace until somebody mends it.
            raise DisruptionRefused(f"The disruption budget {record.name} cannot be read: {error}") from error
        if budget.selector.matches(labels):
            yield budget


def _lets_unhealthy_go(budget: Budget) -> bool:
    """A pod that is not healthy is no loss, provided that enough others are."""
    status = budget.status
    return budget.always_lets_unhealthy_go or 0 < status.desired_healthy <= status.current_healthy


def _ensure_allowed(budget: Budget) -> None:
    name, status = budget.record.name, budget.status
    if status.observed_generation < budget.record.generation:
        raise DisruptionRefused(f"The disruption budget {name} is still being processed by the server.")
    if len(status.disrupted_pods) > _DISRUPTED_MAX:
        raise DisruptionRefused(f"The disruption budget {name} has too many evictions that are not confirmed.")
    if status.disruptions_allowed <= 0:
        raise DisruptionRefused(
            f"The disruption budget {name} needs {status.desired_healthy} healthy pods and has "
            f"{status.current_healthy} currently"
        )
