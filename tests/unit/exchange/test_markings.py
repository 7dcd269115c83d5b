"""What producers write on objects: every known marking, our own terms, and what nobody can read."""

from __future__ import annotations

import itertools
from functools import reduce
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sharing import TERMS, known_marks
from tocsin.agreements.model import Pap, Tlp
from tocsin.exchange.markings import (
    ACS_EXTENSION,
    IEP_EXTENSION,
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
from tocsin.kernel.clock import parse_instant
from tocsin.parties.model import CLEARANCES

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
    classification=st.none() | st.sampled_from(CLEARANCES),
    terms=_sets,
    begins=st.none() | st.integers(-3, 3),
    ends=st.none() | st.integers(-3, 3),
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


def _iep(**changes: object) -> dict[str, Any]:
    policy: dict[str, Any] = {
        "extension_type": "property-extension",
        "encrypt_in_transit": "may",
        "permitted_actions": "externally-visible-direct-actions",
        "affected_party_notifications": "may",
        "tlp": "amber",
        "provider_attribution": "may",
        "unmodified_resale": "may",
        "iep_id": "0224bfdf-ea3a-49c3-96f6-66d908bb1845",
        "iep_version": 2.0,
        "description": "A policy",
        "start_date": "2022-10-01T00:00:00Z",
    }
    changed = {name: value for name, value in (policy | changes).items() if value is not None}
    return _definition(extensions={IEP_EXTENSION: changed})


BEGINS: Final = parse_instant("2022-10-01T00:00:00Z")
IEPS: Final[dict[str, tuple[dict[str, object], dict[str, Any]]]] = {
    "everything allowed": ({}, {}),
    "white": ({"tlp": "white"}, {"tlp": Tlp.CLEAR}),
    "red": ({"tlp": "red"}, {"tlp": Tlp.RED}),
    "indirect actions": ({"permitted_actions": "externally-visible-indirect-actions"}, {"pap": Pap.AMBER}),
    "no action": ({"permitted_actions": "none"}, {"pap": Pap.RED, "terms": {"nobody may act on it"}}),
    "anonymous": (
        {"provider_attribution": "must-not"},
        {"terms": {"whoever passes it on must not name its provider"}},
    ),
    "named": ({"provider_attribution": "must"}, {"terms": {"whoever passes it on must name its provider"}}),
    "encrypted and not resold": (
        {"encrypt_in_transit": "must", "unmodified_resale": "must-not"},
        {"terms": {"whoever sends it on must encrypt it in transit", "nobody may resell it unmodified"}},
    ),
    "quiet": ({"affected_party_notifications": "must-not"}, {"terms": {"nobody may notify affected parties"}}),
    "it ends": ({"end_date": "2027-01-01T00:00:00Z"}, {"ends": parse_instant("2027-01-01T00:00:00Z")}),
    "a whole number as its version": ({"iep_version": 2}, {}),
}


@pytest.mark.parametrize("case", IEPS)
def test_an_information_exchange_policy(case: str) -> None:
    changes, says = IEPS[case]
    expected: dict[str, Any] = {"tlp": Tlp.AMBER, "pap": Pap.CLEAR, "begins": BEGINS} | says
    if "terms" in expected:
        expected["terms"] = frozenset(expected["terms"])
    assert read_marking(_iep(**changes)) == Marking(**expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"tlp": "amber+strict"},
        {"tlp": ["amber"]},
        {"tlp": None},
        {"iep_version": 1.0},
        {"iep_version": True},
        {"iep_version": None},
        {"permitted_actions": "some"},
        {"start_date": None},
        {"start_date": "yesterday"},
        {"end_date": 7},
        {"iep_id": None},
        {"description": None},
        {"unmodified_resale": "must"},
        {"retention": "P30D"},
    ],
    ids=str,
)
def test_a_policy_that_is_not_written_as_it_has_to_be_is_unknown(changes: dict[str, object]) -> None:
    assert read_marking(_iep(**changes)) == UNKNOWN


@given(markings, st.integers(-3, 3))
def test_outside_of_its_time_a_marking_is_not_in_effect(marking: Marking, at: int) -> None:
    begins, ends = -1, 1
    dated = msgspec.structs.replace(marking, begins=begins, ends=ends)
    assert dated.in_effect(at) is (begins <= at < ends)
    assert join([dated, marking]).in_effect(at) is (dated.in_effect(at) and marking.in_effect(at))


def _acs(*, control: dict[str, Any] | None = None, **changes: object) -> dict[str, Any]:
    contents: dict[str, Any] = {
        "extension_type": "property-extension",
        "identifier": "isa:guide.19001.ACS3-3bda2f6e-cedc-4c0f-a756-c03d6b586917",
        "create_date_time": "2018-05-27T14:10:26.723Z",
        "responsible_entity_custodian": "USA.DHS",
        "policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit",
        "control_set": {"classification": "U"} | (control or {}),
    }
    changed = {name: value for name, value in (contents | changes).items() if value is not None}
    return _definition(extensions={ACS_EXTENSION: changed})


@pytest.mark.parametrize(
    "control", [{}, {"formal_determination": ["PUBREL"]}, {"formal_determination": ["AIS", "NO-PII-PRESENT"]}], ids=str
)
def test_an_acs_marking_that_limits_nobody_asks_nothing(control: dict[str, Any]) -> None:
    assert read_marking(_acs(control=control)) == Marking(classification="unclassified")


@pytest.mark.parametrize(
    ("changes", "classification"),
    [
        ({"policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=permit"}, "unclassified"),
        ({"policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=deny"}, "unclassified"),
        ({"policy_reference": ["urn"]}, "unclassified"),
        ({"policy_reference": None}, "unclassified"),
        ({"access_privilege": []}, "unclassified"),
        ({"further_sharing": [{"sharing_scope": ["SECTOR"], "rule_effect": "deny"}]}, "unclassified"),
        ({"resource_disposition": {}}, "unclassified"),
        ({"control": {"formal_determination": ["NF"]}}, "unclassified"),
        ({"control": {"formal_determination": ["FOUO", "AIS"]}}, "unclassified"),
        ({"control": {"formal_determination": "PUBREL"}}, "unclassified"),
        ({"control": {"formal_determination": [["PUBREL"]]}}, "unclassified"),
        ({"control": {"permitted_nationalities": ["NOR"]}}, "unclassified"),
        ({"control": {"classification": "S"}}, "secret"),
        ({"control": {"classification": "u"}}, "top-secret"),
        ({"control": {"classification": 0}}, "top-secret"),
        ({"control_set": ["U"]}, "top-secret"),
        ({"control_set": None}, "top-secret"),
    ],
    ids=str,
)
def test_any_other_acs_marking_is_for_its_owner_alone(changes: dict[str, Any], classification: str) -> None:
    read = read_marking(_acs(**changes))
    assert read == msgspec.structs.replace(UNKNOWN, classification=classification)


def test_a_level_that_says_more_than_its_level_is_unknown() -> None:
    more = {"extension_type": "property-extension", "only_until": "tomorrow"}
    assert read_marking(_definition(extensions={TLP_EXTENSION: more | {"tlp_2_0": "clear"}})) == UNKNOWN
    assert read_marking(_definition(extensions={PAP_EXTENSION: more | {"pap": "clear"}})) == UNKNOWN
