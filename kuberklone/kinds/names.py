"""Names of records and keys of labels, as Kubernetes allows them (apimachinery `validation`)."""

from kuberklone.apimachinery import naming
from kuberklone.errors import InvalidField

REMEDY = "lower-case letters, digits, '-' and '.', starting and ending with a letter or digit, at most 253 characters"


def name(value: str, *, field: str) -> str:
    """The value, when it is a DNS subdomain; raises InvalidField otherwise."""
    if not naming.is_subdomain(value):
        raise InvalidField(field, f"send {REMEDY}; got {value!r:.80}")
    return value


def label_key(value: str, *, field: str) -> str:
    """The value, when it is a label key such as `zone` or `example.com/zone`; raises InvalidField otherwise."""
    if not naming.is_label_key(value):
        raise InvalidField(
            field,
            "use a key such as zone or example.com/zone: letters, digits, '-', '_' and '.', at most 63 characters "
            f"after an optional DNS prefix; got {value!r:.80}",
        )
    return value


def label_value(value: str, *, field: str) -> str:
    """The value, when it may stand in a label; raises InvalidField otherwise."""
    if not naming.is_label_value(value):
        raise InvalidField(field, f"send letters, digits, '-', '_' and '.', at most 63 characters; got {value!r:.80}")
    return value


def labels(values: dict[str, str], *, field: str) -> dict[str, str]:
    """The mapping, when every key and value may stand in labels; raises InvalidField that names the first bad one."""
    for key, value in values.items():
        label_key(key, field=f"{field}.{key}"[:200])
        label_value(value, field=f"{field}.{key}")
    return values
