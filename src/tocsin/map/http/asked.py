"""What the addresses of the map share: how large a map and how much work one may ask for, and whose map it is."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeAlias

import msgspec

from tocsin.errors import LimitError
from tocsin.exchange.api import lists
from tocsin.exchange.api.parts import READ, ROOT
from tocsin.exchange.reading import Asker
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.routes import Body, Call, Endpoint, Reply
from tocsin.parties.model import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.kernel.db import Store
    from tocsin.log.service import Log
    from tocsin.map.seen import Seen
    from tocsin.map.service import Maps
    from tocsin.map.supply.service import Supplies
    from tocsin.map.totals.service import Totals

__all__ = [
    "BODY",
    "LARGE",
    "MISSING",
    "MOST_HITS",
    "MOST_HOURS",
    "MOST_OBJECTS",
    "MOST_TOLD",
    "MOST_WORK",
    "Hours",
    "Instant",
    "MapCall",
    "Name",
    "Seed",
    "Services",
    "Share",
    "Span",
    "computing",
    "place_of",
    "require_work",
    "seen_by",
]

# Objects that one answer is made from, of one party half: twenty pages, twenty releases, some megabytes. Who has more
# reads them by page and by type, from `/collections/{collection}/objects`, and puts them together at home.
MOST_OBJECTS: Final = 20_000
# Assets times samples of one simulation: a second of one processor at most, since the hub has others to answer.
MOST_WORK: Final = 2_000_000
# How often assets may tell others of a change, in all samples together: it bounds rings that creep (docs/map.md).
MOST_TOLD: Final = 10_000_000
MOST_HITS: Final = 1_000
MOST_HOURS: Final = 8_766.0
# A thousand hits with the longest names, each character escaped.
BODY: Final = Body(types=(JSON_TYPE,), limit=2 * 1_024 * 1_024)
MISSING: Final = {HTTPStatus.NOT_FOUND: "There is no such collection or asset, or none that you may see."}
LARGE: Final = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "It is more than one answer holds, or one simulation takes."}

MapCall: TypeAlias = Call[Principal]

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Hours = Annotated[float, msgspec.Meta(ge=0, le=MOST_HOURS)]
Span = Annotated[float, msgspec.Meta(gt=0, le=MOST_HOURS, description="How far to look, in hours.")]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Instant = Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="A day, or a date-time with `Z`.")]


class Services(lists.Services, Protocol):
    """What the addresses need of a hub."""

    store: Store
    log: Log

    @property
    def maps(self) -> Maps:
        """The map that members share."""
        ...

    @property
    def supplies(self) -> Supplies:
        """What its assets are made of."""
        ...

    @property
    def totals(self) -> Totals:
        """Totals of it."""
        ...


def seen_by(services: Services, call: MapCall, collection: str | None) -> Seen:
    """Return the map that the asker may see; errors as ``Maps.seen``."""
    return services.maps.seen(Asker.of(call.principal), collection, most=MOST_OBJECTS)


def place_of(id_: str) -> int:
    """Return the place of an object in a list: the first 64 bits of its id, which is a UUID (version 5)."""
    return uuid.UUID(id_.partition("--")[2]).int >> 64


def require_work(assets: int, samples: int, *, most: int, where: str, at_home: str) -> None:
    """Refuse more assets times samples than a hub does for one member at once.

    Raises:
        LimitError: it is more; says what does it at home.
    """
    if assets * samples > most:
        raise LimitError(f"assets times samples are more than {most:,}", where=where, todo=f"ask less, or {at_home}")


def computing(  # noqa: PLR0917  as they stand in an operation, each of another type
    id_: str,
    path: str,
    run: Callable[[MapCall], Reply],
    summary: str,
    takes: type[msgspec.Struct],
    answer: Answer,
    tag: str = "map",
) -> Operation[Principal]:
    """Return the operation at ``/{path}`` that computes on a reader's map."""
    return Operation(
        id=id_,
        tag=tag,
        method="POST",
        path=f"{ROOT}/{path}",
        does=Endpoint(access=READ, run=run, body=BODY, safe=True),
        summary=summary,
        says="Suppliers that you do not see count as up. Nothing is entered.",
        takes=takes,
        answers={HTTPStatus.OK: answer},
        problems=MISSING | LARGE,
    )
