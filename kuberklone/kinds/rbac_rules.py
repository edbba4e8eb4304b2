"""Defaults and rules of roles and of the bindings to them, which are the same in a namespace and in the cluster."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column

GROUP = "rbac.authorization.k8s.io"
_GROUPS = {"ServiceAccount": "", "User": GROUP, "Group": GROUP}
WARNING = "nobody is refused anything yet: roles and their bindings are kept and not acted on"


def default_binding(document: Document) -> None:
    """Fills in the groups of what a binding names."""
    reference = document.get("roleRef")
    if isinstance(reference, dict):
        reference["apiGroup"] = reference.get("apiGroup") or GROUP
    for subject in document.get("subjects") or []:
        group = _GROUPS.get(subject.get("kind") or "", "")
        if group:
            subject["apiGroup"] = subject.get("apiGroup") or group
        elif subject.get("apiGroup") == "":
            del subject["apiGroup"]


def role(document: Document, old: Document | None) -> Sequence[Problem]:
    """Problems of a role."""
    del old
    problems = []
    for place, rule in enumerate(document.get("rules") or []):
        here = f"rules[{place}]"
        if not rule.get("verbs"):
            problems.append(rules.required(f"{here}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            continue
        if not rule.get("apiGroups"):
            problems.append(rules.required(f"{here}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            problems.append(rules.required(f"{here}.resources", "resource rules must supply at least one resource"))
    return problems


def binding(document: Document, old: Document | None) -> Sequence[Problem]:
    """Problems of a binding; what it binds to is decided once."""
    reference = document.get("roleRef") or {}
    problems = [
        *rules.one_of("roleRef.apiGroup", reference.get("apiGroup"), [GROUP]),
        *rules.one_of("roleRef.kind", reference.get("kind"), ["ClusterRole", "Role"]),
    ]
    if not reference.get("name"):
        problems.append(rules.required("roleRef.name"))
    if old is not None and reference != old.get("roleRef"):
        problems.append(rules.invalid("roleRef", reference, "cannot change roleRef"))
    for place, subject in enumerate(document.get("subjects") or []):
        here, kind = f"subjects[{place}]", subject.get("kind") or ""
        if not subject.get("name"):
            problems.append(rules.required(f"{here}.name"))
        if kind not in _GROUPS:
            problems.append(rules.unsupported(f"{here}.kind", kind, _GROUPS))
        elif kind == "ServiceAccount" and not subject.get("namespace"):
            problems.append(rules.required(f"{here}.namespace"))
    return problems


def _role(document: Document, now_ms: int) -> str:
    del now_ms
    return f"{columns.at(document, 'roleRef.kind')}/{columns.at(document, 'roleRef.name')}"


def _subjects(kind: str, description: str) -> Column:
    def named(document: Document, now_ms: int) -> str:
        del now_ms
        found = [each for each in document.get("subjects") or [] if each.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{each.get('namespace', '')}/{each.get('name', '')}" for each in found)
        return ", ".join(each.get("name", "") for each in found)

    return Column(name=f"{kind}s", priority=1, description=description, value=named)


ROLE_COLUMNS = (columns.NAME, columns.CREATED)
BINDING_COLUMNS = (
    columns.NAME,
    Column(name="Role", description="What it gives.", value=_role),
    columns.AGE,
    _subjects("User", "People it is given to."),
    _subjects("Group", "Groups it is given to."),
    _subjects("ServiceAccount", "Programs it is given to."),
)
