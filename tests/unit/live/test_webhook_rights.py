"""A webhook is sent what its party may read when it leaves, as long as who registered it may register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import pytest
from msgspec.structs import replace

from support.hub import OPERATOR
from support.receiver import verify
from support.sharing import indicator
from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.exchange.live.webhooks import courier as courier_module
from tocsin.exchange.live.webhooks.model import (
    Content,
    Outcome,
    WebhookState,
)
from tocsin.exchange.live.webhooks.store import webhook_rows
from tocsin.exchange.model import VersionChoice
from tocsin.kernel.clock import DAY, SECOND
from tocsin.kernel.mandate import Acting
from tocsin.log.model import decode_payload
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World
    from support.posting import Post


def test_what_it_is_sent_is_released_by_who_registered_it_on_behalf_of_the_party(full: Post) -> None:
    full.share(1)
    full.turns()
    with full.world.hub.store.read() as connection:
        rows = [row for row in full.world.hub.log.rows(connection) if row.kind == "release"]
    told = [decode_payload(row.payload or b"") for row in rows]
    assert [(one.actor, one.on_behalf_of) for one in told] == [("operator@hub", "bravo")]
    profile = told[0].data["profile"]
    assert (profile["party"], profile["user"]) == ("https://bravo.example", None)


def _disable(world: World) -> None:
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "second@hub")


def _demote(world: World) -> None:
    user = world.hub.parties.resolve("second@hub")[1]
    assert user is not None
    world.hub.parties.change_user(OPERATOR, world.hub.mandate, replace(user, roles=frozenset({Role.AUDITOR})))


ENDINGS: Final[dict[str, Callable[[World], None]]] = {"who was disabled": _disable, "who lost the role": _demote}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_webhook_stops_when_who_registered_it_may_not_any_more(full: Post, ending: str) -> None:
    world = full.world
    world.user("second@hub", roles=frozenset({Role.OPERATOR}))
    full.webhooks.remove(OPERATOR, world.hub.mandate, full.id)
    webhook, _ = full.webhooks.add(
        Acting(actor="second@hub"),
        world.hub.mandate,
        "bravo",
        url=full.receiver.url,
        purpose="detect",
        collection="exchange",
        content=Content.OBJECTS,
    )
    full.receiver.answers = [500]
    full.share(1)
    full.turns()
    ENDINGS[ending](world)
    full.share(2)
    world.clock.advance(DAY)
    full.turns()
    assert (len(full.receiver.got), full.state()) == (1, WebhookState.STOPPED)
    with pytest.raises(ForbiddenError):
        full.webhooks.resume(Acting(actor="second@hub"), world.hub.mandate, webhook.uuid)
    full.webhooks.resume(OPERATOR, world.hub.mandate, webhook.uuid)
    full.turns()
    assert full.webhooks.all()[0].webhook.registrar == "operator@hub"
    assert [object_id for one in full.receiver.got[1:] for object_id in one.objects] == [
        indicator(1)["id"],
        indicator(2)["id"],
    ]


def test_who_loses_the_right_while_a_message_waits_sends_it_no_more(post: Post) -> None:
    """Between the courier's look and its claim."""
    post.share(1)
    with post.world.hub.store.read() as connection:
        (row,) = webhook_rows(connection, post.world.hub.environment)
    message = post.courier._begin(row)
    assert message is not None
    post.world.user("second@hub", roles=frozenset({Role.OPERATOR}))
    post.world.hub.parties.disable_user(Acting(actor="second@hub"), post.world.hub.mandate, "operator@hub")
    post.courier._dispatch(row, message)
    post.courier.settle()
    assert post.receiver.got == []
    post.turns(1)
    assert post.state() is WebhookState.STOPPED


def test_rights_that_ended_between_two_attempts_count(full: Post) -> None:
    full.receiver.answers = [500]
    full.share(1)
    full.turns()
    full.world.hub.parties.suspend_party(OPERATOR, full.world.hub.mandate, "bravo", "test")
    full.world.clock.advance(DAY)
    full.turns()
    assert len(full.receiver.got) == 1
    full.world.hub.parties.clear_party(OPERATOR, full.world.hub.mandate, "bravo", clearance="restricted", until=None)
    full.turns()
    assert full.receiver.got[-1].objects == [indicator(1)["id"]]
    assert len(full.receiver.got) == 2


def test_what_holds_something_else_has_another_id(full: Post) -> None:
    full.receiver.answers = [500, 500]
    full.share(1, 2)
    full.turns()
    full.world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(1)["id"], {VersionChoice.ALL}
    )
    full.world.clock.advance(DAY)
    full.turns()
    full.world.clock.advance(DAY)
    full.turns()
    first, second, third = full.receiver.got
    assert first.id != second.id
    assert second.id == third.id
    assert second.objects == third.objects == [indicator(2)["id"]]


def test_an_id_is_on_record_before_it_leaves(full: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who dies while sending may have been heard: what it sent under a new id is sent so again, or not at all."""
    full.receiver.answers = [500]
    full.share(1, 2, 3)
    full.turns()
    heard: dict[str, list[bytes]] = {}

    def hide(number: int) -> None:
        full.world.hub.withdrawals.withdraw(
            Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(number)["id"], {VersionChoice.ALL}
        )
        full.world.clock.advance(DAY)

    def die(_out: object, _secrets: object, _hook: object, uuid: str, body: bytes, **_: object) -> NoReturn:
        heard.setdefault(uuid, []).append(body)
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(courier_module, "send", die)
        hide(1)
        full.turns(1)
        full.world.clock.advance(DAY)
        full.turns(1)  # the same, and so under the same id
        hide(2)
        full.turns(1)
    full.world.clock.advance(DAY)
    full.turns()
    for one in full.receiver.got:
        heard.setdefault(one.id, []).append(one.body)
    assert sorted(len(bodies) for bodies in heard.values()) == [1, 2, 2]
    assert all(len(set(bodies)) == 1 for bodies in heard.values())
    assert full.receiver.got[-1].objects == [indicator(3)["id"]]


def test_a_hint_of_which_nothing_is_left_is_not_sent(post: Post) -> None:
    post.receiver.answers = [500]
    post.share(1)
    post.turns()
    post.world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(1)["id"], {VersionChoice.ALL}
    )
    post.world.clock.advance(DAY)
    post.turns()
    assert len(post.receiver.got) == 1
    assert post.webhooks.messages(post.id)[0].message.state == "dead"
    post.share(2)
    post.turns()
    assert len(post.receiver.got) == 2


def test_what_is_removed_is_sent_no_more(post: Post) -> None:
    post.receiver.answers = [500]
    post.share(1)
    post.turns()
    post.webhooks.remove(OPERATOR, post.world.hub.mandate, post.id, "no longer used")
    post.world.clock.advance(DAY)
    post.share(2)
    post.turns()
    assert len(post.receiver.got) == 1
    assert post.webhooks.all() == []
    with pytest.raises(NotFoundError):
        post.webhooks.remove(OPERATOR, post.world.hub.mandate, post.id)
    with pytest.raises(NotFoundError):
        post.webhooks.test(post.id)


def test_trying_out_says_what_came_of_it(post: Post) -> None:
    assert post.webhooks.test(post.id) == Outcome(status=204)
    assert post.receiver.got[0].type == "webhook.test"
    verify(post.secret, post.receiver.got[0], now=post.world.clock.now() // SECOND)
