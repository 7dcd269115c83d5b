"""What follows from rows that could not be read, and so is no fault of its own. Pure.

Nobody knows what stood in such a row, but what of it could be read says what it was about, and one row explains one
thing that is missing. What more is missing is told.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import structs

from tocsin.map.model import LEAST, SLACK, Asset, DependencyGroup, Need, Supplier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tocsin.map.formats.draft import Draft

    Key: TypeAlias = tuple[str, str]

__all__ = ["NOBODY", "eased", "missing_names", "stand_ins", "without_groups"]

# Rows that could not be read, times what may follow from them: beyond, a file is another than was meant, and what
# follows is told beside its causes.
_MOST_PAIRS: Final = 1_000_000
NOBODY: Final = "\0"  # stands for a supplier that could not be read; no text that is read has this character


def missing_names(draft: Draft, named: Counter[str]) -> set[str]:
    """Return which of these names, that no asset has, are those of assets that could not be read.

    ``named``: how often each is referred to. A row without a name is taken for the one that is referred to most.
    """
    if draft.blind:
        return set(named)
    found = set(named) & set[str]().union(*draft.lost.get("assets", []))
    rest = Counter({name: times for name, times in named.items() if name not in found})
    ranked = rest.most_common()
    least = ranked[draft.nameless][1] if draft.nameless < len(ranked) else 0
    return found | ({name for name, times in ranked if times > least} if draft.nameless else set())


def without_groups(
    lost: Iterable[frozenset[str]], groups: Iterable[DependencyGroup], alone: Iterable[Key], there: Collection[str]
) -> set[Key]:
    """Return which of ``alone``, suppliers without their group, only lack one that could not be read.

    ``lost``: what stands in the rows of groups that could not. ``there``: the assets. A group of no asset, or with
    other letters, lacks its suppliers as they lack it.
    """
    left = list(alone)
    explained: set[Key] = set()
    texts = [*lost, *(frozenset({group.name}) for group in groups if group.asset not in there)]
    texts += [frozenset({group.asset}) for group in groups if not group.suppliers and group.asset in there]
    if len(texts) * len(left) > _MOST_PAIRS:
        return explained
    for row in sorted(texts, key=lambda one: one.isdisjoint(there)):  # those that say their asset first
        # by its asset, else by its name alone where the asset is one of the map's
        fitting = [key for key in left if key[0] in row] or [key for key in left if key[1] in row and key[0] in there]
        if fitting:
            explained.add(fitting[0])
            left.remove(fitting[0])
    return explained


def eased(
    groups: Sequence[DependencyGroup],
    shaken: Collection[Key],
    lost: Iterable[tuple[frozenset[str], Collection[Key]]],
    there: Collection[str],
) -> list[DependencyGroup]:
    """Return the groups, those met whose suppliers could not be read: what is left need not be enough.

    ``shaken``: groups with such a supplier; ``lost``: what stands in rows of which nobody knows the group, with the
    groups of the rows before and after.
    """
    easy = {(group.asset, group.name) for group in groups if group.asset not in there} | set(shaken)
    unmet, rows = [group for group in groups if not _met(group)], list(lost)
    for row, beside in rows if len(rows) * len(unmet) <= _MOST_PAIRS else ():
        left = [group for group in unmet if (group.asset, group.name) not in easy]
        fitting = (
            [group for group in left if (group.asset, group.name) in beside]
            or [group for group in left if group.asset in row]
            or [group for group in left if group.name in row and not group.suppliers and row.isdisjoint(there)]
        )
        easy |= {(group.asset, group.name) for group in fitting[:1]}
    return [_eased(group) if (group.asset, group.name) in easy else group for group in groups]


def _met(group: DependencyGroup) -> bool:
    many = len(group.suppliers) if group.need is Need.COUNT else sum(one.weight for one in group.suppliers)
    return bool(group.suppliers) and group.k <= many * (1 + SLACK)


def _eased(group: DependencyGroup) -> DependencyGroup:
    least = 1.0 if group.need is Need.COUNT else LEAST
    sound = group.k >= least and (group.need is Need.SUM or group.k == int(group.k))
    return structs.replace(group, k=least if sound else group.k, suppliers=group.suppliers or (Supplier(asset=NOBODY),))


def stand_ins(names: Iterable[str]) -> list[Asset]:
    """Return assets in place of those that could not be read."""
    return [Asset(id=name) for name in (NOBODY, *sorted(names))]
