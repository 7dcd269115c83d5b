"""Who signed what, and whether they still could when it counted.

In the field the hand that signed is gone before the paper takes effect, the text that takes effect is not quite the one
that was signed, and two keys that ought to be two people's are one person's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from msgspec.structs import replace

from support.council import constitute, council, decide, signatory
from support.field import FIELD, HOUR, annex, call, seen
from support.hub import OPERATOR, START, key_of
from tocsin.agreements.annexes.model import MAX_SHIFT, Asked
from tocsin.agreements.document import parse_agreement, public_key_of, sign_document
from tocsin.agreements.life import AgreementStatus
from tocsin.errors import ConflictError, ForbiddenError, TocsinError
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting, Right
from tocsin.parties.model import Authority, Kind, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World

pytestmark = pytest.mark.time_passes

PACT: Final = FIELD.replace("agreement: field", "agreement: pact").replace(
    "parties: [{name: alfa}, {name: bravo}, {all: {capacity: operator}}]", "parties: [{name: alfa}, {name: bravo}]"
)


def sign(world: World, name: str, text: str, *, over: str | None = None) -> AgreementStatus:
    """Enter a signature on a text; ``over`` is what was signed in truth."""
    proposed = parse_agreement(text.encode(), where="text").document
    signature = sign_document(parse_agreement((over or text).encode(), where="text").document, key_of(name))
    return world.hub.agreements.sign(
        Acting(actor=f"sig@{name}"), proposed.name, proposed.version, signatory=f"sig@{name}", signature=signature
    )


def propose(world: World, text: str = PACT) -> None:
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, text.encode(), where="text")


def activate(world: World) -> None:
    world.hub.agreements.activate(OPERATOR, world.hub.mandate, "pact", 1)


# --- who signed is gone ----------------------------------------------------------------------------------------------


def _authorised_until(world: World, until: int) -> None:
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.authorise_signatory("sig@bravo", Authority(until=until))


def _ends(world: World) -> None:
    world.clock.at = START + 3 * DAY


def _withdrawn_authority(world: World) -> None:
    _authorised_until(world, world.clock.now())


def _another_agreement(world: World) -> None:
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.authorise_signatory("sig@bravo", Authority(agreements=frozenset({"field"})))


def _disabled(world: World) -> None:
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "sig@bravo", "left the company")


def _another_key(world: World) -> None:
    world.hub.parties.register_signing_key(OPERATOR, world.hub.mandate, "sig@bravo", public_key_of(key_of("new")))


def _no_signatory(world: World) -> None:
    _, user = world.hub.parties.resolve("sig@bravo")
    assert user is not None
    changed = replace(user, roles=frozenset({Role.ANALYST}), signing_key=user.signing_key)
    world.hub.parties.change_user(OPERATOR, world.hub.mandate, changed)


GONE: Final[dict[str, Callable[[World], None]]] = {
    "the authority ran out": _ends,
    "the authority was taken": _withdrawn_authority,
    "the authority is for another agreement": _another_agreement,
    "the signatory was disabled": _disabled,
    "the key was replaced": _another_key,
    "the role was taken": _no_signatory,
}


@pytest.mark.parametrize("case", GONE)
def test_the_authority_ends_between_signing_and_activation(world: World, case: str) -> None:
    """What was signed with authority binds; nothing more is signed without."""
    _authorised_until(world, START + 2 * DAY)
    propose(world)
    sign(world, "alfa", PACT)
    assert sign(world, "bravo", PACT) is AgreementStatus.SIGNED
    GONE[case](world)
    activate(world)
    assert world.hub.agreements.get("pact").members == ("alfa", "bravo")
    second = PACT.replace("version: 1", "version: 2")
    propose(world, second)
    with pytest.raises(ForbiddenError):
        sign(world, "bravo", second)


@pytest.mark.parametrize("case", GONE)
def test_the_authority_ends_before_signing(world: World, case: str) -> None:
    _authorised_until(world, START + 2 * DAY)
    propose(world)
    sign(world, "alfa", PACT)
    GONE[case](world)
    with pytest.raises(ForbiddenError):
        sign(world, "bravo", PACT)
    assert world.hub.agreements.get("pact", 1).status is AgreementStatus.PROPOSED


@pytest.mark.parametrize("act", ["suspend_party", "leave_party"])
def test_a_party_is_gone_between_signing_and_activation(world: World, act: str) -> None:
    """The instrument takes effect and binds; who is not vetted is no member of it, and nobody reads through it."""
    propose(world)
    sign(world, "alfa", PACT)
    sign(world, "bravo", PACT)
    getattr(world.hub.parties, act)(OPERATOR, world.hub.mandate, "bravo", "a test")
    activate(world)
    assert world.hub.agreements.get("pact").members == ("alfa",)


# --- what was signed is not what is there ----------------------------------------------------------------------------

# what is the same text, and what is another by one character
SAME: Final = {
    "a space at the end of a line": PACT.replace("purposes: [detect, respond]", "purposes: [detect, respond] "),
    "a space within a list": PACT.replace("[detect, respond]", "[ detect, respond ]"),
    "a line and a remark": PACT.replace("purposes:", "\n# what for\npurposes:"),
    "quotes": PACT.replace("title: What the traps are laid in", 'title: "What the traps are laid in"'),
}
OTHER: Final = {
    "a space in the title": PACT.replace("What the traps", "What  the traps"),
    "a space in a citation": PACT.replace("an act, section 1", "an act, section  1"),
    "a space that cannot be seen": PACT.replace("What the traps", "What the\u00a0traps"),
    "another order of purposes": PACT.replace("[detect, respond]", "[respond, detect]"),
    "a day later": PACT.replace("until: 2027-06-01", "until: 2027-06-02"),
}


@pytest.mark.parametrize("case", SAME)
def test_the_layout_of_what_was_signed_changed(world: World, case: str) -> None:
    propose(world)
    sign(world, "alfa", PACT, over=SAME[case])
    assert sign(world, "bravo", PACT) is AgreementStatus.SIGNED
    with pytest.raises(ConflictError, match="was proposed already"):
        propose(world, SAME[case])


@pytest.mark.parametrize("case", OTHER)
def test_a_signature_is_over_a_draft_that_changed_by_one_space(world: World, case: str) -> None:
    propose(world)
    with pytest.raises(TocsinError) as refused:
        sign(world, "alfa", PACT, over=OTHER[case])
    assert "signature" in str(refused.value)
    with pytest.raises(ConflictError, match="says something else"):
        propose(world, OTHER[case])
    assert world.hub.agreements.get("pact", 1).signatures == ()


# --- two who are one -------------------------------------------------------------------------------------------------


def on_duty(world: World, *references: str) -> None:
    with world.hub.agreements.emergency(OPERATOR) as acts:
        for reference in references:
            acts.set_duty(world.hub.mandate, reference, starts=world.clock.now(), until=world.clock.now() + DAY)


def test_the_same_duty_officer_for_the_public_and_the_private_side(world: World) -> None:
    """One person cannot be two: a key is one person's, and no one signs in the name of a user of another party."""
    register = world.hub.parties.register_signing_key
    with pytest.raises(ConflictError, match="another person's"):
        register(OPERATOR, world.hub.mandate, "sig@bravo", public_key_of(key_of("alfa")))
    assert call(world, "alfa") == ()
    assert call(world, "alfa") == ()
    assert seen(world) == {"indicator", "malware", "tool"}


def test_a_key_goes_from_one_side_to_the_other(world: World) -> None:
    """The person of alfa takes a new key, and bravo registers the old one: what it said for alfa counts no more."""
    register = world.hub.parties.register_signing_key
    assert call(world, "alfa") == ()
    register(OPERATOR, world.hub.mandate, "sig@alfa", public_key_of(key_of("new")))
    register(OPERATOR, world.hub.mandate, "sig@bravo", public_key_of(key_of("alfa")))
    assert call(world, "bravo", key="alfa") == ()
    assert "campaign" not in seen(world, "coast")


def test_two_of_one_party_are_one_voice(world: World) -> None:
    """And a party that is made another kind between its calls does not speak for both sides."""
    signatory(world, "two@alfa")
    on_duty(world, "two@alfa")
    assert call(world, "alfa") == ()
    alfa = world.hub.parties.get("alfa")
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, replace(alfa, kind=Kind.PRIVATE))
    assert call(world, "alfa", user="two") == ()
    assert "campaign" not in seen(world)


def _suspend(world: World) -> None:
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "its keys were stolen")


def _disable(world: World) -> None:
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "sig@alfa", "its key was stolen")


def _rekey(world: World) -> None:
    world.hub.parties.register_signing_key(OPERATOR, world.hub.mandate, "sig@alfa", public_key_of(key_of("new")))


def _relieve(world: World) -> None:
    with world.hub.agreements.emergency(OPERATOR) as acts:
        acts.set_duty(world.hub.mandate, "sig@alfa", starts=START, until=world.clock.now() + 1)
    world.clock.advance(2)


def _other_side(world: World) -> None:
    alfa = world.hub.parties.get("alfa")
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, replace(alfa, kind=Kind.ACADEMIA))


UNSAID: Final[dict[str, Callable[[World], None]]] = {
    "its party is suspended": _suspend,
    "its caller is disabled": _disable,
    "its key is replaced": _rekey,
    "its caller is relieved": _relieve,
    "its party is of another kind": _other_side,
}


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize("case", UNSAID)
def test_a_call_of_somebody_who_could_not_call_any_more(world: World, case: str) -> None:
    """The first call stands for an hour: it counts only if its caller could still make it when the second completes."""
    assert call(world, "alfa") == ()
    UNSAID[case](world)
    assert call(world, "bravo") == ()
    assert "campaign" not in seen(world, "coast")


@pytest.mark.parametrize("case", UNSAID)
def test_an_end_of_somebody_who_could_not_call_any_more(world: World, case: str) -> None:
    assert call(world, "alfa") == ()
    assert len(call(world, "bravo")) == 1
    assert call(world, "alfa", asked=Asked.END) == ()
    UNSAID[case](world)
    assert call(world, "bravo", asked=Asked.END) == ()


def test_the_duty_of_a_caller_is_over_at_its_instant(world: World) -> None:
    world.clock.at = START + MAX_SHIFT
    with pytest.raises(ForbiddenError, match="not on duty"):
        call(world, "alfa")


def test_people_on_duty_open_what_a_body_closed_a_minute_ago(world: World) -> None:
    """A motion that closes a review has answered; what people on duty opened stays shut to them while none has."""
    assert call(world, "alfa") == ()
    assert len(call(world, "bravo")) == 1
    annex(world, "end")
    with pytest.raises(ConflictError, match="no motion has answered"):
        call(world, "alfa")
    annex(world, "review")
    with pytest.raises(ConflictError, match="closed, but under the founding mandate"):
        call(world, "alfa")
    constitute(world, council([Right.ANNEX_REVIEW]))
    motion = decide(world, Right.ANNEX_REVIEW, "field/1#flood")
    with world.hub.agreements.emergency(OPERATOR) as acts:
        acts.review(world.hub.governance.granted(motion.uuid), "field", 1, "flood", "seen")
    world.clock.advance(HOUR)
    assert call(world, "alfa") == ()
    assert len(call(world, "coast")) == 1


def test_an_authority_that_ended_calls_nobody(world: World) -> None:
    _authorised_until(world, START + DAY)
    world.clock.at = START + DAY
    with pytest.raises(ForbiddenError):
        call(world, "bravo")
