"""Which record a request means: by `{"name": …}` in the body or by `?name=`."""

from typing import Annotated, Any

import msgspec
from litestar import Request
from msgspec import Meta

from kuberklone.api import bodies
from kuberklone.errors import InvalidField, NotFound
from kuberklone.kinds import names


class NodeName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(description="the node's name.", examples=["node-1"])]


class PodName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(description="the pod's name.", examples=["pod-1"])]


async def name_in(request: Request[Any, Any, Any], kind: type[NodeName] | type[PodName], in_query: str | None) -> str:
    """The one name that is given; raises InvalidField when there is none, or when two differ."""
    body = await request.body()
    in_body = bodies.parse(body, kind).name if body else None
    if in_body is not None and in_query is not None and in_body != in_query:
        raise InvalidField("name", f"the body says {in_body!r:.80} and ?name= says {in_query!r:.80}; send one of them")
    name = in_query if in_body is None else in_body
    if not name:
        raise InvalidField("name", f"it is missing; send {bodies.example(kind)} or ?name=")
    return possible(name, "node" if kind is NodeName else "pod")


def possible(name: str, noun: str) -> str:
    """The name, if a record can have it; NotFound otherwise, so that no odd character reaches the database."""
    try:
        return names.name(name, field="name")
    except InvalidField as error:
        raise NotFound(f"there is no {noun} named {name!r:.80}: a name is {names.REMEDY}") from error
