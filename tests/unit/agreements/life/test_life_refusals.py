"""What nobody can do to an agreement, each refusal with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.agreement_texts import PLAIN
from support.hub import OPERATOR, START, World
from support.lives import (
    SECOND,
    TEXT,
    adopt,
    amend,
    change,
    grace,
    in_force,
    object_,
    sign,
    withdraw,
    word,
)
from tocsin.agreements.document import Said
from tocsin.errors import ConflictError, ForbiddenError, InputError, TocsinError, TransitionError
from tocsin.kernel.clock import DAY, parse_date

if TYPE_CHECKING:
    from collections.abc import Callable


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
    "objected after signing": (_objected_after_signing, ConflictError, "alfa has signed two-towns/2 already"),
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


@pytest.mark.still
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
