"""The least of OpenAPI v2 in protobuf that kubectl asks for: which kinds the server checks itself.

kubectl before 1.29 asks for every file, and any kubectl for a file that is a v1 List, whether a PATCH of the kind takes
`fieldValidation`. If it does, kubectl leaves all checking to the server and reads nothing else; so there are these
operations and no schemas. Source of the field numbers: OpenAPIv2.proto of google/gnostic-models.
"""

from collections.abc import Iterable
from functools import lru_cache

from kuberklone.kinds.catalogue import Catalogue
from kuberklone.kinds.release import KUBERNETES_VERSION

ASKED_FOR = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
ANSWERED = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""Not the same: with an @, the type of an answer is none to Go."""

_CATALOGUES_MAX = 4
_LENGTH_DELIMITED = 2  # protobuf's wire type of texts and messages

# Message and field, as in the .proto file.
_DOCUMENT_SWAGGER, _DOCUMENT_INFO, _DOCUMENT_PATHS = 1, 2, 8
_INFO_TITLE, _INFO_VERSION = 1, 2
_PATHS_PATH = 2
_NAME, _VALUE = 1, 2  # of NamedPathItem and NamedAny
_PATH_ITEM_PATCH = 7
_OPERATION_PARAMETERS, _OPERATION_EXTENSION = 8, 13
_ITEM_PARAMETER, _PARAMETER_NON_BODY, _NON_BODY_QUERY = 1, 2, 3
_QUERY_IN, _QUERY_NAME, _QUERY_TYPE = 2, 4, 6
_ANY_YAML = 2


@lru_cache(maxsize=_CATALOGUES_MAX)
def document(catalogue: Catalogue) -> bytes:
    """The document of that media type."""
    info = _text(_INFO_TITLE, "Kubernetes") + _text(_INFO_VERSION, KUBERNETES_VERSION)
    return (
        _text(_DOCUMENT_SWAGGER, "2.0")
        + _message(_DOCUMENT_INFO, info)
        + _message(_DOCUMENT_PATHS, b"".join(_paths(catalogue)))
    )


def _paths(catalogue: Catalogue) -> Iterable[bytes]:
    parameter = _text(_QUERY_IN, "query") + _text(_QUERY_NAME, "fieldValidation") + _text(_QUERY_TYPE, "string")
    for field in (_NON_BODY_QUERY, _PARAMETER_NON_BODY, _ITEM_PARAMETER, _OPERATION_PARAMETERS):
        parameter = _message(field, parameter)
    for served in catalogue.served:
        kind = served.kind
        root = f"apis/{served.api_version}" if served.group else f"api/{served.api_version}"
        scope = "namespaces/{namespace}/" if kind.namespaced else ""
        version = served.api_version.rpartition("/")[2]
        said = f"group: '{served.group}'\nkind: {kind.kind}\nversion: {version}\n"
        extension = _text(_NAME, "x-kubernetes-group-version-kind") + _message(_VALUE, _text(_ANY_YAML, said))
        operation = parameter + _message(_OPERATION_EXTENSION, extension)
        item = _text(_NAME, f"/{root}/{scope}{kind.resource}/{{name}}") + _message(
            _VALUE, _message(_PATH_ITEM_PATCH, operation)
        )
        yield _message(_PATHS_PATH, item)


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, content: bytes) -> bytes:
    return _number(field << 3 | _LENGTH_DELIMITED) + _number(len(content)) + content


def _number(value: int) -> bytes:
    """A varint: seven bits in a byte, the lowest first, the highest bit set in all but the last."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
