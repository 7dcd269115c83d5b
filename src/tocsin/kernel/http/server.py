"""Running an application: uvicorn on one address, quiet, stopped cleanly, and polite even to what is no HTTP."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tocsin.errors import UsageError
from tocsin.kernel.http.problems import RETRY_AFTER, Dialect, HttpProblem
from tocsin.kernel.memory import keep_memory

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from types import FrameType

    from tocsin.kernel.http.application import Application

__all__ = ["listen", "running", "serve"]

# An open connection costs a file and some kilobytes; a client that polls every minute has no use for a longer one.
KEEP_ALIVE_SECONDS: Final = 30
# A request's head is a packet or two; who is silent for longer, at first or in the middle of it, is cut off.
HEAD_SECONDS: Final = 10
# An answer of which nothing was taken for so long has nobody who reads it.
STALL_SECONDS: Final = 60
# Streams that are open for an hour, and 500 others beside them.
CONNECTIONS: Final = 2_560
# Each is an open file, and the store and the log need some too. A process has 1,024 where nobody says otherwise.
FILES: Final = 512
# How long requests under way may take to end when the server is told to stop.
STOP_SECONDS: Final = 20
# How long an application may take to start: it checks its routes and starts a thread.
START_SECONDS: Final = 60
BACKLOG: Final = 1_024

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        UsageError: the address is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio turns Nagle's algorithm off only where it is; an answer leaves in two
    # writes, and the second would wait 40 ms for the client's delayed acknowledgement of the first
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"we cannot listen there: {reason}", where=f"{host}:{port}", todo="choose another") from error
    return listening


def serve(app: Application, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, then let the requests under way end; returns when the last has.

    Raises:
        UsageError: the application did not start.
    """
    keep_memory()
    server = _Server(app)
    server.run(sockets=[listening])
    server.require_started()


@contextlib.contextmanager
def running(app: Application, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve from a thread while the ``with`` lasts; gives the base URL, ready to be asked.

    Raises:
        UsageError: the address cannot be had, or the application did not start.
    """
    with listen(host, port) as listening:
        server = _Server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="tocsin-http")
        thread.start()
        try:
            server.settled.wait(START_SECONDS)
            server.require_started()
            taken = listening.getsockname()
            yield f"http://{f'[{host}]' if ':' in host else host}:{taken[1]}"
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """A uvicorn that says when it is ready, and leaves signals as it found them."""

    def __init__(self, app: Application) -> None:
        super().__init__(
            uvicorn.Config(
                app.asgi,
                http=_polite(app.dialect),
                ws="none",
                lifespan="on",
                loop="asyncio",
                log_config=None,
                log_level="warning",
                access_log=False,  # an access log would hold who asked for which object, past the log that we keep
                server_header=False,
                proxy_headers=False,  # nothing here rests on a client's address
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self.settled = threading.Event()
        self._stop = app.stop

    def require_started(self) -> None:
        """Refuse to go on when the application did not start.

        Raises:
            UsageError: it did not; the log says why.
        """
        if not self.started:
            raise UsageError("the server did not start", todo="look into the log")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.settled.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # answers without an end would have us wait for them as long as for any other
        self._stop()
        await super().shutdown(sockets=sockets)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn leaves the process when an application does not start; who called us has a store to close first
        with contextlib.suppress(SystemExit):
            await super().serve(sockets=sockets)
        self.settled.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises each signal again at the end, which would end the process before its store is closed
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self.handle_exit(number, frame)

        before = {number: signal.signal(number, stop) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _polite(dialect: Dialect) -> type[H11Protocol]:
    """Return uvicorn's protocol, which answers even what is no HTTP in the dialect, and waits for nobody for ever."""
    room = _room()

    class Polite(_Patient):
        def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words are not ours
            self.refuse(_NO_HTTP, dialect)

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
            super().connection_made(transport)
            # those that are there are served on; the new one is among them already
            if len(self.connections) > room:
                self.refuse(_FULL, dialect)

    return Polite


def _room() -> int:
    """Return how many connections there may be; the process takes as many files as it needs and the system gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = CONNECTIONS + FILES
    if unlimited != soft < wanted:
        soft = wanted if hard == unlimited else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # a system that gives fewer than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return CONNECTIONS if soft == unlimited else max(1, min(CONNECTIONS, soft - FILES))


class _Patient(H11Protocol):
    """uvicorn's protocol, with an end to every wait for the client."""

    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        # whatever the client has not taken counts as waiting, so that a small answer cannot wait for ever either
        transport.set_write_buffer_limits(high=0)
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is not h11.IDLE:
            self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head()
        self._stop_stall()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_stall()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_stall()

    def refuse(self, problem: HttpProblem, dialect: Dialect) -> None:
        """Answer with a problem and close."""
        # in the middle of an answer there is no place left for another one
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            body = dialect.problem(problem)
            headers = [
                ("content-type", dialect.problem_type),
                ("content-length", str(len(body))),
                ("connection", "close"),
                *problem.headers,
            ]
            response = h11.Response(
                status_code=problem.status, headers=headers, reason=problem.status.phrase.encode("ascii")
            )
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch_head(self) -> None:
        if self.conn.our_state in {h11.SEND_RESPONSE, h11.SEND_BODY}:
            self._stop_head()  # it is our turn; the time for a body is the application's
        elif self._head is None and not self.transport.is_closing():
            # a byte now and then does not move the end
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _watch_stall(self) -> None:
        self._stall = self.loop.call_later(STALL_SECONDS, self._look, self.transport.get_write_buffer_size())

    def _look(self, left: int) -> None:
        if self.transport.get_write_buffer_size() >= left:
            self.transport.abort()
        else:
            self._watch_stall()

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


_NO_HTTP: Final = HttpProblem(status=HTTPStatus.BAD_REQUEST, what="this is no HTTP request that we understand")
_FULL: Final = HttpProblem(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    what="too many connections are open",
    todo="try again in a few seconds",
    headers=(("retry-after", RETRY_AFTER),),
)
