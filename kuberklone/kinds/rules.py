"""Rules that many kinds share, and their problems in the Kubernetes API's own words."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kuberklone.apimachinery import naming, selectors
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem, Reason
from kuberklone.errors import Invalid
from kuberklone.kinds import json_text, shares

_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
PORT_MAX = 65_535
INT32_MAX = 2**31 - 1
_DATA_BYTES_MAX = 2**20  # 1 MiB, as in Kubernetes: every watcher gets the whole object


def required(path: str, detail: str = "") -> Problem:
    return Problem(path, f"Required value: {detail}" if detail else "Required value", "required")


def invalid(path: str, value: Any, detail: str) -> Problem:
    return Problem(path, f"Invalid value: {_shown(value)}: {detail}")


def duplicate(path: str, value: Any) -> Problem:
    return Problem(path, f"Duplicate value: {_shown(value)}", "taken")


def forbidden(path: str, detail: str) -> Problem:
    return Problem(path, f"Forbidden: {detail}", "forbidden")


def unsupported(path: str, value: Any, supported: Iterable[str]) -> Problem:
    listed = ", ".join(json_text.quoted(each) for each in sorted(supported))
    return Problem(path, f"Unsupported value: {_shown(value)}: supported values: {listed}", "enum")


def not_found(path: str, value: Any) -> Problem:
    return Problem(path, f"Not found: {_shown(value)}")


def one_of(path: str, value: Any, supported: Iterable[str]) -> list[Problem]:
    """A problem where a word is none of those known; nothing said is no word."""
    return [] if not value or value in supported else [unsupported(path, value, supported)]


def dns_label(path: str, value: str) -> list[Problem]:
    """A problem where a name is not one part of a DNS name."""
    if not value:
        return [required(path)]
    return [] if _DNS_LABEL.fullmatch(value) else [invalid(path, value, DNS_LABEL)]


def port(path: str, value: Any) -> list[Problem]:
    """A problem where a number is no port."""
    if isinstance(value, int) and 1 <= value <= PORT_MAX:
        return []
    return [invalid(path, value, f"must be between 1 and {PORT_MAX}, inclusive")]


def port_name(path: str, value: str) -> list[Problem]:
    """A problem where a text is no service name (RFC 6335)."""
    if _PORT_NAME.fullmatch(value) and "--" not in value and any(letter.isalpha() for letter in value):
        return []
    detail = (
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-), at least one letter, and be at most "
        "15 characters"
    )
    return [invalid(path, value, detail)]


def port_or_name(path: str, value: Any) -> list[Problem]:
    """A port by its number or by the name that a container gives it."""
    return port_name(path, value) if isinstance(value, str) else port(path, value)


def unchanged(path: str, new: Any, old: Any) -> list[Problem]:
    """A problem where a field that is decided once has changed."""
    return [] if new == old else [invalid(path, new, "field is immutable")]


def keys_of_data(path: str, data: Mapping[str, Any]) -> list[Problem]:
    """A key becomes the name of a file."""
    return [
        invalid(
            f"{path}[{key}]",
            key,
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
            "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
        )
        for key in data
        if not _DATA_KEY.fullmatch(key) or key in {".", ".."}
    ]


def size_of_data(*sections: Mapping[str, Any]) -> list[Problem]:
    held = sum(len(str(value).encode()) for section in sections for value in section.values())
    if held <= _DATA_BYTES_MAX:
        return []
    return [Problem("", f"Too long: may not be more than {_DATA_BYTES_MAX} bytes", "too_long")]


def immutable_data(document: Document, old: Document | None) -> list[Problem]:
    """What its writer has declared immutable stays so."""
    if old is None or not old.get("immutable"):
        return []
    problems = []
    if not document.get("immutable"):
        problems.append(forbidden("immutable", "field is immutable when `immutable` is set"))
    for section in ("data", "binaryData"):
        if (document.get(section) or {}) != (old.get(section) or {}):
            problems.append(forbidden(section, "field is immutable when `immutable` is set"))
    return problems


def not_negative(path: str, value: Any) -> list[Problem]:
    if isinstance(value, int) and value < 0:
        return [invalid(path, value, "must be greater than or equal to 0")]
    return []


def count_or_share(path: str, value: Any, *, most: int | None) -> list[Problem]:
    """A number of pods or a share of them such as 25%; `most` is the largest share."""
    if isinstance(value, str):
        if not shares.is_share(value):
            detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%')"
            return [invalid(path, value, detail)]
        if most is not None and int(value[:-1]) > most:
            return [invalid(path, value, f"must not be greater than {most}%")]
    return not_negative(path, value)


_REASONS: dict[str, Reason] = {
    "FieldValueRequired": "required",
    "FieldValueForbidden": "forbidden",
    "FieldValueNotSupported": "enum",
}


def label_selector(path: str, selector: Mapping[str, Any]) -> list[Problem]:
    """Problems of a selector's operators, keys and values."""
    try:
        read = selectors.label_selector(dict(selector), field=path)
    except Invalid as error:
        return [Problem(cause.field, cause.message, _REASONS.get(cause.reason, "invalid")) for cause in error.causes]
    problems = [
        invalid(path, each.key, NAME_OF_LABEL) for each in read.requirements if not naming.is_label_key(each.key)
    ]
    values = [value for each in read.requirements for value in each.values]
    return problems + [invalid(path, value, VALUE_OF_LABEL) for value in values if not naming.is_label_value(value)]


def labels(path: str, found: Mapping[str, str]) -> list[Problem]:
    """Problems of labels."""
    keys = [invalid(path, key, NAME_OF_LABEL) for key in found if not naming.is_label_key(key)]
    return keys + [invalid(path, value, VALUE_OF_LABEL) for value in found.values() if not naming.is_label_value(value)]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector that has no problems matches the labels."""
    return selectors.label_selector(dict(selector)).matches(labels)


NAME_OF_LABEL = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_OF_LABEL = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


DNS_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def _shown(value: Any) -> str:
    shown = json_text.text(value)
    return shown if len(shown) <= 500 else f"{shown[:500]}…"
