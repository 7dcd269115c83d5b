"""Supply chains over ``/api/v1``: bills of materials, which assets something reaches, and from whom products come.

What is looked for stands in the body and not in an address: where a member looks for a hole is a secret of its own.
Each answer is made from what the gate opens to its asker, each page of which is a release, one answer at a time.
"""

from __future__ import annotations

from http import HTTPStatus
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from tocsin.exchange.api.lists import ListQuery, Lists
from tocsin.exchange.api.parts import READ, ROOT
from tocsin.exchange.api.queries import Word
from tocsin.exchange.api.wire import Next, read_body, reply
from tocsin.exchange.reading import Asker
from tocsin.kernel.db.spans import stretch
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.query import read_query
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.map.allowance import PartyLeftOut
from tocsin.map.http.asked import BODY, LARGE, MISSING, MOST_OBJECTS, MapCall, Services, place_of, seen_by
from tocsin.map.seen import Unread
from tocsin.map.supply.names import MOST_TEXT
from tocsin.map.supply.service import Bounds
from tocsin.map.supply.told import ListedBill, ReachResource, VendorsResource, listed_bills, reach_told, vendors_told

if TYPE_CHECKING:
    from tocsin.kernel.http.turn import Turn
    from tocsin.parties.model import Principal

__all__ = ["BOUNDS", "operations"]

# What one answer is made from: a quarter of what the command takes, which has a machine to itself.
BOUNDS: Final = Bounds(bills=2_500, bill_bytes=64 * 1_024 * 1_024, objects=MOST_OBJECTS, questions=100)
_MOST_ROWS: Final = 1_000


class BillsQuery(ListQuery, frozen=True, kw_only=True):
    """Which page of bills, of which collection; of all that the asker knows of if none is given."""

    collection: Word | None = None


class BillsResource(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the bills of materials that the asker may see.

    On the first page: ``unseen``, products that assets are said to have and whose bill the asker does not see;
    ``unread``, objects that are left out. ``parties_left_out``: who shares more than an answer holds of one.
    """

    bills: list[ListedBill]
    unseen: int | None
    unread: list[Unread]
    parties_left_out: list[PartyLeftOut]
    next: Next


class ReachAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for: `CVE-…`, another catalogue's id, `pkg:…`, `cpe:2.3:…`, NAME or NAME@VERSION."""

    what: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_TEXT)]
    most: Annotated[int, msgspec.Meta(ge=1, le=_MOST_ROWS, description="So many ways are told, the worst first.")] = 100
    collection: Word | None = None


class VendorsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of which collection; ``parts``: of everything that is in the products, and not of these alone."""

    parts: bool = False
    most: Annotated[int, msgspec.Meta(ge=1, le=_MOST_ROWS, description="So many vendors of each sector.")] = 100
    collection: Word | None = None


class Supplying:
    """The addresses of supply chains, in one environment."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._lists = Lists(services)
        self._turn = turn

    def bills(self, call: MapCall) -> Reply:
        """Answer with a page of the bills that the asker may see."""
        asked, span = self._lists.asked(call, "map bills", BillsQuery)
        with self._turn.taken(call.principal.party):
            seen = self._services.supplies.seen(Asker.of(call.principal), asked.collection, bounds=BOUNDS)
            plan = seen_by(self._services, call, asked.collection) if seen.chains.fits else None
            names = {} if plan is None else {ref: name for name, ref in plan.refs.items()}
            # in the order of ids, as assets are: a bill keeps its place whatever is shared meanwhile
            listed = [(place_of(one.id), one) for one in listed_bills(seen, names)]
        found = stretch(sorted(listed, key=itemgetter(0)), span)
        first = asked.cursor is None
        return reply(
            BillsResource(
                bills=list(found.items),
                unseen=seen.chains.unseen if first else None,
                unread=list(seen.unread) if first else [],
                parties_left_out=list(seen.parties_left_out),
                next=self._lists.next(call, "map bills", found.last, asked),
            )
        )

    def reach(self, call: MapCall) -> Reply:
        """Answer with the assets that something reaches."""
        asked = read_body(call.body, ReachAsk)
        asker = Asker.of(call.principal)
        with self._turn.taken(call.principal.party):
            found = self._services.supplies.reach(asker, asked.what, asked.collection, bounds=BOUNDS)
            return reply(reach_told(found, most=asked.most))

    def vendors(self, call: MapCall) -> Reply:
        """Answer with how much hangs on whose products."""
        asked = read_query(call.query, VendorsQuery)
        asker = Asker.of(call.principal)
        with self._turn.taken(call.principal.party):
            found = self._services.supplies.vendors(asker, asked.collection, of_parts=asked.parts, bounds=BOUNDS)
            return reply(vendors_told(found, most=asked.most))


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that is about supply chains."""
    does = Supplying(services, turn)
    return [
        Operation(
            id="bills",
            tag="map",
            method="GET",
            path=f"{ROOT}/map/bills",
            does=Endpoint(access=READ, run=does.bills),
            summary="A page of the bills of materials that you may see, and which assets have the product",
            says="Each page of objects that it is made from is a release. A bill itself is an object of a collection.",
            query=BillsQuery,
            answers={HTTPStatus.OK: Answer(says="The page.", type=BillsResource)},
            problems=MISSING | LARGE,
        ),
        Operation(
            id="reach",
            tag="map",
            method="POST",
            path=f"{ROOT}/map/reach",
            does=Endpoint(access=READ, run=does.reach, body=BODY, safe=True),
            summary="Which assets a vulnerability, product or component reaches, by which way, and who says so",
            says="It is computed from the bills that you see, and from nothing else.",
            takes=ReachAsk,
            answers={HTTPStatus.OK: Answer(says="The worst first.", type=ReachResource)},
            problems=MISSING | LARGE,
        ),
        Operation(
            id="vendors",
            tag="map",
            method="GET",
            path=f"{ROOT}/map/vendors",
            does=Endpoint(access=READ, run=does.vendors),
            summary="How much of the assets that you see hangs on whose products",
            query=VendorsQuery,
            answers={HTTPStatus.OK: Answer(says="In all, then by sector.", type=VendorsResource)},
            problems=MISSING | LARGE,
        ),
    ]
