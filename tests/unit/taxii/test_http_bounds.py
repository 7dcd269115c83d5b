"""What waits in one place takes nothing from another: lanes, places for bodies."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from support.taxii import checked
from tocsin.errors import AuthenticationError, BusyError
from tocsin.exchange.taxii.wire import DIALECT, TAXII, TAXII_TYPE
from tocsin.kernel.http import guard as guards
from tocsin.kernel.http import server
from tocsin.kernel.http.application import application
from tocsin.kernel.http.edge import Edge
from tocsin.kernel.http.guard import Guard
from tocsin.kernel.http.lanes import Lane
from tocsin.kernel.http.routes import KNOWN, Body, Call, Endpoint, Reply, Route
from tocsin.kernel.http.server import running

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PATIENCE = 30  # of a test that would otherwise hang


@dataclass(frozen=True)
class Person:
    party: str
    permissions: frozenset[str] = frozenset()


class Standstill:
    """Work that stands still until the gate opens."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.gate = threading.Event()

    def __call__(self) -> None:
        self.inside.release()
        assert self.gate.wait(PATIENCE)

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.inside.acquire(timeout=PATIENCE)


class Bench:
    """A server whose passwords and submissions stand still."""

    def __init__(self) -> None:
        self.guess = Standstill()
        self.write = Standstill()
        self.search = Standstill()
        self.found = b"{}"
        ids = itertools.count(1)
        guard = Guard[Person](
            recognise=self.recognise,
            authenticate=self.authenticate,
            proving=Lane("password", threads=1, waiting=1),
            challenges=("Basic x", "Bearer x"),
        )
        post = Endpoint(access=KNOWN, run=self.post, body=Body(types=(TAXII_TYPE,), limit=1_000))
        endpoints = {
            "GET": Endpoint(access=KNOWN, run=self.get),
            "POST": post,
            "DELETE": Endpoint(access=KNOWN, run=self.post),
        }
        asked = Endpoint(access=KNOWN, run=self.look, body=Body(types=(TAXII_TYPE,), limit=1_000), safe=True)
        routes = [Route(path="/it", methods=endpoints), Route(path="/search", methods={"POST": asked})]
        edge = Edge(dialect=DIALECT, guard=guard, routes=routes, new_id=lambda: f"id-{next(ids)}")
        self.app = application([edge])

    def recognise(self, authorization: str | None) -> Person | None:
        if authorization is None:
            raise AuthenticationError("we do not know who is asking")
        return None if authorization == "Basic guess" else Person(authorization)

    def authenticate(self, _authorization: str | None) -> Person:
        self.guess()
        raise AuthenticationError("we do not know who is asking")

    def get(self, _call: Call[Person]) -> Reply:
        return Reply(body=self.found)

    def look(self, _call: Call[Person]) -> Reply:
        self.search()
        return Reply(body=b"{}")

    def post(self, _call: Call[Person]) -> Reply:
        self.write()
        return Reply(body=b"{}")


@dataclass(frozen=True)
class Running:
    bench: Bench
    url: str
    pool: ThreadPoolExecutor

    def ask(self, method: str, who: str, path: str = "/it") -> httpx.Response:
        content = b"{}" if method == "POST" else None
        headers = {"authorization": who, "content-type": TAXII}
        answer = httpx.request(method, f"{self.url}{path}", content=content, headers=headers, timeout=PATIENCE)
        return checked(answer)

    def many(self, count: int, method: str, who: str, path: str = "/it") -> list[Future[httpx.Response]]:
        return [self.pool.submit(self.ask, method, who, path) for _ in range(count)]


def statuses(asked: Iterable[Future[httpx.Response]]) -> list[int]:
    return [one.result(PATIENCE).status_code for one in asked]


@pytest.fixture
def served() -> Iterator[Running]:
    bench = Bench()
    with ThreadPoolExecutor(64) as pool, running(bench.app) as url:
        try:
            yield Running(bench, url, pool)
        finally:
            bench.guess.gate.set()
            bench.write.gate.set()
            bench.search.gate.set()


def test_who_guesses_is_sent_away_and_who_is_known_does_not_wait(served: Running) -> None:
    guesses = served.many(40, "GET", "Basic guess")
    refused = list(itertools.islice(as_completed(guesses, PATIENCE), 38))
    assert statuses(refused) == [503] * 38
    assert all(int(one.result().headers["retry-after"]) > 0 for one in refused)
    assert [served.ask("GET", "a").status_code for _ in range(3)] == [200] * 3
    served.bench.guess.gate.set()
    assert sorted(statuses(guesses)) == [401] * 2 + [503] * 38, "one ran and one waited"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_submissions_that_wait_for_the_writer_stop_no_reader(served: Running, method: str) -> None:
    waiting = [served.many(2, method, who) for who in "abcd"]
    served.bench.write.wait_for(guards.WRITERS)
    assert served.ask("GET", "a").status_code == 200
    served.bench.write.gate.set()
    assert [statuses(asked) for asked in waiting] == [[200, 200]] * 4


def test_a_party_has_so_many_submissions_under_way_and_the_others_have_room(served: Running) -> None:
    waiting = served.many(guards.BODIES_OF_ONE, "POST", "a")
    served.bench.write.wait_for(guards.BODIES_OF_ONE)
    refused = served.ask("POST", "a")
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    other = served.many(1, "POST", "b")
    served.bench.write.wait_for(1)
    served.bench.write.gate.set()
    assert statuses(waiting) == [200] * guards.BODIES_OF_ONE
    assert statuses(other) == [200]
    assert served.ask("POST", "a").status_code == 200, "and there is room again"


def test_what_one_party_searches_leaves_the_others_their_readers(served: Running) -> None:
    slow = served.many(guards.READERS + 2, "POST", "a", "/search")
    served.bench.search.wait_for(guards.READS_OF_ONE)
    assert [served.ask("GET", "b").status_code for _ in range(3)] == [200] * 3, "threads are left"
    mine = served.many(1, "GET", "a")
    assert served.ask("GET", "b").status_code == 200
    assert not mine[0].done(), "the party's own next question waits for its turn"
    served.bench.search.gate.set()
    assert statuses(slow) == [200] * (guards.READERS + 2)
    assert statuses(mine) == [200]


def test_a_party_has_so_many_questions_under_way(served: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "READS_WAITING_OF_ONE", 6)
    slow = served.many(10, "POST", "a", "/search")
    refused = list(itertools.islice(as_completed(slow, PATIENCE), 4))
    assert statuses(refused) == [503] * 4
    assert served.ask("GET", "b").status_code == 200
    served.bench.search.gate.set()
    assert sorted(statuses(slow)) == [200] * 6 + [503] * 4
    assert served.ask("GET", "a").status_code == 200, "and there is room again"


# --- connections ------------------------------------------------------------------------------------------------------


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def rest(connection: socket.socket) -> bytes:
    """Return what still comes until the server closes; fails when it does not."""
    got = b""
    while more := connection.recv(65_536):
        got += more
    return got


ASK = b"GET /it HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\n"
SILENT = {
    "from the first": b"",
    "in the middle of a head": ASK,
    "in the middle of the second head": ASK + b"\r\n" + ASK,
    "in a body that nobody reads": ASK + b"Content-Length: 10\r\n\r\nx",
    "after an answer": ASK + b"\r\n",
}


@pytest.mark.parametrize("sent", SILENT.values(), ids=SILENT.keys())
def test_who_falls_silent_is_cut_off(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 0.5)
    with running(Bench().app) as url, connect(url) as connection:
        connection.sendall(sent)
        assert rest(connection).count(b"HTTP/1.1 200 ") == (0 if sent in {b"", ASK} else 1)


def test_a_second_head_that_comes_in_pieces_has_as_long_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first byte after an answer ends the time between requests, and must begin another."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    with running(Bench().app) as url, connect(url) as connection:
        connection.sendall(ASK + b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"G")
        assert b"HTTP/1.1" not in rest(connection)


def test_a_request_that_is_worked_on_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    bench = Bench()
    with running(bench.app) as url, connect(url) as silent, connect(url) as connection:
        connection.sendall(ASK.replace(b"GET", b"DELETE") + b"\r\n")
        bench.write.wait_for(1)
        assert rest(silent) == b"", "and the time of one who is silent is over"
        bench.write.gate.set()
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_an_answer_that_nobody_takes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = threading.Event()
    losing = server._Patient.connection_lost

    def lose(protocol: server._Patient, error: Exception | None) -> None:
        losing(protocol, error)
        lost.set()

    monkeypatch.setattr(server._Patient, "connection_lost", lose)
    monkeypatch.setattr(server, "STALL_SECONDS", 0.1)
    bench = Bench()
    bench.found = b" " * 32 * 1024 * 1024
    with running(bench.app) as url, connect(url) as connection:
        connection.sendall(ASK + b"\r\n")
        assert lost.wait(PATIENCE)
        assert len(rest(connection)) < len(bench.found)


def test_a_full_house_serves_those_who_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 1)
    with running(Bench().app) as url, httpx.Client(base_url=url, headers={"authorization": "a"}) as first:
        assert first.get("/it").status_code == 200
        with connect(url) as second:
            refused = rest(second)
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in refused
        assert DIALECT.media_type.encode() in refused
        assert first.get("/it").status_code == 200


def test_two_lengths_are_no_request(served: Running) -> None:
    """What one reader of the request takes for its body is another request for the other."""
    hidden = b"GET /it HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\n\r\n"
    lengths = b"Content-Length: 60\r\nTransfer-Encoding: chunked\r\n"
    head = b"POST /it HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nContent-Type: " + TAXII.encode() + b"\r\n"
    with connect(served.url) as connection:
        connection.sendall(head + lengths + b"\r\n0\r\n\r\n" + hidden)
        answered = rest(connection)
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answered


# --- a lane alone -----------------------------------------------------------------------------------------------------


def test_a_lane_refuses_what_is_too_much_and_forgets_nothing() -> None:
    lane = Lane("test", threads=1, waiting=1)
    still = Standstill()

    async def fill() -> None:
        with lane.opened():
            tasks = [asyncio.create_task(lane.run(still)) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(BusyError):
                await lane.run(still)
            tasks[1].cancel()
            await asyncio.gather(tasks[1], return_exceptions=True)
            replacing = asyncio.create_task(lane.run(lambda: 7))
            await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.gather(tasks[0], return_exceptions=True)
            with pytest.raises(BusyError):
                await lane.run(still)  # its asker has gone, and the thread has not
            still.gate.set()
            assert await replacing == 7

    asyncio.run(fill())


def test_a_lane_that_is_closed_takes_nothing() -> None:
    lane = Lane("test", threads=1, waiting=1)
    with pytest.raises(BusyError):
        asyncio.run(lane.run(lambda: 7))
    with lane.opened():
        assert asyncio.run(lane.run(lambda: 7)) == 7
    with pytest.raises(BusyError):
        asyncio.run(lane.run(lambda: 7))
