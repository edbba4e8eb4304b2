"""Reading the PriorityClasses there are, by name: every new pod gets its priority from them."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from kuberklone.kinds.catalogue import catalogue
from kuberklone.kinds.pod_admission import PriorityClass
from kuberklone.store.records import table_of


class _Data(msgspec.Struct, rename="camel"):
    value: int = 0
    global_default: bool = False
    preemption_policy: str = "PreemptLowerPriority"


_DATA = msgspec.json.Decoder(_Data)


def read(connection: Connection) -> Mapping[str, PriorityClass]:
    kind = catalogue().of_change("scheduling.k8s.io", "priorityclasses")
    if kind is None:
        return {}
    found = {record.name: _DATA.decode(record.data) for record in table_of(kind).read(connection)}
    return {
        name: PriorityClass(
            name=name,
            value=data.value,
            preemption_policy=data.preemption_policy,
            is_default=data.global_default,
        )
        for name, data in found.items()
    }
