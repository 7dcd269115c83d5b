"""The operator carries out what a council decided, and enters something else.

In the field a vote is on a question, and what is done in its name is written afterwards: a grace that lasts longer, a
clearance that reaches higher, a remedy that is none, a body with a seat more. Each is tried here under a motion that
passed for the same right and subject.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import pytest

from support.council import SEATS, constitute, council, decide, motion_on, vote, written
from support.hub import OPERATOR, START, World, key_of
from support.privileged import CHARTER, ECHO, ECHO_TERMS, OTHERWISE
from support.told import entries_of
from tocsin.agreements.document import public_key_of
from tocsin.errors import ForbiddenError, InputError
from tocsin.governance import authority, tabling
from tocsin.governance.model.disputes import DisputeKind, Outcome
from tocsin.governance.model.motions import MotionStatus, motion_digest
from tocsin.governance.privileged import ACTS, TAKES_TEXT, decided
from tocsin.governance.texts import text_digest
from tocsin.kernel.clock import DAY, format_instant, parse_date
from tocsin.kernel.mandate import Mandate, Right
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from tocsin.governance.model.motions import Motion

Doing = Callable[[World, Mandate], object]


class Exchange(NamedTuple):
    """What was voted on; what the same command can be told besides, and in which terms that differs."""

    right: Right
    subject: str
    document: str
    do: Callable[..., object]
    said: dict[str, Any]
    otherwise: dict[str, tuple[dict[str, Any], str]]


def _clear(world: World, mandate: Mandate, *, clearance: str, until: str | None) -> object:
    end = None if until is None else parse_date(until)
    return world.hub.parties.clear_party(OPERATOR, mandate, "bravo", clearance=clearance, until=end)


def _change(world: World, mandate: Mandate, *, key: str | None = None, **changes: object) -> object:  # the user's own
    with world.hub.parties.acting(OPERATOR, mandate) as acts:
        if key is not None:
            return acts.register_signing_key("sig@bravo", public_key_of(key_of(key)))
        return acts.change_user(msgspec.structs.replace(_signatory(world), **changes))


def _signatory(world: World) -> Any:  # noqa: ANN401  a user
    return next(one for one in world.hub.parties.users("bravo") if one.name == "sig")


def _add(world: World, mandate: Mandate, *, capacities: set[str]) -> object:
    party = msgspec.structs.replace(ECHO, capacities=frozenset(capacities))
    return world.hub.parties.add_party(OPERATOR, mandate, party)


def _grace(world: World, mandate: Mandate, *, parties: list[str], until: str) -> object:
    with world.hub.agreements.living(OPERATOR) as acts:
        end = parse_date(until)
        return acts.grace(mandate, "field", 1, basis="statute", parties_=parties, until=end, reason="the act is late")


def _duty(world: World, mandate: Mandate, *, days: int) -> object:
    with world.hub.agreements.emergency(OPERATOR) as acts:
        return acts.set_duty(mandate, "sig@bravo", starts=START, until=START + days * DAY)


def _decide(world: World, mandate: Mandate, **said: Any) -> object:  # noqa: ANN401  what a decision takes
    return world.hub.disputes.decide(OPERATOR, mandate, world.hub.disputes.all()[0].uuid, **said)


def _constitute(world: World, mandate: Mandate, **said: Any) -> object:  # noqa: ANN401  what a body has
    return world.hub.governance.constitute(OPERATOR, mandate, council(name="task", **said))


def _reseat(world: World, mandate: Mandate, *, rights: list[Right]) -> object:
    return world.hub.governance.change(OPERATOR, mandate, council(rights, name="advisers"), "decided")


def _adopt(world: World, mandate: Mandate, *, text: str) -> object:
    return world.hub.charters.adopt(OPERATOR, mandate, text.encode(), where="test")


UNTIL: Final = "2027-01-01"
EXCHANGES: Final = {
    "a party is cleared": Exchange(
        Right.PARTY_CLEAR,
        "bravo",
        f"{{clearance: restricted, until: {UNTIL}}}",
        _clear,
        {"clearance": "restricted", "until": UNTIL},
        {
            "higher": ({"clearance": "secret"}, "clearance"),
            "longer": ({"until": "2028-01-01"}, "until"),
            "for ever": ({"until": None}, "until"),
        },
    ),
    "a person is cleared": Exchange(
        Right.USER_CHANGE,
        "sig@bravo",
        f"{{clearance: confidential, clearance_until: {UNTIL}}}",
        _change,
        {"clearance": "confidential", "clearance_until": parse_date(UNTIL)},
        {
            "higher": ({"clearance": "secret"}, "clearance"),
            "for ever": ({"clearance_until": None}, "clearance_until"),
            "and given a role": ({"roles": frozenset({Role.SIGNATORY, Role.LIAISON})}, "roles"),
            "and given another's key": ({"key": "the operator's"}, "clearance, clearance_until, signing_key"),
        },
    ),
    "a party is added": Exchange(
        Right.PARTY_ADD,
        "echo",
        ECHO_TERMS,
        _add,
        {"capacities": {"csirt"}},
        {"as what it is not": ({"capacities": {"csirt", "supervisor"}}, "capacities")},
    ),
    "a grace is granted": Exchange(
        Right.LAPSE_GRACE,
        "field/1:statute",
        "{for: [bravo], until: 2026-06-20}",
        _grace,
        {"parties": ["bravo"], "until": "2026-06-20"},
        {
            "longer": ({"until": "2026-07-20"}, "until"),
            "for others": ({"parties": ["coast"]}, "for"),
            "for others too": ({"parties": ["bravo", "coast"]}, "for"),
        },
    ),
    "a shift is entered": Exchange(
        Right.DUTY_SET,
        "sig@bravo",
        f"{{from: '{format_instant(START)}', until: '{format_instant(START + DAY)}'}}",
        _duty,
        {"days": 1},
        {"longer": ({"days": 20}, "until")},
    ),
    "a dispute is decided": Exchange(
        Right.DISPUTE_DECIDE,
        "",
        "{outcome: upheld, reasons: It told others, remedy: It pays}",
        _decide,
        {"outcome": Outcome.UPHELD, "reasons": "It told others", "remedy": "It pays"},
        {
            "the other way": ({"outcome": Outcome.REJECTED}, "outcome"),
            "without its remedy": ({"remedy": "It is asked not to"}, "remedy"),
            "for another reason": ({"reasons": "It may have told others"}, "reasons"),
        },
    ),
    "a body is constituted": Exchange(
        Right.BODY_CONSTITUTE,
        "task",
        written(council(name="task")),
        _constitute,
        {},
        {
            "with a right": ({"rights": [Right.PARTY_LEAVE]}, "rights"),
            "with a seat fewer": ({"seats": SEATS[:2]}, "seats"),
            "with a chair": ({"chair": "north"}, "chair"),
        },
    ),
    "a body is changed": Exchange(
        Right.BODY_CHANGE,
        "advisers",
        written(council(name="advisers")),
        _reseat,
        {"rights": []},
        {"and given a right": ({"rights": [Right.PARTY_LEAVE]}, "rights")},
    ),
    "a charter is adopted": Exchange(
        Right.CHARTER_ADOPT,
        "north/1",
        CHARTER,
        _adopt,
        {"text": CHARTER},
        {"with another target": ({"text": CHARTER.replace("at_most: 9", "at_most: 99999")}, "document")},
    ),
}


def passed(world: World, exchange: Exchange) -> Motion:
    """Return a motion that a council passed, in a world where it can be carried out."""
    subject = exchange.subject or _disputed(world)
    constitute(world, council([exchange.right]))
    if exchange.right is Right.BODY_CHANGE:
        constitute(world, council(name="advisers"))
    motion = motion_on(world, exchange.right, subject, document=exchange.document)
    for voter in ("sig@alfa", "sig@bravo", "sig@coast"):
        motion = vote(world, motion, voter)
    assert motion.status is MotionStatus.PASSED
    return motion


def _disputed(world: World) -> str:
    for name in ("delta", "echo"):
        world.party(name)
    statement, parties = "It told others", {"complainant": "delta", "respondent": "echo"}
    return world.hub.disputes.file(
        OPERATOR.for_("sig@delta"), DisputeKind.COMPLAINT, statement=statement, **parties
    ).uuid


@pytest.mark.parametrize("case", EXCHANGES)
def test_the_operator_enters_something_else_than_was_voted_on(world: World, case: str) -> None:
    exchange = EXCHANGES[case]
    motion = passed(world, exchange)
    granted = world.hub.governance.granted(motion.uuid)
    before = entries_of(world)
    for how, (changes, differ) in exchange.otherwise.items():
        other = changes if "key" in changes else exchange.said | changes
        with pytest.raises(ForbiddenError) as refused:
            exchange.do(world, granted, **other)
        assert f"they differ in {differ}" in refused.value.what, how
        assert refused.value.what.count(str(motion.document)) == 1
        assert "tocsin motion show" in (refused.value.todo or "")
    # nothing came of it, and what was decided can still be done
    assert len(entries_of(world)) == len(before)
    exchange.do(world, granted, **exchange.said)
    done = world.hub.governance.motion(motion.uuid).motion
    assert done.status is MotionStatus.EXECUTED
    entry = entries_of(world)[done.used[0]]
    made = decided(entry.kind, entry.data)
    assert made is not None
    assert text_digest(made) == motion.document


def test_every_right_that_leaves_something_open_is_tried() -> None:
    """Here, or (``OTHERWISE``) in tests/unit/governance/test_rights.py, in whose hub there is more to decide on."""
    alike = {Right.USER_ADD: Right.USER_CHANGE, Right.PARTY_CHANGE: Right.PARTY_ADD}
    tried = {exchange.right for exchange in EXCHANGES.values()} | {ACTS[kind].right for kind in OTHERWISE}
    assert tried == {alike.get(right, right) for right in TAKES_TEXT}


def test_a_council_is_asked_to_sign_a_blank_page(world: World) -> None:
    subjects = {Right.LAPSE_GRACE: "field/1:statute", Right.DISPUTE_DECIDE: _disputed(world)}
    constitute(world, council(TAKES_TEXT))
    before = len(entries_of(world))
    for right in sorted(TAKES_TEXT):
        with pytest.raises(InputError, match="what exactly is decided"):
            motion_on(world, right, subjects.get(right, "bravo" if right in tabling._ON_A_PARTY else "council"))
    assert len(entries_of(world)) == before


@pytest.mark.usefixtures("sound")
def test_a_blank_page_from_before_there_were_texts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log from before is retold as it was; what passed then and waits is decided again."""
    constitute(world, council([Right.PARTY_CLEAR]))
    with monkeypatch.context() as before:
        before.setattr(authority, "require_said", lambda *_: None)
        used, waiting = (decide(world, Right.PARTY_CLEAR, "bravo") for _ in range(2))
        _clear(world, world.hub.governance.granted(used.uuid), clearance="secret", until=None)
    assert "text" not in msgspec.to_builtins(waiting)
    assert all("text" not in one.data for one in entries_of(world) if one.kind == "motion.tabled")
    with pytest.raises(ForbiddenError, match="does not say what exactly was decided"):
        _clear(world, world.hub.governance.granted(waiting.uuid), clearance="secret", until=None)


def test_a_ballot_is_counted_for_another_text(world: World) -> None:
    """The signature covers the digest of what is decided: it counts for no other."""
    constitute(world, council([Right.PARTY_CLEAR]))
    low = motion_on(world, Right.PARTY_CLEAR, "bravo", document="clearance: restricted")
    high = motion_on(world, Right.PARTY_CLEAR, "bravo", document="clearance: secret")
    same = msgspec.structs.replace(high, uuid=low.uuid)
    assert motion_digest(same) != motion_digest(low)
    assert motion_digest(msgspec.structs.replace(same, text=low.text)) == motion_digest(low)


def test_who_may_not_ask_learns_nothing_from_asking(world: World) -> None:
    """A text tells how a person stands now. It is made for nobody who could not table the motion."""
    constitute(world, council([Right.USER_CHANGE]))
    for reference in ("sig@bravo", "zed@bravo"):
        with pytest.raises(ForbiddenError, match="has no seat"):
            world.hub.governance.table(
                OPERATOR.for_("sig@outsider"),
                "council",
                title="T",
                reasons="R",
                right=Right.USER_CHANGE,
                subject=reference,
                document=b"clearance: secret",
            )
