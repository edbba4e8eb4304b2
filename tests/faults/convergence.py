"""Waiting until everything is as it is wanted to be, for as long as the issue allows."""

from tests.faults import oracles
from tests.faults.cluster import CONVERGED_WITHIN_S, Cluster
from tests.waiting import NeverHappenedError, until


def converge(cluster: Cluster) -> None:
    """Return once all is as it should be, or fail with what is not."""

    def found() -> list[str]:
        with cluster.store.snapshot() as connection:
            return list(oracles.unconverged(connection))

    try:
        until(lambda: not found(), within_s=CONVERGED_WITHIN_S, what="everything is as it should be")
    except NeverHappenedError:
        oracles.check(found(), f"after {CONVERGED_WITHIN_S:g} s not all is as it should be")
