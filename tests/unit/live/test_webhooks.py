"""Webhooks: what is sent, signed, tried again and given up; and what is never sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from support import stores
from support.hub import OPERATOR
from support.posting import Post
from support.receiver import Receiver, receiving, verify
from support.replicas import Copy
from support.sharing import bundle, indicator, known_marks
from tocsin.errors import BusyError, TransitionError
from tocsin.exchange.live.webhooks import courier as courier_module
from tocsin.exchange.live.webhooks.model import (
    ATTEMPTS,
    Content,
    Outcome,
    WebhookState,
    next_attempt,
)
from tocsin.exchange.live.webhooks.store import messages_of, waiting, webhook_rows
from tocsin.exchange.live.webhooks.wire import secret_text, signed_headers
from tocsin.kernel.clock import DAY, SECOND
from tocsin.kernel.http import outbound as outbound_module

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.hub import World
    from support.treaty import Templates
    from tocsin.exchange.live.webhooks.store import MessageRow
    from tocsin.exchange.model import Query
    from tocsin.exchange.reading import Asker

pytestmark = pytest.mark.time_passes


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_a_hint_says_that_there_is_something_and_nothing_about_it(post: Post) -> None:
    post.turns()
    assert post.receiver.got == []
    post.share(1, 2)
    post.turns()
    (hint,) = post.receiver.got
    message = verify(post.secret, hint, now=post.world.clock.now() // SECOND)
    collection = post.world.hub.reading.collection(post.world.asker("bravo"), "exchange")
    assert message == {
        "type": "objects.offered",
        "timestamp": message["timestamp"],
        "data": {"webhook": post.id, "collection": collection.uuid, "alias": "exchange"},
    }
    assert hint.headers["content-type"] == "application/json"
    post.share(3)
    post.turns()
    assert len({one.id for one in post.receiver.got}) == len(post.receiver.got) == 2


def test_nobody_hears_of_what_is_hidden(post: Post) -> None:
    post.hide(1)
    post.turns()
    assert post.receiver.got == []
    assert post.webhooks.messages(post.id) == []


def test_objects_come_as_pages_and_each_is_a_release(full: Post) -> None:
    full.hide(109)
    full.share(*range(1, 61))
    full.turns()
    full.hide(110)
    full.share(61)
    full.turns()
    assert [len(one.objects) for one in full.receiver.got] == [50, 10, 1]
    heard = [object_id for one in full.receiver.got for object_id in one.objects]
    assert heard == [item.object_id for item, _ in full.world.read("bravo")]
    for one in full.receiver.got:
        verify(full.secret, one, now=full.world.clock.now() // SECOND)
        assert one.type == "objects.shared"
    full.world.hub.integrator.integrate()
    with full.world.hub.store.read() as connection:
        kinds = [row.kind for row in full.world.hub.log.rows(connection)]
    assert kinds.count("release") >= 3


def test_a_webhook_is_a_service_and_gets_nothing_for_persons_only(full: Post) -> None:
    red = next(mark for mark in known_marks() if mark.tlp == "red")
    full.world.share("alfa", bundle([indicator(1, marked=[red])]), to=("ana@bravo",))
    full.turns()
    assert full.receiver.got == []


def test_a_known_vector_of_the_specification() -> None:
    """The one that its reference libraries are tested with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at=1_614_265_330 * SECOND + 999_999
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"
    assert secret_text(key) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_each_webhook_has_a_secret_of_its_own(post: Post) -> None:
    _, other = post.add()
    assert other != post.secret


# --- failures --------------------------------------------------------------------------------------------------------

FAILURES: Final[dict[str, tuple[int | str, str]]] = {
    "an error": (500, "500"),
    "a redirect": (302, "302"),
    "not found": (404, "404"),
    "a hang-up": ("drop", "the connection failed"),
    "silence": ("stall", "it did not answer in time"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_fails_is_tried_again_under_the_same_id(full: Post, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound_module, "STEP_SECONDS", 0.3)
    answer, word = FAILURES[case]
    full.receiver.answers = [answer]
    full.receiver.headers = {"location": full.receiver.url + "/elsewhere"} if answer == 302 else {}
    full.share(1)
    full.turns()
    assert len(full.receiver.got) == 1
    message = full.webhooks.messages(full.id)[0].message
    assert (message.outcome, message.attempts, message.state) == (word, 1, "waiting")
    full.world.clock.advance(10 * SECOND)
    full.turns()
    first, second = full.receiver.got
    assert (first.id, first.body, first.path) == (second.id, second.body, "/hook")
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    verify(full.secret, second, now=full.world.clock.now() // SECOND)
    full.turns()
    assert len(full.receiver.got) == 2


def test_who_never_answers_well_is_given_up_and_misses_nothing(full: Post) -> None:
    full.receiver.answers = [500] * ATTEMPTS
    full.share(1)
    for _ in range(ATTEMPTS):
        full.turns()
        full.world.clock.advance(2 * DAY)
    assert len(full.receiver.got) == ATTEMPTS
    assert full.state() is WebhookState.DEAD
    full.share(2)
    full.turns()
    assert len(full.receiver.got) == ATTEMPTS
    full.webhooks.resume(OPERATOR, full.world.hub.mandate, full.id)
    full.turns()
    assert full.receiver.got[-1].objects == [indicator(1)["id"], indicator(2)["id"]]
    with pytest.raises(TransitionError):
        full.webhooks.resume(OPERATOR, full.world.hub.mandate, full.id)


def test_who_says_gone_is_sent_no_more(post: Post) -> None:
    post.receiver.answers = [410]
    post.share(1)
    post.turns()
    assert post.state() is WebhookState.GONE
    post.world.clock.advance(DAY)
    post.turns()
    assert len(post.receiver.got) == 1


def test_a_receiver_may_ask_for_time(post: Post) -> None:
    post.receiver.answers = [503]
    post.receiver.headers = {"retry-after": "3600"}
    post.share(1)
    post.turns()
    post.world.clock.advance(3_599 * SECOND)
    post.turns()
    assert len(post.receiver.got) == 1
    post.world.clock.advance(SECOND)
    post.turns()
    assert len(post.receiver.got) == 2


@given(st.integers(1, ATTEMPTS), st.one_of(st.none(), st.integers(0, 10**7)), st.integers(0, 255))
def test_waits_grow_and_have_an_end(attempts: int, retry_after: int | None, draw: int) -> None:
    at = next_attempt(attempts, now=0, retry_after=retry_after, draw=draw)
    if attempts == ATTEMPTS:
        assert at is None
        return
    assert at is not None
    assert 5 * SECOND <= at <= 1.25 * DAY
    if attempts > 1 and not retry_after:
        before = next_attempt(attempts - 1, now=0, retry_after=None, draw=255)
        assert before is not None
        assert at > before * 0.79  # a wait is longer than the one before, jitter aside


def test_a_process_that_dies_in_the_middle_sends_again_when_its_claim_ends(
    full: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> Outcome:
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(courier_module, "send", die)
        full.share(1)
        full.turns()
    full.courier.close()
    full.courier = full.new_courier()
    full.turns()
    assert full.receiver.got == []
    full.world.clock.advance(121 * SECOND)
    full.turns()
    assert full.receiver.got[0].objects == [indicator(1)["id"]]


def _busy(*_: object, **__: object) -> NoReturn:
    raise BusyError("the database does not answer", todo="ask again")


@pytest.mark.parametrize(("content", "asked"), [(Content.OBJECTS, "objects"), (Content.HINT, "ahead")])
def test_a_hub_that_is_busy_puts_a_message_off_and_gives_none_up(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, content: Content, asked: str
) -> None:
    post = Post(world, receiver, content)
    receiver.answers = [500, 500]  # it may have arrived: its id must not change
    post.share(1)
    post.turns()
    before = post.webhooks.messages(post.id)[0].message
    for _ in range(ATTEMPTS + 1):
        post.world.clock.advance(10 * SECOND)
        with monkeypatch.context() as patch:
            patch.setattr(post.world.hub.reading, asked, _busy)
            post.turns(1)
        now = post.webhooks.messages(post.id)[0].message
        assert now == replace(before, next_at=now.next_at), "nothing was sent, so that nothing counts"
    post.turns()
    assert len(receiver.got) == 1, "it waits for some seconds"
    post.world.clock.advance(10 * SECOND)
    post.turns()
    first, second = receiver.got
    assert (first.id, first.body) == (second.id, second.body)
    (row,) = post.webhooks.messages(post.id)
    assert (row.message.attempts, row.message.state) == (2, "waiting")
    post.courier.close()


def test_one_webhook_that_is_busy_keeps_no_other_waiting(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    other, _ = post.add("coast")
    post.share(1)
    ahead = post.world.hub.reading.ahead

    def busy(asker: Asker, reference: str, query: Query, *, place: int) -> int | None:
        if asker.party == "https://bravo.example":
            _busy()
        return ahead(asker, reference, query, place=place)

    with monkeypatch.context() as patch:
        patch.setattr(post.world.hub.reading, "ahead", busy)
        post.turns(2)
    assert [row.message.state for row in post.webhooks.messages(other.uuid)] == ["delivered"]
    assert post.webhooks.messages(post.id) == []
    post.turns(2)
    assert [row.message.state for row in post.webhooks.messages(post.id)] == ["delivered"]


@pytest.mark.parametrize("status", [204, 410, 500])
def test_what_is_removed_during_an_attempt_stays_removed(
    post: Post, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def removes(*_: object, **__: object) -> Outcome:
        post.webhooks.remove(OPERATOR, post.world.hub.mandate, post.id, "gone")
        return Outcome(status=status)

    monkeypatch.setattr(courier_module, "send", removes)
    post.share(1)
    post.turns()
    with post.world.hub.store.read() as connection:
        (row,) = webhook_rows(connection, post.world.hub.environment, removed=True)
        (left,) = messages_of(connection, row.webhook_id)
        assert waiting(connection, post.world.hub.environment) == {}
    assert (left.message.state, left.message.next_at, row.state) == ("dead", None, WebhookState.ON)


@pytest.mark.parametrize("status", [204, 410, 500])
@pytest.mark.parametrize("later", [204, 500])
def test_an_attempt_that_outlives_its_claim_decides_nothing(
    post: Post, monkeypatch: pytest.MonkeyPatch, status: int, later: int
) -> None:
    """While it waits for its answer its claim ends, and another process claims the message and tries it."""
    other = post.new_courier()
    outcomes = [Outcome(status=status), Outcome(status=later)]
    sent: list[str] = []
    after: list[tuple[MessageRow, WebhookState]] = []

    def send(_out: object, _secrets: object, _hook: object, uuid: str, *_: object, **__: object) -> Outcome:
        sent.append(uuid)
        outcome = outcomes.pop(0)
        if outcomes:
            post.world.clock.advance(121 * SECOND)
            other.turn()
            other.settle()
            after.append((post.webhooks.messages(post.id)[0], post.state()))
        return outcome

    monkeypatch.setattr(courier_module, "send", send)
    post.share(1)
    post.courier.turn()
    post.courier.settle()
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert [(post.webhooks.messages(post.id)[0], post.state())] == after
    other.close()


def test_two_processes_send_once(post: Post) -> None:
    other = post.new_courier()
    post.share(1)
    for _ in range(3):
        post.courier.turn()
        other.turn()
        post.courier.settle()
        other.settle()
    assert len(post.receiver.got) == 1
    other.close()


# --- the law ---------------------------------------------------------------------------------------------------------

outcomes: Final = st.sampled_from([204, 204, 200, 500, 429, "drop"])
steps: Final = st.lists(
    st.one_of(
        st.tuples(st.just("share"), st.integers(1, 40)),
        st.tuples(st.just("hide"), st.integers(41, 60)),
        st.tuples(st.just("turn"), outcomes),
        st.tuples(st.just("wait"), st.integers(1, 3)),
    ),
    max_size=20,
)


@given(steps)
@settings(max_examples=15, deadline=None)
def test_each_object_comes_and_an_id_holds_the_same_whenever_it_comes(
    hubs: Templates, script: Sequence[tuple[str, int | str]]
) -> None:
    world = hubs.world()
    with receiving() as receiver:
        full = Post(world, receiver, Content.OBJECTS)
        for act, value in script:
            match act:
                case "share":
                    full.share(int(value))
                case "hide":
                    full.hide(int(value))
                case "turn":
                    receiver.answers = [value]
                    full.turns(1)
                case _:
                    world.clock.advance(int(value) * DAY)
        receiver.answers = []
        world.clock.advance(3 * DAY)
        full.turns(4)
        full.courier.close()
        by_id = {one.id: one.objects for one in receiver.got}
        assert all(one.objects == by_id[one.id] for one in receiver.got)
        heard = [object_id for objects in by_id.values() for object_id in objects]
        assert heard == [item.object_id for item, _ in world.read("bravo")]
    hubs.drop(world)


@pytest.mark.skipif(stores.on_postgres(), reason="the replica is a copy of a file")
def test_objects_are_sent_although_the_replica_has_not_replayed_them(full: Post, tmp_path: Path) -> None:
    Copy(full.world, tmp_path / "replica.db")
    full.share(1)
    full.turns()
    assert len(full.receiver.got) == 1
    assert [str(one.message.state) for one in full.webhooks.messages(full.id)] == ["delivered"]
