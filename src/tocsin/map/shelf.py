"""What members share of the map and read of it, whatever the objects are: own versions, what has changed, pages.

Nothing here stores, opens or records anything: objects come in through the one intake and leave through the one gate,
and every page that is read is a release of the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.errors import LimitError
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import DEFAULT_COLLECTION, MAX_PAGE, Outcome, Query, VersionChoice
from tocsin.exchange.reading import Asker
from tocsin.exchange.stix import DEFAULT_LIMITS
from tocsin.kernel.canonical import Json
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import Acting
from tocsin.map import wire
from tocsin.map.words import Gathering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tocsin.exchange.intake import Intake
    from tocsin.exchange.model import PageItem, Receipt
    from tocsin.exchange.reading import Reading
    from tocsin.exchange.withdraw import Withdrawals
    from tocsin.map.allowance import Allowance
    from tocsin.map.wire import Told
    from tocsin.map.words import Words

__all__ = ["Changes", "Own", "Sharing", "Shelf", "Stale", "require_one_submission"]


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
    """What sharing would change of what its party shared before.

    ``objects`` are those to be shared. ``added`` and ``changed`` count them, ``same`` those that say already what they
    should; ``missing`` are shared, and not wanted any more; ``retired`` of them are taken down by it. ``stale`` are
    earlier versions under other markings than these have now, or with what these mark apart: they would stay open to
    whoever could read them, and are withdrawn.
    """

    objects: tuple[dict[str, Json], ...]
    added: int
    changed: int
    same: int
    missing: int
    retired: int
    stale: tuple[Stale, ...] = ()


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an object that a party shared, in one of the collections that offer it."""

    version: Micros
    body: bytes
    collection: str


W = TypeVar("W")


class Shelf:
    """A party's own objects of some types and what readers get of them, in one environment of a hub."""

    def __init__(self, *, reading: Reading, intake: Intake, withdrawals: Withdrawals) -> None:
        self._reading = reading
        self._intake = intake
        self._withdrawals = withdrawals

    def own(
        self,
        sharing: Sharing,
        types: frozenset[str],
        ids: frozenset[str] | None = None,
        *,
        most: int | None = None,
        page: int = MAX_PAGE,
    ) -> dict[str, list[Own]]:
        """Return the versions of each object of these types, or ids, that a party shared itself: the last one last."""
        own: dict[str, list[Own]] = {}
        asker = sharing.asker
        # every version, of this party alone: whoever shared under the same id before would hide it else, and whoever
        # shares without end would be in its way
        query = Query(types=types, ids=ids, versions=frozenset({VersionChoice.ALL}), owners=frozenset({asker.party}))
        # what the hub made for somebody it fills, and empties, itself
        for collection in (one.uuid for one in self._reading.collections(asker) if not one.made_for):
            for item, body in self._read(asker, (collection,), query, most=most, page=page):
                one = Own(version=item.version, body=body, collection=collection)
                own.setdefault(item.object_id, []).append(one)
        return {id_: sorted(versions, key=lambda one: one.version) for id_, versions in own.items()}

    def difference(
        self,
        wanted: Sequence[dict[str, Json]],
        own: Mapping[str, Sequence[Own]],
        sharing: Sharing,
        *,
        at: Micros,
        is_wider: Callable[[Mapping[str, Json], Mapping[str, Json]], bool],
    ) -> Changes:
        """Return what it takes that a party's objects are as wanted; what is not wanted stays.

        ``is_wider``: whether an earlier version, given first, would stay open to others than the wanted one.
        """
        here = self._reading.collection(sharing.asker, sharing.collection).uuid
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
                if is_wider(msgspec.json.decode(each.body), one)
            ]
        return Changes(
            objects=tuple(objects), added=added, changed=changed, same=same, missing=0, retired=0, stale=tuple(stale)
        )

    def share(self, changes: Changes, sharing: Sharing) -> Receipt | None:
        """Share what has changed, and withdraw what would stay open else; durable when this returns.

        Returns None where nothing was to be shared. What is interrupted in between, the next import withdraws.

        Raises:
            TocsinError: as ``Intake.submit`` and ``Withdrawals.withdraw``.
        """
        receipt = self.submit(changes.objects, sharing) if changes.objects else None
        refused = {one.id for one in receipt.results if one.outcome is Outcome.REFUSED} if receipt else set()
        by_place: dict[tuple[str, str], set[Micros]] = {}
        for one in changes.stale:
            if one.id not in refused:
                by_place.setdefault((one.id, one.collection), set()).add(one.version)
        for (id_, collection), versions in by_place.items():
            self._withdrawals.withdraw(sharing.acting, sharing.asker.party, collection, id_, frozenset(versions))
        return receipt

    def submit(self, objects: Sequence[dict[str, Json]], sharing: Sharing) -> Receipt:
        """Hand objects to the intake. Raises: as ``Intake.submit``."""
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

    def collections(self, asker: Asker, collection: str | None) -> tuple[str, ...]:
        """Return the UUID of a collection, or of all that the asker knows of. Raises NotFoundError."""
        if collection is not None:
            return (self._reading.collection(asker, collection).uuid,)
        return tuple(one.uuid for one in self._reading.collections(asker))

    def words(
        self,
        asker: Asker,
        collection: str | None,
        types: frozenset[str],
        read: Callable[[Told], W],
        allowance: Allowance,
        *,
        page: int = MAX_PAGE,
    ) -> Words[W]:
        """Return the last word of each party under each id that the gate opens to a reader, as ``read`` has it.

        Of one collection, or of all that it knows of. What ``read`` refuses (``InputError``) is ``unread``.

        Raises:
            NotFoundError: there is no such collection. LimitError: there is more than the allowance.
        """
        gathering = Gathering(
            reading=self._reading,
            asker=asker,
            collections=self.collections(asker, collection),
            types=types,
            read=read,
            allowance=allowance,
            page=page,
        )
        return gathering.words()

    def _read(
        self,
        asker: Asker,
        collections: Iterable[str],
        query: Query,
        *,
        most: int | None = None,
        page: int = MAX_PAGE,
    ) -> Iterator[tuple[PageItem, bytes]]:
        """Yield what the gate opens to a reader, page by page, each a release.

        Raises:
            LimitError: there are more than ``most`` objects.
        """
        count = 0
        for collection in collections:
            cursor = None
            while True:
                answer = self._reading.objects(asker, collection, query, limit=page, cursor=cursor)
                count += len(answer.page.items)
                if most is not None and count > most:
                    raise LimitError(
                        f"the map has more than {most:,} objects", todo="read one collection, or page by page"
                    )
                yield from zip(answer.page.items, answer.page.bodies, strict=True)
                cursor = answer.next
                if cursor is None:
                    break


def require_one_submission(count: int) -> None:
    """Raise ``LimitError`` where so many objects are more than one submission takes."""
    if count > DEFAULT_LIMITS.max_objects:
        raise LimitError(
            f"{count:,} objects, more than the {DEFAULT_LIMITS.max_objects:,} of one submission",
            todo="import it in parts",
        )
