"""Event: what components and clients tell people about an object."""

from kuberklone.kinds import columns, event
from kuberklone.kinds.event import Event
from kuberklone.kinds.kind import Kind

KIND = Kind(
    kind="Event",
    resource="events",
    record=Event,
    table="events",
    short_names=("ev",),
    document=event.document,
    read=event.read,
    columns=(columns.NAME, columns.AGE),
)
