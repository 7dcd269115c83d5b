"""The clock is set back.

In the field a machine that starts without its time server believes that it is last year, and somebody with a key to the
room sets its clock. Hub time is never before the last entry of the log: what ended, and after whose end anything at all
was entered, does not come back, is not prolonged, and cannot be done again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.council import constitute, council, motion_on, vote
from support.field import BASIS_ENDS, CLEARANCE_ENDS, HOUR, KEEPING, annex, call, grant, ids, seen, thing
from support.hub import OPERATOR, START
from support.keeping import ALFA, hold
from support.sharing import bundle
from support.told import entries_of
from tocsin.errors import AuthenticationError, ConflictError, ForbiddenError, InputError, TransitionError
from tocsin.exchange.model import Query
from tocsin.governance.model.motions import MotionStatus
from tocsin.kernel.clock import DAY, parse_instant
from tocsin.kernel.mandate import Right
from tocsin.parties.model import Permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World

pytestmark = pytest.mark.time_passes

BACK: Final = 400 * DAY


def back(world: World) -> None:
    """Let something be entered, whatever it is, and set the clock back by more than a year."""
    world.share("coast", bundle([thing("tool", 99)]))
    world.clock.advance(-BACK)


def _at(instant: int) -> Callable[[World], None]:
    def arrive(world: World) -> None:
        world.clock.at = instant

    return arrive


# what ends, and which type of object with it: the annex first, then the basis, then the clearance
LAPSES: Final[dict[str, tuple[Callable[[World], None], str]]] = {
    "an annex": (_at(START + 12 * HOUR + 2), "campaign"),
    "a legal basis": (_at(BASIS_ENDS), "indicator"),
    "a clearance": (_at(CLEARANCE_ENDS), "malware"),
}


@pytest.mark.still
@pytest.mark.parametrize("case", LAPSES)
def test_what_lapsed_does_not_come_back(world: World, case: str) -> None:
    lapse, kind = LAPSES[case]
    assert call(world, "alfa") == ()
    assert len(call(world, "bravo")) == 1
    assert kind in seen(world)
    lapse(world)
    assert kind not in seen(world)
    back(world)
    assert kind not in seen(world)
    assert kind not in {item.object_id.partition("--")[0] for item, _ in world.read("bravo")}


def test_an_annex_is_not_extended_and_not_called_for_again(world: World) -> None:
    assert call(world, "alfa") == ()
    ((made),) = call(world, "bravo")
    world.clock.at = made.last
    back(world)
    with pytest.raises((ConflictError, ForbiddenError)):
        call(world, "alfa")
    with pytest.raises(TransitionError):
        annex(world, "ratify")
    with pytest.raises(ConflictError, match="no motion has answered"):
        annex(world, "activate")
    assert [one.number for one in world.hub.agreements.annexes()[0].activations] == [made.number]


def test_a_motion_stays_closed(world: World) -> None:
    constitute(world, council([Right.PARTY_SUSPEND]))
    governance = world.hub.governance
    late, passed = (motion_on(world, Right.PARTY_SUSPEND, "outsider") for _ in range(2))
    for voter in ("sig@alfa", "sig@bravo", "sig@coast"):
        passed = vote(world, passed, voter)
    world.clock.at = late.deadline
    back(world)
    with pytest.raises(TransitionError, match="deadline has passed"):
        vote(world, late, "sig@alfa")
    (closed,) = governance.close_due(OPERATOR)
    assert (closed.uuid, closed.status) == (late.uuid, MotionStatus.FAILED)
    world.clock.at = passed.until
    back(world)
    with pytest.raises(ForbiddenError, match="has ended"):
        world.hub.parties.suspend_party(OPERATOR, governance.granted(passed.uuid), "outsider", "late")
    assert [one.status for one in governance.close_due(OPERATOR)] == [MotionStatus.EXPIRED]


def test_a_hold_that_ended_holds_nothing(world: World) -> None:
    made = hold(world, days=10)
    world.clock.at = made.until
    back(world)
    with pytest.raises(TransitionError):
        world.hub.holds.renew(OPERATOR, world.hub.mandate, made.uuid, reason="late", until=made.until + DAY)
    # nor is one placed that would have been over
    with pytest.raises(InputError):
        world.hub.holds.place(
            OPERATOR,
            world.hub.mandate,
            authority="court",
            reason="late",
            scope=made.scope,
            until=made.until - DAY,
        )


def test_a_grant_that_ended_opens_nothing(world: World) -> None:
    (tool, *_) = ids("tool")
    given = grant(world, tool, "outsider", days=5)
    asker = world.asker("outsider")
    assert len(world.hub.reading.objects(asker, "grants", Query(), limit=9).page.items) == 1
    world.hub.integrator.integrate()
    world.clock.at = given.grant.until
    back(world)
    assert world.hub.reading.objects(asker, "grants", Query(), limit=9).page.items == ()


def test_a_token_that_ended_signs_nobody_in(world: World) -> None:
    text, made = world.hub.parties.issue_token(
        OPERATOR,
        world.hub.mandate,
        "bravo",
        purpose="detect",
        permissions=frozenset({Permission.OBJECTS_READ}),
        lifetime=5 * DAY,
    )
    assert world.hub.authenticator.recognise(f"Bearer {text}") is not None
    assert made.expires_at is not None
    world.clock.at = made.expires_at
    back(world)
    with pytest.raises(AuthenticationError):
        world.hub.authenticator.recognise(f"Bearer {text}")


def test_what_is_entered_afterwards_is_never_before_what_was_entered_before(world: World) -> None:
    world.clock.advance(30 * DAY)
    back(world)
    for number in range(100, 103):
        world.share("alfa", bundle([thing("tool", number)]))
        world.clock.advance(-DAY)
    instants = [parse_instant(entry.at) for entry in entries_of(world)]
    assert instants == sorted(instants)
    found = [item for item, _ in world.read("coast") if item.object_id.startswith("tool--")]
    assert [item.date_added for item in found] == sorted({item.date_added for item in found})
    assert len(found) == 7


def test_what_was_due_to_be_purged_is_purged_all_the_same(world: World) -> None:
    """Retention counts from what was submitted in hub time: a clock that went back keeps nothing for longer."""
    world.agreement(KEEPING, signed_by=("alfa", "bravo"))
    world.clock.advance(DAY)
    back(world)
    assert world.hub.retention.sweep().purged == len(ids("tool"))
    assert not {one.item.owner for one in world.hub.retention.due(ALFA)}


def test_a_clock_that_was_set_ahead_is_believed_for_good(world: World) -> None:
    """What was entered at a wrong time stands: nobody brings hub time back by setting the clock right."""
    right = world.clock.now()
    world.clock.at = BASIS_ENDS + HOUR
    world.share("coast", bundle([thing("tool", 98)]))
    world.clock.at = right
    assert seen(world) == {"malware", "tool"}
    with pytest.raises(InputError, match="has ended already"):
        world.hub.parties.clear_party(OPERATOR, world.hub.mandate, "bravo", clearance="secret", until=BASIS_ENDS)
    # and without an entry it is as if it had not been
    world.clock.at = CLEARANCE_ENDS
    assert world.hub.agreements.get("field").members
    world.clock.at = right
    assert seen(world) == {"malware", "tool"}
