"""The map at a hub: what one reader may see of it, and a member's own part of it shared.

Nothing here stores, opens or records anything: objects come in through the one intake and leave through the one gate,
and every page that is read is a release of the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from tocsin.map import wire
from tocsin.map.allowance import Allowance
from tocsin.map.seen import Seen, assembled, read_words
from tocsin.map.shelf import require_one_submission
from tocsin.map.wire import TYPES, Told
from tocsin.map.words import batches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tocsin.exchange.model import Receipt
    from tocsin.exchange.reading import Asker
    from tocsin.kernel.canonical import Json
    from tocsin.kernel.clock import Micros
    from tocsin.map.model import AssetMap
    from tocsin.map.shelf import Changes, Own, Sharing, Shelf

__all__ = ["MOST_WORDS", "Maps", "sorted_by_name"]

# Objects of the map that are read at once: 200 pages, each a release, and half a gigabyte once they are values. A
# larger map is read as its pages are, by type and collection, and put together where there is room for it.
MOST_WORDS: Final = 200_000


class Maps:
    """The map of one environment of a hub."""

    def __init__(self, shelf: Shelf, now: Callable[[], Micros]) -> None:
        """Take the shelf, and what tells hub time."""
        self._shelf = shelf
        self._now = now

    def seen(self, asker: Asker, collection: str | None = None, *, most: int | None = None) -> Seen:
        """Return the map that a reader may see, of one collection or of all that it knows of.

        ``most``: so many objects at most, if not ``MOST_WORDS``; of one party half of them (``Allowance``).

        Raises:
            NotFoundError: there is no such collection.
            LimitError: it is larger than one answer holds.
        """
        allowance = Allowance(MOST_WORDS if most is None else most)
        found = self._shelf.words(asker, collection, TYPES, wire.read_word, allowance)
        seen = assembled(found.words, found.unread, at=self._now())
        return sorted_by_name(structs.replace(seen, parties_left_out=found.left_out))

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
        own = self._shelf.own(sharing, TYPES, most=MOST_WORDS)
        marked = markings or {}
        wanted = wire.encode(plan, by=sharing.asker.party, at=at, markings=markings, tlp=tlp)
        changes = self._shelf.difference(
            wanted, own, sharing, at=at, is_wider=lambda before, now: _is_wider(before, now, marked)
        )
        gone = self._missing(own, {str(one["id"]) for one in wanted}, sharing.asker.party)
        # an attribute that has moved to another object must not be said twice
        refs = {str(one["id"]) for one in wanted if one["type"] == wire.Form.ASSET}
        moved = [id_ for id_ in gone if id_.startswith(f"{wire.Form.DETAIL}--") and _about(own[id_][-1]) in refs]
        down = gone if retire else moved
        taken = tuple(wire.retired(own[id_][-1].body, at=max(at, own[id_][-1].version + 1)) for id_ in down)
        require_one_submission(len(changes.objects) + len(taken))
        return structs.replace(
            changes, objects=changes.objects + taken, missing=len(gone) - len(down), retired=len(down)
        )

    def share(self, changes: Changes, sharing: Sharing) -> Receipt | None:
        """Share what a map changes, and withdraw what would stay open else; durable when this returns.

        Returns None where nothing was to be shared. What is interrupted in between, the next import withdraws.

        Raises:
            TocsinError: as ``Intake.submit`` and ``Withdrawals.withdraw``.
        """
        return self._shelf.share(changes, sharing)

    def report(self, states: Sequence[wire.State], sharing: Sharing, *, at: Micros) -> Receipt:
        """Share how assets were found, named by STIX ids; another report of the same source is its next version.

        Raises:
            InputError: as ``wire.encode_state``; otherwise as ``Intake.submit``.
        """
        found = {
            str(one["id"]): one for one in (wire.encode_state(each, by=sharing.asker.party, at=at) for each in states)
        }
        for ids in batches(sorted(found)):
            for id_, versions in self._shelf.own(sharing, TYPES, frozenset(ids), most=MOST_WORDS).items():
                kept = msgspec.json.decode(versions[-1].body)
                found[id_] |= {"created": kept["created"], "modified": wire.after(versions[-1].version, at)}
        return self._shelf.submit([*found.values()], sharing)

    @staticmethod
    def _missing(own: Mapping[str, Sequence[Own]], wanted: set[str], party: str) -> list[str]:
        missing = [id_ for id_ in own if id_ not in wanted and not id_.startswith(f"{wire.Form.STATE}--")]
        return [id_ for id_ in missing if not _is_retired(own[id_][-1], party)]


def sorted_by_name(seen: Seen) -> Seen:
    """Return the same map in the order of its names: chance ordered the objects that it came from."""
    plan = seen.plan
    assets = tuple(sorted(plan.assets, key=lambda asset: asset.id))
    groups = tuple(sorted(plan.groups, key=lambda group: (group.asset, group.name)))
    return structs.replace(seen, plan=structs.replace(plan, assets=assets, groups=groups))


def _about(own: Own) -> str:
    return str(msgspec.json.decode(own.body).get("asset_ref"))


def _is_wider(before: Mapping[str, Json], now: Mapping[str, Json], markings: Mapping[str, str]) -> bool:
    """Return whether an earlier version is under another marking, or holds what is now marked apart."""
    if before.get("object_marking_refs") != now.get("object_marking_refs"):
        return True
    return now["type"] == wire.Form.ASSET and any(name in before for name in markings)


def _is_retired(own: Own, party: str) -> bool:
    words, _ = read_words([Told(by=party, body=own.body)])
    return bool(words) and words[0].retired
