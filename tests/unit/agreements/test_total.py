"""Clauses that let totals of the map be told: which are taken, and whom they let be told of what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tocsin.agreements.document import parse_agreement
from tocsin.agreements.document.clauses import FEWEST_OWNERS, MOST_OWNERS
from tocsin.agreements.prose import clause_passage
from tocsin.errors import AgreementError
from tocsin.map.rollup.model import Rules

if TYPE_CHECKING:
    from tocsin.agreements.document import AgreementDocument

TEXT = """
agreement: totals
version: 1
title: Totals of the region
in_force: {{from: 2026-01-01, until: null}}
parties: [{{name: alfa}}]
purposes: [detect, enforce]
clauses:
  - {{id: "1", {clause}}}
"""


def read(clause: str) -> AgreementDocument:
    return parse_agreement(TEXT.format(clause=clause).encode(), where="totals").document


def test_it_says_whom_what_and_how_many_owners() -> None:
    document = read("total: map, to: {capacity: csirt}, of: {tlp: {at_most: amber}}, at_least: 5")
    assert clause_passage(document, document.clauses[0]).text == (
        "A member may be told totals of the map, of the whole and by sector, that count an object that a member "
        "contributed and it may not read, in order to detect, where all of this holds: the reader's capacities "
        "include csirt; its TLP is clear, green or amber; and its type is asset or asset-detail. A figure is told only "
        "where at least 5 members contributed to it what the member may not read, and none of them more than 75 % of "
        "it. It is not told where it, beside all that the member was told before, would let the member work out what "
        "any one of them contributed."
    )
    assert Rules().dominance == 75  # what is said is what the map holds to


def test_what_is_not_said_is_the_least_that_protects() -> None:
    clause = read("total: map, to: {parties: all}").clauses[0]
    assert (clause.at_least, clause.of.type, clause.decides) == (3, ("asset", "asset-detail"), False)
    assert (FEWEST_OWNERS, MOST_OWNERS) == (3, 200)


REFUSED: dict[str, tuple[str, str]] = {
    "of something else": ("total: exchange, to: {parties: all}", "'map'"),
    "to nobody in particular": ("total: map", "'to'"),
    "of too few owners": ("total: map, to: {parties: all}, at_least: 2", "a whole number from 3 to 200"),
    "of too many owners": ("total: map, to: {parties: all}, at_least: 201", "a whole number from 3 to 200"),
    "of half an owner": ("total: map, to: {parties: all}, at_least: 3.5", "a whole number from 3 to 200"),
    "of other types": ("total: map, to: {parties: all}, of: {type: [asset, dependency]}", "'asset-detail'"),
    "for a purpose of its own": ("total: map, to: {parties: all}, for: detect", "for"),
    "in an annex": ("total: map, to: {parties: all}, emergency: flood", "emergency"),
    "with an exception": ("total: map, to: {parties: all}, unless: {countries: NO}", "belongs to a forbid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_is_expected(name: str) -> None:
    clause, expected = REFUSED[name]
    with pytest.raises(AgreementError) as refused:
        read(clause)
    assert expected in str(refused.value)


def test_red_is_taken_with_a_note() -> None:
    text = TEXT.format(clause="total: map, to: {parties: all}, of: {tlp: {at_most: red}}")
    notes = parse_agreement(text.encode(), where="totals").notes
    assert any("what is RED is for individuals, and in no total" in note for note in notes)
