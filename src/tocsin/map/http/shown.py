"""The map that a reader may see, page by page, and reports of the field."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import structs

from tocsin.agreements.model import Tlp
from tocsin.exchange.api import forms
from tocsin.exchange.api.lists import ListQuery, Lists
from tocsin.exchange.api.parts import READ, ROOT, SUBMIT
from tocsin.exchange.api.queries import Word
from tocsin.exchange.api.wire import Next, ReceiptResource, instant, read_body, reply
from tocsin.exchange.model import DEFAULT_COLLECTION, MAX_PAGE
from tocsin.exchange.reading import Asker
from tocsin.kernel.clock import parse_date
from tocsin.kernel.db.spans import stretch
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.map.allowance import PartyLeftOut
from tocsin.map.http.asked import BODY, LARGE, MISSING, Instant, MapCall, Name, Services, Share, place_of, seen_by
from tocsin.map.model import Asset, DependencyGroup
from tocsin.map.seen import Beside, PartlySeen, Seen, Unread
from tocsin.map.shelf import Sharing
from tocsin.map.wire import State, is_asset_id

if TYPE_CHECKING:
    from tocsin.map.seen import Standing
    from tocsin.parties.model import Principal

__all__ = ["ReportResource", "operations", "report_of"]


class MapQuery(ListQuery, frozen=True, kw_only=True):
    """Which page, of which collection; of all that the asker knows of if none is given."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE, description="At most so many assets on this page.")] = (
        MAX_PAGE
    )
    collection: Word | None = None


class SeenAsset(msgspec.Struct, frozen=True, kw_only=True):
    """One asset, by name and STIX id; of what is not ``seen`` nothing else is known."""

    ref: str
    seen: bool
    asset: Asset


class ReportResource(msgspec.Struct, frozen=True, kw_only=True):
    """One report of the field, and when it was made.

    Of an asset the owner's latest ``counts``, as long as it is not over, else the latest of anybody. ``differs``: it is
    not over, and says another service than the one that counts.
    """

    asset: str
    by: str
    service: float
    since: str
    until: str | None
    source: str
    confidence: int | None
    note: str
    counts: bool
    owners: bool
    differs: bool
    reported: str


class MapResource(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the map that the asker may see: some assets, and everything that is said of these.

    ``lent`` is what others than its owner say of an asset, where the owner says nothing; ``beside``, what they say
    otherwise; ``partly``, groups of whose suppliers not all are seen; ``unread``, objects that are left out, on the
    first page; ``parties_left_out``, on each, those that share more than an answer holds of one.
    """

    assets: list[SeenAsset]
    groups: list[DependencyGroup]
    states: list[ReportResource]
    lent: list[Beside]
    beside: list[Beside]
    partly: list[PartlySeen]
    unread: list[Unread]
    parties_left_out: list[PartyLeftOut]
    next: Next


class StateAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an asset was found, by its name on the asker's map or its STIX id; ``since`` is now if nothing is said.

    A name is looked for in ``collection`` alone, if it is given; it is shared there, or in the default one.
    """

    asset: Name
    service: Share
    source: Name
    since: Instant | None = None
    until: Instant | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    tlp: Tlp = Tlp.AMBER
    collection: Word | None = None


class Showing:
    """The addresses of the map as it is said to be, in one environment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lists = Lists(services)

    def show(self, call: MapCall) -> Reply:
        """Answer with a page of the map that the asker may see."""
        asked, span = self._lists.asked(call, "map", MapQuery)
        seen = seen_by(self._services, call, asked.collection)
        # in the order of ids: an asset keeps its place whatever is shared or withdrawn while somebody walks the map
        numbered = sorted((place_of(ref), name) for name, ref in seen.refs.items())
        found = stretch(numbered, span)
        told = _resource(seen, frozenset(found.items), first=asked.cursor is None)
        return reply(structs.replace(told, next=self._lists.next(call, "map", found.last, asked)))

    def report(self, call: MapCall) -> Reply:
        """Take a report of the field; what the answer says is stored when it is given."""
        asked = read_body(call.body, StateAsk)
        ref = asked.asset
        if not is_asset_id(ref):
            # whoever names a collection has no other read, and released, for a name
            seen = seen_by(self._services, call, asked.collection)
            ref = seen.refs[seen.named(ref)]
        with self._services.store.read() as connection:
            now = self._services.log.now(connection)
        state = State(
            asset=ref,
            service=asked.service,
            since=now if asked.since is None else parse_date(asked.since),
            until=None if asked.until is None else parse_date(asked.until),
            source=asked.source,
            confidence=asked.confidence,
            note=asked.note,
        )
        asker = Asker.of(call.principal)
        sharing = Sharing(
            asker=asker,
            acting=Acting(actor=call.principal.id),
            collection=asked.collection or DEFAULT_COLLECTION,
            tlp=asked.tlp,
        )
        receipt = self._services.maps.report([state], sharing, at=now)
        return reply(forms.receipt(receipt), status=HTTPStatus.CREATED)


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about what the map says."""
    does = Showing(services)
    return [
        Operation(
            id="map",
            tag="map",
            method="GET",
            path=f"{ROOT}/map",
            does=Endpoint(access=READ, run=does.show),
            summary="A page of the map that you may see",
            says="Each page of objects that it is made from is a release: the log names what was on it.",
            query=MapQuery,
            answers={HTTPStatus.OK: Answer(says="The page.", type=MapResource)},
            problems=MISSING | LARGE,
        ),
        Operation(
            id="reportState",
            tag="map",
            method="POST",
            path=f"{ROOT}/map/states",
            does=Endpoint(access=SUBMIT, run=does.report, body=BODY),
            summary="Share how an asset was found in the field",
            says="The next report of the same source is the next version of this one.",
            takes=StateAsk,
            answers={HTTPStatus.CREATED: Answer(says="The receipt.", type=ReceiptResource)},
            problems=MISSING | LARGE,
        ),
    ]


def report_of(one: Standing) -> ReportResource:
    """Return a report of the field as it is told."""
    return ReportResource(
        asset=one.asset,
        by=one.by,
        counts=one.counts,
        owners=one.owners,
        differs=one.differs,
        reported=instant(one.reported) or "",
        since=instant(one.state.since) or "",
        until=instant(one.state.until),
        **{name: value for name, value in structs.asdict(one.state).items() if name in _AS_IT_IS},
    )


def _resource(seen: Seen, names: frozenset[str], *, first: bool) -> MapResource:
    unseen = frozenset(seen.unseen)
    return MapResource(
        assets=[
            SeenAsset(ref=seen.refs[asset.id], seen=asset.id not in unseen, asset=asset)
            for asset in seen.plan.assets
            if asset.id in names
        ],
        groups=[one for one in seen.plan.groups if one.asset in names],
        states=[report_of(one) for one in seen.states if one.asset in names],
        lent=[one for one in seen.lent if one.asset in names],
        beside=[one for one in seen.beside if one.asset in names],
        partly=[one for one in seen.partly if one.asset in names],
        unread=list(seen.unread) if first else [],
        parties_left_out=list(seen.parties_left_out),
        next=None,
    )


_AS_IT_IS: Final = frozenset({"service", "source", "confidence", "note"})
