"""The pods that the cluster gave to this node, as the agent goes by them: the last list it was told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kuberklone.agent import pod_spec
from kuberklone.agent.facts import GRACE_DEFAULT_MS, Pod
from kuberklone.agent.pod_spec import CannotRunError, PodSpec
from kuberklone.kinds.reporting import AssignedPod


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One pod: what is decided on, and what its containers are made of."""

    pod: Pod
    spec: PodSpec | None
    annotations: Mapping[str, str]
    since_ms: int
    images: Mapping[str, str]
    """By container, as the spec names them."""


def read(
    told: Sequence[AssignedPod], before: Mapping[str, Assignment], *, shares_network: bool, now_ms: int
) -> dict[str, Assignment]:
    """The assignments by uid; `before` are those of the list before, whose specs need no second decoding."""
    return {
        each.uid: _assignment(each, before.get(each.uid), shares_network=shares_network, now_ms=now_ms) for each in told
    }


def _assignment(told: AssignedPod, before: Assignment | None, *, shares_network: bool, now_ms: int) -> Assignment:
    since_ms = now_ms if before is None else before.since_ms
    invalid = "" if before is None else before.pod.invalid
    spec = None if before is None else before.spec
    if spec is None and not invalid:
        # A pod's spec does not change, but for parts that no agent reads.
        try:
            spec = pod_spec.decode(bytes(told.spec))
        except CannotRunError as error:
            invalid = str(error)
    init = tuple(each.name for each in (spec.init_containers or ())) if spec else ()
    mains = tuple(each.name for each in spec.containers) if spec else ()
    pod = Pod(
        uid=told.uid,
        namespace=told.namespace,
        name=told.name,
        phase=told.phase,
        on_node_failure=told.on_node_failure,
        policy=spec.restart_policy if spec else "Never",
        init=init,
        mains=mains,
        # The others would lose the network of one that ends, so a container that does nothing else holds it.
        has_network=not shares_network and len(init) + len(mains) > 1,
        starts_at_ms=since_ms + told.start_delay_ms,
        deleting=told.deleting,
        grace_ms=_grace_ms(told, spec),
        held=bool(told.held),
        restarts=told.restarts,
        invalid=invalid,
    )
    return Assignment(
        pod=pod,
        spec=spec,
        annotations=told.annotations,
        since_ms=since_ms,
        images={each.name: each.image for each in (*(spec.init_containers or ()), *spec.containers)} if spec else {},
    )


def _grace_ms(told: AssignedPod, spec: PodSpec | None) -> int:
    if told.deletion_grace_s is not None:
        return told.deletion_grace_s * 1000
    wanted_s = spec.termination_grace_period_seconds if spec else None
    return GRACE_DEFAULT_MS if wanted_s is None else wanted_s * 1000
