"""Sharing on behalf of another: signed, bounded, ended; what is shared is the represented party's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import update

from support.cli import bundle, indicator, tool
from support.hub import OPERATOR, START, key_of
from support.treaty import templates
from tocsin.agreements.model import Tlp
from tocsin.errors import ForbiddenError, InputError, NotFoundError, StoreBrokenError, TocsinError, TransitionError
from tocsin.exchange.access.tables import DELEGATIONS
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Outcome
from tocsin.exchange.replay import replay
from tocsin.governance.wire import sign
from tocsin.kernel.clock import DAY
from tocsin.log.model import decode_payload
from tocsin.parties.model import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.treaty import Templates
    from tocsin.exchange.access.delegation import Delegation
    from tocsin.exchange.model import Receipt

made_templates = pytest.fixture(scope="module")(templates)
SIGNATORY = OPERATOR.for_("sig@alfa")


@pytest.fixture
def world(made_templates: Templates) -> Iterator[World]:
    """Return a hub of members, and outsider, who is none and may share for alfa once alfa says so."""
    world = made_templates.world()
    yield world
    made_templates.drop(world)


def delegate(world: World, *, key: str = "alfa", **terms: Any) -> Delegation:  # noqa: ANN401  as many kinds as it has terms
    """Let outsider share indicators up to AMBER for alfa."""
    parties = world.hub.parties
    chosen: dict[str, Any] = {
        "types": frozenset({"indicator"}),
        "tlp": Tlp.AMBER,
        "until": world.clock.now() + 30 * DAY,
        "signatory": "sig",
    }
    draft, message = world.hub.delegating.draft(parties.get("alfa"), parties.get("outsider"), **(chosen | terms))
    return world.hub.delegating.give(SIGNATORY, draft, sign(message, key_of(key)))


def share(world: World, data: bytes, *, by: str = "outsider", tlp: Tlp | None = None) -> Receipt:
    """Share for alfa."""
    delegate_ = world.hub.parties.get(by).uri
    owner = world.hub.parties.get("alfa").uri
    return world.hub.intake.submit(
        Submission(party=owner, acting=OPERATOR.for_(by), data=data, tlp=tlp, delegate=delegate_)
    )


def test_what_is_shared_is_the_represented_party_s(world: World) -> None:
    given = delegate(world)
    receipt = share(world, bundle(indicator(1), tool(2)))
    assert [result.outcome for result in receipt.results] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert "under this delegation" in (receipt.results[1].reason or "")
    ((item, _),) = world.read("bravo")
    assert item.object_id == indicator(1)["id"]
    assert world.read("outsider") == []
    with world.hub.store.read() as connection:
        row = next(row for row in world.hub.log.rows(connection) if row.kind == "submission")
        told = decode_payload(row.payload or b"", where="test")
    assert set(row.concerns) == {"https://alfa.example", "https://outsider.example"}
    assert told.data["party"] == "https://alfa.example"
    assert (told.data["delegation"], told.on_behalf_of) == (given.uuid, "outsider")
    world.hub.integrator.integrate()
    assert world.hub.self_test.require() > 0


@pytest.mark.parametrize("tlp", [Tlp.AMBER_STRICT, Tlp.RED])
def test_the_strictest_are_never_delegated(world: World, tlp: Tlp) -> None:
    with pytest.raises(InputError):
        delegate(world, tlp=tlp)
    delegate(world)
    results = share(world, bundle(indicator(1)), tlp=tlp).results
    assert [result.outcome for result in results] == [Outcome.REFUSED]


def test_without_one_and_after_it_nothing_is_shared(world: World) -> None:
    with pytest.raises(ForbiddenError):
        share(world, bundle(indicator(1)))
    given = delegate(world)
    with pytest.raises(ForbiddenError):
        share(world, bundle(indicator(1)), by="coast")
    alfa = world.hub.parties.get("alfa")
    with pytest.raises(NotFoundError):
        world.hub.delegating.revoke(OPERATOR.for_("bravo"), world.hub.parties.get("bravo"), None, given.uuid)
    world.hub.delegating.revoke(OPERATOR.for_("alfa"), alfa, None, given.uuid)
    with pytest.raises(TransitionError):
        world.hub.delegating.revoke(OPERATOR.for_("alfa"), alfa, None, given.uuid)
    with pytest.raises(ForbiddenError):
        share(world, bundle(indicator(1)))
    delegate(world, until=world.clock.now() + DAY)
    world.clock.advance(DAY)
    with pytest.raises(ForbiddenError):
        share(world, bundle(indicator(1)))
    assert world.hub.self_test.require() > 0


def test_a_suspended_delegate_shares_nothing(world: World) -> None:
    delegate(world)
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "outsider", "under inquiry")
    with pytest.raises(ForbiddenError):
        share(world, bundle(indicator(1)))


@pytest.mark.parametrize("limits", [{"until": START}, {"agreements": frozenset({"treaty"})}], ids=["ended", "narrow"])
def test_a_signatory_delegates_within_their_authority(world: World, limits: dict[str, Any]) -> None:
    parties, mandate = world.hub.parties, world.hub.mandate
    first = delegate(world)
    parties.authorise_signatory(OPERATOR, mandate, "sig@alfa", Authority(**limits))
    with pytest.raises(ForbiddenError, match="does not reach a delegation"):
        delegate(world)
    # what was signed with authority binds
    assert [result.outcome for result in share(world, bundle(indicator(1))).results] == [Outcome.ACCEPTED]
    parties.authorise_signatory(OPERATOR, mandate, "sig@alfa", Authority(until=world.clock.now() + DAY))
    assert delegate(world).uuid != first.uuid
    assert world.hub.self_test.require() > 0


def test_a_suspended_party_is_shared_for_by_nobody(world: World) -> None:
    delegate(world)
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "under inquiry")
    with pytest.raises(ForbiddenError):
        share(world, bundle(indicator(1)))


def test_only_the_signatory_s_own_key_gives_it_and_once(world: World) -> None:
    with pytest.raises(ForbiddenError):
        delegate(world, key="outsider")
    with pytest.raises(NotFoundError):
        delegate(world, signatory="nobody")
    with pytest.raises(ForbiddenError):
        delegate(world, signatory="ana")
    parties = world.hub.parties
    draft, message = world.hub.delegating.draft(
        parties.get("alfa"),
        parties.get("outsider"),
        types=None,
        tlp=Tlp.GREEN,
        until=world.clock.now() + DAY,
        signatory="sig",
    )
    signature = sign(message, key_of("alfa"))
    wider = msgspec.structs.replace(draft, tlp=Tlp.AMBER)
    with pytest.raises(ForbiddenError):
        world.hub.delegating.give(SIGNATORY, wider, signature)
    with pytest.raises(ForbiddenError, match="for the signatory"):
        world.hub.delegating.give(OPERATOR, draft, signature)
    assert world.hub.delegating.all()[0] == []


def test_a_forged_delegation_does_not_replay(world: World) -> None:
    delegate(world)
    share(world, bundle(indicator(1)))
    with world.hub.store.read() as connection:
        entries = [
            (row.index, decode_payload(row.payload or b"", where="test")) for row in world.hub.log.rows(connection)
        ]
    replay(entries)
    given = next(place for place, payload in entries if payload.kind == "delegation.given")
    shared = next(place for place, payload in entries if payload.kind == "submission")
    for index, change in (
        (given, {"tlp": "green"}),
        (given, {"types": None}),
        (given, {"delegate": "https://bravo.example"}),
        (given, {"signatory": "ana"}),
        (shared, {"delegate": "https://bravo.example"}),
        (shared, {"delegation": "00000000-0000-4000-8000-000000000000"}),
    ):
        payload = entries[index][1]
        told = msgspec.structs.replace(payload, data=dict(payload.data) | change)
        with pytest.raises(TocsinError):
            replay([*entries[:index], (index, told), *entries[index + 1 :]])


def test_damage_is_found(world: World) -> None:
    delegate(world)
    with world.hub.store.write() as connection:
        connection.execute(update(DELEGATIONS).values(tlp="clear"))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
