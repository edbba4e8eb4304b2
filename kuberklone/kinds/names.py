"""Names of records and keys of labels, as Kubernetes allows them (apimachinery `validation`)."""

import re

from kuberklone.errors import InvalidField

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_NAME_LENGTH_MAX = 253  # a DNS name (RFC 1123)
LABEL_LENGTH_MAX = 63  # one part of a DNS name

REMEDY = "lower-case letters, digits, '-' and '.', starting and ending with a letter or digit, at most 253 characters"


def name(value: str, *, field: str) -> str:
    """The value, when it is a DNS subdomain; raises InvalidField otherwise."""
    if len(value) > _NAME_LENGTH_MAX or not _SUBDOMAIN.fullmatch(value):
        raise InvalidField(field, f"send {REMEDY}; got {value!r:.80}")
    return value


def label_key(value: str, *, field: str) -> str:
    """The value, when it is a label key such as `zone` or `example.com/zone`; raises InvalidField otherwise."""
    prefix, slash, part = value.rpartition("/")
    prefix_is_good = not slash or (len(prefix) <= _NAME_LENGTH_MAX and _SUBDOMAIN.fullmatch(prefix))
    if not prefix_is_good or len(part) > LABEL_LENGTH_MAX or not _LABEL_PART.fullmatch(part):
        raise InvalidField(
            field,
            "use a key such as zone or example.com/zone: letters, digits, '-', '_' and '.', at most 63 characters "
            f"after an optional DNS prefix; got {value!r:.80}",
        )
    return value


def label_value(value: str, *, field: str) -> str:
    """The value, when it may stand in a label; raises InvalidField otherwise."""
    if value and (len(value) > LABEL_LENGTH_MAX or not _LABEL_PART.fullmatch(value)):
        raise InvalidField(field, f"send letters, digits, '-', '_' and '.', at most 63 characters; got {value!r:.80}")
    return value


def labels(values: dict[str, str], *, field: str) -> dict[str, str]:
    """The mapping, when every key and value may stand in labels; raises InvalidField that names the first bad one."""
    for key, value in values.items():
        label_key(key, field=f"{field}.{key}"[:200])
        label_value(value, field=f"{field}.{key}")
    return values
