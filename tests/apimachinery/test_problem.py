"""Problems become the errors and warnings that kubectl and the client libraries know."""

import pytest

from kuberklone.apimachinery import problem
from kuberklone.apimachinery.problem import Problem
from kuberklone.errors import Cause, Invalid, Malformed

UNKNOWN = Problem("spec.containers[0].foo", "", "unknown")
TWICE = Problem("metadata.name", "", "duplicate")
MISTYPED = Problem("spec.replicas", "expected an integer, got a string", "type")
MISSING = Problem("spec.containers", "Required value", "required")


def test_strict_problems_are_listed_by_path_in_the_words_of_kubernetes() -> None:
    error = problem.strict_error([UNKNOWN, MISSING, TWICE])
    assert isinstance(error, Malformed)
    said = 'strict decoding error: unknown field "spec.containers[0].foo", duplicate field "metadata.name"'
    assert str(error) == said


def test_strict_problems_become_warnings() -> None:
    assert problem.warnings([MISSING, UNKNOWN]) == ['unknown field "spec.containers[0].foo"']


def test_no_strict_problem_is_no_error() -> None:
    assert problem.strict_error([MISSING]) is None


def test_a_value_of_the_wrong_type_makes_the_document_unreadable() -> None:
    error = problem.refusal("apps/v1", "Deployment", "web", [MISSING, MISTYPED])
    assert isinstance(error, Malformed)
    assert str(error) == (
        'Deployment in version "v1" cannot be handled as a Deployment: spec.replicas: expected an integer, got a string'
    )


def test_what_can_be_read_and_may_not_be_is_invalid_with_a_cause_for_each_field() -> None:
    error = problem.refusal("v1", "Pod", "web", [MISSING, UNKNOWN])
    assert isinstance(error, Invalid)
    assert str(error) == 'Pod "web" is invalid: spec.containers: Required value'
    assert error.causes == (Cause("spec.containers", "FieldValueRequired", "Required value"),)


@pytest.mark.parametrize("problems", [[], [UNKNOWN, TWICE]], ids=["none", "strict ones"])
def test_problems_that_are_forgiven_are_no_refusal(problems: list[Problem]) -> None:
    assert problem.refusal("v1", "Pod", "web", problems) is None


def test_a_document_full_of_problems_makes_a_short_answer() -> None:
    many = [Problem(f"spec.f{number}", "", "unknown") for number in range(10_000)]
    assert len(str(problem.strict_error(many))) < 5_000
