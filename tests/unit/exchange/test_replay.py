"""Logs that only somebody with the hub's key can make: signed, whole, well-formed, and false."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
import pytest

from support.hub import OPERATOR, key_of
from support.inspection import tell
from support.sharing import bundle, indicator
from support.treaty import MEMBERS, TREATY, templates
from tocsin.agreements.document import parse_agreement, public_key_of, sign_document
from tocsin.agreements.model import Tlp
from tocsin.errors import LogBrokenError
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.replay import MAX_STANDSTILL, MAX_WAIT, replay
from tocsin.kernel.clock import DAY, SECOND, format_instant, parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.log.model import EntryPayload
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World

Payloads: TypeAlias = list[EntryPayload]

DRAFT: Final = TREATY.replace("version: 1", "version: 2")
ENDING: Final = DRAFT.replace("until: null", "until: 2026-06-10")
ALFA: Final = "https://alfa.example"
BRAVO: Final = "https://bravo.example"


def _live(world: World) -> None:
    """Let something of every kind happen, the last of it drafts of which a signature is missing."""
    world.share("alfa", bundle([indicator(1), indicator(2)]), tlp=Tlp.GREEN)
    world.share("alfa", bundle([indicator(3)]), tlp=Tlp.RED, to=("ana@bravo",))
    world.share("bravo", bundle([indicator(7)]), tlp=Tlp.GREEN)
    assert len(world.read("coast")) == 3
    world.hub.integrator.integrate()
    world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), ALFA, "exchange", indicator(2)["id"], frozenset({VersionChoice.ALL})
    )
    world.share("alfa", bundle([indicator(2)]))
    world.user("bo@bravo", roles=frozenset({Role.SIGNATORY}))
    world.agreement(DRAFT, signed_by=("alfa",), activate=False)
    world.agreement(ENDING.replace("version: 2", "version: 3"), signed_by=MEMBERS, activate=False)


@pytest.fixture(scope="module")
def honest() -> Iterator[Payloads]:
    for hubs in templates():
        world = hubs.world()
        _live(world)
        yield [payload for _, payload in tell(world.hub)]
        hubs.drop(world)


def _replay(told: Payloads) -> None:
    replay(list(enumerate(told)))


def test_the_honest_log_replays(honest: Payloads) -> None:
    rebuilt = replay(list(enumerate(honest)))
    assert (rebuilt.releases, len(rebuilt.withdrawn), len(rebuilt.offers)) == (2, 1, 5)


# --- how a log is forged ---------------------------------------------------------------------------------------------


def _last(told: Payloads, kind: str, **wanted: object) -> int:
    return max(
        index
        for index, payload in enumerate(told)
        if payload.kind == kind and all(_inner(payload).get(name) == value for name, value in wanted.items())
    )


def _inner(payload: EntryPayload) -> dict[str, Any]:
    for name in ("user", "party"):
        if payload.kind.startswith(f"{name}."):
            inner = payload.data[name]
            assert isinstance(inner, dict)
            return inner
    return payload.data


def _changed(told: Payloads, index: int, data: dict[str, Any] | None = None, **frame: Any) -> Payloads:  # noqa: ANN401
    """Return the log with one entry changed; fields of the frame by name, fields of its data in ``data``."""
    payload = told[index]
    forged = msgspec.structs.replace(payload, data=payload.data | (data or {}), **frame)
    return [*told[:index], forged, *told[index + 1 :]]


def _again(told: Payloads, index: int, data: dict[str, Any] | None = None, **frame: Any) -> Payloads:  # noqa: ANN401
    """Return the log with an entry told once more at its end, changed."""
    longer = [*told, msgspec.structs.replace(told[index], at=told[-1].at)]
    return _changed(longer, len(told), data, **frame)


def _about(told: Payloads, kind: str, like: int, **changes: object) -> Payloads:
    """Return the log with one more entry about a party or user, as an earlier entry has it but for some changes."""
    what = kind.partition(".")[0]
    data = {what: _inner(told[like]) | changes, "reason": ""}
    if kind in {"user.added", "user.changed", "party.added"}:
        del data["reason"]
    payload = msgspec.structs.replace(
        told[_last(told, "party.cleared")], kind=kind, data=data, at=told[-1].at, actor="operator@hub"
    )
    return [*told, payload]


def _suspended(told: Payloads, name: str, *, at: int | None = None) -> Payloads:
    longer = _about(told, "party.suspended", _last(told, "party.cleared", name=name), status="suspended")
    return longer if at is None else _changed(longer, len(told), at=format_instant(at))


def _offered(told: Payloads, like: int, *, labels: list[object] | None = None, **changes: object) -> Payloads:
    """Return the log with a submission more, of one offer: the first of an earlier submission but for some changes."""
    offers: list[dict[str, Any]] = [
        offer for payload in told if payload.kind == "submission" for offer in payload.data["offers"]
    ]
    last = max(offers, key=lambda offer: int(offer["seq"]))
    offer = told[like].data["offers"][0] | {"seq": last["seq"] + 1, "added": last["added"] + DAY} | changes
    offer = {name: value for name, value in offer.items() if value is not None}
    data = {"submission": f"forged {len(told)}", "labels": labels or [], "offers": [offer]}
    return _again(told, like, data)


def _submissions(told: Payloads) -> list[int]:
    return [index for index, payload in enumerate(told) if payload.kind == "submission"]


def _released(told: Payloads, data: dict[str, Any], **frame: Any) -> Payloads:  # noqa: ANN401
    """Return the log with the last release told once more under another id, changed."""
    return _again(told, _last(told, "release"), {"release": "forged"} | data, **frame)


def _decided(told: Payloads) -> int:
    return parse_instant(told[_last(told, "release")].data["decided_at"])


def _signed(told: Payloads) -> Payloads:
    """Return the log with the signature of bravo's signatory on the draft."""
    document = parse_agreement(DRAFT.encode(), where="draft").document
    key = key_of("bravo")
    data = {
        "party": BRAVO,
        "signatory": "sig",
        "key": public_key_of(key),
        "signature": sign_document(document, key),
    }
    return _again(told, _last(told, "agreement.signed", version=2), data, actor="sig@bravo")


def _label(told: Payloads, number: int) -> list[Any]:
    """Return a label of alfa's first submission under another number, open to all."""
    label = told[_submissions(told)[0]].data["labels"][0][1]
    return [number, label | {"tlp": "clear"}]


FORGED: Final[dict[str, tuple[Callable[[Payloads], Payloads], str]]] = {
    # time and place
    "time runs backwards": (
        lambda told: _changed(told, len(told) - 1, at="2020-01-01T00:00:00.000000Z"),
        "older than the entry before",
    ),
    "an entry of another environment": (
        lambda told: _changed(told, len(told) - 1, environment="exercise-7"),
        "another environment",
    ),
    # releases
    "a release decided before the entries that decided it": (
        lambda told: _released(told, {"decided_at": "2020-01-01T00:00:00.000000Z"}),
        "decided before the entries",
    ),
    "a release decided after its own entry": (
        lambda told: _released(told, {"decided_at": "2026-12-01T00:00:00.000000Z", "as_of": len(told)}),
        "decided later than entry",
    ),
    "a release decided after a suspension, by what was before": (
        lambda told: _released(
            _suspended(told, "coast"),
            {"decided_at": format_instant(parse_instant(told[-1].at) + SECOND)},
            at=format_instant(parse_instant(told[-1].at) + 2 * SECOND),
        ),
        "decided later than entry",
    ),
    "a release entered after what was done much later": (
        lambda told: _released(_suspended(told, "coast", at=_decided(told) + MAX_WAIT + 1), {}),
        "not entered when it was decided",
    ),
    "a release entered when years had passed": (
        lambda told: _released(
            told,
            {"decided_at": told[-1].at, "as_of": len(told)},
            at=format_instant(parse_instant(told[-1].at) + MAX_STANDSTILL + 1),
        ),
        "long after it was decided",
    ),
    "a release decided at no time": (lambda told: _released(told, {"decided_at": "soon"}), "is not a date-time"),
    "a release of nothing": (lambda told: _released(told, {"offers": []}), "releases nothing"),
    "one id for two answers": (
        lambda told: _again(told, _last(told, "release"), {"filter": {"types": ["indicator"]}}),
        "another answer",
    ),
    "one id for two actors": (
        lambda told: _again(told, _last(told, "release"), actor="alfa"),
        "another answer",
    ),
    "a release told twice": (lambda told: _again(told, _last(told, "release")), "for this owner is entered already"),
    # right and person
    "a privileged act without a mandate": (
        lambda told: _changed(told, _last(told, "party.cleared"), mandate=None),
        "needs a mandate",
    ),
    "a privileged act under another mandate": (
        lambda told: _changed(told, _last(told, "agreement.activated"), mandate="motion:entry:9"),
        "no such motion",
    ),
    "a collection without a mandate": (
        lambda told: _changed(told, _last(told, "collection.added"), mandate=None),
        "needs a mandate",
    ),
    "a mandate for what takes none": (
        lambda told: _changed(told, _last(told, "submission"), mandate="founding:entry:0"),
        "takes no mandate",
    ),
    "a privileged act of nobody": (
        lambda told: _changed(told, _last(told, "party.cleared"), actor="nobody@nowhere"),
        "somebody who is not there",
    ),
    "a privileged act of a member": (
        lambda told: _changed(told, _last(told, "agreement.proposed"), actor="ana@alfa"),
        "only people of the party that runs the hub",
    ),
    "a privileged act of a party": (
        lambda told: _changed(told, _last(told, "agreement.proposed"), actor="hub"),
        "only people of the party that runs the hub",
    ),
    "an act of an unknown user": (
        lambda told: _changed(told, _last(told, "submission"), actor="nobody@alfa"),
        "somebody who is not there",
    ),
    "an act for an unknown party": (
        lambda told: _changed(told, _last(told, "submission"), on_behalf_of="ghost"),
        "somebody who is not there",
    ),
    "an act of nobody of a party": (
        lambda told: _changed(told, _last(told, "submission"), actor="@alfa"),
        "somebody who is not there",
    ),
    # submissions and withdrawals
    "a submission of a suspended party": (
        lambda told: _offered(_suspended(told, "alfa"), _submissions(told)[0], object="indicator--new"),
        "not vetted",
    ),
    "a submission of a party never added": (
        lambda told: _again(told, _submissions(told)[0], {"party": "https://ghost.example"}),
        "not vetted",
    ),
    "a submission told twice": (
        lambda told: _again(told, _submissions(told)[0]),
        "a submission of this id already",
    ),
    "one object under two labels": (
        lambda told: _offered(told, _submissions(told)[0], labels=[_label(told, 99)], label=99),
        "was contributed before",
    ),
    "a red object offered again under a wider label": (
        lambda told: _offered(
            told, _submissions(told)[1], label=told[_submissions(told)[0]].data["offers"][0]["label"], content=None
        ),
        "never contributed before, or under another label",
    ),
    "an object offered again that never came": (
        lambda told: _offered(told, _submissions(told)[0], object="indicator--new", content=None),
        "never contributed before",
    ),
    "an object offered twice": (
        lambda told: _offered(told, _submissions(told)[0], content=None),
        "is offered already",
    ),
    "a label of another type": (
        lambda told: _offered(told, _submissions(told)[0], object="malware--new"),
        "another type",
    ),
    "an offer added before the one before it": (
        lambda told: _offered(told, _submissions(told)[0], object="indicator--new", added=1),
        "not added after",
    ),
    "an offer numbered zero": (
        lambda told: _offered(told, _submissions(told)[0], object="indicator--new", seq=0),
        "does not follow",
    ),
    "a withdrawal of a party never added": (
        lambda told: _again(told, _last(told, "withdrawal"), {"party": "https://ghost.example"}),
        "a party that is not there",
    ),
    "a withdrawal of another object": (
        lambda told: _changed(told, _last(told, "withdrawal"), {"object": indicator(1)["id"]}),
        "another object",
    ),
    "a collection opened twice": (lambda told: _again(told, _last(told, "collection.added")), "already"),
    # people and signatures
    "an operator at a member": (
        lambda told: _about(
            told, "user.added", _last(told, "user.added", name="ana"), name="mole", roles=["auditor", "operator"]
        ),
        "not of the party that runs the hub",
    ),
    "a member's user who becomes operator": (
        lambda told: _about(told, "user.changed", _last(told, "user.added", name="ana"), roles=["operator"]),
        "not of the party that runs the hub",
    ),
    "one signing key for two people": (
        lambda told: _about(
            told, "user.changed", _last(told, "user.added", name="bo"), signing_key=public_key_of(key_of("bravo"))
        ),
        "another person's",
    ),
    "a user who begins with a key": (
        lambda told: _about(
            told, "user.added", _last(told, "user.added", name="bo"), name="cy", signing_key=public_key_of(b"c" * 32)
        ),
        "begins with a signing key",
    ),
    "a key for one who is no signatory": (
        lambda told: _about(
            told, "user.changed", _last(told, "user.added", name="ana"), signing_key=public_key_of(b"c" * 32)
        ),
        "is no signatory",
    ),
    "a party added with a clearance": (
        lambda told: _about(
            told, "party.added", _last(told, "party.added"), name="new", uri="urn:x:new", clearance="secret"
        ),
        "does not begin",
    ),
    "the hub's party suspended": (lambda told: _suspended(told, "hub"), "runs the hub"),
    "a signature of a suspended party": (lambda told: _signed(_suspended(told, "bravo")), "bravo is suspended"),
    "a signature by a disabled user": (
        lambda told: _signed(
            _about(told, "user.disabled", _last(told, "user.changed", party=BRAVO), status="disabled")
        ),
        "only an active signatory",
    ),
    "a signature without the role": (
        lambda told: _signed(_about(told, "user.changed", _last(told, "user.changed", party=BRAVO), roles=["analyst"])),
        "only an active signatory",
    ),
    "an activation after the term": (
        lambda told: _again(
            told,
            _last(told, "agreement.activated"),
            {"version": 3, "supersedes": 1, "digest": told[_last(told, "agreement.signed", version=3)].data["digest"]},
            at="2026-06-20T00:00:00.000000Z",
        ),
        "its term had ended",
    ),
    # the founding
    "a key of another shape": (lambda told: _changed(told, 0, {"vkey": "hub"}), "not a verifier key"),
    "a key of another name": (lambda told: _changed(told, 0, {"origin": "other.example/tocsin/live"}), "named after"),
    "a hub of another environment": (
        lambda told: [msgspec.structs.replace(payload, environment="drill") for payload in told],
        "named after",
    ),
    "a founding by another": (lambda told: _changed(told, 0, {"operator": "mole"}), "not done by the operator"),
    "a founding of another hub": (lambda told: _changed(told, 0, {"hub": "https://other.example"}), "entry 3"),
    "a founder who is nobody": (
        lambda told: [*[msgspec.structs.replace(payload, actor="operator@other") for payload in told[:4]], *told[4:]],
        "founded by an operator",
    ),
    "a founding in another order": (lambda told: [told[0], told[3], *told[1:3], *told[4:]], "not founded in this way"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_false_log_is_refused_with_its_entry_and_the_reason(honest: Payloads, case: str) -> None:
    forge, reason = FORGED[case]
    with pytest.raises(LogBrokenError, match=reason) as caught:
        _replay(forge(honest))
    assert "entry " in str(caught.value)


# --- what is odd and yet true ----------------------------------------------------------------------------------------


TRUE: Final[dict[str, Callable[[Payloads], Payloads]]] = {
    "another release": lambda told: _released(told, {}),
    "a release entered after a suspension that came at once": lambda told: _released(_suspended(told, "coast"), {}),
    "a release of a hub that stood still": lambda told: _released(
        told,
        {"decided_at": told[-1].at, "as_of": len(told)},
        at=format_instant(parse_instant(told[-1].at) + MAX_STANDSTILL),
    ),
    "an auditor at a member": lambda told: _about(
        told, "user.added", _last(told, "user.added", name="ana"), name="eve", roles=["auditor"]
    ),
    "a withdrawal by a suspended party": lambda told: _again(
        _suspended(told, "alfa"), _last(told, "withdrawal"), {"object": indicator(1)["id"], "offers": [1]}
    ),
    "a signature that was missing": _signed,
    "a new object under a label that is there": lambda told: _offered(
        told, _submissions(told)[0], object="indicator--new"
    ),
    "the operator for a member": lambda told: _changed(
        told, _last(told, "submission"), actor=OPERATOR.actor, on_behalf_of="ana@alfa"
    ),
}


@pytest.mark.parametrize("case", TRUE)
def test_what_can_have_happened_replays(honest: Payloads, case: str) -> None:
    _replay(TRUE[case](honest))
