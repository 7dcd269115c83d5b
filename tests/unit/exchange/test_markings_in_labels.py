"""Every kind of marking, on a whole object and on a part of it, and what its sender is told that stays unenforced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from support.hub import OPERATOR, World
from support.sharing import CREATED, bundle, indicator, known_marks, stamp, terms_mark
from tocsin.agreements.model import Label, Pap, Tlp
from tocsin.errors import InputError
from tocsin.exchange.labelling import Handling, Labeller
from tocsin.exchange.markings import ACS_EXTENSION, IEP_EXTENSION, PAP_EXTENSION, TERMS_EXTENSION, TLP_EXTENSION
from tocsin.exchange.stix import ParsedObject, RefusedObject, parse_object
from tocsin.kernel.clock import DAY, SECOND, Micros, format_instant

if TYPE_CHECKING:
    from pathlib import Path

OWNER: Final = "https://alfa.example"
OWN: Final = "marking-definition--00000000-0000-4000-8000-00000000abcd"
ENDS: Final = CREATED + 10 * DAY
HOUR_BEFORE: Final = ENDS // (3_600 * SECOND) * 3_600 * SECOND
IEP: Final = {
    "encrypt_in_transit": "must",
    "permitted_actions": "externally-visible-indirect-actions",
    "affected_party_notifications": "may",
    "tlp": "green",
    "provider_attribution": "must-not",
    "unmodified_resale": "may",
    "iep_id": "0224bfdf-ea3a-49c3-96f6-66d908bb1845",
    "iep_version": 2.0,
    "description": "A policy",
    "start_date": stamp(CREATED),
    "end_date": stamp(ENDS),
}
ACS: Final = {
    "identifier": "isa:guide.19001.ACS3-3bda2f6e-cedc-4c0f-a756-c03d6b586917",
    "create_date_time": stamp(CREATED),
    "responsible_entity_custodian": "USA.DHS",
    "policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit",
}


def _extended(key: str, **says: object) -> dict[str, Any]:
    return {"extensions": {key: {"extension_type": "property-extension", **says}}}


KINDS: Final[dict[str, tuple[str, dict[str, Any] | None, dict[str, Any]]]] = {
    "TLP 1": (next(mark.id for mark in known_marks() if mark.tlp == "green"), None, {"tlp": Tlp.GREEN}),
    "TLP 2": (OWN, _extended(TLP_EXTENSION, tlp_2_0="amber+strict"), {"tlp": Tlp.AMBER_STRICT}),
    "PAP": (OWN, _extended(PAP_EXTENSION, pap="red"), {"pap": Pap.RED}),
    "IEP": (OWN, _extended(IEP_EXTENSION, **IEP), {"tlp": Tlp.GREEN, "pap": Pap.AMBER, "ends": HOUR_BEFORE}),
    "ACS that limits nobody": (OWN, _extended(ACS_EXTENSION, **ACS, control_set={"classification": "U"}), {}),
    "ACS that limits": (
        OWN,
        _extended(ACS_EXTENSION, **ACS, control_set={"classification": "S"}),
        {"unknown_marking": True, "classification": "secret"},
    ),
    "a statement": (OWN, {"definition_type": "statement", "definition": {"statement": "Copyright"}}, {}),
    "a classified statement": (
        OWN,
        {"definition_type": "statement", "definition": {"statement": "NATO RESTRICTED"}},
        {"classification": "restricted"},
    ),
    "Tocsin terms": (
        OWN,
        {"extensions": (terms_mark(categories=("victim",)).definition or {})["extensions"]},
        {"categories": frozenset({"victim"})},
    ),
    "nobody knows": (OWN, {"definition_type": "x-own", "definition": {"level": 3}}, {"unknown_marking": True}),
    "never defined": (OWN, None, {"unknown_marking": True}),
}


def _label(item: dict[str, Any], definition: dict[str, Any] | None, at: Micros) -> tuple[Label, tuple[str, ...]]:
    parsed = parse_object(msgspec.json.encode(item))
    assert isinstance(parsed, ParsedObject), parsed

    def nobody(reference: str) -> str:
        raise InputError(f"there is no recipient {reference!r} here")

    labeller = Labeller(
        owner=OWNER, handling=Handling(), definitions={OWN: definition} if definition else {}, at=at, address=nobody
    )
    return labeller.label(parsed)


@pytest.mark.parametrize("place", ["on the whole", "on a part", "on a part of a part"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_strictest_counts_for_the_whole_wherever_it_stands(kind: str, place: str) -> None:
    ref, definition, wanted = KINDS[kind]
    item = indicator(1) | {"external_references": [{"source_name": "s", "description": "d"}]}
    if place == "on the whole":
        item["object_marking_refs"] = [ref]
    else:
        selector = "name" if place == "on a part" else "external_references.[0].description"
        item["granular_markings"] = [{"marking_ref": ref, "selectors": [selector]}]
    label, _ = _label(item, definition and {"id": OWN, **definition}, CREATED)
    assert label == msgspec.structs.replace(Label(owner=OWNER, type="indicator", tlp=Tlp.AMBER), **wanted)


def test_a_language_of_a_part_is_no_marking() -> None:
    item = indicator(1) | {"granular_markings": [{"lang": "nb", "selectors": ["name"]}]}
    assert _label(item, None, CREATED) == (Label(owner=OWNER, type="indicator", tlp=Tlp.AMBER), ())


@pytest.mark.parametrize(
    "granular",
    [
        {"lang": "nb", "marking_ref": OWN, "selectors": ["name"]},
        {"selectors": ["name"]},
        {"lang": "no such language!", "selectors": ["name"]},
        {"marking_ref": OWN, "selectors": ["nowhere"]},
        {"marking_ref": OWN, "selectors": ["name.[0]"]},
        {"marking_ref": OWN, "selectors": []},
    ],
    ids=str,
)
def test_a_granular_marking_that_selects_nothing_or_says_two_things_is_refused(granular: dict[str, Any]) -> None:
    item = indicator(1) | {"granular_markings": [granular]}
    assert isinstance(parse_object(msgspec.json.encode(item)), RefusedObject)


@pytest.mark.parametrize(
    ("at", "holds"), [(CREATED - 1, False), (CREATED, True), (ENDS - 1, True), (ENDS, False)], ids=str
)
def test_a_policy_counts_while_it_is_in_effect_and_its_sender_is_told_the_rest(at: Micros, holds: bool) -> None:  # noqa: FBT001  a column of a table
    definition = {"id": OWN, **_extended(IEP_EXTENSION, **IEP)}
    label, notes = _label(indicator(1) | {"object_marking_refs": [OWN]}, definition, at)
    assert label.unknown_marking is not holds
    # a policy that says nothing any more never makes anything wider
    assert (label.tlp, label.pap) == (Tlp.GREEN, Pap.AMBER)
    told = "\n".join(notes)
    assert ("not in effect" in told) is not holds
    assert (format_instant(HOUR_BEFORE) in told) is holds
    assert "must not name its provider" in told
    assert "encrypt it in transit" in told


TREATY: Final = """
agreement: treaty
version: 1
title: What members share
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}, {name: coast}]
legal_bases:
  by-contract:
    NO: {cite: "instrument, section 3", valid: [2026-01-01, null]}
purposes: [detect]
clauses:
  - {id: "1", permit: read, to: {parties: all}, of: {tlp: {at_most: amber}}, for: [detect], rests_on: [by-contract]}
"""


def test_below_the_ceiling_it_is_for_whoever_is_cleared_for_it(tmp_path: Path) -> None:
    world = World(tmp_path / "home")
    for name, clearance in (("alfa", "secret"), ("bravo", "secret"), ("coast", "restricted")):
        world.party(name, clearance=clearance)
        world.user(f"ana@{name}", clearance="secret")
        world.user(f"bo@{name}", clearance="restricted")
    world.agreement(TREATY, signed_by=("alfa", "bravo", "coast"))
    world.hub.ceilings.set(OPERATOR, world.hub.mandate, "secret")
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": OWN,
        "created": stamp(CREATED),
        "definition_type": "statement",
        "definition": {"statement": "NATO SECRET"},
    }
    item = indicator(1) | {"object_marking_refs": [OWN]}
    assert world.share("alfa", bundle([definition, item])).results[-1].reason is None
    reads = {
        reader: item["id"] in {one.object_id for one, _ in world.read(reader)}
        for party in ("alfa", "bravo", "coast")
        for reader in (party, f"ana@{party}", f"bo@{party}")
    }
    cleared = {"alfa", "ana@alfa", "bravo", "ana@bravo"}
    assert reads == {reader: reader in cleared for reader in reads}
    world.hub.close()


OTHERS: Final = "extension-definition--00000000-0000-4000-8000-00000000beef"
TLP_1_GREEN: Final = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
TLP_2_GREEN: Final = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
PAP_RED: Final = "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e"
GREEN: Final = _extended(TLP_EXTENSION, tlp_2_0="green")
# what stands under a published id, and whether it says more than the level of that id
UNDER_A_PUBLISHED_ID: Final[dict[str, tuple[str, dict[str, Any], bool]]] = {
    "TLP 1 as published": (TLP_1_GREEN, {"definition_type": "tlp", "definition": {"tlp": "green"}}, False),
    "TLP 2 as published": (TLP_2_GREEN, GREEN, False),
    "PAP as published": (PAP_RED, _extended(PAP_EXTENSION, pap="red"), False),
    "another level of TLP 1": (TLP_1_GREEN, {"definition_type": "tlp", "definition": {"tlp": "red"}}, True),
    "another level of TLP 2": (TLP_2_GREEN, _extended(TLP_EXTENSION, tlp_2_0="red"), True),
    "a level that is none": (TLP_2_GREEN, _extended(TLP_EXTENSION, tlp_2_0="pink"), True),
    "a statement": (TLP_2_GREEN, GREEN | {"definition_type": "statement", "definition": {"statement": "us"}}, True),
    "terms of ours": (
        TLP_2_GREEN,
        {"extensions": GREEN["extensions"] | _extended(TERMS_EXTENSION, recipients=["bravo"])["extensions"]},
        True,
    ),
    "terms of others": (TLP_2_GREEN, {"extensions": GREEN["extensions"] | _extended(OTHERS)["extensions"]}, True),
}


@pytest.mark.parametrize("case", UNDER_A_PUBLISHED_ID)
def test_terms_under_a_published_id_are_told_of(case: str) -> None:
    ref, says, more = UNDER_A_PUBLISHED_ID[case]
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": ref,
        "created": stamp(CREATED),
    } | says
    labeller = Labeller(
        owner=OWNER, handling=Handling(), definitions={ref: definition}, at=CREATED, address=lambda name: name
    )
    told = parse_object(msgspec.json.encode(indicator(1) | {"object_marking_refs": [ref]}))
    assert isinstance(told, ParsedObject)
    label, notes = labeller.label(told)
    assert [note for note in notes if ref in note and "published id" in note] == list(notes[:1]) * more
    assert label.tlp is (Tlp.AMBER if ref == PAP_RED else Tlp.GREEN), "what everybody knows it for"


def test_the_receipt_tells_of_terms_under_a_published_id(tmp_path: Path) -> None:
    world = World(tmp_path / "hub")
    world.party("alfa")
    terms = UNDER_A_PUBLISHED_ID["terms of ours"][1]["extensions"][TERMS_EXTENSION]
    mark = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP_2_GREEN,
        "created": "2022-10-01T00:00:00.000Z",
        "name": "TLP:GREEN",
        "extensions": GREEN["extensions"] | {TERMS_EXTENSION: terms | {"recipients": ["alfa"]}},
    }
    shared = indicator(1) | {"object_marking_refs": [TLP_2_GREEN]}
    receipt = world.share(
        "alfa",
        msgspec.json.encode(
            {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": [mark, shared]}
        ),
    )
    world.hub.close()
    assert [any("published id" in note for note in one.notes) for one in receipt.results] == [True, True]
