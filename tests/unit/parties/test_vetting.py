"""Vetting: who may do what to an application, what admits, what ends; and the log that says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import update

from support.council import SEATS, constitute, council
from support.hub import OPERATOR
from support.treaty import templates
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    LogBrokenError,
    NotFoundError,
    StoreBrokenError,
    TocsinError,
    TransitionError,
)
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting, Right
from tocsin.log.model import decode_payload
from tocsin.parties.model import Kind, Party, PartyStatus, Role
from tocsin.parties.vetting.model import ApplicationStatus, Evidence, EvidenceKind, Track
from tocsin.parties.vetting.service import DueKind
from tocsin.parties.vetting.tables import ACCESS_REVIEWS, APPLICATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World
    from support.treaty import Templates
    from tocsin.log.model import EntryPayload
    from tocsin.parties.vetting.model import Application

made_templates = pytest.fixture(scope="module")(templates)
PAPER = Evidence(kind=EvidenceKind.REGISTRATION, title="register", sha256="0" * 64, added_at=0)


@pytest.fixture
def world(made_templates: Templates) -> Iterator[World]:
    """Return a hub with a candidate, small, and liaisons of alfa and bravo."""
    world = made_templates.world()
    world.hub.parties.add_party(
        OPERATOR,
        world.hub.mandate,
        Party(uri="https://small.example", name="small", title="Small", kind=Kind.PRIVATE, country="NO"),
    )
    for name in ("alfa", "bravo", "coast"):
        world.user(f"lia@{name}", roles=frozenset({Role.LIAISON}))
    yield world
    made_templates.drop(world)


def opened(world: World, **more: Any) -> Application:  # noqa: ANN401  as many kinds as it has terms
    terms: dict[str, Any] = {"track": Track.FULL, "clearance": "restricted", "capacities": frozenset()}
    return world.hub.vetting.open(OPERATOR, "small", **(terms | more))


def reviewed(world: World, uuid: str, reference: str, *, approves: bool = True) -> Application:
    return world.hub.vetting.review(OPERATOR.for_(reference), uuid, approves=approves, reasons="seen")


def admitted(world: World, *, days: int = 100) -> Application:
    uuid = opened(world).uuid
    world.hub.vetting.add_evidence(OPERATOR, uuid, PAPER)
    reviewed(world, uuid, "lia@alfa")
    reviewed(world, uuid, "lia@bravo")
    return world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=world.clock.now() + days * DAY)


def entries_of(world: World) -> list[tuple[int, EntryPayload]]:
    with world.hub.store.read() as connection:
        return [(row.index, decode_payload(row.payload or b"", where="test")) for row in world.hub.log.rows(connection)]


def status(world: World) -> PartyStatus:
    return world.hub.parties.get("small").status


def test_two_of_other_parties_admit_and_time_ends_it(world: World) -> None:
    one = admitted(world)
    assert (one.status, status(world)) == (ApplicationStatus.ADMITTED, PartyStatus.VETTED)
    party = world.hub.parties.get("small")
    assert (party.clearance, party.clearance_until) == ("restricted", one.until)
    assert world.hub.vetting.sweep(OPERATOR, world.hub.mandate).suspended == ()
    world.hub.integrator.integrate()
    world.clock.advance(100 * DAY)
    assert world.hub.vetting.sweep(OPERATOR, world.hub.mandate).suspended == ("small",)
    assert status(world) is PartyStatus.SUSPENDED
    again = opened(world)  # it may be vetted anew
    assert again.uuid != one.uuid
    assert world.hub.self_test.require() > 0


def test_a_serving_hub_suspends_in_its_own_name_and_once(world: World) -> None:
    admitted(world)
    assert world.hub.secretary.vettings() == 0
    world.clock.advance(100 * DAY)
    assert world.hub.secretary.vettings() == 1
    assert status(world) is PartyStatus.SUSPENDED
    assert world.hub.secretary.vettings() == 0
    (told,) = [one for _, one in entries_of(world) if one.kind == "party.suspended"]
    assert (told.actor, told.mandate) == ("hub", "founding:entry:0")
    assert world.hub.self_test.require() > 0


def _vetted_anew(world: World) -> None:
    admitted(world)


def _suspended(world: World) -> None:
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "small", "somebody was quicker")


def _left(world: World) -> None:
    world.hub.parties.leave_party(OPERATOR, world.hub.mandate, "small", "it does something else now")


MEANWHILE: dict[str, tuple[Callable[[World], None], PartyStatus]] = {
    "it is vetted anew": (_vetted_anew, PartyStatus.VETTED),
    "somebody suspends it": (_suspended, PartyStatus.SUSPENDED),
    "it leaves": (_left, PartyStatus.LEFT),
}


@pytest.mark.parametrize("serving", [True, False], ids=["served", "swept"])
@pytest.mark.parametrize("case", MEANWHILE)
def test_what_happens_between_the_look_and_the_act_counts(
    world: World, monkeypatch: pytest.MonkeyPatch, case: str, *, serving: bool
) -> None:
    """Who looks which vettings have ended does so before it has the writer's turn: by then it may be otherwise."""
    change, outcome = MEANWHILE[case]
    admitted(world)
    world.clock.advance(100 * DAY)
    found = world.hub.vetting.ended()
    assert found == ["small"]
    change(world)
    before = len(entries_of(world))
    monkeypatch.setattr(world.hub.vetting, "ended", lambda: found)
    if serving:
        assert world.hub.secretary.vettings() == 0
    else:
        swept = world.hub.vetting.sweep(OPERATOR, world.hub.mandate)
        assert (swept.suspended, swept.left) == ((), ())
    assert status(world) is outcome
    assert len(entries_of(world)) == before, "nothing was entered"
    assert world.hub.self_test.require() > 0


def test_but_not_where_a_body_decides(world: World) -> None:
    admitted(world)
    world.clock.advance(100 * DAY)
    constitute(world, council([Right.PARTY_SUSPEND], seats=SEATS[:1]))
    assert world.hub.secretary.vettings() == 0
    assert status(world) is PartyStatus.VETTED


def test_the_hub_itself_ends_nothing_that_has_not_ended(world: World) -> None:
    admitted(world)
    world.clock.advance(100 * DAY - 1)
    with world.hub.parties.acting(Acting(actor="hub"), world.hub.mandate) as acts:
        acts.suspend_party("small", "for no reason")
    with pytest.raises(LogBrokenError, match="only people"):
        replay(entries_of(world))


def test_what_ends_soon_is_told_once_a_day(world: World) -> None:
    admitted(world, days=20)
    assert world.hub.secretary.reminders() > 0
    assert world.hub.secretary.reminders() == 0
    world.clock.advance(DAY)
    assert world.hub.secretary.reminders() > 0


def prolong(world: World, days: float, *, reason: str = "in an incident") -> Application:
    until = world.clock.now() + round(days * DAY)
    return world.hub.vetting.prolong(OPERATOR, world.hub.mandate, "small", until=until, reason=reason)


def test_a_vetting_is_prolonged_and_ends_on_that_day(world: World) -> None:
    one = admitted(world)
    world.clock.advance(99 * DAY)
    made = prolong(world, 31)
    assert (made.until, made.ends) == (one.until, world.clock.now() + 31 * DAY)
    assert [item.at for item in world.hub.vetting.due(40 * DAY) if item.kind is DueKind.VETTING] == [made.ends]
    world.clock.advance(31 * DAY - 1)
    assert world.hub.vetting.sweep(OPERATOR, world.hub.mandate).suspended == ()
    assert status(world) is PartyStatus.VETTED
    world.clock.advance(1)
    assert world.hub.secretary.vettings() == 1
    # after its end, too, as long as it is within the time; the party is cleared by a decision of its own
    prolong(world, 25)
    assert status(world) is PartyStatus.SUSPENDED
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.clear_party("small", clearance="restricted", until=world.clock.now() + 25 * DAY)
    assert world.hub.vetting.sweep(OPERATOR, world.hub.mandate).suspended == ()
    assert world.hub.self_test.require() > 0
    replay(entries_of(world))


@pytest.mark.parametrize(
    ("days", "reason", "refused"),
    [
        (161, "in an incident", "by 60 days in all"),
        (100, "in an incident", "is prolonged, and not"),
        (50, "in an incident", "is prolonged, and not"),
        (120, " ", "for a reason"),
        (120, "x" * 5_000, "cannot be recorded"),
    ],
)
def test_a_vetting_is_prolonged_for_a_while_and_a_reason(world: World, days: int, reason: str, refused: str) -> None:
    admitted(world)
    with pytest.raises(TocsinError, match=refused):
        prolong(world, days, reason=reason)


def test_only_the_last_vetting_is_prolonged_by_whom_that_was_given(world: World) -> None:
    with pytest.raises(TransitionError, match="its vetting has no end"):
        prolong(world, 120)
    first = admitted(world)
    world.clock.advance(DAY)
    second = admitted(world, days=120)
    assert prolong(world, 150).uuid == second.uuid
    entries = entries_of(world)
    replay(entries)
    index = next(index for index, payload in entries if payload.kind == "application.prolonged")
    payload = entries[index][1]
    for change in (
        {"application": first.uuid},
        {"until": (second.until or 0) + 61 * DAY},
        {"reason": ""},
        {"party": "https://bravo.example"},
    ):
        told = msgspec.structs.replace(payload, data=dict(payload.data) | change)
        with pytest.raises(TocsinError):
            replay([*entries[:index], (index, told), *entries[index + 1 :]])
    without = msgspec.structs.replace(payload, mandate=None)
    with pytest.raises(TocsinError):
        replay([*entries[:index], (index, without), *entries[index + 1 :]])
    constitute(world, council([Right.VETTING_PROLONG], seats=SEATS[:1]))
    with pytest.raises(ForbiddenError, match="was given to a body"):
        prolong(world, 155)


def test_one_reviewer_is_not_enough_and_a_rejection_is_enough(world: World) -> None:
    uuid = opened(world).uuid
    until = world.clock.now() + DAY
    with pytest.raises(InputError, match="evidence"):
        reviewed(world, uuid, "lia@alfa")
    world.hub.vetting.add_evidence(OPERATOR, uuid, PAPER)
    reviewed(world, uuid, "lia@alfa")
    with pytest.raises(ConflictError):
        reviewed(world, uuid, "lia@alfa")
    with pytest.raises(TransitionError, match="1 of 2"):
        world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=until)
    assert status(world) is PartyStatus.CANDIDATE  # what was refused as a whole cleared nobody
    reviewed(world, uuid, "lia@bravo")
    reviewed(world, uuid, "lia@coast", approves=False)
    with pytest.raises(TransitionError, match="rejects"):
        world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=until)
    world.hub.vetting.refuse(OPERATOR, uuid, "a reviewer found otherwise")
    with pytest.raises(TransitionError):
        reviewed(world, uuid, "operator@hub")
    assert world.hub.self_test.require() > 0


def test_nobody_is_admitted_on_papers_that_have_ended(world: World) -> None:
    uuid, ends = opened(world).uuid, world.clock.now() + DAY
    world.hub.vetting.add_evidence(OPERATOR, uuid, msgspec.structs.replace(PAPER, until=ends))
    reviewed(world, uuid, "lia@alfa")
    reviewed(world, uuid, "lia@bravo")
    world.clock.at = ends
    with pytest.raises(TransitionError, match="no paper is good any more"):
        world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=ends + DAY)
    assert status(world) is PartyStatus.CANDIDATE
    world.hub.vetting.add_evidence(OPERATOR, uuid, msgspec.structs.replace(PAPER, sha256="1" * 64))
    world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=ends + DAY)
    assert world.hub.self_test.require() > 0


def test_nobody_is_admitted_on_the_word_of_who_was_suspended_since(world: World) -> None:
    uuid, until = opened(world).uuid, world.clock.now() + DAY
    world.hub.vetting.add_evidence(OPERATOR, uuid, PAPER)
    reviewed(world, uuid, "lia@alfa")
    reviewed(world, uuid, "lia@bravo")
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "bravo", "it lied")
    with pytest.raises(TransitionError, match="1 of 2"):
        world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=until)
    assert world.hub.vetting.missing(world.hub.vetting.get(uuid)) == ["1 of 2 reviewers approve"]
    reviewed(world, uuid, "lia@coast")
    world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=until)
    assert world.hub.self_test.require() > 0


def test_nobody_is_admitted_on_a_sponsor_who_was_suspended_since(world: World) -> None:
    uuid = opened(world, track=Track.LIGHT, sponsor="alfa").uuid
    world.hub.vetting.add_evidence(OPERATOR, uuid, PAPER)
    reviewed(world, uuid, "lia@bravo")
    world.hub.vetting.endorse(OPERATOR.for_("lia@alfa"), uuid)
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "it lied")
    with pytest.raises(TransitionError, match="its sponsor is not vetted any more"):
        world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=world.clock.now() + DAY)
    assert status(world) is PartyStatus.CANDIDATE


def test_who_reviews(world: World) -> None:
    uuid = opened(world).uuid
    world.hub.vetting.add_evidence(OPERATOR, uuid, PAPER)
    world.user("own@small", roles=frozenset({Role.LIAISON}))
    for reference, error in (
        ("ana@alfa", ForbiddenError),  # an analyst
        ("own@small", ForbiddenError),  # the applicant's own
        ("alfa", ForbiddenError),  # nobody in person
        ("nobody@alfa", NotFoundError),
    ):
        with pytest.raises(error):
            reviewed(world, uuid, reference)
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "bravo", "under inquiry")
    with pytest.raises(ForbiddenError):
        reviewed(world, uuid, "lia@bravo")
    with pytest.raises(ForbiddenError):
        world.hub.vetting.withdraw(OPERATOR.for_("alfa"), uuid)
    assert world.hub.vetting.withdraw(OPERATOR.for_("small"), uuid).status is ApplicationStatus.WITHDRAWN


def test_the_light_path_takes_a_sponsor_and_one_other(world: World) -> None:
    uuid = opened(world, track=Track.LIGHT, sponsor="alfa").uuid
    world.hub.vetting.add_evidence(OPERATOR, uuid, PAPER)
    with pytest.raises(ForbiddenError):
        reviewed(world, uuid, "lia@alfa")  # the sponsor's own
    reviewed(world, uuid, "lia@bravo")
    until = world.clock.now() + DAY
    with pytest.raises(TransitionError, match="sponsor"):
        world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=until)
    with pytest.raises(ForbiddenError):
        world.hub.vetting.endorse(OPERATOR.for_("lia@bravo"), uuid)
    world.hub.vetting.endorse(OPERATOR.for_("lia@alfa"), uuid)
    assert world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=until).until == until
    assert world.hub.self_test.require() > 0


REFUSED: dict[str, tuple[dict[str, Any], type[TocsinError]]] = {
    "light above its clearance": ({"track": Track.LIGHT, "sponsor": "alfa", "clearance": "secret"}, InputError),
    "light without a sponsor": ({"track": Track.LIGHT}, InputError),
    "full with a sponsor": ({"sponsor": "alfa"}, InputError),
    "sponsored by itself": ({"track": Track.LIGHT, "sponsor": "small"}, InputError),
    "sponsored by nobody": ({"track": Track.LIGHT, "sponsor": "nobody"}, NotFoundError),
    "a capacity that it has not": ({"capacities": frozenset({"csirt"})}, InputError),
    "no clearance": ({"clearance": "cosmic"}, InputError),
}


@pytest.mark.parametrize(("terms", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_application(world: World, terms: dict[str, Any], error: type[TocsinError]) -> None:
    with pytest.raises(error):
        opened(world, **terms)
    assert world.hub.vetting.all() == []


def test_one_at_a_time_and_for_three_years_at_most(world: World) -> None:
    uuid = opened(world).uuid
    with pytest.raises(ConflictError):
        opened(world)
    world.hub.vetting.add_evidence(OPERATOR, uuid, PAPER)
    with pytest.raises(ConflictError):
        world.hub.vetting.add_evidence(OPERATOR, uuid, PAPER)
    reviewed(world, uuid, "lia@alfa")
    reviewed(world, uuid, "lia@bravo")
    for days in (-1, 5_000):
        with pytest.raises(InputError):
            world.hub.vetting.admit(OPERATOR, world.hub.mandate, uuid, until=world.clock.now() + days * DAY)


def test_what_is_due(world: World) -> None:
    one = admitted(world, days=20)
    due = {(item.kind, item.party): item for item in world.hub.vetting.due(30 * DAY)}
    assert due[DueKind.VETTING, "small"].at == one.until
    assert (DueKind.FACILITY_CLEARANCE, "small") in due
    assert due[DueKind.ACCESS_REVIEW, "alfa"].overdue
    made = world.hub.vetting.review_access(OPERATOR.for_("lia@alfa"))
    assert (made.users, made.tokens) == (3, 0)
    assert (DueKind.ACCESS_REVIEW, "alfa") not in {(one.kind, one.party) for one in world.hub.vetting.due(30 * DAY)}
    again: list[Acting] = [OPERATOR.for_("ana@alfa"), OPERATOR.for_("alfa")]
    for acting in again:
        with pytest.raises(ForbiddenError):
            world.hub.vetting.review_access(acting)
    world.token("alfa")
    assert world.hub.vetting.review_access(OPERATOR.for_("lia@alfa")).digest != made.digest
    assert world.hub.self_test.require() > 0


def test_a_forged_admission_does_not_replay(world: World) -> None:
    admitted(world)
    entries = entries_of(world)
    assert replay(entries).vetted.applications
    by_kind = {payload.kind: index for index, payload in entries}
    for kind, change in (
        ("application.reviewed", {"approves": False}),
        ("application.reviewed", {"application": "another"}),
        ("application.reviewed", {"reviewer": "somebody"}),
        ("application.reviewed", {"of": "https://coast.example"}),
        ("application.admitted", {"note": "x"}),
        ("application.evidence", {"sha256": "none"}),
        ("application.admitted", {"until": None}),
        ("application.opened", {"clearance": "secret"}),
    ):
        index = by_kind[kind]
        told = msgspec.structs.replace(entries[index][1], data=dict(entries[index][1].data) | change)
        with pytest.raises(TocsinError):
            replay([*entries[:index], (index, told), *entries[index + 1 :]])


@pytest.mark.parametrize("table", [APPLICATIONS, ACCESS_REVIEWS], ids=lambda table: str(table.name))
def test_damage_is_found(world: World, table: Any) -> None:  # noqa: ANN401  SQLAlchemy's tables
    admitted(world)
    world.hub.vetting.review_access(OPERATOR.for_("lia@alfa"))
    with world.hub.store.write() as connection:
        connection.execute(update(table).values(party="https://bravo.example"))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
