"""Terms of agreements are read as what stands there, in every form, and are part of what is signed."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from support.agreement_strategies import contents
from support.agreement_terms import CLAUSE_TERMS, DOCUMENT_TERMS, Written, durations
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.document.checks import MAX_DURATION, Checker, span
from tocsin.agreements.document.tree import Place, Scalar
from tocsin.errors import AgreementError
from tocsin.kernel.clock import DAY


@st.composite
def _documents(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Written], list[tuple[str, Written]]]:
    content = draw(contents())
    top = {key: draw(strategy) for key, strategy in DOCUMENT_TERMS.items() if draw(st.booleans())}
    keys = draw(st.lists(st.sampled_from(sorted(CLAUSE_TERMS)), max_size=4))
    clauses = [(key, draw(CLAUSE_TERMS[key])) for key in keys]
    more: list[dict[str, Any]] = []
    for index, (key, written) in enumerate(clauses):
        base: dict[str, Any] = {"of": {"type": "incident"}} if key in {"publish", "retain"} else {}
        more.append({"id": f"t{index}"} | base | written.content)
    content = content | {key: one.content for key, one in top.items()}
    return content | {"clauses": [*content["clauses"], *more]}, top, clauses


@given(_documents())
@settings(max_examples=150)
def test_terms_are_what_stands_there(
    drawn: tuple[dict[str, Any], dict[str, Written], list[tuple[str, Written]]],
) -> None:
    content, top, clauses = drawn
    document = parse_agreement(json.dumps(content).encode(), where="drawn").document
    for key in DOCUMENT_TERMS:
        assert getattr(document, key) == (top[key].value if key in top else None)
    for index, (key, written) in enumerate(clauses):
        clause = document.clause(f"t{index}")
        assert clause is not None
        assert getattr(clause, key) == written.value
        others = CLAUSE_TERMS.keys() - {key}
        assert {getattr(clause, other) for other in others} == {None}
    # what is signed is what was written, and reads back as the same
    assert document.canonical == rfc8785.dumps(content)
    assert parse_agreement(document.canonical, where="canonical").document == document


def _read(text: str, *, least: int = 0, most: int = MAX_DURATION) -> tuple[int, bool]:
    check = Checker(where="here")
    value = check.duration(Scalar(place=Place(line=1, column=1), value=text, text=text), "it", least=least, most=most)
    try:
        check.done()
    except AgreementError:
        return value, False
    return value, True


@given(durations(), st.integers(0, 400 * DAY), st.integers(0, 400 * DAY))
def test_a_duration_is_taken_within_its_bounds_and_never_read_as_one_beyond(one: Written, low: int, high: int) -> None:
    low, high = sorted((low, high))
    value, taken = _read(one.content, least=low, most=high)
    assert taken is (low <= one.value <= high)
    assert low <= value <= high
    assert not taken or value == one.value


@given(st.integers(0, MAX_DURATION // 1_000_000).map(lambda seconds: seconds * 1_000_000))
def test_a_duration_that_we_write_reads_back(lasts: int) -> None:
    written = span(lasts)
    if len(written.strip("PTDHMS")) <= 5:  # what the form holds of digits
        assert _read(written) == (lasts, True)


@pytest.mark.parametrize("text", ["P101Y", "P99999W", "P99999YT99999S", "P36500DT1S"])
def test_no_duration_is_longer_than_every_instant_can_hold(text: str) -> None:
    assert _read(text) == (MAX_DURATION, False)


@pytest.mark.parametrize("text", ["", "P", "PT", "P1", "1D", "P1.5D", "P-1D", "P1DT", "P1W2D", "p1d", "P1H", "PT1D"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert _read(text) == (0, False)
