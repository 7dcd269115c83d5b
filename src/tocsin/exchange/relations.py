"""What an object that refers to others tells whoever receives it, and when its sender should know that. Pure.

A relationship, a sighting, a report carries the ids of other objects in its bytes. Whether it is released depends on
its own label and on nothing else: neither on whether the hub holds what it names, nor on who may see that (see
``docs/adr/0051``). So it is the sender who has to know what the reference tells.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tocsin.agreements.model import Tlp
from tocsin.parties.model import CLEARANCES, clearance_rank

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin.agreements.model import Label
    from tocsin.exchange.stix.model.common import StixObject

__all__ = ["note_on", "references", "stricter"]

# Who made it, how it is marked: an identity that is named on everything, and what readers need to read a marking.
_NO_REFERENCES = frozenset({"created_by_ref", "object_marking_refs"})
_TLP_RANK = {tlp: rank for rank, tlp in enumerate(Tlp)}


def references(obj: StixObject) -> tuple[str, ...]:
    """Return the ids of the objects that an object refers to in properties of the specification, in their order."""
    found: tuple[str, ...] = ()
    single, listed = _names(type(obj))
    for name in single:
        value = getattr(obj, name)
        if value is not None:
            found += (value,)
    for name in listed:
        found += getattr(obj, name)
    return found


@functools.cache
def _names(kind: type[StixObject]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = [name for name in kind.__struct_fields__ if name not in _NO_REFERENCES]
    return (
        tuple(name for name in names if name.endswith("_ref")),
        tuple(name for name in names if name.endswith("_refs")),
    )


def stricter(named: Label, referring: Label) -> bool:
    """Return whether an object with one label may be withheld from somebody who receives one with the other.

    Looks at what markings say; that clauses treat types and categories differently, the sender knows from them.
    """
    if named is referring:
        return False
    rank = clearance_rank(named.classification or CLEARANCES[0])
    return (
        _TLP_RANK[named.tlp] > _TLP_RANK[referring.tlp]
        or (named.unknown_marking and not referring.unknown_marking)
        or rank > clearance_rank(referring.classification or CLEARANCES[0])
        or bool(named.recipients and not (referring.recipients and referring.recipients <= named.recipients))
        or not named.categories <= referring.categories
        or (named.residency is not None and named.residency != referring.residency)
    )


def note_on(referring: Label, named: Iterable[tuple[str, Label]]) -> str | None:
    """Return what the sender of an object should know of what it refers to, or None.

    Args:
        referring: the object's label.
        named: ids and labels of the *sender's own* objects to which it refers; nobody else's may come in here.
    """
    told = list(dict.fromkeys(object_id for object_id, label in named if stricter(label, referring)))
    if not told:
        return None
    others = f" and {len(told) - 1} more" if len(told) > 1 else ""
    return (
        f"refers to {told[0]}{others}, which you shared under a stricter marking: whoever receives this learns its id,"
        " and what this says of it"
    )
