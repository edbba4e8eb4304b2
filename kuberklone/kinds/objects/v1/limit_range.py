"""LimitRange: how much one pod or container of a namespace may ask for."""

from kuberklone.kinds import columns
from kuberklone.kinds.stored_object import declare

KIND = declare(
    kind="LimitRange",
    resource="limitranges",
    short_names=("limits",),
    counts_generation=False,
    columns=(columns.NAME, columns.CREATED),
    acts="Kept. Pods are neither given its defaults nor held to its limits.",
    warning="no admission acts on limit ranges yet: pods are neither given defaults nor held to limits",
)
