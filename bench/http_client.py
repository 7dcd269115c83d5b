"""A client that costs little: the standard library's, with one connection."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

TAXII: Final = "application/taxii+json;version=2.1"
_PATIENCE: Final = 600  # seconds: one peer takes ten for a page


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server under measurement: a client at its collection, and its process."""

    client: Client
    pid: int
    base: str = ""  # of the collection


class Client:
    """Asks one server, under one credential."""

    def __init__(self, base: str, authorization: str) -> None:
        self.address = base
        self.token = authorization.removeprefix("Bearer ")
        self._base = urlsplit(base)
        self._headers = {"Accept": TAXII, "Authorization": authorization}
        self._connection = http.client.HTTPConnection(self._base.netloc, timeout=_PATIENCE)

    def get(self, path: str) -> bytes:
        """Return the body of a 200."""
        return self._ask("GET", path, None, self._headers, 200)

    def post(self, path: str, body: bytes) -> bytes:
        """Return the body of a 202."""
        return self._ask("POST", path, body, self._headers | {"Content-Type": TAXII}, 202)

    def renew(self) -> None:
        """Connect anew with the next question: a server hangs up on who was silent for half a minute."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], expected: int) -> bytes:
        self._connection.request(method, self._base.path + path, body, dict(headers))
        with self._connection.getresponse() as response:
            content = response.read()
        if response.status != expected:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:300]!r}")
        return content
