"""One agreement from its file to its verdicts: canonical form, notes, policies, and a table of named cases."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import pytest

from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import document_digest, parse_agreement
from tocsin.agreements.facts import Activated, Facts
from tocsin.agreements.gate import decide, profile_of, slice_for
from tocsin.agreements.hub_rules import hub_policies
from tocsin.agreements.model import Label, Tlp
from tocsin.kernel.clock import parse_date
from tocsin.parties.model import Kind, Party, PartyStatus, Role, User

HERE: Final = Path(__file__).parent
SOURCE: Final = (HERE / "nordic-grid-exchange.yaml").read_bytes()
PARSED: Final = parse_agreement(SOURCE, where="nordic-grid-exchange.yaml")
EXAMPLE: Final = HERE.parents[3] / "shared" / "agreement-example.yaml"

NOTES: Final = ("instrument sha256: is a placeholder, so nothing ties this document to the paper yet",)


def party(name: str, country: str, capacity: str, sector: str, **more: object) -> Party:
    made = Party(
        uri=f"https://{name}.example",
        name=name,
        title=name,
        kind=Kind.PRIVATE,
        country=country,
        capacities=frozenset({capacity}),
        sectors=frozenset({sector}),
        data_region="eea",
        clearance="restricted",
        status=PartyStatus.VETTED,
    )
    return msgspec.structs.replace(made, **more)


PARTIES: Final = {
    each.name: each
    for each in (
        party("national-cert", "SE", "csirt", "energy", kind=Kind.PUBLIC),
        party("nordkraft", "NO", "operator", "energy"),
        party("svea-vatten", "SE", "operator", "drinking-water"),
        party("dansk-el", "DK", "operator", "energy", clearance_until=parse_date("2026-06-01")),
        party("suomi-verkko", "FI", "operator", "energy"),
        party("lappi-kaivos", "SE", "operator", "energy", clearance="unclassified"),
        party("fjord-el", "NO", "operator", "energy", data_region="us"),
    )
}
SIGNED: Final = frozenset(PARTIES) - {"suomi-verkko", "lappi-kaivos"}
USERS: Final = {
    "anna": User(name="anna", party="https://national-cert.example", roles=frozenset({Role.ANALYST}), nationality="SE"),
    "kari": User(name="kari", party="https://nordkraft.example", roles=frozenset({Role.ANALYST}), nationality="NO"),
    "jens": User(name="jens", party="https://dansk-el.example", roles=frozenset({Role.ANALYST}), nationality="DK"),
    "erik": User(name="erik", party="https://svea-vatten.example", roles=frozenset({Role.VIEWER}), nationality="DK"),
}
KARI: Final = "kari@https://nordkraft.example"


def facts(on: str) -> Facts:
    document = PARSED.document
    names = {"national-cert": "https://national-cert.example"}
    activated = Activated(
        document=document,
        names=names,
        signed=frozenset(PARTIES[name].uri for name in SIGNED),
        policies=compile_agreement(document, names),
    )
    everyone = {each.uri: each for each in PARTIES.values()}
    return Facts(at=parse_date(on), parties=everyone, agreements=(activated,))


def label(owner: str, tlp: str = "amber", type_: str = "indicator", **more: object) -> Label:
    made = Label(owner=PARTIES[owner].uri, type=type_, tlp=Tlp(tlp))
    return msgspec.structs.replace(made, **more)


def clauses(*ids: str) -> tuple[str, ...]:
    return tuple(f"nordic-grid-exchange/3/{each}" for each in ids)


EXPORT: Final = frozenset({"export-controlled"})
NOBODY: Final[tuple[str, ...]] = ()

# who reads, for what purpose, on which day, what; whether they may, and which policies say so
CASES: Final = {
    "a Norwegian operator reads amber": (
        ("nordkraft", "detect", "2026-03-01", label("national-cert")),
        (True, clauses("3.1")),
    ),
    "Norway's own contract counts before Sweden's law": (
        ("nordkraft", "detect", "2026-01-10", label("fjord-el")),
        (True, clauses("3.1")),
    ),
    "before the Swedish law no Swede reads": (
        ("svea-vatten", "detect", "2026-01-14", label("nordkraft")),
        (False, NOBODY),
    ),
    "nor is anything of a Swede read": (
        ("nordkraft", "detect", "2026-01-14", label("svea-vatten")),
        (False, NOBODY),
    ),
    "on the day of the Swedish law they do": (
        ("svea-vatten", "detect", "2026-01-15", label("nordkraft")),
        (True, clauses("3.1")),
    ),
    "not before the agreement is in force": (
        ("nordkraft", "detect", "2025-12-31", label("fjord-el")),
        (False, NOBODY),
    ),
    "not on the day on which it ends": (
        ("nordkraft", "detect", "2028-12-31", label("fjord-el")),
        (False, NOBODY),
    ),
    "on the day before it ends": (
        ("nordkraft", "detect", "2028-12-30", label("fjord-el")),
        (True, clauses("3.1")),
    ),
    "Finland has no legal basis and has not signed": (
        ("suomi-verkko", "detect", "2026-03-01", label("nordkraft")),
        (False, NOBODY),
    ),
    "an operator without clearance is no member": (
        ("lappi-kaivos", "detect", "2026-03-01", label("nordkraft")),
        (False, NOBODY),
    ),
    "a Danish operator reads while it is cleared": (
        ("dansk-el", "detect", "2026-05-31", label("nordkraft")),
        (True, clauses("3.1")),
    ),
    "and no longer when the clearance has expired": (
        ("dansk-el", "detect", "2026-06-01", label("nordkraft")),
        (False, NOBODY),
    ),
    "analyse is authorised, but clause 3.1 does not name it": (
        ("nordkraft", "analyse", "2026-03-01", label("national-cert")),
        (False, NOBODY),
    ),
    "enforce is never implied": (
        ("nordkraft", "enforce", "2026-03-01", label("national-cert")),
        (False, NOBODY),
    ),
    "personal data stay": (
        ("nordkraft", "detect", "2026-03-01", label("national-cert", categories=frozenset({"personal-data"}))),
        (False, NOBODY),
    ),
    "amber+strict incidents reach an analyst of the CSIRT": (
        ("anna", "respond", "2026-03-01", label("nordkraft", "amber+strict", "incident")),
        (True, clauses("3.2")),
    ),
    "but not its service, which has no role": (
        ("national-cert", "respond", "2026-03-01", label("nordkraft", "amber+strict", "incident")),
        (False, NOBODY),
    ),
    "nor an operator": (
        ("kari", "respond", "2026-03-01", label("svea-vatten", "amber+strict", "incident")),
        (False, NOBODY),
    ),
    "an amber incident reaches the CSIRT's analyst by two clauses": (
        ("anna", "respond", "2026-03-01", label("nordkraft", "amber", "incident")),
        (True, clauses("3.1", "3.2")),
    ),
    "red reaches nobody whom no clause permits, though addressed": (
        ("kari", "detect", "2026-03-01", label("national-cert", "red", recipients=frozenset({KARI}))),
        (False, NOBODY),
    ),
    "red is not even for the owner's other people": (
        ("anna", "detect", "2026-03-01", label("national-cert", "red", recipients=frozenset({KARI}))),
        (False, ("tocsin.red",)),
    ),
    "addressed to a party, it is for that party": (
        ("nordkraft", "detect", "2026-03-01", label("national-cert", recipients=frozenset({PARTIES["nordkraft"].uri}))),
        (True, clauses("3.1")),
    ),
    "and for no other": (
        ("dansk-el", "detect", "2026-03-01", label("national-cert", recipients=frozenset({PARTIES["nordkraft"].uri}))),
        (False, ("tocsin.addressed",)),
    ),
    "export-controlled is read by nobody through clause 3.1": (
        ("kari", "detect", "2026-03-01", label("national-cert", categories=EXPORT)),
        (False, NOBODY),
    ),
    "an export-controlled incident reaches a Swede of the Swedish CSIRT": (
        ("anna", "respond", "2026-03-01", label("nordkraft", "amber", "incident", categories=EXPORT)),
        (True, clauses("3.2")),
    ),
    "and is forbidden to a Dane": (
        ("jens", "respond", "2026-03-01", label("nordkraft", "amber", "incident", categories=EXPORT)),
        (False, clauses("4.1")),
    ),
    "and to a Dane who works in Sweden": (
        ("erik", "respond", "2026-03-01", label("nordkraft", "amber", "incident", categories=EXPORT)),
        (False, clauses("4.1")),
    ),
    "and to a service, which has no nationality": (
        ("national-cert", "respond", "2026-03-01", label("nordkraft", "amber", "incident", categories=EXPORT)),
        (False, clauses("4.1")),
    ),
    "the forbid stands for an owner's own people": (
        ("jens", "respond", "2026-03-01", label("dansk-el", categories=EXPORT)),
        (False, clauses("4.1")),
    ),
    "the forbid outlives the Danish clearance": (
        ("jens", "respond", "2026-07-01", label("dansk-el", categories=EXPORT)),
        (False, clauses("4.1")),
    ),
    "data of the EEA stay in it": (
        ("fjord-el", "detect", "2026-03-01", label("nordkraft", residency="eea")),
        (False, clauses("4.2")),
    ),
    "data of the EEA are read in it": (
        ("nordkraft", "detect", "2026-03-01", label("fjord-el", residency="eea")),
        (True, clauses("3.1")),
    ),
    "an unknown marking is for the owner": (
        ("nordkraft", "detect", "2026-03-01", label("national-cert", unknown_marking=True)),
        (False, ("tocsin.unknown-marking",)),
    ),
    "who reads it": (
        ("national-cert", "analyse", "2026-03-01", label("national-cert", unknown_marking=True)),
        (True, ("tocsin.owner",)),
    ),
    "one's own, by one's own right and by clause 3.1": (
        ("nordkraft", "detect", "2026-03-01", label("nordkraft")),
        (True, (*clauses("3.1"), "tocsin.owner")),
    ),
    "clause 9 sleeps": (
        ("kari", "respond", "2026-03-01", label("svea-vatten", "amber+strict")),
        (False, NOBODY),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    (reader, purpose, on, what), (allowed, reasons) = CASES[name]
    user = USERS.get(reader)
    home = PARTIES[reader] if user is None else next(each for each in PARTIES.values() if each.uri == user.party)
    known = facts(on)
    profile = profile_of(home, user, purpose, known.at)
    (verdict,) = decide(slice_for(profile, known), profile, [what])
    assert (verdict.allows, tuple(reason.policy_id for reason in verdict.reasons)) == (allowed, reasons)
    assert verdict.errors == ()


def test_its_canonical_form_and_digest_are_those_that_were_signed() -> None:
    assert PARSED.document.canonical == (HERE / "nordic-grid-exchange.json").read_bytes()
    assert document_digest(PARSED.document).hex() == "6408d3a285d3d8976970b1601eb7c41cf05183d1d079da38d954efaa30b42fe0"


def test_its_canonical_form_reads_back_as_the_same_document() -> None:
    again = parse_agreement(PARSED.document.canonical, where="canonical").document
    assert again == PARSED.document


def test_the_notes_say_what_has_no_effect_yet() -> None:
    assert tuple(str(note) for note in PARSED.notes) == NOTES


def test_its_policies_are_those_that_were_reviewed() -> None:
    compiled = compile_agreement(PARSED.document, {"national-cert": "https://national-cert.example"})
    text = "\n".join(policy.text for policy in (*hub_policies(), *compiled))
    assert text == (HERE / "nordic-grid-exchange.cedar").read_text(encoding="utf-8")


def test_an_agreement_that_is_only_laid_out_otherwise_is_the_same_agreement() -> None:
    if not EXAMPLE.exists():
        pytest.skip(f"no {EXAMPLE}: it lies beside the project where the design does")
    example = parse_agreement(EXAMPLE.read_bytes(), where="example")
    assert example.document == PARSED.document
    assert {str(note) for note in example.notes} == set(NOTES)
