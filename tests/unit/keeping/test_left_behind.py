"""What a party promised to destroy binds it, however it left the agreement: by its own act, by others', or by time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.hub import OPERATOR, START, key_of
from support.inspection import tell
from support.keeping import later, notices
from support.sharing import bundle, indicator
from tocsin.agreements.document import Said, act_bytes, parse_agreement, sign_bytes, sign_document
from tocsin.agreements.model import Tlp
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY, format_instant
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World

DUE: Final = 60  # days after which the pact's retain clause purges; the treaty beside it waits for longer
LAPSE: Final = START + 40 * DAY - START % DAY
RETAIN: Final = f"""  - id: "2"
    retain: {{for: P{DUE}D, then: purge}}
    of: {{type: [indicator]}}
"""
AMENDED: Final = "amend_by: {more_than: 0.5, objection_period: P1D}\n"
LEAVING: Final = "withdrawal: {notice: P1D}\n"


def pact(version: int, *parts: str, until: int | None = None, lapse: int | None = None) -> str:
    """Return a version of the pact; it ends some days after the beginning, or never, and so does its legal basis."""
    return f"""
agreement: pact
version: {version}
title: What is purged
in_force: {{from: 2026-01-01, until: {_day(until)}}}
parties: [{{all: {{countries: [NO]}}}}]
legal_bases:
  act:
    NO: {{cite: "an act", valid: [2026-01-01, {_day(lapse)}]}}
purposes: [detect]
on_lapse: {{held: purge}}
{"".join(part for part in parts if not part.startswith(" "))}clauses:
  - id: "1"
    permit: read
    to: {{parties: all}}
    rests_on: [act]
{"".join(part for part in parts if part.startswith(" "))}"""


def _day(days: int | None) -> str:
    return "null" if days is None else format_instant(START + days * DAY)[:10]


def sign(world: World, text: str, *names: str) -> None:
    document = parse_agreement(text.encode(), where="test").document
    for name in names:
        made = sign_document(document, key_of(name))
        who = f"sig@{name}"
        world.hub.agreements.sign(Acting(actor=who), "pact", document.version, signatory=who, signature=made)


def say(world: World, name: str, said: Said, version: int) -> None:
    """Let a party's signatory object or give notice."""
    document = world.hub.agreements.get("pact", version).document
    made = sign_bytes(act_bytes(document, said, party=f"https://{name}.example", reason="x"), key_of(name))
    with world.hub.agreements.living(Acting(actor=f"sig@{name}")) as acts:
        act = acts.withdraw if said is Said.WITHDRAW else acts.object
        act("pact", version, signatory=f"sig@{name}", made=made, reason="x")


def replaced(world: World, version: int = 2, *names: str) -> None:
    """Bring a version into force that alfa does not sign, and that purges nothing."""
    world.agreement(pact(version, AMENDED, LEAVING), signed_by=names or ("bravo", "coast"))


def _replaced_twice(world: World) -> None:
    replaced(world)
    later(world, 1)
    replaced(world, 3, "bravo", "outsider")


def _objected(world: World) -> None:
    world.agreement(pact(2), signed_by=("bravo", "coast"), activate=False, amends=True)
    say(world, "alfa", Said.OBJECT, 2)
    later(world, 1)
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.adopt(world.hub.mandate, "pact", 2)


def _notice(world: World) -> None:
    say(world, "alfa", Said.WITHDRAW, 1)
    later(world, 1)


def _notice_cut_short(world: World) -> None:
    say(world, "alfa", Said.WITHDRAW, 1)
    replaced(world)


def _notice_then_replaced(world: World) -> None:
    _notice(world)
    replaced(world)


def _suspended(world: World) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.mandate, "pact", 1, "x")


def _terminated(world: World) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.terminate(world.hub.mandate, "pact", 1, "x")


def _terminated_then_replaced(world: World) -> None:
    _terminated(world)
    later(world, 1)
    replaced(world)


def _left(world: World) -> None:
    world.hub.parties.leave_party(OPERATOR, world.hub.mandate, "alfa")


def _expired(world: World) -> None:
    later(world, 30)


# how alfa leaves, and whether it may share on without promising anything
WAYS: Final[dict[str, tuple[Callable[[World], None], bool]]] = {
    "it did not sign the next version": (replaced, True),
    "nor did it sign the one after": (_replaced_twice, True),
    "it objected to an amendment": (_objected, True),
    "its notice is over": (_notice, True),
    "a new version came before its notice was over": (_notice_cut_short, True),
    "a new version came after its notice was over": (_notice_then_replaced, True),
    "the agreement is suspended": (_suspended, False),
    "the agreement was terminated": (_terminated, False),
    "the agreement was terminated, and then replaced": (_terminated_then_replaced, True),
    "its term is over": (_expired, True),
}


def told_again(world: World) -> None:
    """Hold the hub to its log, and the log to itself."""
    world.hub.integrator.integrate()
    assert world.hub.self_test.require() > 0
    replay(tell(world.hub))


@pytest.mark.parametrize("name", WAYS)
def test_what_it_shared_before_is_purged_when_that_is_due(world: World, name: str) -> None:
    leave, free = WAYS[name]
    until = 30 if leave is _expired else None
    world.agreement(pact(1, AMENDED, LEAVING, RETAIN, until=until), signed_by=("alfa", "bravo", "coast"))
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    began = world.clock.now()
    world.clock.advance(1)
    leave(world)
    world.clock.advance(1)
    shared = world.clock.now()
    world.share("alfa", bundle([indicator(2)]), tlp=Tlp.GREEN)
    told_again(world)
    world.clock.at = began + DUE * DAY - 1
    assert world.hub.retention.sweep().purged == 0
    world.clock.at += 1
    assert world.hub.retention.sweep().purged == 1
    world.clock.at = shared + DUE * DAY
    assert world.hub.retention.sweep().purged == (0 if free else 1)
    told_again(world)


def test_who_left_the_partnership_is_bound_by_what_it_signed(world: World) -> None:
    world.agreement(pact(1, RETAIN), signed_by=("alfa", "bravo", "coast"))
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    world.clock.advance(1)
    _left(world)
    replaced(world)
    later(world, DUE)
    assert world.hub.retention.sweep().purged == 1
    told_again(world)


def test_what_was_terminated_binds_until_the_next_version_comes(world: World) -> None:
    world.agreement(pact(1, RETAIN), signed_by=("alfa", "bravo", "coast"))
    _terminated(world)
    later(world, 1)
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    later(world, 1)
    replaced(world)
    later(world, DUE)
    assert world.hub.retention.sweep().purged == 1
    told_again(world)


def test_who_joins_again_is_bound_by_what_it_signed_last(world: World) -> None:
    world.agreement(pact(1, RETAIN), signed_by=("alfa", "bravo", "coast"))
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    replaced(world)
    later(world, 1)
    sign(world, pact(2, AMENDED, LEAVING), "alfa")
    later(world, DUE)
    assert world.hub.retention.sweep().purged == 0
    later(world, 30)  # the treaty's time is over
    assert world.hub.retention.sweep().purged == 1
    told_again(world)


def _bravo_replaced(world: World) -> None:
    replaced(world, 2, "alfa", "coast")


def _bravo_replaced_twice(world: World) -> None:
    _bravo_replaced(world)
    replaced(world, 3, "alfa", "outsider")


def _bravo_notice(world: World) -> None:
    say(world, "bravo", Said.WITHDRAW, 1)
    later(world, 1)


def _bravo_terminated_then_replaced(world: World) -> None:
    _terminated(world)
    _bravo_replaced(world)


def _bravo_signed(world: World) -> None:
    replaced(world, 2, "alfa", "bravo", "coast")


# how bravo leaves, who holds what alfa shared, and whether what it holds is called back when the legal basis lapses
HOLDING: Final[dict[str, tuple[Callable[[World], None], bool]]] = {
    "it did not sign the next version": (_bravo_replaced, True),
    "nor did it sign the one after": (_bravo_replaced_twice, True),
    "it signed the next version, by which nothing lapses": (_bravo_signed, False),
    "its notice is over": (_bravo_notice, True),
    "the agreement was terminated": (_terminated, True),
    "the agreement was terminated, and then replaced": (_bravo_terminated_then_replaced, True),
    "its term is over": (_expired, False),
}


@pytest.mark.parametrize("name", HOLDING)
def test_what_it_received_is_called_back_when_the_legal_basis_lapses(world: World, name: str) -> None:
    leave, expected = HOLDING[name]
    until = 30 if leave is _expired else None
    world.agreement(pact(1, LEAVING, until=until, lapse=40), signed_by=("alfa", "bravo", "coast"))
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.terminate(world.hub.mandate, "treaty", 2, "nothing else lets it out")
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    assert len(world.read("bravo")) == 1
    world.hub.integrator.integrate()
    leave(world)
    world.clock.at = LAPSE - 1
    assert world.hub.lapsing.follow() == []
    world.clock.at = LAPSE
    made = world.hub.lapsing.follow()
    assert [one.basis for one in made] == ([f"pact/1#act@{format_instant(LAPSE)}"] if expected else [])
    assert bool(notices(world, "lia@bravo")) is expected
    assert world.hub.lapsing.follow() == []
    told_again(world)
