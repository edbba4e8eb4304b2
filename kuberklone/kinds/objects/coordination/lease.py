"""Lease: who leads, and until when; kept for clients, while the cluster's own leaders are rows of `leaderships`."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    seconds = (document.get("spec") or {}).get("leaseDurationSeconds")
    problems = rules.not_negative("spec.leaseTransitions", (document.get("spec") or {}).get("leaseTransitions"))
    if seconds is not None and seconds <= 0:
        problems.append(rules.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    return problems


KIND = declare(
    kind="Lease",
    resource="leases",
    api_version="coordination.k8s.io/v1",
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="Holder", description="Who has it.", value=columns.text("spec.holderIdentity")),
        columns.AGE,
    ),
    validate=_validate,
    acts="Kept for clients; those in `kube-node-lease` show the heartbeats of nodes. Controllers of this cluster lead "
    "by rows of `leaderships`.",
)
