"""Grants: open to whom they are for, until they end, and nowhere else; no way around a floor or a forbid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from support.cli import bundle, indicator
from support.hub import OPERATOR
from support.treaty import templates
from tocsin.agreements.model import Tlp
from tocsin.agreements.tables import GRANTS
from tocsin.errors import (
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    StoreBrokenError,
    TocsinError,
    TransitionError,
)
from tocsin.exchange.access import granting
from tocsin.exchange.access.granting import Terms
from tocsin.exchange.asking import Question
from tocsin.exchange.evidence import export_log
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.replay import replay
from tocsin.exchange.tables import AUDIENCES
from tocsin.kernel.clock import DAY, format_instant
from tocsin.log.model import decode_payload
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from support.hub import World
    from support.treaty import Templates
    from tocsin.exchange.access.granting import Given

made_templates = pytest.fixture(scope="module")(templates)
ALFA = OPERATOR.for_("alfa")
ONE = str(indicator(1)["id"])
TWO = str(indicator(2)["id"])


@pytest.fixture
def world(made_templates: Templates) -> Iterator[World]:
    """Return a hub where alfa shared two indicators with the members; outsider reads nothing."""
    world = made_templates.world()
    world.share("alfa", bundle(indicator(1), indicator(2)))
    yield world
    made_templates.drop(world)


def give(world: World, to: str = "outsider", *, owner: str = "alfa", days: int = 7, **terms: Any) -> Given:  # noqa: ANN401  as many kinds as a grant has terms
    """Grant alfa's first indicator."""
    chosen = Terms(to=to, until=world.clock.now() + days * DAY, **({"object_id": ONE} | terms))
    return world.hub.granting.give(OPERATOR.for_(owner), world.hub.parties.get(owner), None, chosen)


def granted(world: World, reference: str, *, purpose: str = "detect", query: Query | None = None) -> list[str]:
    """Return what a reader finds in the collection of grants; it is not there: nothing."""
    try:
        answer = world.hub.reading.objects(world.asker(reference, purpose=purpose), "grants", query or Query())
    except NotFoundError:
        return []
    return [item.object_id for item in answer.page.items]


@pytest.mark.still
def test_it_opens_to_whom_it_is_for_until_it_ends(world: World) -> None:
    assert granted(world, "outsider") == []
    given = give(world, days=1)
    assert given.closed == ()
    assert granted(world, "outsider") == granted(world, "ana@outsider") == [ONE]
    assert granted(world, "outsider", purpose="enforce") == []
    assert world.read("outsider") == []  # in the exchange nothing changed
    assert granted(world, "bravo") == granted(world, "alfa") == []
    world.clock.advance(DAY - 1)
    assert granted(world, "outsider") == [ONE]
    world.clock.advance(1)
    assert granted(world, "outsider") == []
    assert world.hub.self_test.require() > 0


def test_the_slice_ends_with_the_grant(world: World) -> None:
    given = give(world)
    with world.hub.store.read() as connection:
        passed = world.hub.gate.admit(connection, "https://outsider.example", None, "detect")
        assert passed.slice.valid_until == given.grant.until


def test_revoking_closes_at_once_and_once(world: World) -> None:
    uuid, alfa = give(world).grant.uuid, world.hub.parties.get("alfa")
    assert granted(world, "outsider") == [ONE]
    with pytest.raises(NotFoundError):
        world.hub.granting.revoke(OPERATOR.for_("bravo"), world.hub.parties.get("bravo"), None, uuid)
    world.hub.granting.revoke(ALFA, alfa, None, uuid, "not needed any more")
    assert granted(world, "outsider") == []
    with pytest.raises(TransitionError):
        world.hub.granting.revoke(ALFA, alfa, None, uuid)
    assert world.hub.self_test.require() > 0


def test_a_page_made_before_the_revocation_does_not_leave(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trap: revoked between the snapshot and the release."""
    uuid, alfa = give(world).grant.uuid, world.hub.parties.get("alfa")
    stage: Any = world.hub.reading._stage
    revoked: list[bool] = []

    def late(*arguments: object, **named: object) -> object:
        if not revoked:
            revoked.append(True)
            world.hub.granting.revoke(ALFA, alfa, None, uuid)
        return stage(*arguments, **named)

    monkeypatch.setattr(world.hub.reading, "_stage", late)
    assert granted(world, "outsider") == []
    assert revoked


def test_later_versions_come_by_themselves_where_all_were_granted(world: World) -> None:
    give(world)
    give(world, "bravo", version=None)
    give(world, "coast", object_id=TWO)
    newest = world.hub.reading.objects(world.asker("outsider"), "grants", Query()).page.items[-1].date_added
    later = indicator(1) | {"modified": "2026-05-02T00:00:00.000Z"}
    world.hub.integrator.integrate()
    world.clock.advance(DAY // 24)
    world.share("alfa", bundle(later))
    assert granted(world, "outsider", query=Query(added_after=newest)) == [ONE]
    everything = Query(versions=frozenset({VersionChoice.ALL}))
    assert len(granted(world, "outsider", query=everything)) == 2
    assert granted(world, "coast", query=everything) == [TWO]
    assert world.hub.self_test.require() > 0


def test_one_version_is_one_version(world: World) -> None:
    first = world.read("bravo", query=Query(ids=frozenset({ONE})))[0][0].version
    give(world, version=first)
    world.share("alfa", bundle(indicator(1) | {"modified": "2026-05-02T00:00:00.000Z"}))
    assert len(granted(world, "outsider", query=Query(versions=frozenset({VersionChoice.ALL})))) == 1
    with pytest.raises(NotFoundError):
        give(world, version=first + 1)


def test_floors_and_forbids_stand_above_it(world: World) -> None:
    world.share("alfa", bundle(indicator(3)), tlp=Tlp.RED, to=("ana@bravo",))
    red = give(world, object_id=str(indicator(3)["id"]))
    assert [reason.clause for told in red.closed for reason in told.verdict.reasons] == ["tocsin.red"]
    world.agreement(FORBIDDING, signed_by=("alfa", "bravo"))
    closed = give(world, object_id=TWO)
    assert [reason.clause for told in closed.closed for reason in told.verdict.reasons] == ["f"]
    assert granted(world, "outsider") == []
    assert world.hub.self_test.require() > 0


FORBIDDING = """
agreement: own-rule
version: 1
title: What alfa holds itself to
in_force: {from: 2026-01-01, until: null}
parties:
  - {name: alfa}
  - {name: bravo}
purposes: [detect]
clauses:
  - {id: "f", forbid: read, of: {type: [indicator]}, unless: {communities: [inner]}}
"""


def test_amber_strict_is_addressed_by_the_grant(world: World) -> None:
    world.share("alfa", bundle(indicator(4)), tlp=Tlp.AMBER_STRICT, to=("bravo",))
    wanted = str(indicator(4)["id"])
    given = give(world, object_id=wanted)
    assert given.closed == ()
    assert granted(world, "outsider") == [wanted]
    world.hub.granting.revoke(ALFA, world.hub.parties.get("alfa"), None, given.grant.uuid)
    assert granted(world, "outsider") == []


def test_an_owner_that_is_suspended_grants_nothing_any_more(world: World) -> None:
    give(world)
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "under inquiry")
    assert granted(world, "outsider") == []


def test_why_names_the_grant(world: World) -> None:
    given = give(world, reason="incident 7")
    party = world.hub.parties.get("outsider")
    (why,) = world.hub.asking.why(Question(object_id=ONE, party=party, user=None, acting=OPERATOR))
    (reason,) = why.explanation.reasons
    assert reason.clause == "tocsin.grant"
    assert given.grant.uuid in reason.sentence
    assert "incident 7" in reason.sentence
    assert format_instant(given.grant.until) in reason.sentence
    alfa = world.hub.parties.get("alfa")
    (told,) = world.hub.asking.why(Question(object_id=ONE, party=alfa, user=None, acting=OPERATOR, reader="outsider"))
    assert told.explanation.verdict.allows
    account = world.hub.asking.who(Question(object_id=ONE, party=alfa, user=None, acting=OPERATOR))
    standing = {one.reader: one.purposes for one in account.standings}
    assert standing["outsider"] == ("detect", "prevent", "respond", "analyse")
    assert standing["coast"] == ("detect", "respond")


def test_who_has_no_grant_sees_no_difference(made_templates: Templates) -> None:
    """Byte for byte and count for count: pages, manifests, collections, searches, verdicts' slices."""
    worlds = [made_templates.world(seed=5), made_templates.world(seed=5)]
    seen = []
    for place, world in enumerate(worlds):
        world.share("alfa", bundle(indicator(1), indicator(2)))
        if place:
            give(world)
            give(world, object_id=TWO)
        told: list[object] = []
        for reference in ("alfa", "bravo", "ana@coast"):
            asker = world.asker(reference)
            told.append([msg.alias for msg in world.hub.reading.collections(asker)])
            answer = world.hub.reading.objects(asker, "exchange", Query())
            told.append((answer.page.items, answer.page.bodies))
            with world.hub.store.read() as connection:
                passed = world.hub.gate.admit(connection, asker.party, asker.user, "detect")
                told.append((passed.slice_digest, passed.slice.valid_until))
            with pytest.raises(NotFoundError) as refused:
                world.hub.reading.objects(asker, "grants", Query())
            told.append(str(refused.value))
        seen.append(told)
    assert seen[0] == seen[1]
    made_templates.drop(*worlds)


def test_who_may_give(world: World) -> None:
    alfa = world.hub.parties.get("alfa")
    terms = Terms(object_id=ONE, to="outsider", until=world.clock.now() + DAY)
    analyst = world.hub.parties.users("alfa")[0]
    assert Role.LIAISON not in analyst.roles
    with pytest.raises(ForbiddenError):
        world.hub.granting.give(OPERATOR.for_("ana@alfa"), alfa, analyst, terms)
    with pytest.raises(ForbiddenError, match="in its name"):
        world.hub.granting.give(OPERATOR, alfa, None, terms)
    liaison = world.user("lia@alfa", roles=frozenset({Role.LIAISON}))
    assert world.hub.granting.give(OPERATOR.for_("lia@alfa"), alfa, liaison, terms).offered
    assert world.hub.self_test.require() > 0


REFUSED: dict[str, tuple[dict[str, Any], type[TocsinError]]] = {
    "another's object": ({"owner": "bravo"}, NotFoundError),
    "no object": ({"object_id": str(indicator(9)["id"])}, NotFoundError),
    "to itself": ({"to": "alfa"}, InputError),
    "to nobody": ({"to": "nobody"}, InputError),
    "to a person": ({"to": "ana@bravo"}, InputError),
    "until yesterday": ({"days": -1}, InputError),
    "for two years": ({"days": 730}, InputError),
    "for no purpose": ({"purposes": frozenset()}, InputError),
    "for fun": ({"purposes": frozenset({"fun"})}, InputError),
    "with a reason that cannot be printed": ({"reason": "\x1b[2J"}, InputError),
}


@pytest.mark.parametrize(("terms", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_grant(world: World, terms: dict[str, Any], error: type[TocsinError]) -> None:
    with pytest.raises(error):
        give(world, **({"to": "outsider"} | terms))
    assert world.hub.granting.all()[0] == []
    assert "grants" not in [one.alias for one in world.hub.collections.all()]


def test_limits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granting, "MAX_GRANTS_OF_ONE", 1)
    give(world, days=1)
    with pytest.raises(LimitError):
        give(world)
    world.clock.advance(DAY)
    give(world)


def test_a_log_with_grants_replays_and_a_forged_one_does_not(world: World) -> None:
    give(world)
    granted(world, "outsider")
    world.hub.integrator.integrate()
    with world.hub.store.read() as connection:
        entries = [
            (row.index, decode_payload(row.payload, where="test"))
            for row in world.hub.log.rows(connection)
            if row.payload is not None
        ]
    rebuilt = replay(entries)
    assert len(rebuilt.granted.grants) == 1
    index = next(place for place, payload in entries if payload.kind == "grant.given")
    forged: dict[str, dict[str, object]] = {
        "of another": {"owner": "https://bravo.example"},
        "of another object": {"object": TWO},
        "to another": {"party": "https://bravo.example"},
        "that had ended": {"until": "2026-01-01T00:00:00Z"},
    }
    import msgspec

    for name, change in forged.items():
        payload = entries[index][1]
        told = msgspec.structs.replace(payload, data=dict(payload.data) | change)
        with pytest.raises(TocsinError):
            replay([*entries[:index], (index, told), *entries[index + 1 :]])
        assert name


def _longer(connection: Connection) -> None:
    connection.execute(update(GRANTS).values(until=GRANTS.c.until + 1))


def _forgotten(connection: Connection) -> None:
    connection.execute(delete(GRANTS))


def _unrevoked(connection: Connection) -> None:
    connection.execute(update(GRANTS).values(revoked_at=None))


def _known(connection: Connection) -> None:
    connection.execute(update(AUDIENCES).values(party="https://bravo.example"))


@pytest.mark.parametrize("damage", [_longer, _forgotten, _unrevoked, _known])
def test_damage_is_found(world: World, damage: Callable[[Connection], None]) -> None:
    uuid = give(world).grant.uuid
    world.hub.granting.revoke(ALFA, world.hub.parties.get("alfa"), None, uuid)
    with world.hub.store.write() as connection:
        damage(connection)
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()


def test_an_export_tells_each_side_of_its_grants(world: World, tmp_path: Path) -> None:
    give(world)
    for party, entries in (("alfa", 1), ("outsider", 1), ("bravo", 0)):
        folder = tmp_path / party
        export_log(world.hub.store, world.hub.log, folder, scope=f"party:{party}")
        told = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
        assert told.count(b"grant.given") == entries
