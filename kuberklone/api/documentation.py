"""The API's description: OpenAPI for programs, and a page made from it that needs nothing from the network."""

from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Reference, RequestBody

import kuberklone
from kuberklone.api import problems
from kuberklone.api.page import page, rows
from kuberklone.api.problems import Problem

_REFERENCE = "#/components/schemas/{name}"
_SUMMARY = (
    "Writes what is wanted and shows what is. Every error is a problem document (RFC 9457) that says what to send."
)


def reads(*problem_statuses: int) -> type[Operation]:
    """What a handler that only reads answers beside what its signature says."""
    return _described((*problem_statuses, 422, 503), body=None, required=False)


def accepts(body: type[msgspec.Struct], *problem_statuses: int, required: bool = True) -> type[Operation]:
    """What a handler that writes accepts and answers: it reads the body itself, so its signature does not say."""
    return _described((400, *problem_statuses, 413, 422, 503), body=body, required=required)


def _described(
    problem_statuses: tuple[int, ...], *, body: type[msgspec.Struct] | None, required: bool
) -> type[Operation]:
    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            if body is not None:
                self.request_body = RequestBody(content={"application/json": _media(body)}, required=required)
            answers = dict(self.responses or {})
            for status in problem_statuses:
                answers[str(status)] = OpenAPIResponse(
                    description=HTTPStatus(status).phrase, content={problems.MEDIA_TYPE: _media(Problem)}
                )
            # The framework's own idea of a bad request is not what ours look like.
            if 400 not in problem_statuses:
                answers.pop("400", None)
            self.responses = answers

    return Described


def _media(kind: type[msgspec.Struct]) -> OpenAPIMediaType:
    return OpenAPIMediaType(schema=Reference(ref=_REFERENCE.format(name=kind.__name__)))


def config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="KuberKlone lab API",
        version=kuberklone.__version__,
        summary=_SUMMARY,
        path="/schema",
        render_plugins=[JsonRenderPlugin(path="/openapi.json"), YamlRenderPlugin(path="/openapi.yaml")],
        use_handler_docstrings=True,
    )


def add_bodies(framework: Litestar, *kinds: type[msgspec.Struct]) -> None:
    """Describe the bodies that handlers accept; the framework knows those only that stand in a signature."""
    _, described = msgspec.json.schema_components([*kinds, Problem], ref_template=_REFERENCE)
    components = framework.openapi_schema.components
    assert components.schemas is not None, "the answers are described already"
    components.schemas.update(described)


@get("/docs", include_in_schema=False, sync_to_thread=True)
def show_documentation(request: Request[Any, Any, Any]) -> Response[str]:
    """The page."""
    described = request.app.openapi_schema.to_schema()
    schemas = described["components"]["schemas"]
    parts = [
        f"<h1>{escape(described['info']['title'])}</h1><p>{escape(_SUMMARY)} "
        'For programs: <a href="/schema/openapi.json">OpenAPI</a>. <a href="/">Back</a>.</p>'
    ]
    for path, methods in described["paths"].items():
        parts += [
            _operation(method.upper(), path, operation, schemas)
            for method, operation in methods.items()
            if method in ("get", "post", "put", "delete")
        ]
    return page("KuberKlone lab API", "".join(parts))


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    title = f'<span class="method">{method}</span><code>{escape(path)}</code>'
    head = f"<h2>{title}</h2><p>{escape(operation['summary'])}.</p>"
    parameters = [
        (
            f"<code>{'?' if each['in'] == 'query' else ''}{escape(each['name'])}</code>",
            escape(each.get("description", "")),
        )
        for each in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = schemas.get(body.get("$ref", "").rpartition("/")[2], {})
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        # A description may stand beside a union or inside of it.
        text = field.get("description") or " ".join(each.get("description", "") for each in field.get("anyOf", []))
        mark = "" if name in required else ' <span class="soft">optional</span>'
        parameters.append((f"<code>{escape(name)}</code>{mark}", escape(text.strip())))
    return head + (f"<table>{rows(*parameters)}</table>" if parameters else "")
