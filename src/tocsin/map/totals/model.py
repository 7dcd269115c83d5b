"""What is counted for a reader that it may not see, and which sums of it can be told. Pure.

Counted is each owner's own word on its own assets, in its newest version: that there is an asset, how many people it
serves, what an hour of its service is worth. What anybody of the reader's party may read in any version is not: they
know it.

What was told a party stays told. So a new answer is held against all that were given to any of its people, whatever
collections and clauses they were of, and only sums are told by which no owner is found out (``tocsin.map.rollup``): not
from what the party may read now, nor with another owner's help.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import LimitError
from tocsin.kernel.clock import Micros
from tocsin.map.rollup.model import Publication, Rules, Sum, covers
from tocsin.map.wire import AssetWord

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tocsin.map.rollup.model import Figures, Slot

__all__ = [
    "MOST_SECTORS",
    "SECTOR",
    "Earlier",
    "Item",
    "Knowledge",
    "Measure",
    "Standing",
    "Version",
    "countable",
    "items_of",
    "knowledge_of",
    "tellable",
]


class Measure(enum.StrEnum):
    """What is added up; each word is an attribute of an asset, but for the assets themselves."""

    ASSETS = "assets"
    PEOPLE = "people"
    WORTH = "value_h"


# What of an asset is told beside its figures, by standing in a sector.
SECTOR: Final = "sector"


class Standing(enum.Enum):
    """How a version of an object stands to who asks."""

    OPEN = "open"  # somebody of the party may read it
    COUNTED = "counted"  # nobody may; a clause lets totals count it
    SHUT = "shut"


# Of one owner: NIS2 names 18 in its annexes, and nobody is in half of them.
MOST_SECTORS: Final = 20
# The same version on offer twice stands as it stands best.
_RANK: Final = {Standing.SHUT: 0, Standing.COUNTED: 1, Standing.OPEN: 2}


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one party's word on an asset, as it is on offer: where, and under which label."""

    word: AssetWord
    offer: tuple[int, int]  # collection and sequence
    label_id: int
    standing: Standing


class Item(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One figure: of one asset, by its owner's word in an offer. ``measure`` may be ``SECTOR``: then it is none."""

    sector: str
    measure: str
    owner: str
    ref: str
    value: int
    offer: tuple[int, int]
    label_id: int

    @property
    def slot(self) -> Slot:
        """Return the place of its figure in a table."""
        return (self.owner, self.sector, self.measure, self.ref)


# Of each asset, by its id, the measures that a party knows.
Knowledge = dict[str, frozenset[str]]


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What a party was told before: the items that were counted, and by measure the sums that were told."""

    items: tuple[Item, ...]
    shown: dict[str, frozenset[Sum]]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a party was told once.

    ``scope``: UUID of a collection; empty: all that the reader knew of. ``clauses``: by offer. ``whole``: nothing that
    it counted was purged since.
    """

    id: str
    at: Micros
    scope: str
    at_least: int
    told: Earlier
    clauses: dict[tuple[int, int], str]
    whole: bool


def knowledge_of(versions: Iterable[Version]) -> Knowledge:
    """Return what a party knows by what its people may read, in whatever version.

    By the owners' own words alone: who could make an asset known by speaking of it would choose what is counted.
    """
    versions = list(versions)
    owners = {one.word.about: one.word.by for one in versions if _is_own(one.word)}
    known: dict[str, set[str]] = {}
    for one in versions:
        if one.standing is Standing.OPEN and owners.get(one.word.about) == one.word.by:
            there = known.setdefault(one.word.about, set())
            there |= one.word.said.keys()
            if one.word.owner:
                there.add(Measure.ASSETS)
    return {ref: frozenset(what) for ref, what in known.items()}


def _is_own(word: AssetWord) -> bool:
    return word.owner != "" and word.owner == word.by


def items_of(versions: Iterable[Version], known: Knowledge) -> list[Item]:
    """Return what is counted, in a fixed order: of the newest version of each owner's own word.

    An attribute with an object of its own is what that says, where it may be counted; else it is what the asset says.
    """
    newest: dict[str, Version] = {}
    for one in sorted(versions, key=lambda one: (one.word.modified, _RANK[one.standing], one.offer)):
        newest[one.word.id] = one
    there = [one for one in newest.values() if not one.word.retired and one.standing is not Standing.SHUT]
    assets = {one.word.about: one for one in there if _is_own(one.word)}
    details = {
        (one.word.about, attribute): one
        for one in there
        if not one.word.owner and one.word.about in assets and assets[one.word.about].word.by == one.word.by
        for attribute in one.word.said
    }
    found: list[Item] = []
    for ref, asset in assets.items():
        placed = details.get((ref, SECTOR), asset)
        sector = str(placed.word.said.get(SECTOR, ""))
        mine = [(Measure.ASSETS, asset, 1)] if Measure.ASSETS not in known.get(ref, ()) else []
        for measure in (Measure.PEOPLE, Measure.WORTH):
            said = details.get((ref, measure), asset)
            if measure in said.word.said and measure not in known.get(ref, ()):
                mine.append((measure, said, round(said.word.said[measure])))
        counted = [(str(what), said, value) for what, said, value in mine if said.standing is Standing.COUNTED]
        if counted and placed is not asset and placed.standing is Standing.COUNTED:
            counted.append((SECTOR, placed, 0))
        found += [
            Item(
                sector=sector,
                measure=what,
                owner=asset.word.owner,
                ref=ref,
                value=value,
                offer=said.offer,
                label_id=said.label_id,
            )
            for what, said, value in counted
        ]
    return sorted(found)


def countable(items: Iterable[Item], before: Iterable[Answer]) -> list[Item]:
    """Return the items without those that no answer may count.

    What was counted together with something that was purged since: nobody knows any more what that answer gave away,
    and whoever subtracted a new one from it would have what was purged. And what is of an owner who spreads it over
    more sectors than anybody has: each is work for every answer, and none of them could be told.
    """
    spoilt = {item.ref for one in before if not one.whole for item in one.told.items}
    left = [one for one in items if one.ref not in spoilt]
    sectors: dict[str, set[str]] = {}
    for one in left:
        sectors.setdefault(one.owner, set()).add(one.sector)
    return [one for one in left if len(sectors[one.owner]) <= MOST_SECTORS]


def tellable(
    items: Collection[Item], earlier: Sequence[Earlier], known: Knowledge, *, at_least: int
) -> tuple[list[Item], dict[str, frozenset[Sum]]]:
    """Return which of these items are counted, and by measure which sums of them can be told.

    Owners who can be found out by what was told before, with what the party has come to see since, are counted no
    more: nobody can take back what was told, and nothing may be added to it.
    """
    rules = Rules(group=at_least)
    shown: dict[str, frozenset[Sum]] = {}
    kept: list[Item] = []
    for measure in Measure:
        before = _publications(earlier, measure, known, rules)
        try:
            lost = _found_out(before, rules)
        except LimitError:  # more was told than can be reckoned with: nothing is added to it
            continue
        mine = [one for one in items if one.measure == measure and one.owner not in lost]
        told = _shown(mine, [_without(one, lost) for one in before], rules)
        if told:
            shown[measure] = told
            kept += [one for one in mine if any(covers(total, (one.sector, measure)) for total in told)]
    there = {one.ref for one in kept}
    kept += [one for one in items if one.measure == SECTOR and one.ref in there]
    return sorted(kept), shown


def _shown(items: Sequence[Item], before: Sequence[Publication], rules: Rules) -> frozenset[Sum]:
    from tocsin.map.rollup.protect import publish  # noqa: PLC0415  the solver takes a second to load

    if len({one.owner for one in items}) < rules.group:
        return frozenset()
    try:
        return frozenset(publish(_table(items), before, rules).shown)
    except LimitError:  # more than can be protected: how much it is is not for the reader
        return frozenset()


def _found_out(before: Sequence[Publication], rules: Rules) -> frozenset[str]:
    from tocsin.map.rollup.protect import audit  # noqa: PLC0415  the solver takes a second to load

    lost: frozenset[str] = frozenset()
    while True:
        left = [_without(one, lost) for one in before]
        found = {one.party for one in audit(left, rules).breaches} if any(one.shown for one in left) else set()
        if not found:
            return lost
        lost |= found


def _table(items: Iterable[Item]) -> Figures:
    return {one.slot: one.value for one in items}


def _publications(
    earlier: Iterable[Earlier], measure: str, known: Mapping[str, frozenset[str]], rules: Rules
) -> list[Publication]:
    """Return what was told of a measure, each time once, as if what is known by now had never been in it."""
    found: list[Publication] = []
    for one in earlier:
        shown = one.shown.get(measure, frozenset())
        figures = _table(
            item for item in one.items if item.measure == measure and measure not in known.get(item.ref, ())
        )
        made = _publication(figures, shown, rules)
        if made.shown and made not in found:
            found.append(made)
    return found


def _publication(figures: Figures, shown: Iterable[Sum], rules: Rules) -> Publication:
    sums = {
        total: sum(value for slot, value in figures.items() if covers(total, slot[1:]))
        for total in sorted(shown)
        if any(covers(total, slot[1:]) for slot in figures)
    }
    return Publication(rules=rules, figures=figures, shown=sums)


def _without(one: Publication, owners: frozenset[str]) -> Publication:
    """Return a publication as it looks to who knows all that these owners put into it."""
    figures = {slot: value for slot, value in one.figures.items() if slot[0] not in owners}
    return _publication(figures, one.shown, one.rules)
