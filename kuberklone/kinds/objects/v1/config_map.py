"""ConfigMap: text that pods read."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _entries(document: Document, now_ms: int) -> int:
    del now_ms
    return len(document.get("data") or {}) + len(document.get("binaryData") or {})


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    text, binary = document.get("data") or {}, document.get("binaryData") or {}
    return [
        *rules.keys_of_data("data", text),
        *rules.keys_of_data("binaryData", binary),
        *[rules.duplicate(f"data[{key}]", key) for key in sorted(text.keys() & binary.keys())],
        *rules.size_of_data(text, binary),
        *rules.immutable_data(document, old),
    ]


KIND = declare(
    kind="ConfigMap",
    resource="configmaps",
    short_names=("cm",),
    columns=(
        columns.NAME,
        Column(name="Data", type="integer", description="How many keys it holds.", value=_entries),
        columns.AGE,
    ),
    counts_generation=False,
    validate=_validate,
    acts="Kept. Containers of simulated pods do not read it.",
)
