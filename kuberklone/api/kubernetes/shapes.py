"""One record as an answer, in the form that the client accepts: the object, a table of one row, or its metadata."""

import msgspec
import yaml

from kuberklone.api.kubernetes import answers
from kuberklone.api.kubernetes.answers import Answer, Form
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.errors import Malformed
from kuberklone.kinds import served, tables
from kuberklone.kinds.header import Header
from kuberklone.kinds.tables import Include

_encode = msgspec.json.Encoder().encode


def of_record(cluster: Cluster, request: Request, record: Header, *, code: int = 200) -> Answer:
    """The record as the path's kind and version."""
    return of_text(cluster, request, served.text(request.kind.document(record), record.revision, request.served), code)


def of_text(cluster: Cluster, request: Request, text: str, code: int = 200) -> Answer:
    """A document of the path's kind and version."""
    form = answers.form(request.header(b"accept"))
    if form.name == "object":
        return plain(request, form, text.encode(), code)
    document = served.decoded(text)
    if form.name == "Table":
        now_ms = cluster.store.clock.wall_ms()
        metadata = {"resourceVersion": document["metadata"].get("resourceVersion", "")}
        found = tables.table(
            request.served, [document], now_ms, metadata=metadata, include=include(request), version=form.version
        )
    else:
        found = tables.partial(document, version=form.version)
    return plain(request, form, _encode(found), code)


def include(request: Request) -> Include:
    """What a row of a table holds of its object; raises Malformed."""
    given = request.query.text("includeObject") or "Metadata"
    for known in tables.INCLUDES:
        if given == known:
            return known
    raise Malformed(f"includeObject: send one of {', '.join(tables.INCLUDES)}; got {given[:80]!r}")


def plain(request: Request, form: Form, body: bytes, code: int = 200) -> Answer:
    """An answer as JSON or YAML, laid out for people where they ask for that."""
    if form.is_yaml:
        body = yaml.dump(
            msgspec.json.decode(body), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True
        ).encode()
    elif request.query.flag("pretty"):
        body = msgspec.json.format(body, indent=2) + b"\n"
    return Answer(body=body, code=code, content_type=form.content_type)
