"""Secret: what pods read and people shall not; kept as it was sent, in base64."""

import base64
from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare

_OPAQUE = "Opaque"
# What a secret of a type must hold, so that whoever mounts it finds it.
_REQUIRED_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def _default(document: Document) -> None:
    document["type"] = document.get("type") or _OPAQUE
    # `stringData` is for writing only: the API keeps it as bytes.
    written = document.pop("stringData", None)
    if written:
        kept = {key: base64.b64encode(str(value).encode()).decode() for key, value in written.items()}
        document["data"] = {**(document.get("data") or {}), **kept}


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    held = document.get("data") or {}
    missing = [key for key in _REQUIRED_KEYS.get(document.get("type", ""), ()) if key not in held]
    problems = [*rules.keys_of_data("data", held), *[rules.required(f"data[{key}]") for key in missing]]
    if old is not None:
        problems += rules.unchanged("type", document.get("type"), old.get("type"))
    return [*problems, *rules.size_of_data(held), *rules.immutable_data(document, old)]


def _entries(document: Document, now_ms: int) -> int:
    del now_ms
    return len(document.get("data") or {})


KIND = declare(
    kind="Secret",
    resource="secrets",
    columns=(
        columns.NAME,
        Column(name="Type", description="What its data is for.", value=columns.text("type")),
        Column(name="Data", type="integer", description="How many keys it holds.", value=_entries),
        columns.AGE,
    ),
    selectable_paths=("type",),
    counts_generation=False,
    default=_default,
    validate=_validate,
    acts="Kept, not encrypted. Containers of simulated pods do not read it.",
)
