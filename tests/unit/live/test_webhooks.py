"""Webhooks: what is sent, signed, tried again and given up; and what is never sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from support import stores
from support.hub import OPERATOR
from support.receiver import Receiver, receiving, verify
from support.replicas import Copy
from support.sharing import bundle, indicator, known_marks, terms_mark
from support.treaty import Templates, templates
from tocsin.errors import BusyError, ForbiddenError, InputError, LimitError, NotFoundError, TransitionError
from tocsin.exchange.live.webhooks import courier as courier_module
from tocsin.exchange.live.webhooks.courier import Courier
from tocsin.exchange.live.webhooks.model import (
    ATTEMPTS,
    WEBHOOKS_OF_ONE,
    Content,
    Outcome,
    Webhook,
    WebhookState,
    next_attempt,
)
from tocsin.exchange.live.webhooks.service import Secrets, Webhooks
from tocsin.exchange.live.webhooks.store import messages_of, waiting, webhook_rows
from tocsin.exchange.live.webhooks.wire import secret_text, signed_headers
from tocsin.exchange.model import Query, VersionChoice
from tocsin.kernel.clock import DAY, SECOND
from tocsin.kernel.http import outbound as outbound_module
from tocsin.kernel.http.outbound import Outbound, parse_networks
from tocsin.kernel.mandate import Acting, founding_mandate
from tocsin.log.model import decode_payload
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from support.hub import World
    from tocsin.exchange.live.webhooks.store import MessageRow
    from tocsin.exchange.reading import Asker

LOOPBACK: Final = parse_networks("127.0.0.0/8")
EXPORT: Final = terms_mark(categories=("export-controlled",))


class Post:
    """The webhooks and the courier of a hub that may send to this machine, and one webhook of bravo's."""

    def __init__(self, world: World, receiver: Receiver, content: Content = Content.HINT) -> None:
        self.world = world
        self.receiver = receiver
        hub = world.hub
        secrets = Secrets(key=b"k" * 32, environment=hub.environment)
        outbound = Outbound(networks=LOOPBACK)
        self.webhooks = Webhooks(
            store=hub.store,
            log=hub.log,
            secrets=secrets,
            outbound=outbound,
            entropy=hub.entropy,
            environment=hub.environment,
        )
        self.new_courier: Callable[[], Courier] = lambda: Courier(
            store=hub.store,
            log=hub.log,
            reading=hub.reading,
            secrets=secrets,
            outbound=outbound,
            entropy=hub.entropy,
            environment=hub.environment,
        )
        self.courier = self.new_courier()
        webhook, self.secret = self.add(content=content)
        self.id = webhook.uuid

    def add(
        self, party: str = "bravo", *, url: str | None = None, content: Content = Content.HINT
    ) -> tuple[Webhook, str]:
        return self.webhooks.add(
            OPERATOR,
            self.world.hub.mandate,
            party,
            url=url or self.receiver.url,
            purpose="detect",
            collection="exchange",
            content=content,
        )

    def turns(self, count: int = 3) -> None:
        """Let the courier take some turns, and wait for each."""
        for _ in range(count):
            self.courier.turn()
            self.courier.settle()
            self.world.hub.integrator.integrate()  # as a server does beside, within a second

    def state(self) -> WebhookState:
        return self.webhooks.all()[0].state

    def share(self, *numbers: int) -> None:
        self.world.clock.advance(SECOND)
        self.world.share("alfa", bundle([indicator(number) for number in numbers]))

    def hide(self, number: int) -> None:
        self.world.share("alfa", bundle([indicator(number, marked=[EXPORT])], marked=[EXPORT]))


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    yield world
    world.hub.self_test.require()
    hubs.drop(world)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def post(world: World, receiver: Receiver) -> Iterator[Post]:
    made = Post(world, receiver)
    yield made
    made.courier.close()


@pytest.fixture
def full(world: World, receiver: Receiver) -> Iterator[Post]:
    made = Post(world, receiver, Content.OBJECTS)
    yield made
    made.courier.close()


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


# --- rights ----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("actor", ["ana@bravo", "bravo", "hub", "nobody@hub"])
def test_only_operators_register(post: Post, actor: str) -> None:
    with pytest.raises(ForbiddenError):
        post.webhooks.add(
            Acting(actor=actor),
            post.world.hub.mandate,
            "bravo",
            url=post.receiver.url,
            purpose="detect",
            collection="exchange",
        )


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


# --- registering -----------------------------------------------------------------------------------------------------

URLS: Final = (
    "ftp://soc.example/",
    "https://",
    "soc.example/hook",
    "https://soc.example:0/",
    "https://soc.example:99999/",
    "https://name:word@soc.example/",
    "https://soc.example/#part",
    "https://soc.example/a b",
    "https://soc.example/\r\nhost: other",
    "https://s\u00f6c.example/",
    "https://soc.example\\@other/",
    "https://soc.example/" + "a" * 1_100,
    "https://10.1.2.3/",
    "http://192.0.2.1/",
)


@pytest.mark.parametrize("url", URLS, ids=lambda url: url[:40])
def test_a_url_that_is_not_sent_to_is_not_registered(post: Post, url: str) -> None:
    with pytest.raises(InputError):
        post.add(url=url)


def test_a_webhook_is_registered_under_a_mandate_for_a_party_that_is_vetted(post: Post) -> None:
    with pytest.raises(NotFoundError):
        post.add("nobody")
    post.world.hub.parties.suspend_party(OPERATOR, post.world.hub.mandate, "coast", "test")
    with pytest.raises(TransitionError):
        post.add("coast")
    with pytest.raises(ForbiddenError):
        post.webhooks.remove(OPERATOR, founding_mandate("elsewhere"), post.id)


def test_a_party_has_so_many(post: Post) -> None:
    for _ in range(WEBHOOKS_OF_ONE - 1):
        post.add()
    with pytest.raises(LimitError):
        post.add()
    post.add("coast")


def test_the_log_tells_what_was_registered_and_no_secret(post: Post) -> None:
    post.webhooks.remove(OPERATOR, post.world.hub.mandate, post.id, "moved")
    with post.world.hub.store.read() as connection:
        rows = [row for row in post.world.hub.log.rows(connection) if row.kind.startswith("webhook.")]
    assert [row.kind for row in rows] == ["webhook.added", "webhook.removed"]
    assert all(row.concerns == ("https://bravo.example",) for row in rows)
    told = msgspec.json.decode(rows[0].payload or b"")["data"]
    assert told["url"] == post.receiver.url
    assert post.secret.removeprefix("whsec_").encode() not in b"".join(row.payload or b"" for row in rows)


# --- where to --------------------------------------------------------------------------------------------------------

ADDRESSES: Final[dict[str, tuple[list[str], bool]]] = {
    "public": (["93.184.215.14"], True),
    "public, both kinds": (["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"], True),
    "this machine": (["127.0.0.1"], False),
    "this machine, IPv6": (["::1"], False),
    "private": (["10.1.2.3"], False),
    "private 172": (["172.16.0.1"], False),
    "private 192": (["192.168.1.1"], False),
    "link-local, where clouds keep credentials": (["169.254.169.254"], False),
    "link-local, IPv6": (["fe80::1%eth0"], False),
    "unique local": (["fd00::1"], False),
    "site-local": (["fec0::1"], False),
    "documentation": (["3fff::1"], False),
    "relay of 6to4": (["192.88.99.1"], False),
    "relay of 6to4, mapped": (["::ffff:192.88.99.1"], False),
    "carrier": (["100.64.0.1"], False),
    "mapped": (["::ffff:10.1.2.3"], False),
    "translated": (["64:ff9b::a01:203"], False),
    "6to4": (["2002:a01:203::1"], False),
    "nowhere": (["0.0.0.0"], False),  # noqa: S104  an address of nobody, not one to listen on
    "broadcast": (["255.255.255.255"], False),
    "multicast": (["224.0.0.1"], False),
    "multicast, IPv6": (["ff0e::1"], False),
    "one among others": (["93.184.215.14", "10.1.2.3"], False),
    "none": ([], False),
    "no address": (["soc.example"], False),
    "allowed by the operator": (["10.9.1.1"], True),
    "allowed, mapped": (["::ffff:10.9.1.1"], True),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_only_the_world_is_sent_to(case: str) -> None:
    found, allowed = ADDRESSES[case]
    target = outbound_module.parse_target("https://soc.example/hook")
    outbound = Outbound(networks=parse_networks("10.9.0.0/16"), resolve=lambda _host, _port: found)
    if allowed:
        assert outbound.require_allowed(target)
    else:
        with pytest.raises(outbound_module.UnreachableError):
            outbound.require_allowed(target)


def test_a_name_that_changes_its_mind_is_not_asked_twice(receiver: Receiver) -> None:
    """DNS rebinding: the address that was looked at is the one that is connected to."""
    answers = [["127.0.0.1"], ["10.1.2.3"]]
    outbound = Outbound(networks=LOOPBACK, resolve=lambda _host, _port: answers.pop(0))
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    answer = outbound.post(outbound_module.parse_target(f"http://soc.example:{port}/hook"), b"{}", {})
    assert answer.status == 204
    assert receiver.got[0].headers["host"] == f"soc.example:{port}"
    with pytest.raises(outbound_module.UnreachableError):
        outbound.post(outbound_module.parse_target(f"http://soc.example:{port}/hook"), b"{}", {})


def test_a_receiver_that_drips_is_cut_off(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound_module, "TOTAL_SECONDS", 0.2)
    receiver.answers = ["stall"]
    with pytest.raises(outbound_module.UnreachableError, match="in time"):
        Outbound(networks=LOOPBACK).post(outbound_module.parse_target(receiver.url), b"{}", {})


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
