"""Label and field selectors: what a text or a `selector` field chooses, and whether labels fit."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kuberklone.apimachinery import naming
from kuberklone.apimachinery.document import Document
from kuberklone.errors import Cause, Invalid, Malformed

LabelOperator = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
FieldOperator = Literal["=", "!="]


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """One condition on the label `key`."""

    key: str
    operator: LabelOperator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels fit. A label that is not there fits NotIn, as in Kubernetes."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in self.values
            case "NotIn":
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt":
                number = _int64(value)
                return number is not None and number > int(self.values[0])
            case "Lt":
                number = _int64(value)
                return number is not None and number < int(self.values[0])

    def __str__(self) -> str:
        match self.operator:
            case "In" if len(self.values) == 1:
                return f"{self.key}={self.values[0]}"
            case "NotIn" if len(self.values) == 1:
                return f"{self.key}!={self.values[0]}"
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
            case "Gt" | "Lt":
                return f"{self.key}{'>' if self.operator == 'Gt' else '<'}{self.values[0]}"
            case _:
                return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must fit; without any, everything does."""

    requirements: tuple[LabelRequirement, ...] = ()
    is_nothing: bool = False
    """A selector that is not there at all chooses nothing."""

    @property
    def is_everything(self) -> bool:
        return not self.requirements and not self.is_nothing

    def matches(self, labels: Mapping[str, str]) -> bool:
        return not self.is_nothing and all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        """The text that `parse_labels` reads as the same selector."""
        return ",".join(str(requirement) for requirement in self.requirements)


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One condition on the field at `path`, such as `spec.nodeName`."""

    path: str
    operator: FieldOperator
    value: str

    def __str__(self) -> str:
        escaped = re.sub(r"([\\,=])", r"\\\1", self.value)
        return f"{self.path}{self.operator}{escaped}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All requirements must fit; without any, everything does."""

    requirements: tuple[FieldRequirement, ...] = ()

    @property
    def is_everything(self) -> bool:
        return not self.requirements

    def matches(self, value_at: Callable[[str], str]) -> bool:
        """Whether the object fits whose fields `value_at` reads (a field that is not there reads as "")."""
        return all(
            (value_at(requirement.path) == requirement.value) == (requirement.operator == "=")
            for requirement in self.requirements
        )

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(is_nothing=True)
EVERY_FIELD = FieldSelector()


# --------------------------------------------------------------------------------------------------- label selectors

_TOKEN = re.compile(r"\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)")
_SYMBOLS: dict[str, LabelOperator] = {"=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt"}
_WORDS: dict[str, LabelOperator] = {"in": "In", "notin": "NotIn"}
_SPECIAL = frozenset("=!<>(),") | {"==", "!="}


def parse_labels(text: str) -> LabelSelector:
    """Reads `a=b,c!=d,e in (f,g),h,!i`; raises Malformed with the place that cannot be read."""
    tokens = [found.group(1) for found in _TOKEN.finditer(text)]
    reader = _Tokens(text, tokens)
    requirements = []
    while not reader.at_end:
        requirements.append(_requirement(reader))
        if not reader.at_end:
            reader.expect(",")
            if reader.at_end:
                raise reader.error("a requirement after ','")
    return LabelSelector(tuple(requirements))


class _Tokens:
    """The words and symbols of a selector, one after another."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self._text = text
        self._tokens = tokens
        self._place = 0

    @property
    def at_end(self) -> bool:
        return self._place == len(self._tokens)

    @property
    def next(self) -> str:
        return "" if self.at_end else self._tokens[self._place]

    def take(self) -> str:
        token = self.next
        self._place += not self.at_end
        return token

    def expect(self, token: str) -> None:
        if self.next != token:
            raise self.error(f"'{token}'")
        self.take()

    def word(self) -> str:
        """The next word, or "" where a symbol or the end stands."""
        return "" if self.next in _SPECIAL else self.take()

    def error(self, wanted: str) -> Malformed:
        found = f"'{self.next:.80}'" if self.next else "its end"
        return Malformed(f"unable to parse label selector {self._text[:200]!r}: expected {wanted}, found {found}")


def _requirement(reader: _Tokens) -> LabelRequirement:
    if reader.next == "!":
        reader.take()
        return LabelRequirement(_key(reader), "DoesNotExist")
    key = _key(reader)
    token = reader.next
    if token in ("", ","):
        return LabelRequirement(key, "Exists")
    if token in _SYMBOLS:
        reader.take()
        return _compared(key, _SYMBOLS[token], reader.word())
    if token in _WORDS:
        reader.take()
        return LabelRequirement(key, _WORDS[token], _listed(reader))
    raise reader.error("one of ',', '=', '==', '!=', 'in', 'notin', '<', '>'")


def _key(reader: _Tokens) -> str:
    key = reader.word()
    if not key:
        raise reader.error("a key")
    if not naming.is_label_key(key):
        raise Malformed(f"unable to parse label selector: {key[:200]!r} cannot be the key of a label")
    return key


def _compared(key: str, operator: LabelOperator, value: str) -> LabelRequirement:
    if operator in ("Gt", "Lt"):
        if _int64(value) is None:
            raise Malformed(f"unable to parse label selector: {key} is compared with {value[:80]!r}, not an integer")
        return LabelRequirement(key, operator, (value,))
    return LabelRequirement(key, operator, (_value(value),))


def _listed(reader: _Tokens) -> tuple[str, ...]:
    """`(a,b)`; an empty place is the empty value, as in Kubernetes."""
    reader.expect("(")
    values = [_value(reader.word())]
    while reader.next == ",":
        reader.take()
        values.append(_value(reader.word()))
    reader.expect(")")
    return tuple(sorted(set(values)))


def _value(value: str) -> str:
    if not naming.is_label_value(value):
        raise Malformed(f"unable to parse label selector: {value[:200]!r} cannot be the value of a label")
    return value


def _int64(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def label_selector(selector: Document | None, *, field: str = "selector") -> LabelSelector:
    """What a metav1.LabelSelector means: None chooses nothing, `{}` everything. Raises Invalid with the field."""
    if selector is None:
        return NOTHING
    labels: Mapping[str, str] = selector.get("matchLabels") or {}
    requirements = [LabelRequirement(key, "In", (value,)) for key, value in sorted(labels.items())]
    for place, expression in enumerate(selector.get("matchExpressions") or []):
        requirements.append(_expression(expression, f"{field}.matchExpressions[{place}]"))
    return LabelSelector(tuple(requirements))


def _expression(expression: Mapping[str, Any], field: str) -> LabelRequirement:
    values = tuple(sorted(set(expression.get("values") or ())))
    key = expression.get("key", "")
    match expression.get("operator"):
        case "In" | "NotIn" as operator:
            if not values:
                raise _invalid(
                    f"{field}.values", "FieldValueRequired", f"must be given when the operator is {operator}"
                )
            return LabelRequirement(key, operator, values)
        case "Exists" | "DoesNotExist" as operator:
            if values:
                raise _invalid(f"{field}.values", "FieldValueForbidden", f"may not be given with {operator}")
            return LabelRequirement(key, operator)
        case operator:
            said = f"{str(operator)[:80]!r} is not one of In, NotIn, Exists, DoesNotExist"
            raise _invalid(f"{field}.operator", "FieldValueNotSupported", said)


def _invalid(field: str, reason: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", causes=(Cause(field=field, reason=reason, message=message),))


# --------------------------------------------------------------------------------------------------- field selectors

_TERM = re.compile(r"(?:[^\\,]|\\.)+", re.DOTALL)
_COMPARISON = re.compile(r"((?:[^\\=!]|\\.|!(?!=))+?)(!=|==|=)(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def parse_fields(text: str) -> FieldSelector:
    """Reads `spec.nodeName=a,status.phase!=b`, where `\\` escapes `,`, `=` and itself; raises Malformed."""
    if text.endswith("\\") and (len(text) - len(text.rstrip("\\"))) % 2:
        raise Malformed(f"invalid field selector {text[:200]!r}: it ends inside an escape")
    return FieldSelector(tuple(_field_requirement(term) for term in _TERM.findall(text)))


def _field_requirement(term: str) -> FieldRequirement:
    found = _COMPARISON.fullmatch(term)
    if found is None:
        raise Malformed(f"invalid field selector {term[:200]!r}: use path=value or path!=value")
    path, symbol, value = found.groups()
    bad = [char for char in _ESCAPED.findall(value) if char not in "\\,="]
    bare = _ESCAPED.sub("", value)
    if bad or "=" in bare:
        raise Malformed(f"invalid field selector {term[:200]!r}: write '=' as '\\=', ',' as '\\,' and '\\' as '\\\\'")
    return FieldRequirement(path, "!=" if symbol == "!=" else "=", _ESCAPED.sub(r"\1", value))
