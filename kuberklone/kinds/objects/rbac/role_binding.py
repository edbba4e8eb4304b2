"""RoleBinding: who may do what a role says, in a namespace."""

from kuberklone.kinds import rbac_rules
from kuberklone.kinds.stored_object import declare

KIND = declare(
    kind="RoleBinding",
    resource="rolebindings",
    api_version=f"{rbac_rules.GROUP}/v1",
    counts_generation=False,
    columns=rbac_rules.BINDING_COLUMNS,
    default=rbac_rules.default_binding,
    validate=rbac_rules.binding,
    acts="Kept. Nobody is refused anything.",
    warning=rbac_rules.WARNING,
)
