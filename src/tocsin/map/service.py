"""The map at a hub: what one reader may see of it, and a member's own part of it shared.

Nothing here stores, opens or records anything: objects come in through the one intake and leave through the one gate,
and every page that is read is a release of the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from tocsin.agreements.model import Tlp
from tocsin.errors import LimitError
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import DEFAULT_COLLECTION, MAX_PAGE, MAX_QUERY_VALUES, Outcome, Query, VersionChoice
from tocsin.exchange.reading import Asker
from tocsin.exchange.stix import DEFAULT_LIMITS
from tocsin.kernel.canonical import Json
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import Acting
from tocsin.map import wire
from tocsin.map.seen import Seen, Unread, assembled, read_words
from tocsin.map.wire import TYPES, Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tocsin.exchange.intake import Intake
    from tocsin.exchange.model import PageItem, Receipt
    from tocsin.exchange.reading import Reading
    from tocsin.exchange.withdraw import Withdrawals
    from tocsin.map.model import AssetMap

__all__ = ["MOST_WORDS", "Changes", "Maps", "Sharing", "Stale", "sorted_by_name"]

# Objects of the map that are read at once: 200 pages, each a release, and half a gigabyte once they are values. A
# larger map is read as its pages are, by type and collection, and put together where there is room for it.
MOST_WORDS: Final = 200_000


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """Who shares, for whom, and how it is to be handled. ``asker``: the party itself, which reads what it shared."""

    asker: Asker
    acting: Acting
    collection: str = DEFAULT_COLLECTION
    tlp: Tlp | None = None
    to: tuple[str, ...] = ()


class Stale(msgspec.Struct, frozen=True, kw_only=True):
    """An own version that is to be withdrawn from a collection (its UUID)."""

    id: str
    version: Micros
    collection: str


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What sharing a map would change of what its party shared before.

    ``objects`` are those to be shared. ``added`` and ``changed`` count them, ``same`` those that say already what they
    should; ``missing`` are shared, and not in this map; ``retired`` of them are taken down by it. ``stale`` are earlier
    versions under other markings than the map has now, or with what it marks apart: they would stay open to whoever
    could read them, and are withdrawn.
    """

    objects: tuple[dict[str, Json], ...]
    added: int
    changed: int
    same: int
    missing: int
    retired: int
    stale: tuple[Stale, ...] = ()


class _Own(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an object that a party shared, in one of the collections that offer it."""

    version: Micros
    body: bytes
    collection: str


class Maps:
    """The map of one environment of a hub."""

    def __init__(self, *, reading: Reading, intake: Intake, withdrawals: Withdrawals) -> None:
        self._reading = reading
        self._intake = intake
        self._withdrawals = withdrawals

    def seen(self, asker: Asker, collection: str | None = None, *, most: int | None = None) -> Seen:
        """Return the map that a reader may see, of one collection or of all that it knows of.

        ``most``: so many objects at most, if not ``MOST_WORDS``.

        Raises:
            NotFoundError: there is no such collection.
            LimitError: it is larger than one answer holds.
        """
        latest: dict[tuple[str, str], tuple[Micros, Told]] = {}
        doubtful: set[str] = set()
        where = self._collections(asker, collection)
        for item, body in self._read(asker, where, Query(types=TYPES), most):
            one = self._told(item, body)
            _keep(latest, item, one)
            if read_words([one])[1]:
                # under the id of another's word: whoever was first with it must not hide whose it is
                doubtful.add(item.object_id)
        for ids in _batches(sorted(doubtful)):
            query = Query(types=TYPES, ids=frozenset(ids), versions=frozenset({VersionChoice.ALL}))
            for item, body in self._read(asker, where, query, most):
                _keep(latest, item, self._told(item, body))
        words, unread = read_words(one for _, one in latest.values())
        told = (Unread(id=_id_of(one.body), by=one.by, cause=cause) for one, cause in unread)
        return sorted_by_name(assembled(words, told))

    def changes(
        self,
        plan: AssetMap,
        sharing: Sharing,
        *,
        at: Micros,
        markings: Mapping[str, str] | None = None,
        tlp: str | None = None,
        retire: bool = False,
    ) -> Changes:
        """Return what sharing a map would change; ``markings`` and ``tlp`` as in ``wire.encode``.

        ``retire``: what was shared before and is not in it is taken down.

        Raises:
            MapError: every fault of the map; InputError: as ``wire.encode``.
            LimitError: it is more than one submission takes.
        """
        own = self._own(sharing)
        here = self._reading.collection(sharing.asker, sharing.collection).uuid
        wanted = wire.encode(plan, by=sharing.asker.party, at=at, markings=markings, tlp=tlp)
        objects: list[dict[str, Json]] = []
        stale: list[Stale] = []
        added = changed = same = 0
        for one in wanted:
            id_ = str(one["id"])
            if id_ not in own:
                added += 1
                objects.append(one)
                continue
            before = own[id_][-1]
            kept = msgspec.json.decode(before.body)
            if wire.same_content(one, kept):
                same += 1
                if not any((each.version, each.collection) == (before.version, here) for each in own[id_]):
                    objects.append(kept)
            else:
                changed += 1
                objects.append(one | {"created": kept["created"], "modified": wire.after(before.version, at)})
            stale += [
                Stale(id=id_, version=each.version, collection=each.collection)
                for each in own[id_]
                if _is_wider(msgspec.json.decode(each.body), one, markings or {})
            ]
        gone = self._missing(own, {str(one["id"]) for one in wanted}, sharing.asker.party)
        # an attribute that has moved to another object must not be said twice
        refs = {str(one["id"]) for one in wanted if one["type"] == wire.Form.ASSET}
        moved = [id_ for id_ in gone if id_.startswith(f"{wire.Form.DETAIL}--") and _about(own[id_][-1]) in refs]
        down = gone if retire else moved
        objects += [wire.retired(own[id_][-1].body, at=max(at, own[id_][-1].version + 1)) for id_ in down]
        if len(objects) > DEFAULT_LIMITS.max_objects:
            raise LimitError(
                f"{len(objects):,} objects, more than the {DEFAULT_LIMITS.max_objects:,} of one submission",
                todo="import it in parts",
            )
        return Changes(
            objects=tuple(objects),
            added=added,
            changed=changed,
            same=same,
            missing=len(gone) - len(down),
            retired=len(down),
            stale=tuple(stale),
        )

    def share(self, changes: Changes, sharing: Sharing) -> Receipt | None:
        """Share what a map changes, and withdraw what would stay open else; durable when this returns.

        Returns None where nothing was to be shared. What is interrupted in between, the next import withdraws.

        Raises:
            TocsinError: as ``Intake.submit`` and ``Withdrawals.withdraw``.
        """
        receipt = self._submit(changes.objects, sharing) if changes.objects else None
        refused = {one.id for one in receipt.results if one.outcome is Outcome.REFUSED} if receipt else set()
        by_place: dict[tuple[str, str], set[Micros]] = {}
        for one in changes.stale:
            if one.id not in refused:
                by_place.setdefault((one.id, one.collection), set()).add(one.version)
        for (id_, collection), versions in by_place.items():
            self._withdrawals.withdraw(sharing.acting, sharing.asker.party, collection, id_, frozenset(versions))
        return receipt

    def report(self, states: Sequence[wire.State], sharing: Sharing, *, at: Micros) -> Receipt:
        """Share how assets were found, named by STIX ids; another report of the same source is its next version.

        Raises:
            InputError: as ``wire.encode_state``; otherwise as ``Intake.submit``.
        """
        found = {
            str(one["id"]): one for one in (wire.encode_state(each, by=sharing.asker.party, at=at) for each in states)
        }
        for ids in _batches(sorted(found)):
            for id_, versions in self._own(sharing, frozenset(ids)).items():
                kept = msgspec.json.decode(versions[-1].body)
                found[id_] |= {"created": kept["created"], "modified": wire.after(versions[-1].version, at)}
        return self._submit([*found.values()], sharing)

    def _submit(self, objects: Sequence[dict[str, Json]], sharing: Sharing) -> Receipt:
        envelope = msgspec.json.encode({"objects": objects})
        return self._intake.submit(
            Submission(
                party=sharing.asker.party,
                acting=sharing.acting,
                data=envelope,
                envelope=True,
                collection=sharing.collection,
                tlp=sharing.tlp,
                to=sharing.to,
            )
        )

    def _own(self, sharing: Sharing, ids: frozenset[str] | None = None) -> dict[str, list[_Own]]:
        """Return the versions of each object of the map, or of these, that a party shared itself: the last one last."""
        own: dict[str, list[_Own]] = {}
        asker = sharing.asker
        # every version: whoever shared under the same id before would hide it else
        query = Query(types=TYPES, ids=ids, versions=frozenset({VersionChoice.ALL}))
        # what the hub made for somebody it fills, and empties, itself
        for collection in (one.uuid for one in self._reading.collections(asker) if not one.made_for):
            for item, body in self._read(asker, (collection,), query):
                if self._reading.owner(item) == asker.party:
                    one = _Own(version=item.version, body=body, collection=collection)
                    own.setdefault(item.object_id, []).append(one)
        return {id_: sorted(versions, key=lambda one: one.version) for id_, versions in own.items()}

    @staticmethod
    def _missing(own: Mapping[str, Sequence[_Own]], wanted: set[str], party: str) -> list[str]:
        missing = [id_ for id_ in own if id_ not in wanted and not id_.startswith(f"{wire.Form.STATE}--")]
        return [id_ for id_ in missing if not _is_retired(own[id_][-1], party)]

    def _collections(self, asker: Asker, collection: str | None) -> tuple[str, ...]:
        if collection is not None:
            return (self._reading.collection(asker, collection).uuid,)
        return tuple(one.uuid for one in self._reading.collections(asker))

    def _read(
        self, asker: Asker, collections: Iterable[str], query: Query, most: int | None = None
    ) -> Iterator[tuple[PageItem, bytes]]:
        count, most = 0, MOST_WORDS if most is None else most
        for collection in collections:
            cursor = None
            while True:
                answer = self._reading.objects(asker, collection, query, limit=MAX_PAGE, cursor=cursor)
                count += len(answer.page.items)
                if count > most:
                    raise LimitError(
                        f"the map has more than {most:,} objects", todo="read one collection, or page by page"
                    )
                yield from zip(answer.page.items, answer.page.bodies, strict=True)
                cursor = answer.next
                if cursor is None:
                    break

    def _told(self, item: PageItem, body: bytes) -> Told:
        return Told(by=self._reading.owner(item), body=body, tlp=str(self._reading.tlp(item)))


def sorted_by_name(seen: Seen) -> Seen:
    """Return the same map in the order of its names: chance ordered the objects that it came from."""
    plan = seen.plan
    assets = tuple(sorted(plan.assets, key=lambda asset: asset.id))
    groups = tuple(sorted(plan.groups, key=lambda group: (group.asset, group.name)))
    return structs.replace(seen, plan=structs.replace(plan, assets=assets, groups=groups))


def _keep(latest: dict[tuple[str, str], tuple[Micros, Told]], item: PageItem, told: Told) -> None:
    key = (item.object_id, told.by)
    if key not in latest or latest[key][0] < item.version:
        latest[key] = (item.version, told)


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + MAX_QUERY_VALUES] for start in range(0, len(ids), MAX_QUERY_VALUES))


def _id_of(body: bytes) -> str:
    return str(msgspec.json.decode(body)["id"])


def _about(own: _Own) -> str:
    return str(msgspec.json.decode(own.body).get("asset_ref"))


def _is_wider(before: Mapping[str, Json], now: Mapping[str, Json], markings: Mapping[str, str]) -> bool:
    """Return whether an earlier version is under another marking, or holds what is now marked apart."""
    if before.get("object_marking_refs") != now.get("object_marking_refs"):
        return True
    return now["type"] == wire.Form.ASSET and any(name in before for name in markings)


def _is_retired(own: _Own, party: str) -> bool:
    words, _ = read_words([Told(by=party, body=own.body)])
    return bool(words) and words[0].retired
