"""Which texts may be names, keys and values of labels (apimachinery `validation`); everybody asks here."""

import re

NAME_LENGTH_MAX = 253  # a DNS name (RFC 1123)
LABEL_LENGTH_MAX = 63  # one part of a DNS name

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


def is_subdomain(text: str) -> bool:
    """Whether it is a DNS name in small letters, as names of most kinds must be."""
    return len(text) <= NAME_LENGTH_MAX and _SUBDOMAIN.fullmatch(text) is not None


def is_label_key(text: str) -> bool:
    """Whether it is a key of labels, annotations and taints: `zone` or `example.com/zone`."""
    prefix, slash, part = text.rpartition("/")
    return (not slash or is_subdomain(prefix)) and _is_part(part)


def is_label_value(text: str) -> bool:
    """Whether it may stand as the value of a label; an empty one may."""
    return not text or _is_part(text)


def _is_part(text: str) -> bool:
    return len(text) <= LABEL_LENGTH_MAX and _LABEL_PART.fullmatch(text) is not None
