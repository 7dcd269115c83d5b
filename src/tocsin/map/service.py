"""The map at a hub: what one reader may see of it, and a member's own part of it shared.

Nothing here stores, opens or records anything: objects come in through the one intake and leave through the one gate,
and every page that is read is a release of the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from tocsin.agreements.model import Tlp
from tocsin.errors import InputError, LimitError
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import DEFAULT_COLLECTION, MAX_PAGE, MAX_QUERY_VALUES, Query, VersionChoice
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
    from tocsin.map.model import AssetMap

__all__ = ["MOST_WORDS", "Changes", "Maps", "Sharing"]

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


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What sharing a map would change of what its party shared before.

    ``objects`` are those to be shared. ``added`` and ``changed`` count them, ``same`` those that say already what they
    should; ``missing`` are shared, and not in this map; ``retired`` of them are taken down by it.
    """

    objects: tuple[dict[str, Json], ...]
    added: int
    changed: int
    same: int
    missing: int
    retired: int


class _Own(msgspec.Struct, frozen=True, kw_only=True):
    """The last version of an object that a party shared."""

    version: Micros
    body: bytes
    here: bool  # in the collection that is asked about


class Maps:
    """The map of one environment of a hub."""

    def __init__(self, *, reading: Reading, intake: Intake) -> None:
        self._reading = reading
        self._intake = intake

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
        wanted = wire.encode(plan, by=sharing.asker.party, at=at, markings=markings, tlp=tlp)
        objects: list[dict[str, Json]] = []
        added = changed = same = 0
        for one in wanted:
            before = own.get(str(one["id"]))
            if before is None:
                added += 1
                objects.append(one)
                continue
            kept = msgspec.json.decode(before.body)
            if not wire.same_content(one, kept):
                changed += 1
                objects.append(one | {"created": kept["created"], "modified": wire.after(before.version, at)})
                continue
            same += 1
            if not before.here:
                objects.append(kept)
        gone = self._missing(own, {str(one["id"]) for one in wanted}, sharing.asker.party)
        # an attribute that has moved to another object must not be said twice
        moved = [id_ for id_ in gone if id_.startswith(f"{wire.Form.DETAIL}--") and _about(own[id_]) in _refs(wanted)]
        down = gone if retire else moved
        objects += [wire.retired(own[id_].body, at=max(at, own[id_].version + 1)) for id_ in down]
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
        )

    def share(self, changes: Changes, sharing: Sharing) -> Receipt:
        """Share what a map changes; durable when this returns.

        Raises:
            InputError: nothing changes; otherwise as ``Intake.submit``.
        """
        if not changes.objects:
            raise InputError("nothing is to be shared: it is all there")
        return self._submit(changes.objects, sharing)

    def report(self, state: wire.State, sharing: Sharing, *, at: Micros) -> Receipt:
        """Share how an asset was found, named by its STIX id; another report of the same source is its next version.

        Raises:
            InputError: as ``wire.encode_state``; otherwise as ``Intake.submit``.
        """
        one = wire.encode_state(state, by=sharing.asker.party, at=at)
        before = self._own(sharing, frozenset({str(one["id"])})).get(str(one["id"]))
        if before is not None:
            kept = msgspec.json.decode(before.body)
            one |= {"created": kept["created"], "modified": wire.after(before.version, at)}
        return self._submit([one], sharing)

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

    def _own(self, sharing: Sharing, ids: frozenset[str] | None = None) -> dict[str, _Own]:
        """Return the last version of each object of the map that a party shared itself, or of these."""
        own: dict[str, _Own] = {}
        asker = sharing.asker
        here = self._reading.collection(asker, sharing.collection).uuid
        # every version: whoever shared under the same id before would hide it else
        query = Query(types=TYPES, ids=ids, versions=frozenset({VersionChoice.ALL}))
        for collection in self._collections(asker, None):
            for item, body in self._read(asker, (collection,), query):
                if self._reading.owner(item) != asker.party:
                    continue
                before = own.get(item.object_id)
                inside = collection == here
                if before is None or item.version > before.version:
                    own[item.object_id] = _Own(version=item.version, body=body, here=inside)
                elif item.version == before.version and inside:
                    own[item.object_id] = structs.replace(before, here=True)
        return own

    @staticmethod
    def _missing(own: Mapping[str, _Own], wanted: set[str], party: str) -> list[str]:
        missing = [id_ for id_ in own if id_ not in wanted and not id_.startswith(f"{wire.Form.STATE}--")]
        return [id_ for id_ in missing if not _is_retired(own[id_], party)]

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


def _refs(objects: Iterable[Mapping[str, Json]]) -> set[str]:
    return {str(one["id"]) for one in objects if one["type"] == wire.Form.ASSET}


def _is_retired(own: _Own, party: str) -> bool:
    words, _ = read_words([Told(by=party, body=own.body)])
    return bool(words) and words[0].retired
