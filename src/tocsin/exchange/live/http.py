"""The route of streams: ``GET /api/v1/stream``, the filters of a page, and ``Last-Event-ID``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias
from urllib.parse import parse_qsl

from tocsin.errors import InputError
from tocsin.exchange.live.model import Wish
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.exchange.reading import Asker
from tocsin.exchange.taxii.filters import MAX_PARAMETERS, read_filters
from tocsin.kernel.http import sse
from tocsin.kernel.http.negotiation import MediaType
from tocsin.kernel.http.routes import Route, StreamCall, StreamEndpoint, StreamReply, needs
from tocsin.parties.model import Permission, Principal

if TYPE_CHECKING:
    from tocsin.exchange.live.streams import Streams

__all__ = ["PATH", "Services", "routes"]

PATH: Final = "/api/v1/stream"
LAST_EVENT_ID: Final = "last-event-id"
FILTERS: Final = frozenset({"added_after", "match[id]", "match[type]", "match[version]", "match[spec_version]"})

# For the last event to be taken.
STALL_GRACE: Final = 60.0

_OFFERED: Final = (MediaType(type="text", subtype="event-stream"),)
# Some proxies hold an answer back until they have a page of it; this header asks them not to.
_HEADERS: Final = (("x-accel-buffering", "no"),)

LiveCall: TypeAlias = StreamCall[Principal]


class Services(Protocol):
    """What the route needs of a hub."""

    streams: Streams


class Live:
    """The endpoint of streams in one environment."""

    def __init__(self, services: Services) -> None:
        self._streams = services.streams

    async def stream(self, call: LiveCall) -> StreamReply:
        """Begin a stream of the objects of one collection, or go on with one."""
        wish = Wish(
            collection=_collection(call.query),
            query=read_filters(call.query, FILTERS).query,
            last=call.headers.get(LAST_EVENT_ID) or None,
        )
        chunks = await self._streams.open(Asker.of(call.principal), wish, call.again)
        # the stream ends by itself before, where the client takes what it is sent
        seconds = self._streams.pace.age + STALL_GRACE
        return StreamReply(chunks=chunks, media_type=sse.EVENT_STREAM, headers=_HEADERS, seconds=seconds)


def routes(services: Services) -> list[Route[Principal]]:
    """Return the table of routes."""
    stream = StreamEndpoint(
        access=needs(Permission.OBJECTS_READ),
        open=Live(services).stream,
        offered=_OFFERED,
        headers=frozenset({LAST_EVENT_ID}),
    )
    return [Route(path=PATH, methods={"GET": stream})]


def _collection(raw: bytes) -> str:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise InputError(
            "the query is not readable", where="query", todo="percent-encode UTF-8, and send fewer parameters"
        ) from error
    # a misspelt filter that is passed over would answer another question
    if unknown := {name for name, _ in pairs} - FILTERS - {"collection"}:
        raise InputError(
            "a stream takes no such parameter",
            where=min(unknown)[:80],
            todo=f"use collection, {', '.join(sorted(FILTERS))}",
        )
    named = [value for name, value in pairs if name == "collection"]
    if len(named) > 1:
        raise InputError("a stream is of one collection", where="collection", todo="open a stream for each")
    return named[0] if named else DEFAULT_COLLECTION
