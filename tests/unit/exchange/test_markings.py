"""What producers write on objects: every known marking, our own terms, and what nobody can read."""

from __future__ import annotations

import itertools
from functools import reduce
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sharing import TERMS, known_marks
from tocsin.agreements.model import Pap, Tlp
from tocsin.exchange.markings import (
    KNOWN_MARKINGS,
    MAX_RECIPIENTS,
    MAX_TERMS,
    PAP_EXTENSION,
    TERMS_EXTENSION,
    TLP_EXTENSION,
    UNKNOWN,
    Marking,
    join,
    read_marking,
)

WORDS: Final = ("a", "b", "c")
_sets = st.frozensets(st.sampled_from(WORDS))
markings = st.builds(
    Marking,
    tlp=st.none() | st.sampled_from(Tlp),
    pap=st.none() | st.sampled_from(Pap),
    categories=_sets,
    sectors=_sets,
    countries=_sets,
    residency=st.none() | st.sampled_from(WORDS),
    recipients=st.none() | _sets,
    unknown=st.booleans(),
)


def _definition(*, extensions: Any = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401  as JSON has it
    made: dict[str, Any] = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--00000000-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        **more,
    }
    return made if extensions is None else made | {"extensions": extensions}


def _terms(**says: Any) -> dict[str, Any]:  # noqa: ANN401  as JSON has it
    return _definition(extensions={TERMS_EXTENSION: {"extension_type": "property-extension", **says}})


def test_every_published_marking_is_known_and_no_other() -> None:
    known = {
        mark.id: Marking(tlp=Tlp(mark.tlp) if mark.tlp else None, pap=Pap(mark.pap) if mark.pap else None)
        for mark in known_marks()
    }
    assert known == KNOWN_MARKINGS
    assert TERMS == TERMS_EXTENSION


@pytest.mark.parametrize("key", KNOWN_MARKINGS)
def test_a_known_id_means_what_was_published_whatever_its_definition_says(key: str) -> None:
    assert read_marking(_definition(id=key, definition_type="tlp", definition={"tlp": "white"})) == KNOWN_MARKINGS[key]


@pytest.mark.parametrize("tlp", Tlp)
def test_tlp_as_an_extension(tlp: Tlp) -> None:
    extension = {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": str(tlp)}}
    assert read_marking(_definition(extensions=extension)) == Marking(tlp=tlp)


@pytest.mark.parametrize("pap", [*Pap, "white"])
def test_pap_as_an_extension(pap: str) -> None:
    extension = {PAP_EXTENSION: {"extension_type": "property-extension", "pap": str(pap)}}
    assert read_marking(_definition(extensions=extension)) == Marking(pap=Pap.CLEAR if pap == "white" else Pap(pap))


def test_a_statement_asks_nothing_of_a_machine() -> None:
    assert read_marking(_definition(definition_type="statement", definition={"statement": "©"})) == Marking()


def test_terms_are_read_whole() -> None:
    marking = read_marking(
        _terms(
            recipients=["https://a.example", "anna@b"],
            categories=["export-controlled"],
            residency="eea",
            sectors=["energy"],
            countries=["NO", "SE"],
        )
    )
    assert marking == Marking(
        recipients=frozenset({"https://a.example", "anna@b"}),
        categories=frozenset({"export-controlled"}),
        residency="eea",
        sectors=frozenset({"energy"}),
        countries=frozenset({"NO", "SE"}),
    )


UNREADABLE: Final = {
    "nothing is defined": _definition(),
    "a TLP of its own id": _definition(definition_type="tlp", definition={"tlp": "green"}),
    "a type that is not ours": _definition(definition_type="x-house", definition={"level": 3}),
    "an extension that is not ours": _definition(extensions={"extension-definition--1": {}}),
    "ours, and one that is not": _definition(
        extensions={TLP_EXTENSION: {"tlp_2_0": "clear"}, "extension-definition--1": {}}
    ),
    "a TLP that there is not": _definition(extensions={TLP_EXTENSION: {"tlp_2_0": "purple"}}),
    "a TLP in capitals": _definition(extensions={TLP_EXTENSION: {"tlp_2_0": "RED"}}),
    "no TLP in the extension": _definition(extensions={TLP_EXTENSION: {}}),
    "a TLP that is a list": _definition(extensions={TLP_EXTENSION: {"tlp_2_0": ["red"]}}),
    "a PAP that there is not": _definition(extensions={PAP_EXTENSION: {"pap": "blue"}}),
    "an extension that is no object": _definition(extensions={TLP_EXTENSION: "clear"}),
    "extensions that are no object": _definition(extensions=[TLP_EXTENSION]),
    "a term that is not ours": _terms(embargo="2027-01-01"),
    "no recipients in the list": _terms(recipients=[]),
    "recipients that are no list": _terms(recipients="https://a.example"),
    "a recipient that is no text": _terms(recipients=[1]),
    "an empty recipient": _terms(recipients=[""]),
    "too many recipients": _terms(recipients=[f"p{number}" for number in range(MAX_RECIPIENTS + 1)]),
    "too many categories": _terms(categories=[f"c{number}" for number in range(MAX_TERMS + 1)]),
    "a category with a space": _terms(categories=["export controlled"]),
    "a country in words": _terms(countries=["Norway"]),
    "a residency that is a list": _terms(residency=["eea"]),
    "a residency in capitals": _terms(residency="EEA"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_half_understood_is_not_understood(case: str) -> None:
    assert read_marking(UNREADABLE[case]) == UNKNOWN


@given(markings, markings)
def test_joining_is_commutative(one: Marking, other: Marking) -> None:
    assert join([one, other]) == join([other, one])


@given(markings, markings, markings)
def test_joining_is_associative(one: Marking, two: Marking, three: Marking) -> None:
    assert join([join([one, two]), three]) == join([one, join([two, three])]) == join([one, two, three])


@given(st.lists(markings, max_size=4))
def test_joining_is_idempotent_and_any_order_will_do(listed: list[Marking]) -> None:
    whole = join(listed)
    assert join([whole, whole]) == whole == join([*listed, *listed])
    assert all(join(order) == whole for order in itertools.permutations(listed))
    assert reduce(lambda one, other: join([one, other]), listed, Marking()) == whole


@given(markings, markings)
def test_joining_never_widens(one: Marking, other: Marking) -> None:
    joined = join([one, other])
    for part in (one, other):
        assert part.tlp is None or (joined.tlp is not None and _rank(Tlp, joined.tlp) >= _rank(Tlp, part.tlp))
        assert part.pap is None or (joined.pap is not None and _rank(Pap, joined.pap) >= _rank(Pap, part.pap))
        assert joined.categories >= part.categories
        assert joined.sectors >= part.sectors
        assert joined.countries >= part.countries
        assert part.recipients is None or (joined.recipients is not None and joined.recipients <= part.recipients)
        assert joined.unknown >= part.unknown
        assert part.residency is None or joined.unknown or joined.residency == part.residency


def _rank(levels: type[Tlp | Pap], level: Tlp | Pap) -> int:
    return [str(one) for one in levels].index(str(level))


def test_two_places_at_once_cannot_be_kept() -> None:
    assert join([Marking(residency="eea"), Marking(residency="us")]).unknown
    assert not join([Marking(residency="eea"), Marking(residency="eea")]).unknown
