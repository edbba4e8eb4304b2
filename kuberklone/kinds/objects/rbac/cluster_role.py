"""ClusterRole: what may be done in all namespaces, and to what is in none."""

from kuberklone.kinds import rbac_rules
from kuberklone.kinds.stored_object import declare

KIND = declare(
    kind="ClusterRole",
    resource="clusterroles",
    api_version=f"{rbac_rules.GROUP}/v1",
    namespaced=False,
    counts_generation=False,
    columns=rbac_rules.ROLE_COLUMNS,
    validate=rbac_rules.role,
    acts="Kept. Nobody is refused anything.",
    warning=rbac_rules.WARNING,
)
