"""``GET /api/v1/stream`` on a running server: who may, what is refused, and a client that comes back."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from sqlalchemy import func, select

from support.hub import OPERATOR, World
from support.listening import EventSource
from support.taxii import AGREEMENT, bundle, indicator, object_id
from tocsin.exchange.live.model import Pace
from tocsin.exchange.tables import RELEASES
from tocsin.kernel.clock import SECOND
from tocsin.parties.model import Permission
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATH: Final = "/api/v1/stream"
QUICK: Final = Pace(look=0.01, beat=0.05, prove=0.05)


class Served:
    """A hub that is being served, with a look every ten milliseconds."""

    def __init__(self, home: Path) -> None:
        self.world = World(home)
        for name in ("alfa", "bravo"):
            self.world.party(name)
        self.world.agreement(AGREEMENT, signed_by=("alfa", "bravo"))
        self.world.hub.streams.pace = QUICK
        self.tokens = {
            "bravo": self.world.token("bravo"),
            "lister": self.world.token("bravo", permissions=frozenset({Permission.COLLECTIONS_READ})),
        }
        self.url = ""

    def share(self, *names: str) -> None:
        """Share indicators of these names."""
        self.world.clock.advance(SECOND)
        self.world.share("alfa", bundle(*(indicator(name) for name in names)))

    @contextlib.contextmanager
    def stream(self, query: str = "", *, last: str = "", who: str = "bravo") -> Iterator[httpx.Response]:
        """Open a stream."""
        headers = {"authorization": f"Bearer {self.tokens.get(who, who)}", "accept": "text/event-stream"}
        headers |= {"last-event-id": last} if last else {}
        with httpx.stream("GET", f"{self.url}{PATH}{query}", headers=headers, timeout=30) as response:
            yield response


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "home")
    with running(create_app(made.world.hub)) as made.url:
        yield made
    made.world.hub.close()


def listen(response: httpx.Response, source: EventSource, events: int) -> None:
    """Read until so many events are there."""
    assert response.status_code == 200, response.read()
    chunks = response.iter_raw()
    while len(source.events) < events:
        source.feed(next(chunks))


def names(source: EventSource) -> list[str]:
    return [one["name"] for event in source.events for one in event.objects]


def test_a_client_hears_of_what_comes_and_comes_back(served: Served) -> None:
    served.share("before")
    source = EventSource()
    with served.stream() as response:
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        source.feed(next(response.iter_raw()))
        assert source.last
        assert 2_000 <= (source.retry or 0) <= 30_000
    served.share("one")
    with served.stream(last=source.last) as response:
        listen(response, source, 1)
    served.share("two")
    with served.stream(last=source.last) as response:
        listen(response, source, 2)
    assert names(source) == ["one", "two"]


def test_filters_are_those_of_a_page(served: Served) -> None:
    served.share("one", "two")
    source = EventSource()
    wanted = object_id("indicator", "two")
    with served.stream(f"?added_after=1970-01-01T00:00:00Z&match[id]={wanted}&collection=exchange") as response:
        listen(response, source, 1)
    assert names(source) == ["two"]
    assert source.events[0].type == "objects"


REFUSED: Final = {
    "no such collection": ("?collection=nowhere", 404),
    "two collections": ("?collection=a&collection=b", 400),
    "a filter that is none": ("?match[colour]=red", 400),
    "a page's size": ("?match[type]=", 400),
    "not readable": ("?collection=%FF", 400),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_before_it_begins(served: Served, case: str) -> None:
    query, status = REFUSED[case]
    with served.stream(query) as response:
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"


def test_an_id_that_was_not_given_here_is_refused(served: Served) -> None:
    with served.stream(last="nonsense") as response:
        assert response.status_code == 400


def test_who_may_not_read_may_not_listen(served: Served) -> None:
    with served.stream(who="lister") as response:
        assert response.status_code == 403
    with served.stream(who="nobody") as response:
        assert response.status_code == 401


def test_a_revoked_token_ends_its_stream(served: Served) -> None:
    with served.stream() as response:
        chunks = response.iter_raw()
        next(chunks)
        token = served.world.hub.parties.tokens("bravo")[0]
        served.world.hub.parties.revoke_token(OPERATOR, served.world.hub.mandate, token.token_id)
        assert set(chunks) <= {b":\n\n"}  # to its end
    with served.stream() as response:
        assert response.status_code == 401


def test_an_expired_token_ends_its_stream(served: Served) -> None:
    with served.stream() as response:
        chunks = response.iter_raw()
        next(chunks)
        served.world.clock.advance(400 * 86_400 * SECOND)
        assert set(chunks) <= {b":\n\n"}


def test_a_server_that_stops_lets_its_listeners_go(tmp_path: Path) -> None:
    served = Served(tmp_path / "home")
    with contextlib.ExitStack() as stack:
        with running(create_app(served.world.hub)) as served.url:
            chunks = stack.enter_context(served.stream()).iter_raw()
            next(chunks)
        assert set(chunks) <= {b":\n\n"}  # and the answer is whole
    served.world.hub.close()


def test_who_stops_reading_is_not_read_for(served: Served) -> None:
    """What the kernel holds for a client is sent; the events behind it are not made before it reads on."""
    big = "x" * 40_000
    served.world.share("alfa", bundle(*(indicator(f"{number} {big}") for number in range(1_000))))
    with served.stream("?added_after=1970-01-01T00:00:00Z") as response:
        before = -1
        while (now := released(served)) != before:  # until nothing moves any more
            before = now
            served.share(f"another {now}")
            threading.Event().wait(0.3)
        assert 0 < now < 8  # of ten events
        source = EventSource()
        listen(response, source, 1)


def released(served: Served) -> int:
    with served.world.hub.store.read() as connection:
        return connection.execute(select(func.count()).select_from(RELEASES)).scalar_one()


MISSPELT: Final = {
    "a filter of another address": ("?type=indicator", "type"),
    "a misspelt filter": ("?match[typ]=indicator", "match[typ]"),
}


@pytest.mark.parametrize("case", MISSPELT)
def test_a_parameter_that_streams_do_not_take_is_refused(served: Served, case: str) -> None:
    query, where = MISSPELT[case]
    with served.stream(query) as response:
        assert response.status_code == 400
        assert where in response.read().decode()


def test_an_id_of_another_stream_is_named_as_what_it_is(served: Served) -> None:
    with served.stream(last="x" * 40) as response:
        assert response.status_code == 400
        assert "Last-Event-ID" in response.read().decode()
