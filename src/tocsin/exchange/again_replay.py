"""What was offered anew, told from the log alone: each offer is of a contribution that was there, under its own label.

A label made for the offer is allowed only to what the entry says that it was made for; a reference that is not known
here opens nothing, since it may use no other label than the contribution's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.model import Label
from tocsin.errors import LogBrokenError
from tocsin.exchange.model import Audience
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Made", "Offering", "OfferingAnew", "TellAgain"]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The data of the entry that opened a collection made for something."""

    uuid: str
    alias: str
    title: str
    description: str
    audience: Audience
    made_for: str


class OfferingAnew(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One offer in an ``offering``."""

    seq: int
    added: Micros
    object: str
    version: Micros
    label: int


class Offering(msgspec.Struct, frozen=True, kw_only=True):
    """The data of an ``offering``: one owner's part of what was offered together; ``rest`` parts follow."""

    collection: str
    because: str
    owner: str
    rest: int
    labels: list[tuple[int, Label]]
    offers: list[OfferingAnew]


class TellAgain:
    """The state between two entries, of collections that are made for something.

    ``derived(offering, contribution, label)`` returns the label that the offering's reason makes of a contribution's
    own one, or None where it makes none; it raises LogBrokenError where the reason is none.
    """

    def __init__(self, *, derived: Callable[[Offering, tuple[str, str, Micros], Label], Label | None]) -> None:
        self.made: dict[str, Made] = {}  # by UUID
        self._derived = derived
        self._rest: dict[str, list[OfferingAnew]] = {}  # of collections in the middle of an offering
        self._standing: set[tuple[str, str, str, Micros, int]] = set()

    def make(self, index: int, made: Made, known: dict[str, str]) -> None:
        """Note a collection."""
        if not made.made_for or any(one.made_for == made.made_for for one in self.made.values()):
            raise _broken(index, "it makes a collection for nothing, or a second one for the same")
        if not {made.uuid, made.alias}.isdisjoint([*known, *known.values()]):
            raise _broken(index, f"there is a collection {made.alias} already")
        self.made[made.uuid] = made
        known[made.uuid] = made.alias

    def check_turn(self, index: int, kind: str) -> None:
        """Refuse anything between the parts of what was offered together."""
        if self._rest and kind != "offering":
            raise _broken(index, "an offering before it is not complete")

    def offer(
        self,
        offering: Offering,
        *,
        labels: dict[int, Label],
        contributed: Mapping[tuple[str, str, Micros], int],
    ) -> None:
        """Check one owner's part, and note its new labels; its faults name no entry."""
        if offering.collection not in self.made or not offering.offers:
            raise LogBrokenError("it offers nothing anew, or where parties submit")
        for label_id, label in offering.labels:
            if label_id in labels or label.owner != offering.owner:
                raise LogBrokenError(f"label {label_id} is there already, or is another party's")
            labels[label_id] = label
        for offer in offering.offers:
            contribution = (offering.owner, offer.object, offer.version)
            own = contributed.get(contribution)
            if own is None:
                raise LogBrokenError(f"what offer {offer.seq} offers anew was never contributed")
            given = self._derived(offering, contribution, labels[own])
            if labels.get(offer.label) != (labels[own] if given is None else given):
                raise LogBrokenError(f"offer {offer.seq} has a label that nothing gives it")
            key = (offering.collection, *contribution, offer.label)
            if key in self._standing:
                raise LogBrokenError(f"what offer {offer.seq} offers anew is offered already")
            self._standing.add(key)

    def complete(self, index: int, offering: Offering, *, last: int, added: Micros) -> tuple[int, Micros] | None:
        """Return number and instant of the collection's newest offer once every part has been told, else None.

        ``last`` and ``added`` are those of the newest offer before.
        """
        together = self._rest.setdefault(offering.collection, [])
        together += offering.offers
        if offering.rest:
            return None
        del self._rest[offering.collection]
        together.sort(key=lambda offer: offer.seq)
        for place, offer in enumerate(together, last + 1):
            if offer.seq != place or offer.added <= added:
                raise _broken(index, f"offer {offer.seq} does not follow the one before it")
            added = offer.added
        return together[-1].seq, added

    def take_back(self, key: tuple[str, str, str, Micros, int]) -> None:
        """Note that an offer was withdrawn: collection, owner, object, version, label."""
        self._standing.discard(key)


def _broken(index: int, what: str) -> LogBrokenError:
    return LogBrokenError(what, where=f"entry {index}")
