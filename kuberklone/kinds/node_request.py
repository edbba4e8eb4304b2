"""What a person says to get nodes, and the records that follow from it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kuberklone.chance import Chance
from kuberklone.errors import InvalidField
from kuberklone.kinds import json_text, names, quantity
from kuberklone.kinds.node import MEMORY_BYTES_DEFAULT, Node
from kuberklone.kinds.taints import EFFECTS, Taint

# One transaction writes them all; more would make everybody else wait for longer than a person notices.
COUNT_MAX = 5_000

Quantity = int | float | str
Name = Annotated[str, Meta(description=names.REMEDY + ".", examples=["web"])]
Count = Annotated[
    int,
    Meta(
        description=f"a whole number from 1 to {COUNT_MAX}: all or none, and the answer is a list; with a name they "
        "are called name-1, name-2, …",
        examples=[3],
    ),
]
Labels = Annotated[
    dict[str, str],
    Meta(description="keys such as zone or example.com/zone, and their values.", examples=[{"zone": "a"}]),
]

_chance = Chance()


class TaintRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: Annotated[str, Meta(examples=["dedicated"])]
    effect: Annotated[str, Meta(description="one of " + ", ".join(EFFECTS) + ".", examples=["NoSchedule"])]
    value: Annotated[str, Meta(examples=["batch"])] = ""


class NodeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    cpus: Annotated[Quantity, Meta(description="CPU cores, such as 4, 0.5 or 500m.", examples=[4])]
    name: Name | None = None
    memory: Annotated[
        Quantity | None, Meta(description="bytes, such as 8Gi, which is the default.", examples=["8Gi"])
    ] = None
    labels: Labels = {}
    taints: Annotated[list[TaintRequest], Meta(description="what keeps pods away that do not tolerate it.")] = []
    provider: Annotated[
        Literal["simulated", "docker", "external"],
        Meta(
            description="simulated (the machine is played here), docker (it is a container) or external (it comes by "
            "itself)."
        ),
    ] = "simulated"
    count: Count | None = None


def build(request: NodeRequest) -> tuple[Node, ...]:
    """The nodes that are asked for, without a name where the store shall number them; raises InvalidField."""
    labels = json_text.text(names.labels(request.labels, field="labels")) if request.labels else "{}"
    taints = [_taint(taint, place) for place, taint in enumerate(request.taints)]
    memory = request.memory
    template = Node(
        uid="",
        name="",
        labels=labels,
        taints=json_text.text(taints) if taints else "[]",
        provider=request.provider,
        cpu_millis=quantity.cpu_millis(request.cpus, field="cpus"),
        memory_bytes=MEMORY_BYTES_DEFAULT if memory is None else quantity.memory_bytes(memory, field="memory"),
    )
    return tuple(
        msgspec.structs.replace(template, uid=_chance.uid(), name=name)
        for name in numbered(request.name, request.count)
    )


def numbered(name: str | None, count: int | None) -> list[str]:
    """One name for each record asked for; empty ones are numbered by the store. Raises InvalidField."""
    if count is not None and not 1 <= count <= COUNT_MAX:
        raise InvalidField("count", f"send a whole number from 1 to {COUNT_MAX}; got {count}")
    if name is None:
        return [""] * (count or 1)
    wanted = [name] if count in (None, 1) else [f"{name}-{number}" for number in range(1, (count or 1) + 1)]
    names.name(wanted[0], field="name")
    names.name(wanted[-1], field="name")
    return wanted


def _taint(request: TaintRequest, place: int) -> Taint:
    field = f"taints[{place}]"
    names.label_key(request.key, field=f"{field}.key")
    names.label_value(request.value, field=f"{field}.value")
    for effect in EFFECTS:
        if request.effect == effect:
            return Taint(key=request.key, value=request.value, effect=effect)
    raise InvalidField(f"{field}.effect", f"send one of {', '.join(EFFECTS)}; got {request.effect!r:.60}")
