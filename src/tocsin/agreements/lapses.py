"""When legal bases lapse, for whom, and what of what was read is hit by it. Pure.

A lapse takes permits away at its instant, which the gate sees to. What becomes of what is held by then, the agreement
says under ``on_lapse``: it is kept under its protection, or called back and destroyed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import Held, Verb
from tocsin.agreements.facts import Facts
from tocsin.agreements.gate import decide, slice_for
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.membership import heeded
from tocsin.agreements.terms import covers
from tocsin.errors import InputError
from tocsin.kernel.clock import Micros, format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tocsin.agreements.facts import Activated
    from tocsin.agreements.membership import Standing
    from tocsin.agreements.model import Label, Profile
    from tocsin.parties.model import Party

__all__ = ["Lapse", "LapseName", "facts_then", "hit", "lapse_name", "lapse_of", "lapses", "to_follow"]

_NAME: Final = re.compile(r"([^/#@]+)/([1-9][0-9]{0,8})#([^/#@]+)@([^@]+)")


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """A legal basis of an agreement stops to hold for some parties, at one instant."""

    at: Micros
    agreement: str  # name
    version: int
    basis: str
    parties: frozenset[str]  # URIs
    clauses: tuple[str, ...]  # the permits that rest on it
    held: Held

    @property
    def id(self) -> str:
        """Return ``name/version`` of the agreement."""
        return f"{self.agreement}/{self.version}"


class LapseName(msgspec.Struct, frozen=True, kw_only=True):
    """What names a lapse: agreement, version and basis, and when it was."""

    agreement: str
    version: int
    basis: str
    at: Micros


def lapse_name(lapse: Lapse) -> str:
    """Return ``name/version#basis@instant``: what a recall that follows a lapse rests on."""
    return f"{lapse.id}#{lapse.basis}@{format_instant(lapse.at)}"


def lapse_of(text: str) -> LapseName | None:
    """Return what ``lapse_name`` wrote; None: it did not write this."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    agreement, version, basis, at = match.groups()
    try:
        return LapseName(agreement=agreement, version=int(version), basis=basis, at=parse_instant(at))
    except InputError:
        return None


def to_follow(standings: Iterable[Standing], parties: Mapping[str, Party], *, until: Micros) -> tuple[Lapse, ...]:
    """Return the lapses no later than an instant after which what is held is called back, the first first.

    They are of versions that say so and that were activated, and not superseded, when the basis lapsed.
    """
    known = {one.activated.id: one for one in standings if one.activated_at is not None}
    facts = Facts(at=until, parties=parties, agreements=tuple(one.activated for one in known.values()))

    def bound(one: Standing, at: Micros) -> bool:
        over = one.status is AgreementStatus.SUPERSEDED and one.ended_at is not None and one.ended_at <= at
        return one.activated_at is not None and one.activated_at <= at and not over

    found = lapses(facts, after=0, until=until)
    return tuple(one for one in found if one.held is Held.PURGE and bound(known[one.id], one.at))


def facts_then(standings: Iterable[Standing], parties: Mapping[str, Party], at: Micros) -> Facts:
    """Return what was true of agreements at an instant that is over; ``parties`` are as they are now."""
    then: list[Standing] = []
    for one in standings:
        if one.activated_at is None or one.activated_at > at:
            continue
        if one.ended_at is not None and one.ended_at > at:
            was = msgspec.structs.replace(one.activated, status=AgreementStatus.IN_FORCE)
            then.append(msgspec.structs.replace(one, activated=was, ended_at=None))
        else:
            then.append(one)
    agreements, former = heeded(then)
    return Facts(at=at, parties=parties, agreements=agreements, former=former)


def lapses(facts: Facts, *, after: Micros, until: Micros) -> tuple[Lapse, ...]:
    """Return the lapses later than one instant and no later than another, the first first.

    A basis lapses for a party when its validity ends, or the last grace that runs on without a gap. Only parties that
    the agreement binds at that instant are meant, and only agreements in force then; that a version's own term ends is
    no lapse.
    """
    found: dict[tuple[Micros, str, str], set[str]] = {}
    known = {one.id: one for one in facts.agreements}
    for one in facts.agreements:
        for basis, uri, at in _ends(one, facts):
            if after < at <= until and one.document.in_term(at) and one.binds(uri, at):
                found.setdefault((at, one.id, basis), set()).add(uri)
    return tuple(
        Lapse(
            at=at,
            agreement=known[agreement].document.name,
            version=known[agreement].document.version,
            basis=basis,
            parties=frozenset(uris),
            clauses=_resting(known[agreement], basis),
            held=_held(known[agreement]),
        )
        for (at, agreement, basis), uris in sorted(found.items())
    )


def hit(lapse: Lapse, facts: Facts, profile: Profile, labels: Mapping[int, Label]) -> frozenset[int]:
    """Return which of the objects that a reader was given, by label, rest on nothing since a lapse.

    These are covered by a clause that rests on the basis, were between a member for which it lapsed and another party,
    and are open to the reader no more: what another clause still permits is held under that, and what was released for
    a grant under the grant.

    Args:
        lapse: as ``lapses`` found it.
        facts: what is true at ``lapse.at``.
        profile: the reader, as the release names it.
        labels: of what it was given, by number.
    """
    one = next((each for each in facts.agreements if each.id == lapse.id), None)
    if one is None:
        return frozenset()
    clauses = [clause for clause in one.document.clauses if clause.id in lapse.clauses]
    reader = profile.party
    asked = {
        number: label
        for number, label in labels.items()
        if label.owner != reader
        and label.grant is None
        and {reader, label.owner} <= one.joined
        and not lapse.parties.isdisjoint({reader, label.owner})
        and any(covers(clause.of, label, one.names) for clause in clauses)
    }
    if not asked:
        return frozenset()
    verdicts = decide(slice_for(profile, facts), profile, list(asked.values()))
    return frozenset(number for number, verdict in zip(asked, verdicts, strict=True) if not verdict.allows)


def _ends(one: Activated, facts: Facts) -> Iterator[tuple[str, str, Micros]]:
    """Yield when each basis that a permit rests on ends for each party that joined."""
    for basis in one.document.legal_bases:
        if not _resting(one, basis.name):
            continue
        for uri in one.joined:
            party = facts.parties.get(uri)
            entry = None if party is None else basis.entry_for(country=party.country, kind=party.kind)
            if entry is None or entry.valid_until is None:
                continue
            graces = [grace.until for grace in one.graces if grace.basis == basis.name and uri in grace.parties]
            yield basis.name, uri, max([entry.valid_until, *graces])


def _resting(one: Activated, basis: str) -> tuple[str, ...]:
    return tuple(
        clause.id for clause in one.document.clauses if clause.verb is Verb.PERMIT and basis in clause.rests_on
    )


def _held(one: Activated) -> Held:
    return one.document.on_lapse.held if one.document.on_lapse is not None else Held.KEEP_PROTECTED
