"""What is wrong with a body or a query is told by field, with what may stand there; nothing that was sent is quoted."""

from __future__ import annotations

import enum
from typing import Annotated, Final, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError
from tocsin.exchange.api.wire import read_body
from tocsin.kernel.http.query import read_query


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    colours: Annotated[list[Colour], msgspec.Meta(max_length=3)] = []
    grade: Literal["A", "B"] | None = None


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000, pattern="^[a-z]+$")]
    inner: Inner | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=200, description="How many.")] = 1
    least: Annotated[int, msgspec.Meta(ge=1)] | None = None
    open: bool | None = None
    more: list[Inner] = []


FAULTS: Final[dict[str, tuple[str, str, str | None, str]]] = {
    "no JSON": ("{x", "the body is no JSON", "byte 1", "send one JSON document in UTF-8"),
    "an end too early": (
        '{"name":',
        "the body is no JSON: it ends before it is complete",
        None,
        "send one JSON document in UTF-8",
    ),
    "no object": (
        "[]",
        "the body is not of its form",
        None,
        "give an object with name, inner, count, least, open, more",
    ),
    "a field that is missing": (
        "{}",
        "this field is missing",
        "name",
        "give text of 1 to 1,000 characters, that fits ^[a-z]+$",
    ),
    "an unknown field": (
        '{"nmae": 1}',
        "there is no such field",
        "nmae",
        "use count, inner, least, more, name, open",
    ),
    "an unknown field further in": (
        '{"name": "a", "inner": {"x": 1}}',
        "there is no such field",
        "inner.x",
        "use colours, grade",
    ),
    "no number": (
        '{"name": "a", "count": "x"}',
        "this is not of its form",
        "count",
        "give a whole number from 1 to 200",
    ),
    "too small a number": (
        '{"name": "a", "least": 0}',
        "this is not of its form",
        "least",
        "give a whole number of at least 1",
    ),
    "none of a choice": (
        '{"name": "a", "inner": {"colours": ["red", "pink"]}}',
        "this is not of its form",
        "inner.colours[1]",
        "give one of red, blue",
    ),
    "none of some words": (
        '{"name": "a", "more": [{"grade": "C"}]}',
        "this is not of its form",
        "more[0].grade",
        "give one of A, B",
    ),
    "too long a list": (
        '{"name": "a", "inner": {"colours": ["red", "red", "red", "red"]}}',
        "this is not of its form",
        "inner.colours",
        "give a list of at most 3 values, each one of red, blue",
    ),
    "neither true nor false": ('{"name": "a", "open": 1}', "this is not of its form", "open", "give true or false"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_names_the_field_and_what_may_stand_there(case: str) -> None:
    body, what, where, todo = FAULTS[case]
    with pytest.raises(InputError) as caught:
        read_body(body.encode(), Outer)
    assert (caught.value.what, caught.value.where, caught.value.todo) == (what, where, todo)


def test_a_parameter_is_told_as_a_field_is() -> None:
    with pytest.raises(InputError) as caught:
        read_query(b"name=a&count=0", Outer)
    assert (caught.value.where, caught.value.todo) == ("count", "give a whole number from 1 to 200")


def test_the_word_null_is_no_value_that_is_missing() -> None:
    for query in (b"grade=null", b"grade=None", b"grade="):
        with pytest.raises(InputError) as caught:
            read_query(query, Inner)
        assert caught.value.where == "grade"


junk: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.just("S3CRET"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "inner", "count", "colours", "grade", "open", "more", "x"]), inner)
    ),
    max_leaves=12,
)


@given(junk)
def test_whatever_is_sent_is_read_or_told_and_not_quoted(sent: object) -> None:
    told: InputError | None = None
    try:
        read_body(msgspec.json.encode(sent), Outer)
    except InputError as error:
        told = error
    if told is not None:
        assert told.todo
        assert "S3CRET" not in str(told)
        assert not any(word in str(told) for word in ("Expected", "`", "Object", "str", "int", "array"))
