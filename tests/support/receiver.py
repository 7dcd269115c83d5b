"""A receiver of webhooks on this machine: answers as it is told, and checks signatures from the specification alone."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Received", "Receiver", "receiving", "verify"]

TOLERANCE: Final = 300  # seconds


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The message's id."""
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        """The message's type."""
        return str(self.json["type"])

    @property
    def json(self) -> dict[str, Any]:
        """The message."""
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def objects(self) -> list[str]:
        """The ids of the objects that it holds."""
        return [one["id"] for one in self.json["data"]["objects"]]


@dataclass
class Receiver:
    """Answers with these statuses in turn, then with 204; "drop" hangs up, "stall" answers nothing."""

    url: str = ""
    answers: list[int | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Received] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)


def verify(secret: str, request: Received, *, now: int) -> dict[str, Any]:
    """Return the message if it is signed with the secret, as Standard Webhooks 1.0.0 has it."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    assert secret.startswith("whsec_")
    assert 24 <= len(key) <= 64
    stamp = request.headers["webhook-timestamp"]
    assert "." not in request.id + stamp
    assert abs(int(stamp) - now) <= TOLERANCE
    expected = hmac.new(key, b".".join([request.id.encode(), stamp.encode(), request.body]), hashlib.sha256).digest()
    for part in request.headers["webhook-signature"].split(" "):
        version, _, signature = part.partition(",")
        if version == "v1" and hmac.compare_digest(base64.b64decode(signature), expected):
            return request.json
    raise AssertionError("no signature fits")


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver while the ``with`` lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Received(self.path, headers, body))
            answer = receiver.answers.pop(0) if receiver.answers else 204
            if answer == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
            elif answer == "stall":
                receiver.let_go.wait(30)
            elif isinstance(answer, int):
                self.send_response(answer)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its own name for it
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()
