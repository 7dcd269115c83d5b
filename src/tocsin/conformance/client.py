"""A client that sends exactly what a case says: no header of its own, no redirect followed, nothing decoded."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tocsin.conformance.model import FailedError
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["TAXII", "Answer", "Client", "Credentials", "merged"]

TAXII: Final = "application/taxii+json;version=2.1"
# A server that has said nothing for so long has not answered.
TIMEOUT_SECONDS: Final = 60
# Pages of real servers stay below this; a server that sends without an end is cut off.
MAX_ANSWER: Final = 256 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who asks: a user and a password (Basic), or a token (Bearer)."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def header(self) -> str:
        """Return the value of ``Authorization``."""
        if self.token:
            return f"Bearer {self.token}"
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; names of headers are in lower case."""

    asked: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value, its lines joined as one list (RFC 9110 §5.3), or None."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object."""
        try:
            value = json.loads(self.body.decode("utf-8"))
        except ValueError as error:
            raise FailedError(f"{self.asked}: the body is no JSON: {self.body[:80]!r}") from error
        if not isinstance(value, dict):
            raise FailedError(f"{self.asked}: the body is no JSON object: {self.body[:80]!r}")
        return value


class Client:
    """Connections to one server, one for each thread that asks."""

    def __init__(self, url: str) -> None:
        """Take the server's base URL.

        Raises:
            UsageError: it is no URL of HTTP.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise UsageError("this is no URL", where=url, todo="write it like https://taxii.example/taxii2/") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise UsageError(
                "this is no URL of a server", where=parts.path, todo="write it like https://taxii.example/taxii2/"
            )
        self.scheme, self.host, self.port = parts.scheme, parts.hostname, port
        self.path = parts.path
        self._local = threading.local()
        self._open: list[http.client.HTTPConnection] = []

    def ask(
        self,
        method: str,
        path: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request and return the answer; a body in pieces is sent chunked.

        Raises:
            FailedError: there was none.
        """
        asked = f"{method} {path[:200]}"
        for last in (False, True):
            kept = getattr(self._local, "connection", None)
            try:
                return self._ask(asked, method, path, headers, body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._drop()
                # a connection that was kept may have been closed meanwhile: that is no answer, and no failure
                if last or kept is None or isinstance(error, TimeoutError) or not isinstance(body, bytes | None):
                    raise FailedError(f"{asked}: no answer: {type(error).__name__}: {error}") from error
        raise AssertionError

    def close(self) -> None:
        """Hang up."""
        for connection in self._open:
            connection.close()
        self._local = threading.local()

    def _ask(
        self,
        asked: str,
        method: str,
        path: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | Iterable[bytes] | None,
    ) -> Answer:
        connection = self._connection()
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        whole = body if isinstance(body, bytes) else None
        pieces = body if not isinstance(body, bytes) else None
        if whole is not None:
            connection.putheader("Content-Length", str(len(whole)))
        elif pieces is not None:
            connection.putheader("Transfer-Encoding", "chunked")
        try:
            connection.endheaders(whole)
            if pieces is not None:
                connection.send(_chunked(pieces))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have refused before it had read everything; what it said is read below
        response = connection.getresponse()
        data = response.read(MAX_ANSWER + 1)
        if len(data) > MAX_ANSWER:
            raise FailedError(f"{asked}: the answer has no end")
        found = tuple((name.lower(), value) for name, value in response.getheaders())
        if response.will_close:
            self._drop()
        return Answer(asked=asked, status=response.status, headers=found, body=data)

    def _connection(self) -> http.client.HTTPConnection:
        found: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if found is None:
            if self.scheme == "https":
                found = http.client.HTTPSConnection(
                    self.host, self.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
                )
            else:
                found = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
            self._local.connection = found
            self._open.append(found)
        return found

    def _drop(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None


def _chunked(pieces: Iterable[bytes]) -> Iterable[bytes]:
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def merged(*parts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return headers of several tables as one list; a later table's value stands."""
    joined: dict[str, str] = {}
    for part in parts:
        joined |= part
    return tuple(joined.items())
