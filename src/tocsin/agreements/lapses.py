"""When legal bases lapse, for whom, and what of what was read is hit by it. Pure.

A lapse takes permits away at its instant, which the gate sees to. What becomes of what is held by then, the agreement
says under ``on_lapse``: it is kept under its protection, or called back and destroyed. That is a duty, which outlives
what a party could read: it binds also whoever left a version, or was left behind by the next, until its term is over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import Held, Verb
from tocsin.agreements.facts import Facts
from tocsin.agreements.gate import decide, slice_for
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.membership import heeded, left_behind, replaced_at
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
    """A legal basis of an agreement stops to hold for some parties, at one instant.

    ``parties`` are bound by the version then; where it calls back what is held, those who were bound before as well.
    """

    at: Micros
    agreement: str  # name
    version: int
    basis: str
    parties: frozenset[str]  # URIs
    clauses: tuple[str, ...]  # the permits that rest on it
    held: Held
    holders: frozenset[str]  # URIs of those whose holdings are held to ``held``

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

    They are of versions that say so, that were activated by then and in their term. Of one that was superseded by then
    only those hold anything whom no later version bound.
    """
    known = [one for one in standings if one.activated_at is not None]
    replaced = replaced_at(known)
    found: list[Lapse] = []
    for one in known:
        if one.activated_at is None or _held(one.activated) is not Held.PURGE:
            continue
        for lapse in _lapses_of(one.activated, parties, after=one.activated_at - 1, until=until):
            if lapse.at < replaced.get(lapse.id, lapse.at + 1):
                found.append(lapse)
            elif holders := _left_by(known, lapse):
                found.append(msgspec.structs.replace(lapse, holders=holders))
    return tuple(sorted(found, key=_order))


def _left_by(standings: Iterable[Standing], lapse: Lapse) -> frozenset[str]:
    """Return whom the version of a lapse had left behind by then."""
    for one in left_behind(_then(standings, lapse.at)):
        if one.id == lapse.id:
            return frozenset(one.left)
    return frozenset()


def facts_then(standings: Iterable[Standing], parties: Mapping[str, Party], at: Micros) -> Facts:
    """Return what was true of agreements at an instant that is over; ``parties`` are as they are now."""
    agreements, former = heeded(_then(standings, at))
    return Facts(at=at, parties=parties, agreements=agreements, former=former)


def _then(standings: Iterable[Standing], at: Micros) -> list[Standing]:
    """Return versions as they stood at an instant that is over; of suspensions only the present is known."""
    known = tuple(standings)
    replaced = replaced_at(known)
    then: list[Standing] = []
    for one in known:
        if one.activated_at is None or one.activated_at > at:
            continue
        status, ended = one.status, one.ended_at
        if ended is not None and ended > at:
            status, ended = AgreementStatus.IN_FORCE, None
        elif status is AgreementStatus.SUPERSEDED and at < replaced.get(one.activated.id, at):
            status = AgreementStatus.TERMINATED
        was = msgspec.structs.replace(one.activated, status=status)
        then.append(msgspec.structs.replace(one, activated=was, ended_at=ended))
    return then


def lapses(facts: Facts, *, after: Micros, until: Micros) -> tuple[Lapse, ...]:
    """Return the lapses later than one instant and no later than another, the first first.

    A basis lapses for a party when its validity ends, or the last grace that runs on without a gap. Only agreements in
    force then are meant, and parties that they bind at that instant, or bound before where they call back what is held;
    that a version's own term ends is no lapse.
    """
    found = (lapse for one in facts.agreements for lapse in _lapses_of(one, facts.parties, after=after, until=until))
    return tuple(sorted(found, key=_order))


def _order(lapse: Lapse) -> tuple[Micros, str, str]:
    return lapse.at, lapse.id, lapse.basis


def _lapses_of(one: Activated, parties: Mapping[str, Party], *, after: Micros, until: Micros) -> Iterator[Lapse]:
    held = _held(one)
    found: dict[tuple[Micros, str], set[str]] = {}
    for basis, uri, at in _ends(one, parties):
        if after < at <= until and one.document.in_term(at) and (held is Held.PURGE or one.binds(uri, at)):
            found.setdefault((at, basis), set()).add(uri)
    for (at, basis), uris in found.items():
        yield Lapse(
            at=at,
            agreement=one.document.name,
            version=one.document.version,
            basis=basis,
            parties=frozenset(uris),
            clauses=_resting(one, basis),
            held=held,
            holders=one.joined,
        )


def hit(lapse: Lapse, one: Activated, facts: Facts, profile: Profile, labels: Mapping[int, Label]) -> frozenset[int]:
    """Return which of the objects that a reader was given, by label, rest on nothing since a lapse.

    These are covered by a clause that rests on the basis, were between a member for which it lapsed and another party,
    and are open to the reader no more: what another clause still permits is held under that, and what was released for
    a grant under the grant.

    Args:
        lapse: as ``lapses`` found it.
        one: the version that it is of.
        facts: what is true at ``lapse.at``.
        profile: the reader, as the release names it.
        labels: of what it was given, by number.
    """
    clauses = [clause for clause in one.document.clauses if clause.id in lapse.clauses]
    reader = profile.party
    asked = {
        number: label
        for number, label in labels.items()
        if label.owner != reader
        and label.grant is None
        and reader in lapse.holders
        and label.owner in one.joined
        and not lapse.parties.isdisjoint({reader, label.owner})
        and any(covers(clause.of, label, one.names) for clause in clauses)
    }
    if not asked:
        return frozenset()
    verdicts = decide(slice_for(profile, facts), profile, list(asked.values()))
    return frozenset(number for number, verdict in zip(asked, verdicts, strict=True) if not verdict.allows)


def _ends(one: Activated, parties: Mapping[str, Party]) -> Iterator[tuple[str, str, Micros]]:
    """Yield when each basis that a permit rests on ends for each party that joined."""
    for basis in one.document.legal_bases:
        if not _resting(one, basis.name):
            continue
        for uri in one.joined:
            party = parties.get(uri)
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
