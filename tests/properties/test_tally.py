"""How votes are counted: the same as a slow count written from the page for secretaries, and its laws."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tocsin.governance.model.bodies import Abstentions, Body, BodyKind, Closing, Rule, Seat, Side, Ties
from tocsin.governance.model.tally import Reason, count, settled

if TYPE_CHECKING:
    from collections.abc import Mapping

CHOICES: Final = ("yes", "no", "abstain")
SHARES: Final = st.sampled_from(["1/2", "3/5", "2/3", "33/50", "9/10", "999999/1000000"])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    quorum = draw(st.sampled_from(["1/10", "1/3", "1/2", "3/5", "2/3", "1"]))
    abstentions = draw(st.sampled_from(Abstentions))
    if draw(st.booleans()):
        return Rule(quorum=quorum, public=draw(SHARES), private=draw(SHARES), abstentions=abstentions)
    share = draw(SHARES)
    ties = draw(st.sampled_from(Ties)) if share == "1/2" else Ties.FAIL
    return Rule(quorum=quorum, more_than=share, abstentions=abstentions, ties=ties)


@st.composite
def bodies(draw: st.DrawFn, *, most: int = 7) -> Body:
    rule = draw(rules())
    sides = draw(st.lists(st.sampled_from(Side), min_size=2 if rule.dual else 1, max_size=most))
    assume(not rule.dual or set(sides) == set(Side))
    seats = tuple(
        Seat(name=f"s{place}", side=side, holder=f"p{place}", weight=draw(st.integers(1, 4)))
        for place, side in enumerate(sides)
    )
    chair = f"s{draw(st.integers(0, len(seats) - 1))}" if rule.ties is Ties.CHAIR or draw(st.booleans()) else None
    return Body(name="b", kind=BodyKind.CRISIS, title="B", seats=seats, rule=rule, chair=chair)


@st.composite
def votes(draw: st.DrawFn) -> tuple[Body, dict[str, str], frozenset[str]]:
    body = draw(bodies())
    choices = {seat.name: draw(st.sampled_from(CHOICES)) for seat in body.seats if draw(st.integers(0, 3))}
    recused = frozenset(seat.name for seat in body.seats if not draw(st.integers(0, 4)))
    return body, choices, recused


def slowly(body: Body, choices: Mapping[str, str], recused: frozenset[str]) -> bool:
    """Decide as the page says, seat by seat: nothing here is the program's."""
    groups = [[one for one in body.seats if one.side is side] for side in (Side.PUBLIC, Side.PRIVATE)]
    wanted = [body.rule.public, body.rule.private]
    if body.rule.more_than is not None:
        groups, wanted = [list(body.seats)], [body.rule.more_than]
    carried, tied = True, False
    for group, share in zip(groups, wanted, strict=True):
        assert share is not None
        voting = [seat for seat in group if seat.name in choices and seat.name not in recused]
        if Fraction(len(voting), len(group)) < Fraction(body.rule.quorum):
            return False
        heavy = [choices[seat.name] for seat in voting for _ in range(seat.weight)]
        if body.rule.abstentions is Abstentions.IGNORED:
            heavy = [choice for choice in heavy if choice != "abstain"]
        yes = heavy.count("yes")
        if not heavy or not Fraction(yes, len(heavy)) > Fraction(share):
            carried = False
        tied = bool(heavy) and yes * 2 == len(heavy)
    if carried:
        return True
    decides = body.rule.ties is Ties.CHAIR and tied and body.chair is not None and body.chair not in recused
    return decides and choices.get(body.chair or "") == "yes"


@given(votes())
def test_the_result_is_that_of_a_slow_count(case: tuple[Body, dict[str, str], frozenset[str]]) -> None:
    tally = count(*case)
    assert tally.passed is slowly(*case)
    assert tally.passed is (tally.reason in (Reason.MAJORITY, Reason.CHAIR))


@given(votes(), st.data())
def test_one_more_yes_never_turns_passed_into_failed(
    case: tuple[Body, dict[str, str], frozenset[str]], data: st.DataObject
) -> None:
    body, choices, recused = case
    name = data.draw(st.sampled_from([seat.name for seat in body.seats]))
    if count(body, choices, recused).passed:
        assert count(body, choices | {name: "yes"}, recused).passed


@given(votes(), st.data())
def test_a_yes_taken_back_never_turns_failed_into_passed(
    case: tuple[Body, dict[str, str], frozenset[str]], data: st.DataObject
) -> None:
    body, choices, recused = case
    said_yes = [name for name, choice in choices.items() if choice == "yes"]
    assume(said_yes)
    name = data.draw(st.sampled_from(said_yes))
    fewer = {seat: choice for seat, choice in choices.items() if seat != name}
    for after in (fewer, fewer | {name: "no"}, fewer | {name: "abstain"}):
        assert not count(body, after, recused).passed or count(body, choices, recused).passed


@given(votes(), st.data())
def test_a_recused_seat_is_an_absent_one(
    case: tuple[Body, dict[str, str], frozenset[str]], data: st.DataObject
) -> None:
    body, choices, recused = case
    name = data.draw(st.sampled_from([seat.name for seat in body.seats]))
    out = recused | {name}
    absent = {seat: choice for seat, choice in choices.items() if seat != name}
    assert count(body, choices, out).passed is count(body, absent, recused).passed
    # whom nobody counts cannot be what makes a quorum: with enough seats recused nothing passes any more
    everybody = frozenset(seat.name for seat in body.seats)
    assert not count(body, choices, everybody).passed


@given(bodies(most=4), st.data())
@settings(max_examples=60)
def test_settled_means_that_nothing_to_come_changes_it(body: Body, data: st.DataObject) -> None:
    choices = {seat.name: data.draw(st.sampled_from(CHOICES)) for seat in body.seats if data.draw(st.booleans())}
    recused = frozenset(seat.name for seat in body.seats if not data.draw(st.integers(0, 4)))
    missing = [seat.name for seat in body.seats if seat.name not in choices and seat.name not in recused]
    results = {
        count(body, choices | {name: said for name, said in zip(missing, to_come, strict=True) if said}, recused).passed
        for to_come in itertools.product((None, *CHOICES), repeat=len(missing))
    }
    assert settled(body, choices, recused) is (len(results) == 1)


def test_the_sides_are_counted_apart_only_where_the_rule_says_so() -> None:
    seats = (
        *(Seat(name=f"pub{n}", side=Side.PUBLIC, holder=f"a{n}") for n in range(4)),
        Seat(name="priv", side=Side.PRIVATE, holder="b"),
    )
    choices = {f"pub{n}": "yes" for n in range(4)} | {"priv": "no"}
    for rule, passed in (
        (Rule(quorum="1/2", more_than="1/2"), True),
        (Rule(quorum="1/2", public="1/2", private="1/2"), False),
    ):
        body = Body(name="b", kind=BodyKind.ADVISORY, title="B", seats=seats, rule=rule)
        assert count(body, choices, frozenset()).passed is passed


def test_a_no_can_make_the_quorum_and_the_page_says_so() -> None:
    seats = tuple(Seat(name=f"s{n}", side=Side.PUBLIC, holder=f"p{n}") for n in range(4))
    rule = Rule(quorum="3/4", more_than="1/2", closes=Closing.SETTLED)
    body = Body(name="b", kind=BodyKind.ADVISORY, title="B", seats=seats, rule=rule)
    two = {"s0": "yes", "s1": "yes"}
    assert count(body, two, frozenset()).reason is Reason.NO_QUORUM
    assert count(body, two | {"s2": "no"}, frozenset()).passed
    assert not settled(body, two, frozenset())
