"""The gate's edges: what Cedar cannot hold, what goes wrong in it, and what the schema names."""

from __future__ import annotations

import dataclasses
import json
from typing import Final

import cedarpy
import msgspec
import pytest

from support.agreement_texts import PLAIN, changed
from tocsin.agreements.cedar import schema_text, validate
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.facts import Activated, Facts
from tocsin.agreements.gate import Slice, decide, profile_of, profile_until, slice_for
from tocsin.agreements.hub_rules import HUB_SENTENCES, hub_policies
from tocsin.agreements.model import Effect, Label, Profile, Tlp
from tocsin.errors import BrokenError, InputError, UsageError
from tocsin.kernel.clock import DAY, parse_date
from tocsin.parties.model import Kind, Party, PartyStatus, Role, User, UserStatus

AT: Final = parse_date("2026-03-01")
FORBIDS: Final = changed("of: {category: export-controlled}", "of: {type: indicator}").replace("unless", "# unless")
PERMITS: Final = PLAIN[: PLAIN.index('  - id: "2"')].replace("two-towns", "open-doors")


def party(name: str, **more: object) -> Party:
    made = Party(
        uri=f"https://{name}.example",
        name=name,
        title=name,
        kind=Kind.PRIVATE,
        country="NO",
        capacities=frozenset({"operator"}),
        status=PartyStatus.VETTED,
    )
    return msgspec.structs.replace(made, **more)


ALFA, BRAVO, COAST = party("alfa"), party("bravo"), party("coast", country="SE")
PARTIES: Final = {each.uri: each for each in (ALFA, BRAVO, COAST)}


def facts(text: str = PLAIN, *, signed: tuple[Party, ...] = (ALFA, BRAVO, COAST), at: int = AT) -> Facts:
    document = parse_agreement(text.encode(), where="text").document
    names = {each.name: each.uri for each in PARTIES.values()}
    activated = Activated(
        document=document,
        names=names,
        signed=frozenset(each.uri for each in signed),
        policies=compile_agreement(document, names),
    )
    return Facts(at=at, parties=PARTIES, agreements=(activated,))


def service(of: Party, at: int = AT) -> Profile:
    return profile_of(of, None, "detect", at)


def label(owner: Party = ALFA, **more: object) -> Label:
    return msgspec.structs.replace(Label(owner=owner.uri, type="indicator", tlp=Tlp.GREEN), **more)


# --- errors ----------------------------------------------------------------------------------------------------------


def _with_policy(slice_: Slice, text: str) -> Slice:
    whole = "\n".join([*(policy.text for policy in slice_.policies), text])
    return dataclasses.replace(
        slice_, ground=dataclasses.replace(slice_.ground, policy_set=cedarpy.PolicySet.from_str(whole))
    )


def test_a_policy_that_fails_denies_though_another_permits() -> None:
    reader = service(BRAVO)
    slice_ = slice_for(reader, facts())
    assert decide(slice_, reader, [label()])[0].allows
    broken = _with_policy(slice_, "forbid (principal, action, resource) when { principal.nonesuch };")
    (verdict,) = decide(broken, reader, [label()])
    assert (verdict.effect, verdict.reasons) == (Effect.DENY, ())
    assert "nonesuch" in verdict.errors[0]


def test_a_policy_from_outside_the_slice_decides_nothing() -> None:
    reader = service(BRAVO)
    stranger = _with_policy(slice_for(reader, facts()), '@id("stranger") permit (principal, action, resource);')
    unnamed = _with_policy(slice_for(reader, facts()), "permit (principal, action, resource);")
    for slice_ in (stranger, unnamed):
        (verdict,) = decide(slice_, reader, [label(tlp=Tlp.AMBER_STRICT)])
        assert verdict.effect is Effect.DENY
        assert verdict.errors == ("Cedar named a policy that is not in the slice",)


def test_a_label_that_cedar_cannot_hold_is_denied_alone() -> None:
    reader = service(BRAVO)
    verdicts = decide(slice_for(reader, facts()), reader, [label(), label(type="a\ud800"), label()])
    assert [verdict.allows for verdict in verdicts] == [True, False, True]
    assert verdicts[1].errors


def test_a_label_whose_owner_is_nobody_here_is_denied() -> None:
    reader = service(BRAVO)
    (verdict,) = decide(slice_for(reader, facts()), reader, [label(owner=party("gone"))])
    assert (verdict.effect, verdict.errors) == (Effect.DENY, ())


def test_many_labels_are_decided_in_their_order() -> None:
    reader = service(BRAVO)
    labels = [label(type=f"x-{n}", tlp=Tlp.AMBER if n % 3 else Tlp.RED) for n in range(4_500)]
    verdicts = decide(slice_for(reader, facts()), reader, labels)
    assert [verdict.allows for verdict in verdicts] == [bool(n % 3) for n in range(4_500)]
    assert decide(slice_for(reader, facts()), reader, []) == []


def test_a_policy_that_does_not_conform_is_our_own_fault() -> None:
    (first, *_) = hub_policies()
    with pytest.raises(BrokenError, match="nonesuch"):
        validate([msgspec.structs.replace(first, text=first.text.replace("principal.party", "principal.nonesuch"))])


def test_a_name_without_a_party_is_told() -> None:
    document = parse_agreement(changed("{parties: all}", "{parties: [alfa]}").encode(), where="text").document
    with pytest.raises(InputError, match="alfa"):
        compile_agreement(document, {})


# --- profiles --------------------------------------------------------------------------------------------------------


def test_a_service_has_no_person_s_attributes() -> None:
    profile = service(ALFA)
    assert (profile.user, profile.roles, profile.nationality, profile.active) == (None, frozenset(), None, True)


def test_a_user_s_clearance_is_no_higher_than_the_party_s_and_ends() -> None:
    home = party("alfa", clearance="restricted")
    user = User(
        name="anna", party=ALFA.uri, clearance="secret", clearance_until=AT + DAY, roles=frozenset({Role.ANALYST})
    )
    assert profile_of(home, user, "detect", AT).clearance == "restricted"
    assert profile_of(home, user, "detect", AT + DAY).clearance == "unclassified"
    assert profile_until(home, user, AT) == AT + DAY
    assert profile_until(home, user, AT + DAY) is None
    assert profile_until(home, None, AT) is None


INACTIVE: Final = {
    "candidate": (PartyStatus.CANDIDATE, UserStatus.ACTIVE),
    "suspended": (PartyStatus.SUSPENDED, UserStatus.ACTIVE),
    "left": (PartyStatus.LEFT, UserStatus.ACTIVE),
    "disabled": (PartyStatus.VETTED, UserStatus.DISABLED),
}


@pytest.mark.parametrize("name", INACTIVE)
def test_who_is_not_active_reads_not_even_their_own(name: str) -> None:
    status, user_status = INACTIVE[name]
    home = party("alfa", status=status)
    user = User(name="anna", party=home.uri, status=user_status)
    profile = profile_of(home, user, "detect", AT)
    known = msgspec.structs.replace(facts(), parties={**PARTIES, home.uri: home})
    (verdict,) = decide(slice_for(profile, known), profile, [label(owner=home)])
    assert not verdict.allows
    assert [reason.clause for reason in verdict.reasons] == ["tocsin.inactive"]


def test_a_user_of_another_party_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        profile_of(ALFA, User(name="anna", party=BRAVO.uri), "detect", AT)


# --- slices ----------------------------------------------------------------------------------------------------------


def test_a_slice_holds_the_hub_s_rules_and_what_concerns_the_party() -> None:
    mine = slice_for(service(BRAVO), facts())
    assert [policy.id for policy in mine.policies][-2:] == ["two-towns/1/1.1", "two-towns/1/2"]
    outside = slice_for(service(BRAVO), facts(signed=(ALFA, COAST)))
    assert [policy.id for policy in outside.policies] == [policy.id for policy in hub_policies()]


def test_valid_until_is_the_next_change_of_anything_that_counts() -> None:
    assert slice_for(service(BRAVO), facts()).valid_until == parse_date("2026-06-01")  # the basis of Sweden ends
    later = facts(at=parse_date("2026-06-01"))
    assert slice_for(service(BRAVO), later).valid_until == parse_date("2027-01-01")  # the agreement ends
    assert slice_for(service(BRAVO), facts(at=parse_date("2027-01-01"))).valid_until is None
    before = facts(at=parse_date("2025-01-01"))
    assert slice_for(service(BRAVO), before).valid_until == parse_date("2026-01-01")  # the agreement begins
    assert slice_for(service(BRAVO), facts(), until=AT + 1).valid_until == AT + 1


def test_the_term_of_an_agreement_counts_by_itself() -> None:
    plain = changed("from: 2026-01-01", "from: 2026-02-01").replace("until: 2027-01-01", "until: 2026-05-01")
    for on, end in (("2026-01-20", "2026-02-01"), ("2026-03-01", "2026-05-01")):
        known = facts(plain, at=parse_date(on))
        assert slice_for(service(BRAVO), known).valid_until == parse_date(end)


def test_a_forbid_that_binds_only_a_fellow_counts_too() -> None:
    text = FORBIDS.replace("from: 2026-01-01", "from: 2026-03-15").replace("until: 2027-01-01", "until: 2026-04-15")
    for at, end in ((AT, "2026-03-15"), (parse_date("2026-03-15"), "2026-04-15")):
        doors = facts(PERMITS, at=at)
        both = (*doors.agreements, *facts(text, signed=(ALFA, COAST)).agreements)
        known = msgspec.structs.replace(doors, agreements=both)
        assert slice_for(service(BRAVO), known).valid_until == parse_date(end)
    strangers = msgspec.structs.replace(facts(PERMITS), agreements=facts(text, signed=(ALFA, COAST)).agreements)
    assert slice_for(service(BRAVO), strangers).valid_until is None


def test_a_fellow_s_clearance_counts_where_membership_asks_for_one() -> None:
    cleared = party("coast", country="SE", clearance="secret", clearance_until=AT + DAY)
    everyone = {**PARTIES, cleared.uri: cleared}
    plain = msgspec.structs.replace(facts(), parties=everyone)
    assert slice_for(service(BRAVO), plain).valid_until == parse_date("2026-06-01")
    asking = facts(changed("{capacity: operator,", "{clearance: restricted, capacity: operator,"))
    asking = msgspec.structs.replace(asking, parties=everyone)
    assert slice_for(service(BRAVO), asking).valid_until == AT + DAY


# --- forbids ---------------------------------------------------------------------------------------------------------

# who signed the agreement with the forbid; whether its forbid stops bravo from reading what alfa contributed
SIGNED: Final = {
    "neither": ((COAST,), False),
    "the reader alone": ((BRAVO, COAST), True),
    "the owner alone": ((ALFA, COAST), True),
    "both": ((ALFA, BRAVO), True),
}


@pytest.mark.parametrize("name", SIGNED)
def test_a_forbid_reaches_across_agreements_to_whoever_signed_it(name: str) -> None:
    signed, stopped = SIGNED[name]
    both = (*facts(PERMITS).agreements, *facts(FORBIDS, signed=signed).agreements)
    known = Facts(at=AT, parties=PARTIES, agreements=both)
    (verdict,) = decide(slice_for(service(BRAVO), known), service(BRAVO), [label()])
    assert verdict.allows is not stopped
    expected = ["two-towns/1/2"] if stopped else ["open-doors/1/1.1"]
    assert [reason.policy_id for reason in verdict.reasons] == expected


def test_a_forbid_still_binds_who_is_no_longer_a_member() -> None:
    # coast signed, and no longer meets the criteria of the agreement with the forbid
    moved = party("coast", country="DK")
    wide = PERMITS.replace("[NO, SE]}}", "[NO, SE, DK]}}").replace("    rests_on: [law]\n", "")
    known = Facts(
        at=AT,
        parties={**PARTIES, moved.uri: moved},
        agreements=(*facts(wide).agreements, *facts(FORBIDS).agreements),
    )
    assert moved.uri not in known.members["two-towns/1"]
    assert moved.uri in known.members["open-doors/1"]
    (verdict,) = decide(slice_for(service(moved), known), service(moved), [label()])
    assert [reason.policy_id for reason in verdict.reasons] == ["two-towns/1/2"]
    (verdict,) = decide(slice_for(service(moved), known), service(moved), [label(owner=moved)])
    assert [reason.policy_id for reason in verdict.reasons] == ["two-towns/1/2"]


# --- floors ----------------------------------------------------------------------------------------------------------

ANNA: Final = User(name="anna", party=BRAVO.uri)
TO_BRAVO: Final = frozenset({BRAVO.uri})
TO_ANNA: Final = frozenset({f"anna@{BRAVO.uri}"})
TO_COAST: Final = frozenset({COAST.uri})

# what the clause says of the object; TLP and recipients of the object; whether bravo's service and anna of bravo read
FLOORS: Final = {
    "silence covers amber": ("{type: indicator}", Tlp.AMBER, frozenset(), True, True),
    "silence covers no amber+strict": ("{type: indicator}", Tlp.AMBER_STRICT, frozenset(), False, False),
    "nor when addressed": ("{type: indicator}", Tlp.AMBER_STRICT, TO_BRAVO, False, False),
    "silence covers no red": ("{type: indicator}", Tlp.RED, TO_ANNA, False, False),
    "amber+strict named at most": ("{tlp: {at_most: amber+strict}}", Tlp.AMBER_STRICT, frozenset(), True, True),
    "amber+strict named at least": ("{tlp: {at_least: amber+strict}}", Tlp.AMBER_STRICT, frozenset(), True, True),
    "amber+strict named by itself": ("{tlp: amber+strict}", Tlp.AMBER_STRICT, frozenset(), True, True),
    "amber+strict named in a list": ("{tlp: [red, amber+strict]}", Tlp.AMBER_STRICT, frozenset(), True, True),
    "amber+strict named, for others": ("{tlp: amber+strict}", Tlp.AMBER_STRICT, TO_COAST, False, False),
    "amber+strict covered, not named": ("{tlp: {at_most: red}}", Tlp.AMBER_STRICT, frozenset(), False, False),
    "covered, to the party": ("{tlp: {at_most: red}}", Tlp.AMBER_STRICT, TO_BRAVO, True, True),
    "covered, to the user": ("{tlp: {at_most: red}}", Tlp.AMBER_STRICT, TO_ANNA, False, True),
    "covered from below, not named": ("{tlp: {at_least: amber}}", Tlp.AMBER_STRICT, frozenset(), False, False),
    "red to nobody": ("{tlp: {at_most: red}}", Tlp.RED, frozenset(), False, False),
    "red to the party": ("{tlp: {at_most: red}}", Tlp.RED, TO_BRAVO, False, False),
    "red to the user": ("{tlp: {at_most: red}}", Tlp.RED, TO_ANNA, False, True),
    "red to another user": ("{tlp: red}", Tlp.RED, frozenset({f"bo@{BRAVO.uri}"}), False, False),
    "red to the user, not covered": ("{tlp: {at_most: amber+strict}}", Tlp.RED, TO_ANNA, False, False),
    "clear to somebody else": ("{tlp: {at_most: red}}", Tlp.CLEAR, TO_COAST, False, False),
    "clear to the user": ("{tlp: {at_most: red}}", Tlp.CLEAR, TO_ANNA, False, True),
}


@pytest.mark.parametrize("name", FLOORS)
def test_tlp_and_recipients(name: str) -> None:
    said, tlp, recipients, for_service, for_anna = FLOORS[name]
    known = facts(changed("{tlp: {at_most: amber}}", said))
    what = label(tlp=tlp, recipients=recipients)
    for user, expected in ((None, for_service), (ANNA, for_anna)):
        profile = profile_of(BRAVO, user, "detect", AT)
        assert decide(slice_for(profile, known), profile, [what])[0].allows is expected


OWN: Final = {
    "amber+strict": (Tlp.AMBER_STRICT, frozenset(), False, True, True),
    "addressed to others": (Tlp.AMBER, TO_COAST, False, True, True),
    "an unknown marking": (Tlp.AMBER, frozenset(), True, True, True),
    "red to one of them": (Tlp.RED, TO_ANNA, False, False, True),
    "red to nobody": (Tlp.RED, frozenset(), False, False, False),
}


@pytest.mark.parametrize("name", OWN)
def test_what_is_one_s_own(name: str) -> None:
    tlp, recipients, unknown, for_service, for_anna = OWN[name]
    what = label(owner=BRAVO, tlp=tlp, recipients=recipients, unknown_marking=unknown)
    for user, expected in ((None, for_service), (ANNA, for_anna)):
        profile = profile_of(BRAVO, user, "detect", AT)
        assert decide(slice_for(profile, facts()), profile, [what])[0].allows is expected


# the purposes of the agreement and of the clause; for which of three a reader may read
PURPOSES: Final = {
    "the agreement's": ("[detect, respond]", "", {"detect", "respond"}),
    "enforce is not implied": ("[detect, enforce]", "", {"detect"}),
    "enforce is named": ("[detect]", "for: [enforce]", {"enforce"}),
    "the clause's": ("[detect, respond]", "for: respond", {"respond"}),
}


@pytest.mark.parametrize("name", PURPOSES)
def test_purposes(name: str) -> None:
    pre_authorised, said, open_for = PURPOSES[name]
    known = facts(changed("for: [detect]", said).replace("purposes: [detect, respond]", f"purposes: {pre_authorised}"))
    found = set()
    for purpose in ("detect", "respond", "enforce"):
        profile = profile_of(BRAVO, None, purpose, AT)
        if decide(slice_for(profile, known), profile, [label()])[0].allows:
            found.add(purpose)
    assert found == open_for


@pytest.mark.parametrize("reader", [BRAVO, COAST])
def test_a_legal_basis_holds_at_both_ends_or_not_at_all(reader: Party) -> None:
    owner = COAST if reader is BRAVO else BRAVO
    profile = service(reader)
    for at, holds in ((parse_date("2026-01-14"), False), (AT, True), (parse_date("2026-06-01"), False)):
        known = facts(at=at)
        assert decide(slice_for(profile, known), profile, [label(owner=owner)])[0].allows is holds


# --- the schema ------------------------------------------------------------------------------------------------------


def _attributes(entity: str) -> set[str]:
    body = schema_text().split(f"entity {entity}", 1)[1].split("{", 1)[1].split("};", 1)[0]
    lines = [line.split("//")[0] for line in body.splitlines()]
    return {line.split(":")[0].strip(" ?") for line in lines if ":" in line}


def test_a_label_is_exactly_what_the_schema_names() -> None:
    # time is compared beside Cedar, never in a policy
    assert _attributes("Label") | {"ends"} == set(Label.__struct_fields__)


def test_a_profile_is_exactly_what_the_schema_names() -> None:
    # who the user is counts only as the addresses under which they can be named; who reads for a client, or in some of
    # its capacities, is judged twice, and Cedar sees one reader each time
    beside = {"user", "client", "acts_as"}
    assert _attributes("Reader") - {"addresses", "user_address"} == set(Profile.__struct_fields__) - beside


def test_every_rule_of_the_hub_is_a_sentence_and_belongs_to_no_agreement() -> None:
    # these two say why somebody who is judged twice was denied the second time
    twice = {"tocsin.two-hats", "tocsin.client"}
    assert [policy.clause for policy in hub_policies()] == [name for name in HUB_SENTENCES if name not in twice]
    assert twice < set(HUB_SENTENCES)
    assert all(policy.agreement is None and "@agreement" not in policy.text for policy in hub_policies())
    parsed = json.loads(cedarpy.policies_to_json_str("\n".join(policy.text for policy in hub_policies())))
    assert len(parsed["staticPolicies"]) == len(hub_policies())


def test_no_policy_holds_a_date() -> None:
    for policy in facts().agreements[0].policies:
        assert "2026" not in policy.text
