"""Every error has its status, and no answer and no log line holds what it should not."""

from __future__ import annotations

import inspect
from http import HTTPStatus

import pytest

from tocsin import errors
from tocsin.errors import (
    AgreementError,
    AuthenticationError,
    BusyError,
    Fault,
    FaultsError,
    InputError,
    LimitError,
    Problem,
    StoreAwayError,
    StoreBrokenError,
)
from tocsin.kernel.http.problems import STATUS, describe, problem_of, status_of, unexpected

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, errors.TocsinError)]


def raised(kind: type[errors.TocsinError]) -> errors.TocsinError:
    if kind is AgreementError:
        return AgreementError((Problem(where="a.yaml", line=1, column=1, found="x", expected="y"),))
    if issubclass(kind, FaultsError):
        return kind((Fault(cause="x", expected="y"),))
    return kind("what", where="where", todo="todo")


def test_every_error_is_in_the_table() -> None:
    assert len(CLASSES) > 10
    assert set(STATUS) == set(CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_its_own_status(kind: type[errors.TocsinError]) -> None:
    error = raised(kind)
    assert status_of(error) is STATUS[kind]
    problem = problem_of(error)
    assert problem.status is STATUS[kind]
    told: tuple[str, str | None, str | None] = (error.what, error.where, error.todo)
    if kind is StoreAwayError:
        told = ("the hub cannot reach its store", None, "try again")  # the rest is for who runs the hub
    assert (problem.what, problem.where, problem.todo) == told
    assert problem.error_id is None


def test_an_error_without_a_row_has_that_of_the_class_above_it() -> None:
    class OddLimitError(LimitError):
        pass

    assert status_of(OddLimitError("x")) is HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_content_that_is_wrong_is_not_an_address_that_is() -> None:
    wrong = HTTPStatus.UNPROCESSABLE_ENTITY
    assert problem_of(InputError("x"), input_status=wrong).status is wrong
    assert problem_of(LimitError("x"), input_status=wrong).status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_headers_go_with_their_status() -> None:
    challenges = ("Basic", "Bearer")
    assert problem_of(AuthenticationError("x"), challenges=challenges).headers == (
        ("www-authenticate", "Basic"),
        ("www-authenticate", "Bearer"),
    )
    assert dict(problem_of(BusyError("x")).headers).keys() == {"retry-after"}
    assert problem_of(InputError("x"), challenges=challenges).headers == ()


def test_a_defect_tells_its_number_only() -> None:
    problem = unexpected("0815")
    assert problem.error_id == "0815"
    assert problem.status is HTTPStatus.INTERNAL_SERVER_ERROR


def fail(secret: str) -> None:
    try:
        int(secret)
    except ValueError as error:
        raise StoreBrokenError("the store is odd") from error


def test_the_log_names_places_and_no_foreign_words() -> None:
    with pytest.raises(StoreBrokenError) as caught:
        fail("hunter2")
    text = describe(caught.value)
    assert "hunter2" not in text.replace('fail("hunter2")', "")
    assert "the store is odd" in text
    assert "builtins.ValueError" in text
    assert "in fail" in text


def test_a_loop_of_causes_ends() -> None:
    error = ValueError("x")
    other = KeyError("y")
    error.__cause__, other.__cause__ = other, error
    assert describe(error).count("caused by") == 1
