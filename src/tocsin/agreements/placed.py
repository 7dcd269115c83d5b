"""Labels sorted into what policies can tell apart: of one store by kind, of one ground by the owner's standing too."""

from __future__ import annotations

import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.agreements.model import Label

__all__ = ["Kinds", "Known", "Placed", "Places", "Standing"]

Standing: TypeAlias = tuple[str, ...]
"""A party as policies see it: all that it is in, and its own name where one names it."""


class Known(NamedTuple):
    """What tells a label from others: the number of its kind, its owner, whom the owner named, for which grant."""

    kind: int
    owner: str
    recipients: frozenset[str]
    grant: str | None


class Kinds:
    """The labels of one store, each with the number of its kind: equal but for owner, recipients and which grant."""

    def __init__(self) -> None:
        self._numbers: dict[Label, int] = {}
        self._known: dict[int, Known] = {}
        self._next = itertools.count()

    def of(self, label_id: int, label: Label) -> Known:
        """Return what tells this label from others; the same id must always be the same label."""
        known = self._known.get(label_id)
        if known is None:
            # an address that Cedar could not hold would be an error of its own: such a label is alone of its kind
            odd = any(not address.isascii() for address in label.recipients)
            grant = None if label.grant is None else ""
            bare = (
                label
                if odd
                else msgspec.structs.replace(label, owner="", recipients=frozenset(), grant=grant, ends=None)
            )
            # drawn before it is entered: of two threads one wins, and the number of the other is nobody's
            kind = self._numbers.setdefault(bare, next(self._next))
            known = self._known[label_id] = Known(kind, label.owner, label.recipients, label.grant)
        return known


class Placed(NamedTuple):
    """The labels that a ground has met, by id. Never changed: a larger one takes its place.

    ``plain`` are those that are for nobody by name, by kind and their owner's standing; ``addressed`` those with
    recipients or for a grant.
    """

    ids: frozenset[int] = frozenset()
    plain: Mapping[tuple[int, Standing], frozenset[int]] = MappingProxyType({})
    addressed: frozenset[int] = frozenset()
    owned: Mapping[str, frozenset[int]] = MappingProxyType({})


class Places:
    """Where labels of one store stand on one ground: sorted when they are first met, once for all readers."""

    def __init__(self, kinds: Kinds, standing: Callable[[str], Standing]) -> None:
        """Sort by the kinds of a store, and by what a party is on a ground."""
        self._kinds = kinds
        self._standing = standing
        self._placed = Placed()

    def holding(self, labels: Mapping[int, Label]) -> Placed:
        """Return the places of all labels so far, these among them."""
        known = self._placed
        new = labels.keys() - known.ids
        if not new:
            return known
        plain: dict[tuple[int, Standing], set[int]] = {}
        owned: dict[str, set[int]] = {}
        addressed: set[int] = set()
        stands: dict[str, Standing] = {}
        for label_id in new:
            kind, owner, recipients, grant = self._kinds.of(label_id, labels[label_id])
            owned.setdefault(owner, set()).add(label_id)
            if recipients or grant is not None:
                addressed.add(label_id)
                continue
            if owner not in stands:
                stands[owner] = self._standing(owner)
            plain.setdefault((kind, stands[owner]), set()).add(label_id)
        placed = Placed(
            ids=known.ids | new,
            plain={**known.plain, **{key: known.plain.get(key, frozenset()) | ids for key, ids in plain.items()}},
            addressed=known.addressed | addressed,
            owned={**known.owned, **{owner: known.owned.get(owner, frozenset()) | ids for owner, ids in owned.items()}},
        )
        # of two threads that come here at once one is forgotten, and sorts its labels anew at the next question
        self._placed = placed
        return placed
