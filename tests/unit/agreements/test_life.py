"""What becomes of a version: every cell of the table of transitions, and what each act opens, closes and leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.agreement_texts import PLAIN
from support.hub import OPERATOR, START, World, key_of
from tocsin.agreements.document import Said, Signed, act_bytes, parse_agreement, sign_bytes, signing_bytes
from tocsin.agreements.gate import decide, profile_of, slice_for
from tocsin.agreements.life import AGREEMENT_TRANSITIONS, AgreementAct, AgreementStatus
from tocsin.agreements.membership import MAX_GRACE
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import ConflictError, ForbiddenError, InputError, TocsinError, TransitionError
from tocsin.kernel.clock import DAY, parse_date
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MORE: Final = """\
accession: {who: {countries: [SE]}, by: signature}
amend_by: {more_than: 0.5, objection_period: P30D}
withdrawal: {notice: P30D, survives: ["3"]}
"""
# every party here is named or meets the criteria; clause 3 survives, clause 2 does not
TEXT: Final = (
    PLAIN.replace("until: 2027-01-01", "until: null")
    .replace("capacity: operator, countries: [NO, SE]", "capacity: operator")
    .replace('cite: "Act 1", valid: [2026-01-01, null]', 'cite: "Act 1", valid: [2026-01-01, 2026-12-01]')
    .replace("valid: [2026-01-15, 2026-06-01]", "valid: [2026-01-15, 2026-12-01]")
    + """\
  - id: "3"
    forbid: read
    of: {category: secret-sauce}
"""
    + MORE
)
SECOND: Final = TEXT.replace("version: 1", "version: 2")
ALL: Final = ("alfa", "bravo", "coast", "delta")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("life") / "hub"
    world = World(folder)
    for name, country in zip(ALL, ("NO", "NO", "SE", "DK"), strict=True):
        world.party(name, country=country)
    world.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.self_test.require()
    made.hub.close()


def uri(name: str) -> str:
    return f"https://{name}.example"


def word(name: str, said: Said, text: str, reason: str = "because") -> Signed:
    document = parse_agreement(text.encode(), where="text").document
    return sign_bytes(act_bytes(document, said, party=uri(name), reason=reason), key_of(name))


def sign(world: World, name: str, text: str = TEXT) -> None:
    document = parse_agreement(text.encode(), where="text").document
    made = sign_bytes(signing_bytes(document), key_of(name))
    world.hub.agreements.sign(
        Acting(actor=f"sig@{name}"),
        document.name,
        document.version,
        signatory=f"sig@{name}",
        signature=made.signature,
    )


def withdraw(world: World, name: str, text: str = TEXT) -> int:
    version = parse_agreement(text.encode(), where="text").document.version
    with world.hub.agreements.living(Acting(actor=f"sig@{name}")) as acts:
        return acts.withdraw(
            "two-towns", version, signatory=f"sig@{name}", made=word(name, Said.WITHDRAW, text), reason="because"
        )


def object_(world: World, name: str, text: str = SECOND) -> None:
    with world.hub.agreements.living(Acting(actor=f"sig@{name}")) as acts:
        acts.object("two-towns", 2, signatory=f"sig@{name}", made=word(name, Said.OBJECT, text), reason="because")


def amend(world: World, text: str = SECOND) -> None:
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, text.encode(), where="a.yaml", amends=True)


def adopt(world: World) -> frozenset[str]:
    with world.hub.agreements.living(OPERATOR) as acts:
        return acts.adopt(world.hub.mandate, "two-towns", 2)


def change(world: World, act: str, version: int = 1) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        getattr(acts, act)(world.hub.mandate, "two-towns", version, "because")


def grace(world: World, *names: str, until: int, basis: str = "law") -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.grace(world.hub.mandate, "two-towns", 1, basis=basis, parties_=names, until=until, reason="because")


def admit(world: World, name: str) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.admit(world.hub.mandate, "two-towns", 1, name, "because")


def status(world: World, version: int = 1) -> AgreementStatus:
    return world.hub.agreements.get("two-towns", version).status


def members(world: World) -> tuple[str, ...]:
    return world.hub.agreements.get("two-towns").members


def reads(world: World, reader: str, owner: str, *, purpose: str = "detect", **more: object) -> bool:
    """Return whether a party's service may read an indicator of another's."""
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
        facts = world.hub.agreements.facts(connection, at)
    profile = profile_of(facts.parties[uri(reader)], None, purpose, at)
    label = Label(owner=uri(owner), type="indicator", **({"tlp": Tlp.GREEN} | more))  # type: ignore[arg-type]
    (verdict,) = decide(slice_for(profile, facts), profile, [label])
    return verdict.allows


SAUCE: Final = frozenset({"secret-sauce"})


def in_force(world: World, signed_by: tuple[str, ...] = ("alfa", "bravo"), text: str = TEXT) -> None:
    world.agreement(text, signed_by=signed_by)


# --- the table -------------------------------------------------------------------------------------------------------


def _until(status_: AgreementStatus) -> Callable[[World], None]:
    """Return how version 1, which amends nothing, comes to a status."""

    def proposed(world: World) -> None:
        world.agreement(TEXT, signed_by=("alfa",), activate=False)

    def signed(world: World) -> None:
        world.agreement(TEXT, signed_by=("alfa", "bravo"), activate=False)

    def superseded(world: World) -> None:
        in_force(world)
        in_force(world, text=SECOND)

    def after(act: str, before: Callable[[World], None]) -> Callable[[World], None]:
        def do(world: World) -> None:
            before(world)
            change(world, act)

        return do

    ways: dict[AgreementStatus, Callable[[World], None]] = {
        AgreementStatus.PROPOSED: proposed,
        AgreementStatus.SIGNED: signed,
        AgreementStatus.IN_FORCE: in_force,
        AgreementStatus.SUSPENDED: after("suspend", in_force),
        AgreementStatus.TERMINATED: after("terminate", in_force),
        AgreementStatus.SUPERSEDED: superseded,
        AgreementStatus.DROPPED: after("terminate", signed),
    }
    return ways[status_]


def _activate(world: World) -> None:
    world.hub.agreements.activate(OPERATOR, world.hub.mandate, "two-towns", 1)


def _supersede(world: World) -> None:
    world.agreement(SECOND.replace("version: 2", "version: 3"), signed_by=("alfa", "bravo"))


# of the acts that the operator or a party can do from anywhere; the others have tests of their own
DEEDS: Final[dict[AgreementAct, Callable[[World], object]]] = {
    AgreementAct.SIGN: lambda world: sign(world, "coast"),
    AgreementAct.ACTIVATE: _activate,
    AgreementAct.SUPERSEDE: _supersede,
    AgreementAct.ADMIT: lambda world: admit(world, "coast"),
    AgreementAct.WITHDRAW: lambda world: withdraw(world, "alfa"),
    AgreementAct.GRACE: lambda world: grace(world, "alfa", until=START + 200 * DAY),
    AgreementAct.SUSPEND: lambda world: change(world, "suspend"),
    AgreementAct.RESUME: lambda world: change(world, "resume"),
}


@pytest.mark.parametrize("act", DEEDS)
@pytest.mark.parametrize("start", AgreementStatus)
def test_every_cell_of_the_table(world: World, start: AgreementStatus, act: AgreementAct) -> None:
    _until(start)(world)
    assert status(world) is start
    expected = AGREEMENT_TRANSITIONS.get((start, act))
    if act is AgreementAct.SUPERSEDE and expected is None:
        # there is nothing to supersede: what has ended stays as it ended
        DEEDS[act](world)
        assert status(world) is start
        return
    if expected is None:
        with pytest.raises(TransitionError):
            DEEDS[act](world)
        assert status(world) is start
        return
    DEEDS[act](world)
    assert status(world) is expected


@pytest.mark.parametrize("start", AgreementStatus)
def test_what_is_terminated_ends_for_good_and_what_never_began_is_dropped(world: World, start: AgreementStatus) -> None:
    _until(start)(world)
    ends = {
        AgreementStatus.PROPOSED: AgreementStatus.DROPPED,
        AgreementStatus.SIGNED: AgreementStatus.DROPPED,
        AgreementStatus.IN_FORCE: AgreementStatus.TERMINATED,
        AgreementStatus.SUSPENDED: AgreementStatus.TERMINATED,
    }
    if start not in ends:
        with pytest.raises(TransitionError):
            change(world, "terminate")
        return
    change(world, "terminate")
    shown = world.hub.agreements.get("two-towns", 1)
    assert (shown.status, shown.reason, shown.ended_at is not None) == (ends[start], "because", True)


def test_what_is_over_is_shown_as_expired_and_nothing_is_stored(world: World) -> None:
    in_force(world, text=TEXT.replace("until: null", "until: 2026-07-01"))
    for at, shown in ((START, "in-force"), (parse_date("2026-07-01"), "expired")):
        world.clock.at = at
        version = world.hub.agreements.get("two-towns")
        assert (version.status, version.shown) == (AgreementStatus.IN_FORCE, shown)


# --- suspended, terminated -------------------------------------------------------------------------------------------

STOPS: Final = ("suspend", "terminate")


@pytest.mark.parametrize("act", STOPS)
def test_what_is_stopped_permits_nothing_and_forbids_what_it_forbade(world: World, act: str) -> None:
    in_force(world)
    # another agreement, between the same two, that forbids nothing
    other = TEXT.replace("two-towns", "three-towns")
    world.agreement(
        other[: other.index('  - id: "2"')] + MORE.replace(', survives: ["3"]', ""), signed_by=("alfa", "bravo")
    )
    assert reads(world, "alfa", "bravo")
    assert not reads(world, "alfa", "bravo", categories=SAUCE)
    change(world, act)
    assert reads(world, "alfa", "bravo")  # by the other
    assert not reads(world, "alfa", "bravo", categories=SAUCE)
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.mandate, "three-towns", 1, "because")
    assert not reads(world, "alfa", "bravo")


def test_what_is_resumed_permits_again(world: World) -> None:
    in_force(world)
    change(world, "suspend")
    assert (reads(world, "alfa", "bravo"), members(world)) == (False, ())
    change(world, "resume")
    assert (reads(world, "alfa", "bravo"), members(world)) == (True, ("alfa", "bravo"))


def test_what_a_terminated_version_forbade_ends_with_what_all_sign_instead(world: World) -> None:
    in_force(world)
    change(world, "terminate")
    freer = SECOND[: SECOND.index('  - id: "3"')] + MORE.replace(', survives: ["3"]', "")
    in_force(world, text=freer)
    assert status(world) is AgreementStatus.SUPERSEDED
    assert reads(world, "alfa", "bravo", categories=SAUCE)


@pytest.mark.parametrize("act", ["suspend", "resume", "terminate"])
def test_an_act_of_the_partnership_takes_a_reason(world: World, act: str) -> None:
    in_force(world)
    if act == "resume":
        change(world, "suspend")
    for reason in ("", " ", "a\nb", "x" * 501):
        with pytest.raises(InputError), world.hub.agreements.living(OPERATOR) as acts:
            getattr(acts, act)(world.hub.mandate, "two-towns", 1, reason)


# --- leaving ---------------------------------------------------------------------------------------------------------


def test_who_leaves_is_a_member_until_the_notice_ends(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    assert withdraw(world, "coast") == START + 30 * DAY
    assert members(world) == ("alfa", "bravo", "coast")
    world.clock.at = START + 30 * DAY - 1
    assert reads(world, "coast", "alfa")
    assert reads(world, "alfa", "coast")
    world.clock.at += 1
    assert members(world) == ("alfa", "bravo")
    assert not reads(world, "coast", "alfa")
    assert not reads(world, "alfa", "coast")


def test_what_survives_binds_who_left_and_nothing_else_does(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    withdraw(world, "coast")
    world.clock.at = START + 30 * DAY
    # of its own objects it is the owner, so that only forbids stand in its way
    assert reads(world, "coast", "coast", categories=frozenset({"export-controlled"}))
    assert not reads(world, "coast", "coast", categories=SAUCE)
    assert not reads(world, "alfa", "alfa", categories=frozenset({"export-controlled"}))


@pytest.mark.parametrize("how", ["withdraws", "is superseded", "objects"])
def test_nobody_gets_rid_of_what_survives_by_leaving_otherwise(world: World, how: str) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    freer = SECOND.replace('id: "3"\n    forbid: read\n', 'id: "3"\n    forbid: read\n    to: {countries: DK}\n')
    if how == "withdraws":
        withdraw(world, "coast")
        world.clock.at = START + 30 * DAY
        in_force(world, text=freer)
    elif how == "is superseded":
        in_force(world, text=freer)
    else:
        amend(world, freer)
        object_(world, "coast", freer)
        sign(world, "alfa", freer)
        sign(world, "bravo", freer)
        world.clock.at = START + 30 * DAY
        adopt(world)
    assert status(world, 2) is AgreementStatus.IN_FORCE
    assert "coast" not in members(world)
    assert not reads(world, "coast", "coast", categories=SAUCE)
    assert reads(world, "alfa", "alfa", categories=SAUCE)
    sign(world, "coast", freer)  # and by joining again it does
    assert reads(world, "coast", "coast", categories=SAUCE)


def test_a_suspended_party_can_leave(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "coast", "late")
    assert withdraw(world, "coast") == START + 30 * DAY


def _withdrawn_twice(world: World) -> None:
    withdraw(world, "alfa")
    withdraw(world, "alfa")


def _withdrawn_by_another(world: World) -> None:
    made = word("bravo", Said.WITHDRAW, TEXT)
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.withdraw("two-towns", 1, signatory="sig@alfa", made=made, reason="because")


def _withdrawn_for_another_reason(world: World) -> None:
    made = word("alfa", Said.WITHDRAW, TEXT, "another")
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.withdraw("two-towns", 1, signatory="sig@alfa", made=made, reason="because")


def _objection_used_to_withdraw(world: World) -> None:
    made = word("alfa", Said.OBJECT, TEXT)
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.withdraw("two-towns", 1, signatory="sig@alfa", made=made, reason="because")


def _signed_after_leaving(world: World) -> None:
    sign(world, "coast")
    withdraw(world, "coast")
    sign(world, "coast")


def _objected_to_no_amendment(world: World) -> None:
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, SECOND.encode(), where="a.yaml")
    object_(world, "alfa")


def _objected_too_late(world: World) -> None:
    amend(world)
    world.clock.at = START + 30 * DAY
    object_(world, "alfa")


def _objected_by_a_stranger(world: World) -> None:
    amend(world)
    object_(world, "delta")


def _objected_after_signing(world: World) -> None:
    amend(world)
    sign(world, "alfa", SECOND)
    object_(world, "alfa")


def _adopted_what_amends_nothing(world: World) -> None:
    world.agreement(SECOND, signed_by=("alfa", "bravo"), activate=False)
    adopt(world)


def _activated_an_amendment(world: World) -> None:
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    world.hub.agreements.activate(OPERATOR, world.hub.mandate, "two-towns", 2)


def _amended_what_is_superseded_meanwhile(world: World) -> None:
    amend(world, SECOND)
    world.agreement(SECOND.replace("version: 2", "version: 3"), signed_by=("alfa", "bravo"))
    adopt(world)


def _amended_what_is_suspended(world: World) -> None:
    change(world, "suspend")
    amend(world)


def _proposed_below(world: World) -> None:
    in_force(world, text=SECOND)
    change(world, "terminate", 2)
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, TEXT.encode(), where="a.yaml")


def _grace(*names: str, until: str = "2026-12-20", basis: str = "law") -> Callable[[World], None]:
    return lambda world: grace(world, *names, until=parse_date(until), basis=basis)


REFUSALS: Final[dict[str, tuple[Callable[[World], object], type[TocsinError], str]]] = {
    "left twice": (_withdrawn_twice, ConflictError, "notice already"),
    "left by another's word": (_withdrawn_by_another, ForbiddenError, "no notice of alfa"),
    "left for another reason than was signed": (_withdrawn_for_another_reason, ForbiddenError, "no notice of alfa"),
    "an objection used to leave": (_objection_used_to_withdraw, ForbiddenError, "no notice of alfa"),
    "left without having joined": (lambda world: withdraw(world, "delta"), ForbiddenError, "not bound"),
    "signed after leaving": (_signed_after_leaving, ForbiddenError, "has withdrawn"),
    "acceded from elsewhere": (lambda world: sign(world, "delta"), ForbiddenError, "none of those who may accede"),
    "objected to what amends nothing": (_objected_to_no_amendment, TransitionError, "not proposed as an amendment"),
    "objected too late": (_objected_too_late, TransitionError, "the time to object"),
    "objected without being bound": (_objected_by_a_stranger, ForbiddenError, "not bound by what"),
    "objected after signing": (_objected_after_signing, ConflictError, "has signed it"),
    "adopted what amends nothing": (_adopted_what_amends_nothing, TransitionError, "not proposed as an amendment"),
    "activated an amendment": (_activated_an_amendment, TransitionError, "by being adopted"),
    "adopted after another version": (_amended_what_is_superseded_meanwhile, TransitionError, "superseded"),
    "amended what is suspended": (_amended_what_is_suspended, TransitionError, "no version of two-towns is in force"),
    "proposed below what was terminated": (
        _proposed_below,
        ConflictError,
        "version 1 of two-towns was",
    ),
    "grace for a basis that is none": (_grace("alfa", basis="rule"), InputError, "no legal basis 'rule'"),
    "grace that is over": (_grace("alfa", until="2026-05-31"), InputError, "ends after now"),
    "grace for who is not bound": (_grace("delta"), ForbiddenError, "delta is not bound"),
    "grace for nobody": (_grace(), InputError, "for somebody"),
    "grace beyond the limit": (_grace("alfa", until="2027-02-01"), InputError, "at most 60 days after the lapse"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_why(world: World, name: str) -> None:
    act, error, said = REFUSALS[name]
    in_force(world)
    with pytest.raises(error) as caught:
        act(world)
    assert said in str(caught.value)


def test_where_the_document_says_nothing_of_leaving_nobody_leaves(world: World) -> None:
    text = PLAIN + "amend_by: {more_than: 0.5}\n"
    in_force(world, text=text)
    with pytest.raises(ForbiddenError, match="says nothing of withdrawal"):
        withdraw(world, "alfa", text)


# --- acceding --------------------------------------------------------------------------------------------------------


def test_who_may_accede_signs_what_is_in_force(world: World) -> None:
    in_force(world)
    assert world.hub.agreements.get("two-towns").eligible == ("coast",)
    sign(world, "coast")
    assert members(world) == ("alfa", "bravo", "coast")


def test_before_it_is_in_force_accession_is_no_question(world: World) -> None:
    in_force(world, ("alfa", "bravo", "delta"))
    assert members(world) == ("alfa", "bravo", "delta")


def test_accession_by_motion_takes_an_admission_and_the_party_s_own_signature(world: World) -> None:
    text = TEXT.replace("by: signature", "by: motion")
    in_force(world, text=text)
    with pytest.raises(ForbiddenError, match="was not admitted"):
        sign(world, "coast", text)
    admit(world, "coast")
    assert members(world) == ("alfa", "bravo")
    with pytest.raises(ConflictError, match="already"):
        admit(world, "coast")
    sign(world, "coast", text)
    assert members(world) == ("alfa", "bravo", "coast")


# --- amending --------------------------------------------------------------------------------------------------------


def test_a_majority_amends_for_all_who_do_not_object(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    with pytest.raises(TransitionError) as caught:
        adopt(world)
    assert "members can object until 2026-07-01" in str(caught.value)
    world.clock.at = START + 30 * DAY
    assert adopt(world) == {uri("coast")}
    assert (status(world, 1), status(world, 2)) == (AgreementStatus.SUPERSEDED, AgreementStatus.IN_FORCE)
    assert members(world) == ("alfa", "bravo", "coast")
    assert reads(world, "coast", "alfa")
    assert reads(world, "alfa", "coast")


def test_when_all_signed_nobody_is_waited_for(world: World) -> None:
    in_force(world)
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    assert adopt(world) == frozenset()


# who signs, who objects; the terms; whether it is adopted
MAJORITIES: Final = {
    "half is no majority": (("alfa", "bravo"), (), "{more_than: 0.5}", False),
    "three of four": (("alfa", "bravo", "coast"), (), "{more_than: 0.5}", True),
    "as many object as sign": (("alfa", "bravo"), ("coast", "delta"), "{more_than: 0.25}", False),
    "fewer object than sign": (("alfa", "bravo"), ("coast",), "{more_than: 0.25}", True),
    "an objection alone stops no majority": (("alfa", "bravo", "coast"), ("delta",), "{more_than: 0.5}", True),
    "who signs takes the objection back": (("alfa", "bravo", "coast"), ("coast", "delta"), "{more_than: 0.5}", True),
    "of every kind": (("alfa", "bravo", "coast"), (), "{more_than: {private: 0.5, public: 0.5}}", True),
    "of a kind without members alone": (ALL, (), "{more_than: {public: 0.5}}", False),
    "more than all cannot be": (ALL, (), "{more_than: 1}", False),
}


@pytest.mark.parametrize("name", MAJORITIES)
def test_what_a_majority_is(world: World, name: str) -> None:
    signing, objecting, terms, adopted = MAJORITIES[name]
    text = TEXT.replace("{more_than: 0.5, objection_period: P30D}", terms[:-1] + ", objection_period: P30D}")
    second = text.replace("version: 1", "version: 2")
    in_force(world, ALL, text)
    amend(world, second)
    for each in objecting:
        object_(world, each, second)
    for each in signing:
        sign(world, each, second)
    world.clock.at = START + 30 * DAY
    if not adopted:
        with pytest.raises(TransitionError, match="cannot be adopted"):
            adopt(world)
        return
    carried = adopt(world)
    assert carried == {uri(each) for each in ALL} - {uri(each) for each in (*signing, *objecting)}
    assert set(members(world)) == set(ALL) - (set(objecting) - set(signing))


def test_who_was_suspended_meanwhile_is_not_released_from_what_is_forbidden(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "coast", "late")
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    assert adopt(world) == {uri("coast")}
    assert members(world) == ("alfa", "bravo")
    with world.hub.store.read() as connection:
        facts = world.hub.agreements.facts(connection, START)
    assert uri("coast") in facts.bound["two-towns/2"]


def test_a_notice_runs_on_in_what_amends(world: World) -> None:
    in_force(world, ("alfa", "bravo", "coast"))
    amend(world)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    world.clock.at = START + 20 * DAY
    assert withdraw(world, "coast") == START + 50 * DAY
    world.clock.at = START + 30 * DAY
    adopt(world)
    assert members(world) == ("alfa", "bravo", "coast")
    world.clock.at = START + 50 * DAY
    assert members(world) == ("alfa", "bravo")
    assert not reads(world, "coast", "coast", categories=SAUCE)


# what the amendment permits more; what is read; for what
NOBODY_ELSE_S_TO_GIVE: Final = {
    "amber+strict": ("of: {tlp: {at_most: amber+strict}}", "detect", {"tlp": Tlp.AMBER_STRICT}),
    "enforce": ("for: [detect, enforce]", "enforce", {"tlp": Tlp.GREEN}),
}


@pytest.mark.parametrize("name", NOBODY_ELSE_S_TO_GIVE)
def test_a_majority_opens_nothing_that_only_the_owner_s_own_word_opens(world: World, name: str) -> None:
    clause, purpose, label = NOBODY_ELSE_S_TO_GIVE[name]
    wider = SECOND.replace(
        "accession:", f'  - id: "8"\n    permit: read\n    to: {{parties: all}}\n    {clause}\naccession:'
    )
    in_force(world, ("alfa", "bravo", "coast"))
    amend(world, wider)
    sign(world, "alfa", wider)
    sign(world, "bravo", wider)
    world.clock.at = START + 30 * DAY
    adopt(world)
    assert reads(world, "coast", "alfa", purpose=purpose, **label)
    assert not reads(world, "alfa", "coast", purpose=purpose, **label)
    sign(world, "coast", wider)
    assert reads(world, "alfa", "coast", purpose=purpose, **label)


# --- grace -----------------------------------------------------------------------------------------------------------


def test_a_grace_prolongs_a_legal_basis_for_whom_it_names(world: World) -> None:
    in_force(world)
    lapse, ends = parse_date("2026-12-01"), parse_date("2026-12-20")
    world.clock.at = lapse
    assert not reads(world, "alfa", "bravo")
    grace(world, "alfa", until=ends)
    assert not reads(world, "alfa", "bravo")  # at both ends
    grace(world, "bravo", until=ends)
    assert reads(world, "alfa", "bravo")
    world.clock.at = ends - 1
    assert reads(world, "alfa", "bravo")
    world.clock.at = ends
    assert not reads(world, "alfa", "bravo")


def test_graces_one_after_the_other_end_where_one_must(world: World) -> None:
    in_force(world)
    last = parse_date("2026-12-01") + MAX_GRACE
    for at in (parse_date("2026-11-01"), last - 3 * DAY, last - DAY):
        world.clock.at = at
        grace(world, "alfa", "bravo", until=last)
        with pytest.raises(InputError, match="at most 60 days"):
            grace(world, "alfa", "bravo", until=last + 1)
    assert reads(world, "alfa", "bravo")
    world.clock.at = last
    assert not reads(world, "alfa", "bravo")


def test_a_grace_is_told_by_why(world: World) -> None:
    in_force(world)
    world.user("ana@alfa")
    world.clock.at = parse_date("2026-12-01")
    grace(world, "alfa", "bravo", until=parse_date("2026-12-20"))
    shown = world.hub.agreements.get("two-towns").graces
    assert [(one.basis, one.parties, one.reason) for one in shown] == [("law", ("alfa", "bravo"), "because")]
