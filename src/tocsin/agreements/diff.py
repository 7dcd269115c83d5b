"""What changes from one document to another, passage by passage, and whether that lets more be read or less. Pure.

Each change is judged by itself, everything else being as it was, and only where the words decide it for every reader
and object there could be; otherwise it cannot be said here, and ``tocsin agreement impact`` counts it on what there is.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import Accede, AgreementDocument, Onward, Then, Verb
from tocsin.agreements.prose import Passage, prose
from tocsin.agreements.shapes import Relation, Shape, clause_shape, reader_shape, relation
from tocsin.agreements.terms import ONWARD_ORDER

if TYPE_CHECKING:
    from tocsin.agreements.document import Clause
    from tocsin.kernel.clock import Micros

__all__ = ["Bearing", "Change", "Difference", "diff"]


class Change(enum.StrEnum):
    """What became of a passage."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Bearing(enum.StrEnum):
    """What a change does to what may be read: what widens closes nothing that was open, what narrows opens nothing."""

    WIDENS = "widens"
    NARROWS = "narrows"
    NEITHER = "neither"
    CANNOT_SAY = "cannot say"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One passage that is not the same in both. ``gone`` and ``new`` are its parts that are in one of them only."""

    about: str
    change: Change
    bearing: Bearing
    before: str | None
    after: str | None
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


_BEARING: Final = {
    Relation.SAME: Bearing.NEITHER,
    Relation.WIDER: Bearing.WIDENS,
    Relation.NARROWER: Bearing.NARROWS,
    Relation.UNKNOWN: Bearing.CANNOT_SAY,
}
_OPPOSITE: Final = {Bearing.WIDENS: Bearing.NARROWS, Bearing.NARROWS: Bearing.WIDENS}
# What these say bears on nothing that may be read: a change of purposes shows in each clause that has none of its own.
_SILENT: Final = frozenset({"title", "instrument", "purposes", "amendment", "lapse"})


def diff(old: AgreementDocument, new: AgreementDocument) -> tuple[Difference, ...]:
    """Return what is not the same, in the order of the new document; what it no longer has comes last."""
    before, after = list(prose(old)), list(prose(new))
    for same in [one for one in after if one in before]:
        before.remove(same)
        after.remove(same)
    pairs: list[tuple[Passage | None, Passage | None]] = []
    for one in after:
        # of passages about the same there are several only where they are a list: nothing says which became which
        was = next((each for each in before if each.about == one.about and one.about not in _LISTS), None)
        if was is not None:
            before.remove(was)
        pairs.append((was, one))
    pairs += [(one, None) for one in before]
    return tuple(_difference(_Both(old, new), was, now) for was, now in pairs)


_LISTS: Final = frozenset({"parties by criteria"})


class _Both(msgspec.Struct, frozen=True):
    old: AgreementDocument
    new: AgreementDocument

    @property
    def forbids(self) -> bool:
        """Return whether either forbids anything: whoever is bound then both gives and takes."""
        return any(clause.verb is Verb.FORBID for one in (self.old, self.new) for clause in one.clauses)


def _difference(both: _Both, was: Passage | None, now: Passage | None) -> Difference:
    change = Change.ADDED if was is None else Change.REMOVED if now is None else Change.CHANGED
    gone, new = _parts(was), _parts(now)
    return Difference(
        about=(now or was or Passage(about="", says="")).about,
        change=change,
        bearing=_bearing(both, was, now),
        before=None if was is None else was.text,
        after=None if now is None else now.text,
        gone=tuple(one for one in gone if one not in new) if change is Change.CHANGED else (),
        new=tuple(one for one in new if one not in gone) if change is Change.CHANGED else (),
    )


def _parts(passage: Passage | None) -> tuple[str, ...]:
    if passage is None:
        return ()
    spared = tuple(f"this spares a reader where {one}" for one in passage.spares)
    return (passage.says, *passage.where, *spared, *passage.more)


def _bearing(both: _Both, was: Passage | None, now: Passage | None) -> Bearing:
    about = (now or was or Passage(about="", says="")).about
    kind, _, name = about.partition(" ")
    if about in _SILENT:
        return Bearing.NEITHER
    if kind == "clause":
        return _clauses(both, both.old.clause(name), both.new.clause(name))
    if kind == "legal":
        return _bases(both, about)
    if about == "withdrawal":  # what survives it goes on to forbid; what it says besides is of keeping and destroying
        same = both.old.withdrawal == both.new.withdrawal
        return Bearing.CANNOT_SAY if both.forbids and not same else Bearing.NEITHER
    if about == "term":
        bearing = _BEARING[_spans(*((one.starts, one.ends) for one in (both.old, both.new)))]
    elif about == "accession":
        bearing = _accession(both)
    else:  # a party; where it stands in both, only the part that it is said to have is another
        both_there = was is not None and now is not None
        bearing = Bearing.NEITHER if both_there else Bearing.WIDENS if was is None else Bearing.NARROWS
    # being bound opens where nothing is forbidden; else it closes as well
    return Bearing.CANNOT_SAY if both.forbids and bearing is not Bearing.NEITHER else bearing


def _spans(old: tuple[Micros, Micros | None], new: tuple[Micros, Micros | None]) -> Relation:
    def inside(one: tuple[Micros, Micros | None], other: tuple[Micros, Micros | None]) -> bool:
        return other[0] <= one[0] and (other[1] is None or (one[1] is not None and one[1] <= other[1]))

    return _related(grows=inside(old, new), shrinks=inside(new, old))


def _related(*, grows: bool, shrinks: bool) -> Relation:
    if grows and shrinks:
        return Relation.SAME
    return Relation.WIDER if grows else Relation.NARROWER if shrinks else Relation.UNKNOWN


def _bases(both: _Both, about: str) -> Bearing:
    entries = []
    for one in (both.old, both.new):
        named = {
            f"legal basis {basis.name}, {entry.key}": (entry.valid_from, entry.valid_until)
            for basis in one.legal_bases
            for entry in basis.entries
        }
        entries.append(named.get(about))
    old, new = entries
    if old is None or new is None:
        return Bearing.WIDENS if old is None else Bearing.NARROWS
    return _BEARING[_spans(old, new)]


def _accession(both: _Both) -> Bearing:
    old, new = both.old.accession, both.new.accession
    shapes = [Shape(of={}) if one is None else reader_shape(one.who) for one in (old, new)]
    alone = [one is None or one.by is Accede.SIGNATURE for one in (old, new)]
    return _BEARING[
        _joined(relation(*shapes), _related(grows=alone[1] or not alone[0], shrinks=alone[0] or not alone[1]))
    ]


# --- clauses ---------------------------------------------------------------------------------------------------------


def _joined(*relations: Relation) -> Relation:
    """Return what several relations come to, each about a part of the same thing."""
    moved = {one for one in relations if one is not Relation.SAME}
    return moved.pop() if len(moved) == 1 else Relation.UNKNOWN if moved else Relation.SAME


def _clauses(both: _Both, old: Clause | None, new: Clause | None) -> Bearing:
    if old is not None and new is not None and old.verb is not new.verb:
        return Bearing.CANNOT_SAY
    one = new or old
    if one is None or one.verb is Verb.PROTECT:
        return Bearing.NEITHER
    if old is None or new is None:
        added = {Verb.FORBID: Bearing.NARROWS, Verb.RETAIN: _purging(one)}.get(one.verb, Bearing.WIDENS)
        return added if old is None else _OPPOSITE.get(added, added)
    shapes = relation(clause_shape(both.old, old), clause_shape(both.new, new))
    if one.verb is Verb.FORBID:
        return _BEARING[_joined(_other_way(shapes), _sparing(old, new))]
    if one.verb is Verb.RETAIN:
        return _retained(old, new, shapes)
    return _BEARING[_joined(shapes, _beside(old, new))]


def _other_way(one: Relation) -> Relation:
    return {Relation.WIDER: Relation.NARROWER, Relation.NARROWER: Relation.WIDER}.get(one, one)


def _sparing(old: Clause, new: Clause) -> Relation:
    """Return how changes whom a forbid spares."""
    if old.unless is None or new.unless is None:
        return _related(grows=old.unless is None, shrinks=new.unless is None)
    return relation(reader_shape(old.unless), reader_shape(new.unless))


def _purging(clause: Clause) -> Bearing:
    purges = clause.retain is not None and clause.retain.then is Then.PURGE
    return Bearing.NARROWS if purges else Bearing.NEITHER


def _retained(old: Clause, new: Clause, shapes: Relation) -> Bearing:
    if old.retain is None or new.retain is None or (old.retain.then is not new.retain.then):
        return Bearing.CANNOT_SAY
    if new.retain.then is Then.REVIEW:
        return Bearing.NEITHER
    # what is purged later is there for longer; what is covered no longer is not purged
    later = _related(grows=new.retain.lasts >= old.retain.lasts, shrinks=new.retain.lasts <= old.retain.lasts)
    return _BEARING[_joined(later, _other_way(shapes))]


def _beside(old: Clause, new: Clause) -> Relation:
    """Return how what a clause says besides whom and what it covers changes."""
    kept = [ONWARD_ORDER.index(one.onward or Onward.AS_MARKED) for one in (old, new)]
    onward = _related(grows=kept[0] <= kept[1], shrinks=kept[1] <= kept[0])
    annexes = [None if one.annex is None else msgspec.structs.replace(one.annex, lasts=0) for one in (old, new)]
    lasts = Relation.SAME
    if old.annex is not None and new.annex is not None:
        lasts = _related(grows=old.annex.lasts <= new.annex.lasts, shrinks=new.annex.lasts <= old.annex.lasts)
        if annexes[0] != annexes[1]:
            lasts = Relation.UNKNOWN
    published = Relation.SAME if old.publish == new.publish else Relation.UNKNOWN
    owners = [one.at_least or 0 for one in (old, new)]
    fewer = _related(grows=owners[1] <= owners[0], shrinks=owners[0] <= owners[1])
    return _joined(onward, lasts, published, fewer)
