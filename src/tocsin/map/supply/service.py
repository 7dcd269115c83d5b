"""Supply chains at a hub: what one reader may see of them, and a member's own bills shared.

As with the map, nothing here stores, opens or records anything: bills come in through the one intake and leave through
the one gate. Every answer is computed from what was released to its reader, and from nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import structs

from tocsin.errors import InputError
from tocsin.exchange.search.model import MAX_HITS, SearchQuery
from tocsin.map.allowance import Allowance, PartyLeftOut
from tocsin.map.model import Asset
from tocsin.map.seen import Unread
from tocsin.map.service import MOST_WORDS
from tocsin.map.shelf import require_one_submission
from tocsin.map.supply import wire
from tocsin.map.supply.graph import Answer, Chains, Said, assembled
from tocsin.map.supply.model import same_maker
from tocsin.map.supply.names import Asked, asked_of, is_exact, is_vulnerability
from tocsin.map.supply.vendors import Concentration, concentrations, makers
from tocsin.map.wire import Told
from tocsin.map.words import batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tocsin.exchange.model import Receipt
    from tocsin.exchange.reading import Asker
    from tocsin.exchange.search.model import Edge, Hit
    from tocsin.exchange.search.service import Search
    from tocsin.kernel.canonical import Json
    from tocsin.kernel.clock import Micros
    from tocsin.map.service import Maps
    from tocsin.map.shelf import Changes, Own, Sharing, Shelf
    from tocsin.map.supply.model import Bill


__all__ = ["BOUNDS", "Bounds", "Reach", "SeenChains", "Supplies", "Vendors"]

# Which asset has what: small objects, as many as a map's.
_MOST_FITS: Final = 200_000
# Bills of one page: of the largest that we take, no more than fit into memory at once.
_PAGE: Final = 20
# Pages of vulnerabilities of one id that are read of a collection: ten thousand of them are there to be in the way.
_MOST_PAGES: Final = 50


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer is made from at most; whoever sees more asks of one collection.

    ``bills``, and ``bill_bytes`` of them together: some five times as much once they are values; of one party half of
    each (``Allowance``). ``objects`` of the map. ``questions``: pages of 200 relations of what the hub's own objects
    say of a vulnerability, each a release: 200,000, where the largest of public catalogues name some thousand products.
    """

    bills: int = 10_000
    bill_bytes: int = 256 * 1_024 * 1_024
    objects: int = MOST_WORDS
    questions: int = 1_000


BOUNDS: Final = Bounds()


class SeenChains(msgspec.Struct, frozen=True, kw_only=True):
    """The supply chains that one reader has; ``unread``: objects that are left out, and why; so are parties."""

    chains: Chains
    unread: tuple[Unread, ...] = ()
    parties_left_out: tuple[PartyLeftOut, ...] = ()


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, and which assets it reaches: by STIX id, and on the reader's map by ``assets``.

    ``vulnerability``: whether that was asked for. ``vague``: how many products the hub's own objects name without a
    version; which of those are affected nobody says, and they are left out. ``incomplete``: the hub's own objects say
    more of it than one question reads, so that assets may be missing.
    """

    asked: str
    vulnerability: bool
    answer: Answer
    assets: dict[str, Asset]
    chains: SeenChains
    vague: int = 0
    incomplete: bool = False


class Vendors(msgspec.Struct, frozen=True, kw_only=True):
    """Concentration by vendor of what one reader sees: in all, then by sector."""

    sectors: tuple[Concentration, ...]
    chains: SeenChains


class Supplies:
    """The supply chains of one environment of a hub."""

    def __init__(self, *, shelf: Shelf, maps: Maps, search: Search) -> None:
        self._shelf = shelf
        self._maps = maps
        self._search = search

    # --- what is seen --------------------------------------------------------------------------------------------

    def seen(self, asker: Asker, collection: str | None = None, *, bounds: Bounds | None = None) -> SeenChains:
        """Return the chains that a reader may see, of one collection or of all that it knows of.

        ``bounds``: those of an answer, if not ``BOUNDS``.

        Raises:
            NotFoundError: there is no such collection.
            LimitError: they are larger than one answer holds.
        """
        shelf, (bill, fit) = self._shelf, (frozenset({str(one)}) for one in (wire.Form.BILL, wire.Form.FIT))
        bounds = bounds or BOUNDS
        allowance = Allowance(bounds.bills, bounds.bill_bytes)
        bills = shelf.words(asker, collection, bill, wire.read_word, allowance, page=_PAGE)
        fits = shelf.words(asker, collection, fit, wire.read_word, Allowance(_MOST_FITS))
        left_out = {one.party: one for one in (*fits.left_out, *bills.left_out)}
        return SeenChains(
            chains=assembled(one for one in (*bills.words, *fits.words) if one.by not in left_out),
            unread=tuple(one for one in (*bills.unread, *fits.unread) if one.by not in left_out),
            parties_left_out=tuple(left_out[party] for party in sorted(left_out)),
        )

    def reach(self, asker: Asker, text: str, collection: str | None = None, *, bounds: Bounds | None = None) -> Reach:
        """Return the assets that a vulnerability (CVE-…), purl, CPE name, or NAME[@VERSION] reaches.

        Raises:
            InputError: it is none of these. Otherwise as ``seen``, and ``Search.find``.
        """
        wanted = None if is_vulnerability(text) else asked_of(text)
        bounds = bounds or BOUNDS
        seen = self.seen(asker, collection, bounds=bounds)
        vague, incomplete = 0, False
        if wanted is None:
            where = self._shelf.collections(asker, collection)
            said, incomplete = self._said(asker, text, where, most=bounds.questions)
            vague = sum(not is_exact(one.asked) for one in said)
            answer = seen.chains.vulnerable(text, (one for one in said if is_exact(one.asked)))
        else:
            answer = seen.chains.asked(wanted)
        there = self._assets(asker, collection, bounds) if answer.reached or answer.cleared else {}
        refs = {one.asset for one in (*answer.reached, *answer.cleared)}
        return Reach(
            asked=text,
            vulnerability=wanted is None,
            answer=answer,
            assets={ref: there[ref] for ref in sorted(refs & there.keys())},
            chains=seen,
            vague=vague,
            incomplete=incomplete,
        )

    def vendors(
        self, asker: Asker, collection: str | None = None, *, of_parts: bool = False, bounds: Bounds | None = None
    ) -> Vendors:
        """Return how much of the assets on a reader's map hangs on whose products.

        Raises: as ``seen``.
        """
        bounds = bounds or BOUNDS
        seen = self.seen(asker, collection, bounds=bounds)
        assets = self._assets(asker, collection, bounds)
        return Vendors(sectors=tuple(concentrations(assets, makers(seen.chains, of_parts=of_parts))), chains=seen)

    # --- what is shared ------------------------------------------------------------------------------------------

    def changes(
        self, bill: Bill, assets: Sequence[str], sharing: Sharing, *, at: Micros, tlp: str, replace: bool = False
    ) -> Changes:
        """Return what sharing a bill, and that these assets (STIX ids) have the product, would change.

        ``tlp``: the id of the marking-definition of all of it. ``replace``: what was said before of other versions of
        this product on these assets is taken down.

        Raises:
            MapError: every fault of the bill. InputError: it is larger than one object may be.
        """
        by = sharing.asker.party
        own_bill = wire.bill_id(bill.product, by)
        wanted = [wire.encode_bill(bill, by=by, at=at, tlp=tlp)]
        wanted += [wire.encode_fit(asset, own_bill, by=by, at=at, tlp=tlp) for asset in dict.fromkeys(assets)]
        own = self._own(sharing, [str(one["id"]) for one in wanted])
        changes = self._shelf.difference(wanted, own, sharing, at=at, is_wider=_is_wider)
        old = self._outdated(bill, assets, sharing) if replace else []
        taken = tuple(wire.retired(one.body, at=max(at, one.version + 1)) for one in old)
        require_one_submission(len(changes.objects) + len(taken))
        return structs.replace(changes, objects=changes.objects + taken, retired=len(taken))

    def share(self, changes: Changes, sharing: Sharing) -> Receipt | None:
        """Share what has changed. Raises: as ``Shelf.share``."""
        return self._shelf.share(changes, sharing)

    def taken_down(self, bill: Bill, assets: Sequence[str], sharing: Sharing, *, at: Micros) -> Changes:
        """Return what it takes to say no more that these assets have the product; without any, of the bill itself.

        Raises:
            InputError: it was not said.
        """
        by = sharing.asker.party
        own_bill = wire.bill_id(bill.product, by)
        ids = [wire.fit_id(asset, own_bill, by) for asset in assets] or [own_bill]
        own = self._own(sharing, ids)
        standing = [own[id_][-1] for id_ in ids if id_ in own and not _is_retired(own[id_][-1])]
        if not standing:
            raise InputError("you did not share that, or took it down already", where=bill.product.name[:80])
        taken = tuple(wire.retired(one.body, at=max(at, one.version + 1)) for one in standing)
        changes = self._shelf.difference([], own, sharing, at=at, is_wider=_is_wider)
        return structs.replace(changes, objects=taken, retired=len(taken))

    def _own(self, sharing: Sharing, ids: Sequence[str]) -> dict[str, list[Own]]:
        found: dict[str, list[Own]] = {}
        for some in batches(sorted(set(ids))):
            found |= self._shelf.own(sharing, wire.TYPES, frozenset(some), page=_PAGE)
        return found

    def _outdated(self, bill: Bill, assets: Sequence[str], sharing: Sharing) -> list[Own]:
        """Return own words that one of these assets has the same product in another version."""
        by = sharing.asker.party
        fits = self._shelf.own(sharing, frozenset({str(wire.Form.FIT)}), most=_MOST_FITS)
        standing: dict[str, list[Own]] = {}
        for versions in fits.values():
            word = wire.read_word(Told(by=by, body=versions[-1].body))
            if isinstance(word, wire.FitWord) and not word.retired and word.asset in assets:
                standing.setdefault(word.bill, []).append(versions[-1])
        standing.pop(wire.bill_id(bill.product, by), None)
        found: list[Own] = []
        for id_, versions in self._own(sharing, list(standing)).items():
            word = wire.read_word(Told(by=by, body=versions[-1].body))
            if not isinstance(word, wire.BillWord) or word.bill is None:
                continue
            product = word.bill.product
            if (product.name, same_maker(product.supplier)) == (bill.product.name, same_maker(bill.product.supplier)):
                found += standing[id_]
        return found

    # --- what is read --------------------------------------------------------------------------------------------

    def _assets(self, asker: Asker, collection: str | None, bounds: Bounds) -> dict[str, Asset]:
        """Return the assets that a reader sees on its map, by STIX id."""
        seen = self._maps.seen(asker, collection, most=bounds.objects)
        unseen = set(seen.unseen)
        return {seen.refs[asset.id]: asset for asset in seen.plan.assets if asset.id not in unseen}

    def _said(self, asker: Asker, id_: str, where: Iterable[str], *, most: int) -> tuple[list[Said], bool]:
        """Return what the hub's own objects say: software of which a relationship says that it `has` a vulnerability.

        That is how others write it (STIX 2.1 §5: a relationship may have any type). Beside it whether there is or may
        be more: that is told, and no error, since whoever refers to a vulnerability would stop everybody's question.
        """
        said: list[Said] = []
        incomplete = False
        left = most
        for collection in where:
            hits, more = self._called(asker, collection, id_)
            incomplete |= more
            for hit in hits:
                cursor = None
                while left:
                    around = self._search.relations(asker, collection, hit.id, limit=MAX_HITS, cursor=cursor)
                    left, cursor = left - 1, around.next
                    for edge in around.edges:
                        asked = _software(edge, hit.id)
                        if asked is not None and edge.via is not None:
                            said.append(Said(asked=asked, by=edge.via.producer, source=edge.via.id))
                    if cursor is None:
                        break
                else:
                    incomplete = True
        return said, incomplete

    def _called(self, asker: Asker, collection: str, id_: str) -> tuple[list[Hit], bool]:
        """Return the vulnerabilities of a collection that have this id, and whether there may be more."""
        query = SearchQuery(text=id_, types=frozenset({"vulnerability"}))
        hits: list[Hit] = []
        cursor = None
        for _ in range(_MOST_PAGES):
            found = self._search.find(asker, collection, query, limit=MAX_HITS, cursor=cursor)
            hits += (hit for hit in found.hits if _is_called(hit, id_))
            cursor = found.next
            if cursor is None:
                return hits, False
        return hits, True


def _is_called(hit: Hit, id_: str) -> bool:
    """Return whether a vulnerability has this id: by name, or by an external reference (STIX 2.1 §4.18)."""
    body: dict[str, Any] = msgspec.json.decode(hit.object)
    told = [body.get("name"), *(one.get("external_id") for one in body.get("external_references", ()))]
    return not hit.revoked and any(isinstance(one, str) and one.casefold() == id_.casefold() for one in told)


def _software(edge: Edge, vulnerability: str) -> Asked | None:
    """Return what software a relationship says has a vulnerability; None: it says something else.

    A CPE name is asked for as it stands; without one, name, version and vendor.
    """
    if (
        edge.relationship != "has"
        or edge.target != vulnerability
        or edge.other is None
        or edge.other.type != "software"
    ):
        return None
    body: dict[str, Any] = msgspec.json.decode(edge.other.object)
    cpe = body.get("cpe")
    if isinstance(cpe, str):
        try:
            return asked_of(cpe)
        except InputError:
            pass
    return Asked(
        text=str(body.get("name", "")),
        name=str(body.get("name", "")).casefold(),
        version=str(body.get("version", "")),
        supplier=str(body.get("vendor", "")),
    )


def _is_wider(before: Mapping[str, Json], now: Mapping[str, Json]) -> bool:
    """Return whether an earlier version is under another marking."""
    return before.get("object_marking_refs") != now.get("object_marking_refs")


def _is_retired(own: Own) -> bool:
    return bool(msgspec.json.decode(own.body).get("retired", False))
