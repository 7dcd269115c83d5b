"""What one marking, or all of an object's together, asks for. Values; their joining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.model import Pap, Tlp
from tocsin.kernel.clock import Micros
from tocsin.parties.model import CLEARANCES

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["UNKNOWN", "Marking", "join", "strictest"]

_TLP_RANK: Final = {tlp: rank for rank, tlp in enumerate(Tlp)}
_PAP_RANK: Final = {pap: rank for rank, pap in enumerate(Pap)}


class Marking(msgspec.Struct, frozen=True, kw_only=True):
    """What one marking, or all of an object's together, asks for.

    ``recipients`` None: it addresses nobody. ``classification`` is one of ``CLEARANCES``; None says nothing of it.
    ``terms`` are sentences: what whoever receives the object owes, and no machine here can enforce. Outside of
    ``begins`` to ``ends`` it is not in effect; None is open.
    """

    tlp: Tlp | None = None
    pap: Pap | None = None
    categories: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    residency: str | None = None
    recipients: frozenset[str] | None = None  # references as written
    classification: str | None = None
    terms: frozenset[str] = frozenset()
    begins: Micros | None = None
    ends: Micros | None = None
    unknown: bool = False

    def in_effect(self, at: Micros) -> bool:
        """Return whether an instant is one at which the marking says anything."""
        return (self.begins is None or self.begins <= at) and (self.ends is None or at < self.ends)


UNKNOWN: Final = Marking(unknown=True)


def join(markings: Iterable[Marking]) -> Marking:
    """Return what all of them ask for together: always the stricter of two.

    TLP and PAP: the narrower. Classification: the higher. Categories, sectors, countries, terms: all. Recipients:
    those whom every addressing marking names. In effect: while all are. Two different residencies cannot both be
    kept, which makes the marking UNKNOWN.
    """
    joined = Marking()
    for marking in markings:
        clash = None not in (joined.residency, marking.residency) and joined.residency != marking.residency
        joined = Marking(
            tlp=max((m.tlp for m in (joined, marking) if m.tlp is not None), key=_TLP_RANK.__getitem__, default=None),
            pap=max((m.pap for m in (joined, marking) if m.pap is not None), key=_PAP_RANK.__getitem__, default=None),
            categories=joined.categories | marking.categories,
            sectors=joined.sectors | marking.sectors,
            countries=joined.countries | marking.countries,
            # of two that clash the first by name, so that the order of joining does not matter
            residency=min((r for r in (joined.residency, marking.residency) if r is not None), default=None),
            recipients=_both(joined.recipients, marking.recipients),
            classification=strictest((joined.classification, marking.classification)),
            terms=joined.terms | marking.terms,
            begins=max((one for one in (joined.begins, marking.begins) if one is not None), default=None),
            ends=min((one for one in (joined.ends, marking.ends) if one is not None), default=None),
            unknown=joined.unknown or marking.unknown or clash,
        )
    return joined


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return one if other is None else other
    return one & other


def strictest(classifications: Iterable[str | None]) -> str | None:
    """Return the highest of some classifications, None where none says anything."""
    return max((level for level in classifications if level is not None), key=CLEARANCES.index, default=None)
