"""Every error has one status, and every answer that is an error is a problem document."""

from collections.abc import Iterator

import pytest

from kuberklone import errors
from kuberklone.api import problems
from kuberklone.errors import KuberkloneError


def _all_errors() -> Iterator[type[KuberkloneError]]:
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, KuberkloneError):
            yield value


def _made(kind: type[KuberkloneError]) -> KuberkloneError:
    if issubclass(kind, errors.ApplyConflict):
        return kind("message", causes=())
    if issubclass(kind, errors.DisruptionRefused):
        return kind("cause")
    return kind("field", "message") if kind in (errors.InvalidField, errors.AlreadyExists) else kind()


@pytest.mark.parametrize("kind", list(_all_errors()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status(kind: type[KuberkloneError]) -> None:
    assert kind in problems.STATUS


@pytest.mark.parametrize("kind", list(_all_errors()), ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_is(kind: type[KuberkloneError]) -> None:
    problem = problems.of(_made(kind), method="GET", path="/")
    assert problem.status == problems.STATUS[kind]
    assert problem.type.startswith("urn:kuberklone:problem:")
    assert problem.title
    assert problem.detail


def test_a_field_is_named_where_one_is_to_blame() -> None:
    problem = problems.of(errors.InvalidField("cpus", "send 2"), method="POST", path="/add_pod")
    assert (problem.field, problem.detail) == ("cpus", "send 2")


def test_whoever_finds_the_store_away_is_told_when_to_come_back() -> None:
    problem = problems.of(errors.StoreUnavailable(), method="GET", path="/nodes")
    assert problems.headers_of(problem) == {"retry-after": "1"}


def test_an_unforeseen_error_is_not_shown() -> None:
    problem = problems.of(ZeroDivisionError("secret"), method="GET", path="/")
    assert problem.status == 500
    assert "secret" not in problem.detail
