"""Sharing on behalf of another: signed, bounded, ended; what is shared is the represented party's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import update

from support.cli import bundle, indicator, tool
from support.hub import OPERATOR, START, key_of
from support.inspection import tell
from support.treaty import templates
from tocsin.agreements.document import ml_dsa_public_key_of, public_key_of, sign_bytes
from tocsin.agreements.model import Tlp
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    StoreBrokenError,
    TocsinError,
    TransitionError,
)
from tocsin.exchange.access.tables import DELEGATIONS
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Outcome
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY
from tocsin.log.model import decode_payload
from tocsin.parties.model import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.treaty import Templates
    from tocsin.exchange.access.delegation import Delegation
    from tocsin.exchange.model import Receipt
    from tocsin.log.model import EntryPayload

made_templates = pytest.fixture(scope="module")(templates)
FLAW = "vulnerability--00000000-0000-4000-8000-000000000003"
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
    return world.hub.delegating.give(SIGNATORY, draft, sign_bytes(message, key_of(key)).signature)


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
    assert receipt.results[1].where == "objects[1].type"
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
    signature = sign_bytes(message, key_of("alfa")).signature
    wider = msgspec.structs.replace(draft, tlp=Tlp.AMBER)
    with pytest.raises(ForbiddenError):
        world.hub.delegating.give(SIGNATORY, wider, signature)
    with pytest.raises(ForbiddenError, match="for the signatory"):
        world.hub.delegating.give(OPERATOR, draft, signature)
    assert world.hub.delegating.all()[0] == []
    world.hub.delegating.give(SIGNATORY, draft, signature)
    with pytest.raises(ConflictError, match="of this id was given before"):
        world.hub.delegating.give(SIGNATORY, draft, signature)
    assert len(world.hub.delegating.all()[0]) == 1


def test_who_has_a_second_key_signs_with_both(world: World) -> None:
    seed = b"7" * 32
    world.hub.parties.register_signing_key(
        OPERATOR,
        world.hub.mandate,
        "sig@alfa",
        public_key_of(key_of("alfa")),
        ml_dsa_key=ml_dsa_public_key_of(seed),
    )
    with pytest.raises(ForbiddenError, match="no ML-DSA-44 signature"):
        delegate(world)
    parties = world.hub.parties
    until = world.clock.now() + DAY
    draft, message = world.hub.delegating.draft(
        parties.get("alfa"), parties.get("outsider"), types=None, tlp=Tlp.GREEN, until=until, signatory="sig"
    )
    made = sign_bytes(message, key_of("alfa"), seed)
    other = sign_bytes(message, key_of("alfa"), b"8" * 32)
    with pytest.raises(ForbiddenError, match="no delegation by the registered key"):
        world.hub.delegating.give(SIGNATORY, draft, made.signature, ml_dsa_signature=other.ml_dsa_signature)
    given = world.hub.delegating.give(SIGNATORY, draft, made.signature, ml_dsa_signature=made.ml_dsa_signature)
    assert given.ml_dsa_key == ml_dsa_public_key_of(seed)
    assert world.hub.self_test.require() > 0
    entries = list(tell(world.hub))
    replay(entries)
    place = next(place for place, (_, payload) in enumerate(entries) if payload.kind == "delegation.given")
    index, payload = entries[place]
    of_second = {"ml_dsa_key", "ml_dsa_signature"}
    first_alone = {name: value for name, value in payload.data.items() if name not in of_second}
    for data in (
        payload.data | {"ml_dsa_signature": other.ml_dsa_signature},
        payload.data | dict.fromkeys(of_second),
        payload.data | {"note": "x"},
    ):
        forged = msgspec.structs.replace(payload, data=data)
        with pytest.raises(TocsinError):
            replay([*entries[:place], (index, forged), *entries[place + 1 :]])
    earlier = msgspec.structs.replace(payload, data=first_alone)
    of_earlier = [*entries[:place], (index, earlier), *entries[place + 1 :]]
    with pytest.raises(TocsinError, match="not the form of a delegation"):
        replay(of_earlier)  # not even the first: the founding asked for both
    told = replay(_of_before(of_earlier)).granted
    assert told.with_one == [given.uuid], "an auditor is told of what earlier versions took with one"
    assert replay(entries).granted.with_one == []
    again = world.hub.delegating.draft(
        parties.get("alfa"), parties.get("outsider"), types=None, tlp=Tlp.GREEN, until=until, signatory="sig"
    )
    both = sign_bytes(again[1], key_of("alfa"), seed)
    world.hub.delegating.give(SIGNATORY, again[0], both.signature, ml_dsa_signature=both.ml_dsa_signature)
    entries = list(tell(world.hub))
    index, payload = entries[-1]
    assert payload.kind == "delegation.given"
    alone = {name: value for name, value in payload.data.items() if name not in of_second}
    with pytest.raises(TocsinError):
        replay(_of_before([*entries[:-1], (index, msgspec.structs.replace(payload, data=alone))]))
    with world.hub.store.write() as connection:
        connection.execute(update(DELEGATIONS).values(ml_dsa_signature=other.ml_dsa_signature))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()


def _of_before(entries: list[tuple[int, EntryPayload]]) -> list[tuple[int, EntryPayload]]:
    """Return a log as a hub of an earlier version founded it."""
    (index, founding), *rest = entries
    data = {name: value for name, value in founding.data.items() if name != "signed_with"}
    return [(index, msgspec.structs.replace(founding, data=data)), *rest]


def test_a_forged_delegation_does_not_replay(world: World) -> None:
    delegate(world)
    share(world, bundle(indicator(1)))
    told_all = entries(world)
    replay(told_all)
    given = next(place for place, payload in told_all if payload.kind == "delegation.given")
    shared = next(place for place, payload in told_all if payload.kind == "submission")
    for index, change in (
        (given, {"tlp": "green"}),
        (given, {"types": None}),
        (given, {"delegate": "https://bravo.example"}),
        (given, {"signatory": "ana"}),
        (shared, {"delegate": "https://bravo.example"}),
        (shared, {"delegation": "00000000-0000-4000-8000-000000000000"}),
    ):
        payload = told_all[index][1]
        told = msgspec.structs.replace(payload, data=dict(payload.data) | change)
        with pytest.raises(TocsinError):
            replay([*told_all[:index], (index, told), *told_all[index + 1 :]])


def test_damage_is_found(world: World) -> None:
    delegate(world)
    with world.hub.store.write() as connection:
        connection.execute(update(DELEGATIONS).values(tlp="clear"))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()


def test_each_object_comes_under_a_delegation_that_covers_it(world: World) -> None:
    indicators = delegate(world)
    delegate(world, types=frozenset({"vulnerability"}), tlp=Tlp.CLEAR)
    tools = delegate(world, types=frozenset({"tool"}))
    receipt = share(world, bundle(indicator(1), tool(2), tool(3, type="vulnerability", id=FLAW)))
    assert [result.outcome for result in receipt.results] == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REFUSED]
    assert "none of the 3 delegations that stand covers a vulnerability" in (receipt.results[2].reason or "")
    _, told = next(one for one in entries(world) if one[1].kind == "submission")
    assert told.data["delegation"] == tools.uuid
    under = {offer["object"]: offer.get("delegation") for offer in told.data["offers"]}
    assert under == {indicator(1)["id"]: indicators.uuid, tool(2)["id"]: None}
    assert world.hub.self_test.require() > 0


def test_an_offer_under_a_delegation_that_does_not_cover_it_does_not_replay(world: World) -> None:
    delegate(world)
    tools = delegate(world, types=frozenset({"tool"}))
    share(world, bundle(indicator(1)))
    told = entries(world)
    replay(told)
    index, payload = next(one for one in told if one[1].kind == "submission")
    (offer,) = payload.data["offers"]
    for wrong in (tools.uuid, "00000000-0000-4000-8000-000000000000", None):
        kept = {name: value for name, value in offer.items() if name != "delegation"}
        forged = kept if wrong is None else kept | {"delegation": wrong}
        changed = msgspec.structs.replace(payload, data=dict(payload.data) | {"offers": [forged]})
        with pytest.raises(TocsinError):
            replay([(at, changed if at == index else one) for at, one in told])


@pytest.mark.parametrize(
    ("name", "meant"), [("quark", "or a custom x-… type"), ("indikator", "did you mean indicator"), ("x_y", "x-…")]
)
def test_no_delegation_is_of_a_type_that_is_none(world: World, name: str, meant: str) -> None:
    with pytest.raises(InputError) as refused:
        delegate(world, types=frozenset({"indicator", name}))
    assert meant in (refused.value.todo or "")
    assert delegate(world, types=frozenset({"x-acme-case"})).types == frozenset({"x-acme-case"})


def test_a_delegation_that_another_key_signed_is_told_so(world: World) -> None:
    with pytest.raises(ForbiddenError) as refused:
        delegate(world, key="outsider")
    assert "motion" not in str(refused.value) + (refused.value.todo or "")


def test_a_party_needs_no_delegation_for_itself(world: World) -> None:
    alfa = world.hub.parties.get("alfa")
    with pytest.raises(InputError) as refused:
        world.hub.delegating.draft(
            alfa, alfa, types=None, tlp=Tlp.GREEN, until=world.clock.now() + DAY, signatory="sig"
        )
    assert refused.value.where == "to"


def entries(world: World) -> list[tuple[int, EntryPayload]]:
    """Return the log's entries."""
    with world.hub.store.read() as connection:
        return [(row.index, decode_payload(row.payload or b"", where="test")) for row in world.hub.log.rows(connection)]
