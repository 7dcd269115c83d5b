"""Why a verdict is what it is: sentences for every way to be refused."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from support.agreement_texts import PLAIN, changed
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.explain import Explanation, explain
from tocsin.agreements.facts import Activated, Facts
from tocsin.agreements.gate import decide, profile_of, slice_for
from tocsin.agreements.hub_rules import HUB_SENTENCES
from tocsin.agreements.model import Label, Pap, Tlp
from tocsin.agreements.until import stands_until
from tocsin.kernel.clock import parse_date
from tocsin.parties.model import Kind, Party, PartyStatus, User

AT: Final = "2026-03-01"


def party(name: str, country: str = "NO", **more: object) -> Party:
    made = Party(
        uri=f"https://{name}.example",
        name=name,
        title=name,
        kind=Kind.PRIVATE,
        country=country,
        capacities=frozenset({"operator"}),
        status=PartyStatus.VETTED,
    )
    return msgspec.structs.replace(made, **more)


ALFA, BRAVO, COAST = party("alfa"), party("bravo"), party("coast", "SE")
DELTA = party("delta", "DK")
EVERYONE: Final = (ALFA, BRAVO, COAST, DELTA)


def facts(
    text: str = PLAIN,
    *,
    signed: tuple[Party, ...] = (ALFA, BRAVO),
    everyone: tuple[Party, ...] = EVERYONE,
    on: str = AT,
) -> Facts:
    document = parse_agreement(text.encode(), where="text").document
    names = {each.name: each.uri for each in everyone}
    activated = Activated(
        document=document,
        names=names,
        signed=frozenset(each.uri for each in signed),
        policies=compile_agreement(document, names),
    )
    return Facts(at=parse_date(on), parties={each.uri: each for each in everyone}, agreements=(activated,))


def label(owner: Party = ALFA, **more: object) -> Label:
    return msgspec.structs.replace(Label(owner=owner.uri, type="indicator", tlp=Tlp.GREEN), **more)


def why(
    reader: Party = BRAVO,
    what: Label | None = None,
    known: Facts | None = None,
    *,
    purpose: str = "detect",
    user: User | None = None,
) -> Explanation:
    known = known or facts()
    return explain(profile_of(reader, user, purpose, known.at), what or label(), known)


def failed(told: Explanation) -> list[str]:
    return [sentence for account in told.missing for sentence in account.failed]


def remarks(told: Explanation) -> list[str]:
    return [remark.text for remark in told.remarks]


def test_an_allow_names_clause_citation_validity_and_policy() -> None:
    told = why()
    (account,) = told.reasons
    assert told.verdict.allows
    assert account.sentence == (
        "clause 1.1 of two-towns version 1 permits to read, provided that "
        "the reader is a member of two-towns version 1; its owner is a member of two-towns version 1; "
        "its TLP is clear, green or amber; the purpose is detect; "
        "the legal basis law holds for the reader; the legal basis law holds for its owner"
    )
    assert [basis.sentence for basis in account.bases] == [
        "legal basis law for the reader (bravo): NO, Act 1, valid from 2026-01-01 without end",
        "legal basis law for the owner (alfa): NO, Act 1, valid from 2026-01-01 without end",
    ]
    assert account.cedar.startswith('@id("two-towns/1/1.1")')
    assert (told.missing, told.remarks) == ((), ())


def test_a_forbid_says_what_would_have_spared_the_reader() -> None:
    told = why(what=label(categories=frozenset({"export-controlled"})))
    (account,) = told.reasons
    assert account.clause == "2"
    assert "forbids to read, where" in account.sentence
    assert account.failed == ("not so: the reader's nationality is NO or SE (there is none)",)


def test_a_rule_of_the_hub_is_told_as_such() -> None:
    told = why(what=label(tlp=Tlp.RED))
    assert [(account.agreement, account.clause) for account in told.reasons] == [(None, "tocsin.red")]
    assert "individual users" in told.reasons[0].sentence


NOT_NAMED: Final = (
    "not so: it is addressed to the reader if it is amber+strict, which the clause covers but does not name (it is not)"
)

# the text of the agreement, who reads, what, who signed, on which day; what must be said
MISSING: Final = {
    "tlp": (PLAIN, BRAVO, label(tlp=Tlp.AMBER_STRICT), "not so: its TLP is clear, green or amber (it is amber+strict)"),
    "type": (
        changed("of: {tlp: {at_most: amber}}", "of: {type: [incident, report]}"),
        BRAVO,
        label(),
        "not so: its type is incident or report (it is indicator)",
    ),
    "pap": (
        changed("of: {tlp: {at_most: amber}}", "of: {pap: {at_most: green}}"),
        BRAVO,
        label(),
        "not so: its PAP is clear or green (there is none)",
    ),
    "pap that is stricter": (
        changed("of: {tlp: {at_most: amber}}", "of: {pap: {at_most: green}}"),
        BRAVO,
        label(pap=Pap.RED),
        "not so: its PAP is clear or green (it is red)",
    ),
    "without": (
        changed("of: {tlp: {at_most: amber}}", "of: {without: [a, b]}"),
        BRAVO,
        label(categories=frozenset({"b", "c"})),
        "not so: it is not marked as a or b (there: b and c)",
    ),
    "sectors": (
        changed("of: {tlp: {at_most: amber}}", "of: {sectors: energy}"),
        BRAVO,
        label(),
        "not so: its sectors include energy (there: none)",
    ),
    "owner": (
        changed("of: {tlp: {at_most: amber}}", "of: {owner: bravo}"),
        BRAVO,
        label(),
        "not so: its owner is bravo (it is alfa)",
    ),
    "parties": (
        changed("to: {parties: all}", "to: {parties: [alfa]}"),
        BRAVO,
        label(),
        "not so: the reader's party is alfa (it is bravo)",
    ),
    "capacity": (
        changed("to: {parties: all}", "to: {capacity: csirt}"),
        BRAVO,
        label(),
        "not so: the reader's capacities include csirt (there: operator)",
    ),
    "clearance": (
        changed("to: {parties: all}", "to: {clearance: secret}"),
        BRAVO,
        label(),
        "not so: the reader's clearance is at least secret (it is unclassified)",
    ),
    "data region": (
        changed("to: {parties: all}", "to: {data_region: eea}"),
        BRAVO,
        label(),
        "not so: the reader's data region is eea (there is none)",
    ),
    "addressed": (
        changed("to: {parties: all}", "to: {addressed: true}"),
        BRAVO,
        label(),
        "not so: it is addressed to the reader (it is not)",
    ),
    "covered, but not named": (
        changed("at_most: amber", "at_most: red"),
        BRAVO,
        label(tlp=Tlp.AMBER_STRICT),
        NOT_NAMED,
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_permit_that_does_not_apply_says_which_condition_failed(name: str) -> None:
    text, reader, what, sentence = MISSING[name]
    told = why(reader, what, facts(text))
    assert not told.verdict.allows
    assert failed(told) == [sentence]
    assert remarks(told) == []


def test_a_purpose_that_is_not_authorised() -> None:
    assert failed(why(purpose="respond")) == ["not so: the purpose is detect (it is respond)"]


def test_a_legal_basis_that_lapsed_starts_or_was_never_there() -> None:
    signed = (ALFA, BRAVO, COAST)
    lapsed = why(COAST, known=facts(signed=signed, on="2026-06-01"))
    assert failed(lapsed) == ["not so: the legal basis law holds for the reader (for SE it lapsed on 2026-06-01)"]
    assert lapsed.missing[0].bases[0].sentence == (
        "legal basis law for the reader (coast): SE, Act 2, valid from 2026-01-15 until 2026-06-01: "
        "it does not hold now"
    )
    early = why(COAST, known=facts(signed=signed, on="2026-01-10"))
    assert failed(early) == ["not so: the legal basis law holds for the reader (for SE it starts on 2026-01-15)"]
    danish = why(DELTA, known=facts(changed("[NO, SE]}}", "[NO, SE, DK]}}"), signed=(*signed, DELTA)))
    assert failed(danish) == ["not so: the legal basis law holds for the reader (the agreement names none for delta)"]
    assert "names none, so it does not hold" in danish.missing[0].bases[0].sentence


def test_who_meets_the_criteria_but_has_not_signed() -> None:
    told = why(COAST)
    assert remarks(told) == [
        "no agreement in force joins coast and alfa",
        "two-towns version 1: coast meets the criteria but has not signed",
    ]
    assert [remark.agreement for remark in told.remarks] == [None, "two-towns"]


def test_of_who_has_not_signed_only_that_is_said_to_be_missing() -> None:
    told = why(COAST)
    assert failed(told) == [
        "not so: the reader is a member of two-towns version 1 (coast meets the criteria but has not signed)"
    ]
    assert told.missing[0].bases[0].holds


def test_of_who_withdrew_only_that_is_said_to_be_missing() -> None:
    known = facts(signed=(ALFA, BRAVO, COAST))
    (one,) = known.agreements
    gone = msgspec.structs.replace(one, left={COAST.uri: known.at})
    told = why(COAST, known=msgspec.structs.replace(known, agreements=(gone,)))
    assert failed(told) == [
        "not so: the reader is a member of two-towns version 1 (coast withdrew, with effect of 2026-03-01)"
    ]


def test_two_hats_are_told_as_a_rule_of_the_gate_that_is_no_policy() -> None:
    hats = party("bravo", capacities=frozenset({"csirt", "supervisor"}))
    told = why(hats, known=facts(everyone=(ALFA, hats, COAST, DELTA)), purpose="enforce")
    assert [(one.clause, one.cedar) for one in told.reasons] == [("tocsin.two-hats", "")]
    assert told.reasons[0].sentence == HUB_SENTENCES["tocsin.two-hats"]


def test_what_is_not_read_for_a_client_is_told_of_the_client() -> None:
    serving = party("bravo", clients=frozenset({DELTA.uri}))
    known = facts(everyone=(ALFA, serving, COAST, DELTA))
    profile = profile_of(serving, None, "detect", known.at, client=DELTA)
    strict = explain(profile, label(tlp=Tlp.AMBER_STRICT, recipients=frozenset({serving.uri})), known)
    assert [one.clause for one in strict.reasons] in ([], ["tocsin.client"])
    kept = explain(profile, label(categories=frozenset({"export-controlled"})), known)
    assert [one.clause for one in kept.reasons] == ["2"]
    owned = explain(profile, label(owner=serving, tlp=Tlp.AMBER_STRICT), known)
    assert [one.clause for one in owned.reasons] == ["tocsin.client"]
    assert remarks(owned) == ["bravo may read it itself, and not for its client delta, the reader here"]


def test_who_is_named_but_has_not_signed() -> None:
    told = why(BRAVO, known=facts(signed=(ALFA,)))
    assert "two-towns version 1: bravo is named but has not signed" in remarks(told)


def test_who_has_nothing_to_do_with_it_lacks_being_a_member() -> None:
    told = why(DELTA)
    assert remarks(told) == ["no agreement in force joins delta and alfa"]
    (missing,) = told.missing
    assert (missing.agreement, missing.clause) == ("two-towns", "1.1")
    lacks = "delta is neither named nor does it meet the criteria"
    assert missing.failed == (f"not so: the reader is a member of two-towns version 1 ({lacks})",)


def test_an_owner_who_was_suspended() -> None:
    suspended = party("alfa", status=PartyStatus.SUSPENDED)
    told = why(BRAVO, known=facts(everyone=(suspended, BRAVO)))
    assert "two-towns version 1: alfa is suspended" in remarks(told)
    assert "not so: its owner is a member of two-towns version 1 (alfa is suspended)" in failed(told)


def test_an_owner_who_no_longer_meets_the_criteria() -> None:
    moved = party("coast", "DK")
    told = why(BRAVO, label(owner=moved), facts(everyone=(ALFA, BRAVO, moved), signed=(ALFA, BRAVO, moved)))
    assert "two-towns version 1: coast is neither named nor does it meet the criteria, though it signed" in remarks(
        told
    )


def test_an_owner_whom_the_hub_does_not_know() -> None:
    told = why(BRAVO, label(owner=party("gone")))
    assert remarks(told) == ["no agreement in force joins bravo and https://gone.example"]


def test_an_agreement_that_is_not_yet_or_no_longer_in_force() -> None:
    assert "two-towns version 1: it is in force from 2026-01-01" in remarks(why(known=facts(on="2025-12-31")))
    assert "two-towns version 1: it was in force until 2027-01-01" in remarks(why(known=facts(on="2027-01-01")))


UNTIL: Final = {
    "the agreement's end, and not the lapse of another's basis": (BRAVO, label(), "2027-01-01"),
    "the lapse of its own basis": (COAST, label(), "2026-06-01"),
    "the end of the policy on it": (BRAVO, label(ends=parse_date("2026-04-01")), "2026-04-01"),
    "of a deny, when it opens": (BRAVO, label(), "2026-01-01"),
    "never: it is its own": (ALFA, label(), None),
    "never: no clause reaches it": (DELTA, label(), None),
}


@pytest.mark.parametrize("name", UNTIL)
def test_until_when_a_verdict_stands_is_the_instant_that_concerns_it(name: str) -> None:
    reader, what, ends = UNTIL[name]
    known = facts(signed=(ALFA, BRAVO, COAST), on="2025-12-01" if "opens" in name else AT)
    until = stands_until(reader, None, known, purpose="detect", label_for=lambda _: what)
    assert until == (None if ends is None else parse_date(ends))


def test_an_error_is_told() -> None:
    told = why(what=label(type="a\ud800"))
    assert not told.verdict.allows
    assert remarks(told)[0].startswith("an error, which is a deny: ")


def test_an_explanation_s_verdict_is_the_gate_s() -> None:
    known = facts()
    profile = profile_of(BRAVO, None, "detect", known.at)
    (verdict,) = decide(slice_for(profile, known), profile, [label()])
    assert explain(profile, label(), known).verdict == verdict
