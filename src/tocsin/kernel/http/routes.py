"""What an application is made of: paths, the methods of each, who may use them, and what they do. Values only.

A route is a path and a table of methods; each method names who may use it, and there is no default. What stands in the
table is a plain function from a ``Call`` to a ``Reply``; or, for an answer without an end, a coroutine function from a
``StreamCall`` to a ``StreamReply``.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeAlias, TypeVar

from tocsin.errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping

    from tocsin.kernel.http.lanes import Lane
    from tocsin.kernel.http.negotiation import MediaType

__all__ = [
    "ANYONE",
    "KNOWN",
    "Access",
    "Body",
    "Call",
    "Caller",
    "Endpoint",
    "Method",
    "Reply",
    "Route",
    "StreamCall",
    "StreamEndpoint",
    "StreamReply",
    "needs",
]


class Caller(Protocol):
    """Who is asking, as far as the guard looks at it."""

    @property
    def party(self) -> str:
        """Return whom they belong to: what is bounded is bounded for each party."""
        ...

    @property
    def permissions(self) -> Collection[str]:
        """Return what the caller may ask for."""
        ...


P = TypeVar("P", bound=Caller)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may use an endpoint: anyone at all, or who is known and has every one of these permissions.

    ``one_of``: and one of these at least, if any is named. ``hidden_without``: who has none of these is told that there
    is nothing, and not what they lack.
    """

    anyone: bool = False
    permissions: frozenset[str] = frozenset()
    one_of: frozenset[str] = frozenset()
    hidden_without: frozenset[str] = frozenset()


ANYONE: Final = Access(anyone=True)
KNOWN: Final = Access()


def needs(first: str, *more: str) -> Access:
    """Return the access of those who have all of these permissions."""
    return Access(permissions=frozenset({first, *more}))


@dataclass(frozen=True, kw_only=True)
class Body:
    """What an endpoint takes: which media types, and how many bytes, which are counted when they are decompressed."""

    types: tuple[MediaType, ...]
    limit: int


@dataclass(frozen=True, kw_only=True)
class Call(Generic[P]):
    """One request, after the guard.

    ``path`` holds the decoded parameters of the route, ``query`` the raw query, ``headers`` those of the request that
    the endpoint named, in lower case, and no others.
    """

    known: P | None
    path: Mapping[str, str]
    query: bytes
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def principal(self) -> P:
        """Return who is calling.

        Raises:
            AuthenticationError: this endpoint is open to anyone, and the caller did not say.
        """
        if self.known is None:
            raise AuthenticationError("we do not know who is asking")
        return self.known


@dataclass(frozen=True, kw_only=True)
class StreamCall(Call[P]):
    """One request for a stream, after the guard.

    ``again`` asks the guard once more, with the credentials of the request: it returns who they prove now, or raises
    what a new request would be refused with. It never answers for another principal than the one that began.
    """

    again: Callable[[], Awaitable[P]]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer; in the dialect's media type, unless it names one that its endpoint offers.

    ``headers`` hold only what we made: no part of a request. ``pieces`` give the body once more, cut so that no piece
    holds bytes of two authors: only what has pieces is ever compressed (docs/adr/0049).
    """

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    pieces: Callable[[], Iterable[bytes]] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class StreamReply:
    """An answer without an end: its chunks, each sent when the client has taken the one before.

    ``chunks`` is asked for the next only when the last was handed to the network, so a client that stops reading stops
    the generator. It is closed (``aclose``) when the client goes, when the server stops, and when it ends: whatever it
    holds belongs in a ``finally``. After ``seconds`` it is cut off, even where a client takes it byte by byte. Nothing
    that it awaits may block the event loop. What it raises ends the answer without a word to the client, and is in the
    log unless it is one of ``tocsin.errors`` that was raised on purpose.
    """

    chunks: AsyncGenerator[bytes]
    media_type: str
    seconds: float | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Endpoint(Generic[P]):
    """What one method of a route does, and who may use it.

    ``safe``: it takes a small body and only reads, so that it waits for no writer and no place for large bodies.
    ``lane`` is where it runs instead of with the readers or writers; ``quick``: it returns at once, waits for nothing,
    and runs on the event loop. ``offered`` are the media types of its answers where they are not the dialect's;
    ``headers`` the names, in lower case, of the request's headers that it reads.
    """

    access: Access
    run: Callable[[Call[P]], Reply]
    body: Body | None = None
    safe: bool = False
    lane: Lane | None = None
    quick: bool = False
    offered: tuple[MediaType, ...] = ()
    headers: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class StreamEndpoint(Generic[P]):
    """As ``Endpoint``, of an answer without an end. ``open`` runs on the event loop, and may refuse by raising."""

    access: Access
    open: Callable[[StreamCall[P]], Awaitable[StreamReply]]
    offered: tuple[MediaType, ...]
    headers: frozenset[str] = frozenset()


Method: TypeAlias = Endpoint[P] | StreamEndpoint[P]


@dataclass(frozen=True, kw_only=True)
class Route(Generic[P]):
    """A path, as Litestar writes them, and what each of its methods does; HEAD and OPTIONS come of themselves."""

    path: str
    methods: Mapping[str, Method[P]]

    @property
    def allow(self) -> str:
        """Return the value of ``Allow`` (RFC 9110 §10.2.1)."""
        return ", ".join(sorted({*self.methods, *({"HEAD"} if "GET" in self.methods else ()), "OPTIONS"}))
