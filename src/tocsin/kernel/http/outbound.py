"""Requests that we send: to the address that we looked at, without following anybody anywhere.

Whoever names a URL would like us to fetch from inside our own network. So a name is resolved once, every address that
it has must be one of the world's (or of a network that the operator named), and the connection goes to an address that
was looked at; TLS still proves the name.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "MAX_URL",
    "Address",
    "Answer",
    "Network",
    "Outbound",
    "Target",
    "UnreachableError",
    "parse_networks",
    "parse_target",
]

# Longer ones are seen in tracking links, not in the addresses of machines.
MAX_URL: Final = 1_024
# Standard Webhooks asks for 15 to 30 s, of everything together: a receiver that drips holds a thread no longer.
TOTAL_SECONDS: Final = 20
# Of one step within them: connecting, the handshake, the first byte of an answer.
STEP_SECONDS: Final = 10

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
# IPv6 addresses that lead to an IPv4 one, and where in them it stands: RFC 6052 §2.1, RFC 3056 §2.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# What the oldest Python that we run on takes for public, and is nobody's: what `ipaddress` knows grows with versions.
_NOBODYS: Final = (
    ipaddress.IPv6Network("fec0::/10"),  # site-local, RFC 3879 §4
    ipaddress.IPv6Network("3fff::/20"),  # documentation, RFC 9637
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays of 6to4, RFC 7526 §4
)


class UnreachableError(Exception):
    """No answer came; the word says why, and holds nothing of the address."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A URL taken apart."""

    secure: bool
    host: str
    port: int
    path: str  # with the query, as it is sent


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: of the rest of an answer nothing is read."""

    status: int
    retry_after: int | None = None  # seconds


def parse_target(url: str) -> Target:
    """Take a URL apart.

    Raises:
        InputError: it is none that a machine can be reached under with POST; LimitError: it is too long.
    """
    if len(url) > MAX_URL:
        raise LimitError(f"a URL has at most {MAX_URL} characters", where="url", todo="use a shorter path")
    problem = InputError(
        "this is no URL that we send to", where="url", todo="write it like https://soc.example/hooks/tocsin"
    )
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise problem
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise problem from error
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0:
        raise problem
    if "@" in parts.netloc or parts.fragment:
        raise InputError("a URL with a password or a fragment is not sent to", where="url", todo="leave them out")
    secure = parts.scheme == "https"
    return Target(
        secure=secure,
        host=parts.hostname,
        port=port or (443 if secure else 80),
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read a list of networks, with commas between.

    Raises:
        InputError: one is none.
    """
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(f"this is no list of networks: {error}", todo="write it like 10.1.0.0/16,fd00::/8") from error


class Outbound:
    """Sends to the world, and to ``networks`` besides. ``resolve`` gives the addresses of a name; it may be slow."""

    def __init__(
        self,
        *,
        networks: Sequence[Network] = (),
        resolve: Callable[[str, int], list[str]] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._networks = tuple(networks)
        self._resolve = resolve or _resolve
        self._context = context

    def require_allowed(self, target: Target) -> list[Address]:
        """Return the addresses of a target, all of which may be sent to.

        Raises:
            UnreachableError: it has none, or one that may not.
        """
        try:
            found = [ipaddress.ip_address(text.partition("%")[0]) for text in self._resolve(target.host, target.port)]
        except (OSError, ValueError, UnicodeError) as error:
            raise UnreachableError("the name has no address") from error
        if not found:
            raise UnreachableError("the name has no address")
        # one address among others that leads inside is an attempt, and not a mistake of the others
        if not all(self._allowed(one) for one in found):
            raise UnreachableError("the address is not one of the public network")
        if not target.secure and not all(_plain(one).is_loopback for one in found):
            raise UnreachableError("only this machine itself is sent to without TLS")
        return found

    def _allowed(self, address: Address) -> bool:
        inner = _plain(address)
        if any(inner.version == network.version and inner in network for network in self._networks):
            return True
        if any(inner.version == network.version and inner in network for network in _NOBODYS):
            return False
        return inner.is_global and not inner.is_multicast and not inner.is_reserved

    def post(self, target: Target, body: bytes, headers: dict[str, str]) -> Answer:
        """Send a body and return what was answered: a redirect is an answer like any other, and is not followed.

        Raises:
            UnreachableError: no answer came in time, or the target may not be sent to.
        """
        addresses = self.require_allowed(target)
        connection = _Pinned(target, addresses[0], self._context)
        try:
            with connection.limited():
                connection.request("POST", target.path, body=body, headers=headers)
                answer = connection.getresponse()
                after = answer.headers.get("retry-after", "")
                return Answer(
                    status=answer.status,
                    retry_after=int(after) if after.isascii() and after.isdigit() and len(after) < _DIGITS else None,
                )
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError("its certificate is not valid for this name") from error
        except ssl.SSLError as error:
            raise UnreachableError("it speaks no TLS that we trust") from error
        except TimeoutError as error:
            raise UnreachableError(_LATE) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnreachableError(_LATE if connection.expired else "the connection failed") from error
        finally:
            connection.close()


_LATE: Final = "it did not answer in time"
# A number of seconds of more digits is no wait that anybody means.
_DIGITS: Final = 8


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever its name is said to have by the time it is opened."""

    def __init__(self, target: Target, address: Address, context: ssl.SSLContext | None) -> None:
        super().__init__(target.host, target.port, timeout=STEP_SECONDS)
        self._target = target
        self._address = address
        self._context = context
        self.default_port = 443 if target.secure else 80  # which `Host` leaves out (RFC 9110 §7.2)
        self.expired = False

    def connect(self) -> None:
        self.sock = socket.create_connection((str(self._address), self._target.port), STEP_SECONDS)
        if self._target.secure:
            context = self._context or ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host)

    @contextlib.contextmanager
    def limited(self) -> Iterator[None]:
        """Cut the connection when the time of everything together is over."""
        timer = threading.Timer(TOTAL_SECONDS, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
        self.expired = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                # of the socket itself: TLS would wait for the other side's farewell
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one leads to, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _resolve(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
