"""CSIStorageCapacity: how much room a storage class has where."""

from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare

KIND = declare(
    kind="CSIStorageCapacity",
    resource="csistoragecapacities",
    api_version="storage.k8s.io/v1",
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="StorageClassName", description="Of what.", value=columns.text("storageClassName")),
        Column(name="Capacity", description="How much.", value=columns.text("capacity")),
    ),
    acts="Kept, as clients write it.",
)
