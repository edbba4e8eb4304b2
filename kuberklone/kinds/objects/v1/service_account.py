"""ServiceAccount: who a pod is when it speaks to the API."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column, Subresource
from kuberklone.kinds.stored_object import declare


def _secrets(document: Document, now_ms: int) -> int:
    del now_ms
    return len(document.get("secrets") or [])


KIND = declare(
    kind="ServiceAccount",
    resource="serviceaccounts",
    short_names=("sa",),
    subresources=(
        Subresource(name="token", kind="TokenRequest", api_version="authentication.k8s.io/v1", verbs=("create",)),
    ),
    columns=(
        columns.NAME,
        Column(name="Secrets", type="integer", description="How many secrets it names.", value=_secrets),
        columns.AGE,
    ),
    counts_generation=False,
    delete_returns_object=True,
    acts="`namespace` makes the one called default; pods that name none get it.",
)
