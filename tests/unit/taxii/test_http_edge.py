"""The edge: nothing answers past the guard, and nothing of us is in an answer."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from litestar import Litestar, get
from structlog.testing import capture_logs

from support.taxii import checked
from tocsin.errors import AuthenticationError, BusyError, InputError, StoreBrokenError, TocsinError, UsageError
from tocsin.exchange.taxii.wire import DIALECT, TAXII, TAXII_TYPE
from tocsin.kernel.http import guard as guards
from tocsin.kernel.http.application import Application, application, require_guarded
from tocsin.kernel.http.edge import Edge
from tocsin.kernel.http.guard import Guard
from tocsin.kernel.http.lanes import Lane
from tocsin.kernel.http.routes import ANYONE, KNOWN, Body, Call, Endpoint, Reply, Route, needs
from tocsin.kernel.http.server import listen, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar.handlers import HTTPRouteHandler

SECRET = "hunter2-hunter2"


@dataclass(frozen=True)
class Person:
    name: str
    permissions: frozenset[str]
    party: str = "acme"


PEOPLE = {"Bearer full": Person("full", frozenset({"a:read", "a:write"})), "Bearer bare": Person("bare", frozenset())}


def authenticate(authorization: str | None) -> Person:
    if authorization is None or authorization not in PEOPLE:
        raise AuthenticationError("we do not know who is asking")
    return PEOPLE[authorization]


def recognise(authorization: str | None) -> Person | None:
    return None if authorization == "Basic guess" else authenticate(authorization)


def name(call: Call[Person]) -> Reply:
    return Reply(body=b'"' + call.principal.name.encode() + b'"')


def nameless(call: Call[Person]) -> Reply:
    assert call.known is None
    return Reply(body=b'"anyone"')


def echo(call: Call[Person]) -> Reply:
    return Reply(body=call.body)


def raising(error: Exception) -> Endpoint[Person]:
    def run(_call: Call[Person]) -> Reply:
        raise error

    return Endpoint(access=ANYONE, run=run)


def make_edge() -> Edge[Person]:
    ids = itertools.count(1)
    guard = Guard(
        recognise=recognise,
        authenticate=authenticate,
        proving=Lane("password", threads=1, waiting=1),
        challenges=("Basic x", "Bearer x"),
    )
    return Edge(dialect=DIALECT, guard=guard, routes=ROUTES, new_id=lambda: f"id-{next(ids)}")


def make_app() -> Application:
    return application([make_edge()])


def boom(_call: Call[Person]) -> Reply:
    password = SECRET
    raise RuntimeError(password)


ROUTES: list[Route[Person]] = [
    Route(path="/anyone", methods={"GET": Endpoint(access=ANYONE, run=nameless)}),
    Route(path="/anyone-asks", methods={"GET": Endpoint(access=ANYONE, run=name)}),
    Route(path="/known", methods={"GET": Endpoint(access=KNOWN, run=name)}),
    Route(path="/both", methods={"GET": Endpoint(access=needs("a:read", "a:write"), run=name)}),
    Route(
        path="/echo",
        methods={
            "POST": Endpoint(access=needs("a:write"), run=echo, body=Body(types=(TAXII_TYPE,), limit=10)),
            "OPTIONS": Endpoint(access=KNOWN, run=name),
        },
    ),
    Route(path="/boom", methods={"GET": Endpoint(access=ANYONE, run=boom)}),
    Route(path="/busy", methods={"GET": raising(BusyError("later", todo="wait"))}),
    Route(path="/broken", methods={"GET": raising(StoreBrokenError(f"disk {SECRET}"))}),
    Route(path="/root", methods={"GET": raising(TocsinError("unnamed"))}),
    Route(path="/input", methods={"GET": raising(InputError("bad", where="x", todo="y"))}),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(make_app()) as address:
        yield address


@pytest.fixture
def ask(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as client:
        yield client


CASES = {
    "anyone, unknown": ("/anyone", None, 200),
    "anyone, and credentials are not even looked at": ("/anyone", "Bearer wrong", 200),
    "anyone, where the function asks for a name": ("/anyone-asks", "Bearer full", 401),
    "known, unknown": ("/known", None, 401),
    "known, wrong": ("/known", "Bearer wrong", 401),
    "known, without permissions": ("/known", "Bearer bare", 200),
    "both, without permissions": ("/both", "Bearer bare", 403),
    "both, with them": ("/both", "Bearer full", 200),
    "busy": ("/busy", None, 503),
    "input": ("/input", None, 400),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_access(ask: httpx.Client, case: tuple[str, str | None, int]) -> None:
    path, authorization, status = case
    headers = {"authorization": authorization} if authorization else {}
    assert checked(ask.get(path, headers=headers)).status_code == status


def test_busy_says_when_to_come_back(ask: httpx.Client) -> None:
    assert int(ask.get("/busy").headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/boom", "/broken", "/root"])
def test_a_defect_is_a_number_for_the_client_and_a_place_for_the_operator(ask: httpx.Client, path: str) -> None:
    with capture_logs() as logged:
        answer = checked(ask.get(path, headers={"authorization": f"Bearer {SECRET}"}, params={"x": SECRET}))
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert [entry["error_id"] for entry in logged] == [answer.json()["error_id"]]
    assert logged[0]["route"] == path
    assert "Error" in logged[0]["what"]
    if path == "/boom":
        assert "in boom" in logged[0]["what"]
        assert SECRET not in str(logged)


def test_a_body_may_have_exactly_the_limit(ask: httpx.Client) -> None:
    headers = {"authorization": "Bearer full", "content-type": TAXII}
    assert ask.post("/echo", content=b'"12345678"', headers=headers).content == b'"12345678"'
    assert checked(ask.post("/echo", content=b'"123456789"', headers=headers)).status_code == 413
    assert checked(ask.post("/echo", content=iter([b'"1234', b'56789"']), headers=headers)).status_code == 413


def test_options_may_be_an_endpoint_like_any_other(ask: httpx.Client) -> None:
    assert checked(ask.options("/echo")).status_code == 401
    assert checked(ask.options("/known")).status_code == 204


def test_a_full_reading_room_sends_people_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "BODIES_AT_ONCE", 0)
    with running(make_app()) as url:
        headers = {"authorization": "Bearer full", "content-type": TAXII}
        answer = checked(httpx.post(f"{url}/echo", content=b"{}", headers=headers))
    assert answer.status_code == 503


# --- the guard cannot be passed ---------------------------------------------------------------------------------------


@get("/rogue", sync_to_thread=False)
def rogue() -> str:
    return "come in"


@get("/rogue", sync_to_thread=False, opt={"guard": True})
def disguised() -> str:
    return "come in"


@pytest.mark.parametrize("handler", [rogue, disguised], ids=["plain", "with an opt of its own"])
def test_an_application_with_an_unguarded_route_does_not_start(handler: HTTPRouteHandler) -> None:
    app = make_app()
    app.asgi.register(handler)
    with pytest.raises(UsageError, match="did not start"), running(app):
        pytest.fail("it started")


def test_a_route_of_another_edge_is_not_guarded_by_this_one() -> None:
    with pytest.raises(UsageError, match="without asking"):
        require_guarded(make_app().asgi, [make_edge()])


def test_an_application_that_is_all_guarded_passes() -> None:
    edge = make_edge()
    require_guarded(application([edge]).asgi, [edge])
    require_guarded(Litestar([], openapi_config=None), [edge])


# --- the server -------------------------------------------------------------------------------------------------------


def test_an_address_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(UsageError, match="cannot listen"):
        listen("127.0.0.1", first.getsockname()[1])


@pytest.mark.parametrize("address", [("203.0.113.1", 0), ("no.such.host.invalid", 0), ("127.0.0.1", 99_999)])
def test_addresses_that_are_not_ours(address: tuple[str, int]) -> None:
    with pytest.raises(UsageError, match="cannot listen"):
        listen(*address)


def test_no_thread_is_left_behind() -> None:
    def servers() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "tocsin-http"]

    before = servers()
    with running(make_app()) as url:
        assert checked(httpx.get(url)).status_code == 404
        assert len(servers()) == len(before) + 1
    assert servers() == before


SERVE = """
import sys
from test_http_edge import make_app
from tocsin.kernel.http.server import listen, serve
with listen("127.0.0.1", 0) as listening:
    print(listening.getsockname()[1], flush=True)
    serve(make_app(), listening)
print("closed", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_not_what_comes_after(number: signal.Signals) -> None:
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        # the socket listens before the server does: the question waits in its queue
        assert httpx.get(f"http://127.0.0.1:{port}/anyone", timeout=60).status_code == 200
        process.send_signal(number)
        assert process.stdout.read() == "closed\n"
    assert process.returncode == 0
