"""Resources that no record holds: reviews, which are answered at once, and the metrics of nodes and pods."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedResource:
    api_version: str
    resource: str
    kind: str
    namespaced: bool = False
    verbs: tuple[str, ...] = ("create",)

    @property
    def singular_name(self) -> str:
        return "" if self.verbs == ("get", "list") else self.kind.lower()


def _review(group: str, kind: str, *, namespaced: bool = False) -> ComputedResource:
    return ComputedResource(
        api_version=f"{group}.k8s.io/v1", resource=f"{kind.lower()}s", kind=kind, namespaced=namespaced
    )


COMPUTED: tuple[ComputedResource, ...] = (
    ComputedResource(api_version="v1", resource="bindings", kind="Binding", namespaced=True),
    _review("authentication", "SelfSubjectReview"),
    _review("authentication", "TokenReview"),
    _review("authorization", "LocalSubjectAccessReview", namespaced=True),
    _review("authorization", "SelfSubjectAccessReview"),
    _review("authorization", "SelfSubjectRulesReview"),
    _review("authorization", "SubjectAccessReview"),
    ComputedResource(api_version="metrics.k8s.io/v1beta1", resource="nodes", kind="NodeMetrics", verbs=("get", "list")),
    ComputedResource(
        api_version="metrics.k8s.io/v1beta1", resource="pods", kind="PodMetrics", namespaced=True, verbs=("get", "list")
    ),
)
