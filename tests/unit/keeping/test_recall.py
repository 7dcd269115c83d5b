"""Exactly those who received an object are told, each of its own alone, and each answers for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from sqlalchemy import delete, update

from support.hub import OPERATOR
from support.keeping import ALFA, BRAVO, COAST, call_back, hold, later, notices
from support.sharing import bundle, indicator
from tocsin.agreements.model import Tlp
from tocsin.errors import (
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    StoreBrokenError,
    TransitionError,
)
from tocsin.exchange.case import Case
from tocsin.exchange.intake import entering
from tocsin.exchange.model import Outcome, Query, VersionChoice
from tocsin.exchange.recall.model import (
    MAX_BACKUPS,
    MAX_DUE,
    RECALLS,
    Answer,
    Authority,
    Demand,
    Order,
    OurCopy,
    State,
)
from tocsin.exchange.recall.replay import check_recalls
from tocsin.exchange.recall.tables import RECALL_ATTESTATIONS, RECALL_NOTICES, RECALL_OBJECTS
from tocsin.exchange.recall.tables import RECALLS as RECALL_ROWS
from tocsin.exchange.recall.wire import NOTE_OBJECTS, NOTICE_EXTENSION
from tocsin.exchange.retention.model import HUB_HOLDS
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from support.hub import World
    from tocsin.exchange.recall.model import Notice

FIRST: Final = str(indicator(1)["id"])


def attest(world: World, reference: str, answer: Answer, *, until: int | None = None, remark: str = "") -> Notice:
    party, user = world.hub.parties.resolve(reference)
    (notice,) = notices(world, reference)
    return world.hub.recalls.attest(
        Acting(actor=reference), party, user, notice.uuid, answer=answer, until=until, remark=remark
    )


def told(world: World, reference: str) -> list[dict[str, object]]:
    """Return the notes that a reader finds in the collection of notices."""
    page = world.hub.reading.objects(world.asker(reference), RECALLS, Query()).page
    return [msgspec.json.decode(body) for body in page.bodies]


def test_those_who_received_it_are_told_and_nobody_else(world: World) -> None:
    world.share("alfa", bundle([indicator(1), indicator(2)]), tlp=Tlp.GREEN)
    assert len(world.read("bravo")) == 2
    (recall,) = call_back(world, "alfa", FIRST, Demand.DESTROY)
    (note,) = told(world, "bravo")
    assert note["object_refs"] == [FIRST]
    (notice,) = notices(world, "lia@bravo")
    assert note["extensions"][NOTICE_EXTENSION]["notice"] == notice.uuid  # type: ignore[index]  # plain JSON
    for other in ("coast", "alfa", "outsider", "lia@coast"):
        assert told(world, other) == []
        assert notices(world, other) == []
    assert [item.object_id for item, _ in world.read("bravo")] == [str(indicator(2)["id"])]
    assert [item.object_id for item, _ in world.read("alfa")] == [str(indicator(2)["id"])]
    report = world.hub.recalls.report(recall.uuid, ALFA)
    assert [(one.party, one.objects, one.state) for one in report.recipients] == [(BRAVO, 1, State.OPEN)]
    assert report.ours == {"purged": 1}
    assert world.hub.self_test.require() > 0


def test_a_notice_tells_nothing_of_owner_and_others(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    world.read("bravo")
    world.read("coast")
    (recall,) = call_back(world, "alfa", FIRST, Demand.STOP_USING)
    told_to = {name: msgspec.json.encode(told(world, name)[0]).decode() for name in ("bravo", "coast")}
    for name, note in told_to.items():
        for secret in ("alfa", recall.uuid, *({"bravo", "coast"} - {name})):
            assert secret not in note
    (theirs,) = notices(world, "lia@coast")
    (ours,) = notices(world, "lia@bravo")
    assert theirs.uuid != ours.uuid
    # what is the other's answers as what is not there
    party, user = world.hub.parties.resolve("lia@bravo")
    for uuid in (theirs.uuid, recall.uuid, "no notice"):
        with pytest.raises(NotFoundError, match="there is no such notice to this party"):
            world.hub.recalls.attest(OPERATOR, party, user, uuid, answer=Answer.STOPPED)
    for owner in (BRAVO, COAST):
        with pytest.raises(NotFoundError, match="none of yours"):
            world.hub.recalls.report(recall.uuid, owner)
        with pytest.raises(NotFoundError, match="there is no such object of yours"):
            call_back(world, owner[8:-8], FIRST, Demand.DESTROY)


def test_searches_and_manifests_carry_and_counts_do_not(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    world.hub.reading.manifest(world.asker("bravo"), "exchange", Query())
    call_back(world, "alfa", FIRST, Demand.STOP_USING)
    assert len(told(world, "bravo")) == 1
    assert told(world, "coast") == []


def test_red_is_called_back_from_the_person_who_read_it(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]), tlp=Tlp.RED, to=("ana@bravo", "ana@coast"))
    assert len(world.read("ana@bravo", purpose="respond")) == 1
    call_back(world, "alfa", FIRST, Demand.DESTROY)
    assert [note["object_refs"] for note in told(world, "ana@bravo")] == [[FIRST]]
    assert told(world, "bravo") == told(world, "lia@bravo") == told(world, "ana@coast") == []
    (seen,) = notices(world, "ana@bravo")
    assert [named.id for named in seen.objects] == [FIRST]
    (liaison,) = notices(world, "lia@bravo")
    assert (liaison.objects, liaison.withheld) == ((), 1)
    assert attest(world, "lia@bravo", Answer.DESTROYED).state is State.DONE
    assert world.hub.self_test.require() > 0


def test_what_is_called_back_is_not_offered_again(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    call_back(world, "alfa", FIRST, Demand.STOP_USING)
    assert world.share("alfa", bundle([indicator(1)])).count(Outcome.REFUSED) == 1
    assert world.read("bravo") == []
    assert world.hub.self_test.require() > 0


@pytest.mark.parametrize(("demand", "kept"), [("stop-using", 0), ("destroy", 100), ("destroy", 0)])
def test_an_observable_is_known_again_as_long_as_the_hub_has_it(world: World, demand: str, kept: int) -> None:
    address = {"type": "ipv4-addr", "spec_version": "2.1", "value": "198.51.100.7"}
    address["id"] = "ipv4-addr--a7a9ba7a-8cb3-5d13-8ef3-3bd2c4fa33bb"
    world.share("alfa", bundle([address]))
    if kept:
        hold(world, days=kept)
    call_back(world, "alfa", address["id"], Demand(demand))
    receipt = world.share("alfa", bundle([address]))
    if demand == "destroy" and not kept:
        assert receipt.count(Outcome.ACCEPTED) == 1
    else:
        assert receipt.count(Outcome.REFUSED) == 1
        assert "the same content is the same version" in str(receipt.results[0])
        assert world.share("alfa", bundle([address | {"x_seen_by": "alfa"}])).count(Outcome.ACCEPTED) == 1
    assert world.hub.self_test.require() > 0


def test_a_release_that_is_staged_when_the_order_comes_counts(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    assert world.hub.integrator.pending()
    call_back(world, "alfa", FIRST, Demand.DESTROY)
    assert not world.hub.integrator.pending()
    assert len(notices(world, "lia@bravo")) == 1


def test_an_order_leaves_time_when_it_is_entered_and_not_only_when_it_is_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.share("alfa", bundle([indicator(1)]))
    enter = world.hub.integrator.enter

    def slow(connection: Connection) -> None:
        world.clock.advance(DAY)
        enter(connection)

    monkeypatch.setattr(world.hub.integrator, "enter", slow)
    with pytest.raises(InputError):
        call_back(world, "alfa", FIRST, Demand.DESTROY, days=1)
    assert world.hub.self_test.require() > 0


def test_however_much_the_hub_published_today_a_recall_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    monkeypatch.setattr(entering, "MAX_NEW_LABELS_A_DAY", 0)
    call_back(world, "alfa", FIRST, Demand.DESTROY)
    assert len(notices(world, "lia@bravo")) == 1


ANSWERS: Final[dict[str, tuple[Demand, list[tuple[Answer, State | type[Exception]]]]]] = {
    "stopped is enough where no more is asked": (Demand.STOP_USING, [(Answer.STOPPED, State.DONE)]),
    "and not where it is to be destroyed": (Demand.DESTROY, [(Answer.STOPPED, InputError)]),
    "destroyed is the end": (
        Demand.DESTROY,
        [(Answer.DESTROYED, State.DONE), (Answer.CANNOT, TransitionError), (Answer.DESTROYED, TransitionError)],
    ),
    "a hold may end": (Demand.DESTROY, [(Answer.HELD, State.HELD), (Answer.DESTROYED, State.DONE)]),
    "what cannot be done may be after all": (
        Demand.DESTROY,
        [(Answer.CANNOT, State.CANNOT), (Answer.EXCEPT_BACKUPS, State.BACKUPS), (Answer.DESTROYED, State.DONE)],
    ),
}


@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS.keys())
def test_answers(world: World, case: tuple[Demand, list[tuple[Answer, State | type[Exception]]]]) -> None:
    demand, steps = case
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    call_back(world, "alfa", FIRST, demand)
    for answer, expected in steps:
        until = world.clock.now() + DAY if answer is Answer.EXCEPT_BACKUPS else None
        if isinstance(expected, State):
            assert attest(world, "lia@bravo", answer, until=until, remark="docket 7").state is expected
        else:
            with pytest.raises(expected):
                attest(world, "lia@bravo", answer, until=until, remark="docket 7")
    assert world.hub.self_test.require() > 0


@pytest.mark.still
def test_an_answer_says_enough_and_comes_from_who_may_give_it(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    call_back(world, "alfa", FIRST, Demand.DESTROY)
    now = world.clock.now()
    for answer, until in (
        (Answer.HELD, None),
        (Answer.CANNOT, None),
        (Answer.EXCEPT_BACKUPS, None),
        (Answer.EXCEPT_BACKUPS, now),
        (Answer.EXCEPT_BACKUPS, now + MAX_BACKUPS + 1),
        (Answer.DESTROYED, now + DAY),
    ):
        with pytest.raises(InputError):
            attest(world, "lia@bravo", answer, until=until)
    for reference in ("ana@bravo", "bravo"):
        with pytest.raises(ForbiddenError):
            attest(world, reference, Answer.DESTROYED)
    assert attest(world, "sig@bravo", Answer.DESTROYED).state is State.DONE


def test_time_makes_overdue(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    (recall,) = call_back(world, "alfa", FIRST, Demand.DESTROY, days=10)
    later(world, 11)
    assert world.hub.recalls.report(recall.uuid, None).recipients[0].state is State.OVERDUE
    attest(world, "lia@bravo", Answer.EXCEPT_BACKUPS, until=world.clock.now() + 5 * DAY)
    assert world.hub.recalls.report(recall.uuid, None).recipients[0].state is State.BACKUPS
    later(world, 5)
    assert world.hub.recalls.report(recall.uuid, None).recipients[0].state is State.OVERDUE


def test_a_hold_beats_destruction_at_the_hub(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    hold(world, days=20)
    (recall,) = call_back(world, "alfa", FIRST, Demand.DESTROY)
    assert world.hub.recalls.report(recall.uuid, ALFA).ours == {HUB_HOLDS: 1}
    assert world.read("alfa") == []
    later(world, 21)
    assert world.hub.retention.sweep().purged == 1
    assert world.hub.recalls.report(recall.uuid, ALFA).ours == {"purged": 1}
    assert world.hub.self_test.require() > 0


def test_an_agreement_calls_back_from_some_and_others_read_on(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    later(world, 1)
    middle = world.clock.now()
    world.read("coast")
    order = Order(
        contributions=(1,),
        demand=Demand.DESTROY,
        due=middle + 5 * DAY,
        reason="the annex ended",
        authority=Authority.AGREEMENT,
        basis="treaty/2#9",
        ours=OurCopy.KEEP,
        since=middle,
    )
    with world.hub.store.write() as connection:
        (recall,) = world.hub.recalls.order_recall(connection, OPERATOR, order)
    assert [one.party for one in world.hub.recalls.report(recall.uuid, None).recipients] == [COAST]
    assert len(world.read("bravo")) == 1
    with world.hub.store.write() as connection:
        (imposed,) = world.hub.recalls.order_recall(
            connection, OPERATOR, msgspec.structs.replace(order, authority=Authority.MANDATE), world.hub.mandate
        )
    assert imposed.authority is Authority.MANDATE
    assert world.hub.self_test.require() > 0


def test_orders_that_cannot_be_followed(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    for days, error in ((0, InputError), (MAX_DUE // DAY + 1, LimitError)):
        with pytest.raises(error):
            call_back(world, "alfa", FIRST, Demand.DESTROY, days=days)
    order = Order(
        contributions=(1,),
        demand=Demand.DESTROY,
        due=world.clock.now() + DAY,
        reason="so it is",
        authority=Authority.MANDATE,
        basis="body",
        ours=OurCopy.PURGE,
    )
    with world.hub.store.write() as connection, pytest.raises(ForbiddenError):
        world.hub.recalls.order_recall(connection, OPERATOR, order)
    with world.hub.store.write() as connection, pytest.raises(NotFoundError):
        world.hub.recalls.order_recall(
            connection,
            OPERATOR,
            msgspec.structs.replace(order, authority=Authority.AGREEMENT, contributions=(99,)),
        )


def test_nobody_but_the_hub_gives_notice(world: World) -> None:
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--4b0b8a3e-7d55-4b0f-8d6d-0c7f4c8e9a02",
        "created": "2026-05-01T00:00:00.000Z",
        "modified": "2026-05-01T00:00:00.000Z",
        "content": "destroy it",
        "object_refs": [FIRST],
        "extensions": {NOTICE_EXTENSION: {"extension_type": "property-extension"}},
    }
    receipt = world.share("bravo", bundle([note]), to=("coast",))
    assert receipt.count(Outcome.REFUSED) == 1
    with pytest.raises(NotFoundError):
        world.share("bravo", bundle([indicator(1)]), collection=RECALLS)


def test_many_objects_come_in_several_notes(world: World) -> None:
    objects = [indicator(number) for number in range(NOTE_OBJECTS + 5)]
    world.share("alfa", bundle(objects))
    world.read("bravo")
    order = Order(
        contributions=tuple(range(1, len(objects) + 1)),
        demand=Demand.STOP_USING,
        due=world.clock.now() + DAY,
        reason="all of it",
        authority=Authority.OWNER,
        ours=OurCopy.WITHDRAW,
    )
    with world.hub.store.write() as connection:
        world.hub.recalls.order_recall(connection, OPERATOR, order)
    parts = told(world, "bravo")
    assert {ref for note in parts for ref in note["object_refs"]} == {one["id"] for one in objects}  # type: ignore[attr-defined]  # plain JSON
    assert len(parts) == 2
    assert world.read("bravo") == []


def _other_due(connection: Connection) -> None:
    connection.execute(update(RECALL_ROWS).values(due=RECALL_ROWS.c.due + 1))


def _fewer_objects(connection: Connection) -> None:
    connection.execute(delete(RECALL_OBJECTS).where(RECALL_OBJECTS.c.contribution_id == 1))


def _no_notice(connection: Connection) -> None:
    connection.execute(delete(RECALL_ATTESTATIONS))
    connection.execute(delete(RECALL_NOTICES))


def _to_another(connection: Connection) -> None:
    connection.execute(update(RECALL_NOTICES).values(addresses=COAST))


def _better_answer(connection: Connection) -> None:
    connection.execute(update(RECALL_ATTESTATIONS).values(answer="destroyed"))


class _UndoError(Exception):
    pass


def test_damage_is_found(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    call_back(world, "alfa", FIRST, Demand.STOP_USING)
    attest(world, "lia@bravo", Answer.CANNOT, remark="no")
    hub = world.hub
    damages: tuple[Callable[[Connection], None], ...] = (
        _other_due,
        _fewer_objects,
        _no_notice,
        _to_another,
        _better_answer,
    )
    for damage in damages:
        with pytest.raises(_UndoError), hub.store.write() as connection:  # noqa: PT012  nothing of the damage is kept
            damage(connection)
            with pytest.raises(StoreBrokenError):
                check_recalls(Case(hub.store, hub.log, hub.agreements, hub.environment, connection))
            raise _UndoError
    assert world.hub.self_test.require() > 0


def test_an_owner_s_withdrawal_is_no_recall(world: World) -> None:
    world.share("alfa", bundle([indicator(1)]))
    world.read("bravo")
    world.hub.withdrawals.withdraw(Acting(actor="alfa"), ALFA, "exchange", FIRST, frozenset({VersionChoice.ALL}))
    assert told(world, "bravo") == []
    # and what was withdrawn can still be called back
    call_back(world, "alfa", FIRST, Demand.DESTROY)
    assert len(told(world, "bravo")) == 1
    assert world.hub.self_test.require() > 0
