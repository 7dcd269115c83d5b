"""Answers without an end: guarded like any other, a chunk at a time, and over when somebody goes."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import httpx
import pytest
from structlog.testing import capture_logs

from tocsin.errors import AuthenticationError, ConflictError
from tocsin.kernel.http import server
from tocsin.kernel.http.application import application
from tocsin.kernel.http.edge import Edge
from tocsin.kernel.http.guard import Guard
from tocsin.kernel.http.lanes import Lane
from tocsin.kernel.http.negotiation import MediaType
from tocsin.kernel.http.problem_details import JSON_DIALECT, PROBLEM
from tocsin.kernel.http.routes import Route, StreamCall, StreamEndpoint, StreamReply, needs
from tocsin.kernel.http.server import running
from tocsin.kernel.http.streams import Flow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from litestar.types import Receive, Send

EVENTS = MediaType(type="text", subtype="event-stream")
PATIENCE = 30


@dataclass(frozen=True)
class Person:
    party: str
    permissions: frozenset[str]


class Bench:
    """A server of one stream, whose source the test holds."""

    def __init__(self) -> None:
        self.people = {"full": Person("a", frozenset({"read"})), "bare": Person("b", frozenset())}
        self.given = 0
        self.closed = threading.Event()
        self.calls: list[StreamCall[Person]] = []
        self.limit = 3
        self.chunk = b"x"
        self.wait = False
        self.fail: Exception | None = None
        self.refuse: Exception | None = None
        ids = itertools.count(1)
        self.guard = Guard[Person](
            recognise=self.recognise,
            authenticate=self.recognise,
            proving=Lane("password", threads=1, waiting=1),
            challenges=("Basic x",),
        )
        endpoint = StreamEndpoint(
            access=needs("read"), open=self.open, offered=(EVENTS,), headers=frozenset({"last-event-id"})
        )
        routes = [Route(path="/stream", methods={"GET": endpoint})]
        self.app = application(
            [Edge(dialect=JSON_DIALECT, guard=self.guard, routes=routes, new_id=lambda: f"id-{next(ids)}")]
        )

    def recognise(self, authorization: str | None) -> Person:
        if authorization not in self.people:
            raise AuthenticationError("we do not know who is asking")
        return self.people[authorization]

    async def open(self, call: StreamCall[Person]) -> StreamReply:
        self.calls.append(call)
        if self.refuse is not None:
            raise self.refuse
        return StreamReply(chunks=self.chunks(call), media_type="text/event-stream")

    async def chunks(self, call: StreamCall[Person]) -> AsyncGenerator[bytes]:
        try:
            for _ in range(self.limit):
                await call.again()
                yield self.chunk
                self.given += 1
            if self.fail is not None:
                raise self.fail
            if self.wait:
                await asyncio.Event().wait()
        finally:
            self.closed.set()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def url(bench: Bench) -> Iterator[str]:
    with running(bench.app) as address:
        yield address


def auth(who: str) -> dict[str, str]:
    return {"authorization": who}


def test_it_flows_and_ends(bench: Bench, url: str) -> None:
    sent = auth("full") | {"last-event-id": "7", "x-other": "secret"}
    answer = httpx.get(f"{url}/stream?a=b", headers=sent)
    assert answer.status_code == 200
    assert answer.content == b"xxx"
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
    assert "content-length" not in answer.headers
    call = bench.calls[0]
    assert call.headers == {"last-event-id": "7"}, "what the endpoint did not name is not there"
    assert call.query == b"a=b"
    assert call.principal == bench.people["full"]
    assert bench.closed.wait(PATIENCE)
    assert bench.guard.streams == 0


REFUSED = {
    "unknown": ("nobody", None, 401),
    "without the permission": ("bare", None, 403),
    "another Accept": ("full", "application/json", 406),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_the_guard_is_the_same(bench: Bench, url: str, case: tuple[str, str | None, int]) -> None:
    who, accept, status = case
    answer = httpx.get(f"{url}/stream", headers=auth(who) | ({"accept": accept} if accept else {}))
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert not bench.calls


def test_a_refusal_before_the_first_chunk_is_an_answer(bench: Bench, url: str) -> None:
    bench.refuse = ConflictError("too many streams")
    answer = httpx.get(f"{url}/stream", headers=auth("full"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "too many streams")


def test_head_opens_nothing_for_long(bench: Bench, url: str) -> None:
    answer = httpx.head(f"{url}/stream", headers=auth("full"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert bench.given == 0


@pytest.mark.parametrize("change", [None, Person("a", frozenset({"read", "more"}))], ids=["gone", "another"])
def test_whoever_is_somebody_else_by_now_gets_no_more(bench: Bench, url: str, change: Person | None) -> None:
    bench.limit = 10**9
    with capture_logs() as logged, httpx.stream("GET", f"{url}/stream", headers=auth("full")) as answer:
        rest = answer.iter_raw()
        next(rest)
        if change is None:
            del bench.people["full"]
        else:
            bench.people["full"] = change
        for _ in rest:
            pass
    assert bench.closed.wait(PATIENCE)
    assert logged == [], "that is no defect"


def test_a_defect_in_the_middle_is_in_the_log_and_not_in_the_answer(bench: Bench, url: str) -> None:
    bench.fail = RuntimeError("hunter2")
    with capture_logs() as logged:
        answer = httpx.get(f"{url}/stream", headers=auth("full"))
    assert answer.content == b"xxx"
    assert [entry["error_id"] for entry in logged] == ["id-1"]
    assert "hunter2" not in str(logged)


def test_a_client_that_goes_closes_the_source(bench: Bench, url: str) -> None:
    bench.wait = True
    with httpx.stream("GET", f"{url}/stream", headers=auth("full")) as answer:
        chunks = answer.iter_raw()
        assert next(chunks)
        assert bench.guard.streams == 1
        assert not bench.closed.is_set()
    assert bench.closed.wait(PATIENCE)


def test_a_client_that_does_not_take_a_chunk_stops_the_source(bench: Bench) -> None:
    sent: list[object] = []
    made: list[int] = []

    async def source() -> AsyncGenerator[bytes]:
        try:
            for number in itertools.count():
                made.append(number)
                yield b"x"
        finally:
            bench.closed.set()

    async def run() -> None:
        stalled, gone = asyncio.Event(), asyncio.Event()

        async def send(message: object) -> None:
            sent.append(message)
            if len(sent) == 3:
                stalled.set()
                await asyncio.Event().wait()

        async def receive() -> dict[str, str]:
            await gone.wait()
            return {"type": "http.disconnect"}

        reply = StreamReply(chunks=source(), media_type="text/event-stream")
        flow = Flow(reply, bench.guard, headers=[], failed=lambda _: pytest.fail("it did not"))
        answering = asyncio.ensure_future(flow.send_body(cast("Send", send), cast("Receive", receive)))
        await stalled.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert made == [0, 1, 2]
        gone.set()
        await answering

    asyncio.run(run())
    assert bench.closed.is_set()
    assert bench.guard.streams == 0


def test_a_server_that_stops_does_not_wait_for_it(bench: Bench) -> None:
    bench.wait = True
    with ExitStack() as held:
        with running(bench.app) as url:
            answer = held.enter_context(httpx.stream("GET", f"{url}/stream", headers=auth("full"), timeout=PATIENCE))
            chunks = answer.iter_raw()
            next(chunks)
            started = time.monotonic()
        assert time.monotonic() - started < server.STOP_SECONDS / 2
        assert bench.closed.is_set()
        assert b"".join(chunks) in {b"x", b"xx"}, "and what was sent is whole"
