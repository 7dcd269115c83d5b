"""Who is bound by a version, and how that changes: acceding, amending, objecting, leaving. Pure.

One set of rules for whoever acts and for whoever rebuilds agreements from the log.
"""

from __future__ import annotations

import enum
import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import Accede
from tocsin.agreements.facts import Activated, Grace, eligible, meets
from tocsin.agreements.life import HEEDED, AgreementAct, AgreementStatus, next_status
from tocsin.errors import ConflictError, ForbiddenError, InputError, TransitionError
from tocsin.kernel.clock import DAY, Micros, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin.parties.model import Party

__all__ = [
    "MAX_GRACE",
    "MAX_GRACES",
    "Counted",
    "Standing",
    "StandingAct",
    "Tally",
    "carried_over",
    "current",
    "going_on",
    "heeded",
    "leaves_at",
    "left_behind",
    "replaced_at",
    "require_accession",
    "require_grace",
    "require_objection",
    "tally",
]

# What a legislator needs to mend a lapse in a hurry; who needs longer amends the agreement. Counted from the lapse, so
# that one grace after the other is no legal basis in its own right.
MAX_GRACE: Final[Micros] = 60 * DAY
# Each is weighed whenever facts are made; a version whose law lapses more often is to be amended.
MAX_GRACES: Final = 100


class StandingAct(enum.StrEnum):
    """What a party did to a version besides signing it, or what was done to it there."""

    WITHDRAW = "withdraw"
    OBJECT = "object"
    ADMIT = "admit"
    ADOPT = "adopt"  # an amendment carried it


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One version, as it stands. ``objected`` are those whose objection counts: who signs takes it back."""

    activated: Activated
    proposed_at: Micros
    activated_at: Micros | None = None
    ended_at: Micros | None = None
    admitted: frozenset[str] = frozenset()
    objections: frozenset[str] = frozenset()

    @property
    def status(self) -> AgreementStatus:
        """Return where it stands."""
        return self.activated.status

    @property
    def objected(self) -> frozenset[str]:
        """Return who objected and did not sign since."""
        return self.objections - self.activated.signed


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Members counted together: all of them (``kind`` None), or those of one kind."""

    kind: str | None
    members: int
    signed: int
    objected: int
    more_than: Fraction

    @property
    def enough(self) -> bool:
        """Return whether more than the share signed, and fewer object than signed."""
        return self.signed > self.more_than * self.members and self.objected < self.signed


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How an amendment stands: who is counted, when nobody can object any more, what is in its way."""

    counted: tuple[Counted, ...]
    ends: Micros
    missing: tuple[str, ...]


def current(versions: Iterable[Standing]) -> Standing | None:
    """Return the version of one agreement that is in force, suspended or terminated: there is one at most."""
    return next((one for one in versions if one.status in HEEDED), None)


def heeded(versions: Iterable[Standing]) -> tuple[tuple[Activated, ...], tuple[Activated, ...]]:
    """Return what ``Facts`` takes: agreements, and former ones with those whom their surviving clauses bind.

    A superseded version's surviving clauses bind whoever joined it and no later one that came into force.
    """
    known = tuple(versions)
    agreements = [one.activated for one in sorted(known, key=_place) if one.status in HEEDED]
    return tuple(agreements), tuple(one for one in left_behind(known) if one.survivors)


def left_behind(versions: Iterable[Standing]) -> tuple[Activated, ...]:
    """Return the superseded versions that somebody joined who joined no later one that came into force.

    ``left`` has exactly those, with the instant at which that version bound them no more as a whole: when their notice
    was over, or the next version came into force.
    """
    known = tuple(versions)
    replaced = replaced_at(known)
    later: dict[str, frozenset[str]] = {}
    found: list[Activated] = []
    for one in sorted(known, key=_place, reverse=True):
        if one.activated_at is None:
            continue
        name, joined, left = one.activated.document.name, one.activated.joined, one.activated.left
        gone, ended = joined - later.get(name, frozenset()), replaced.get(one.activated.id)
        if one.status is AgreementStatus.SUPERSEDED and gone and ended is not None:
            away = {uri: min(ended, left.get(uri, ended)) for uri in sorted(gone)}
            found.append(msgspec.structs.replace(one.activated, left=away))
        later[name] = later.get(name, frozenset()) | joined
    return tuple(sorted(found, key=lambda one: one.document.name))


def replaced_at(versions: Iterable[Standing]) -> dict[str, Micros]:
    """Return when the next version came into force, of each that was in force before and has one: by its id.

    What was terminated or suspended before bound until then.
    """
    found: dict[str, Micros] = {}
    for one, later in itertools.pairwise(sorted((each for each in versions if each.activated_at), key=_place)):
        if one.activated.document.name == later.activated.document.name and later.activated_at is not None:
            found[one.activated.id] = later.activated_at
    return found


def _place(one: Standing) -> tuple[str, int]:
    return one.activated.document.name, one.activated.document.version


def require_accession(one: Standing, party: Party, at: Micros) -> None:
    """Refuse a signature of a party that may not join this version, or not yet.

    Raises:
        ForbiddenError: it is neither named nor meets the criteria; it left; or it may not accede to what is in force.
    """
    agreement, document = one.activated, one.activated.document
    called = f"{document.name} version {document.version}"
    if not eligible(agreement, party, at):
        raise ForbiddenError(
            f"{party.name} is neither named in {called} nor meets its criteria", todo="propose a version that names it"
        )
    if party.uri in agreement.left:
        raise ForbiddenError(f"{party.name} has withdrawn from {called}", todo="it joins again with the next version")
    terms = document.accession
    joins = one.status is AgreementStatus.IN_FORCE and party.uri not in agreement.named | agreement.joined
    if terms is None or not joins:
        return
    if not meets(terms.who, party, at):
        raise ForbiddenError(
            f"{party.name} is none of those who may accede to {called}",
            todo="propose a version whose accession is wider",
        )
    if terms.by is Accede.MOTION and party.uri not in one.admitted:
        raise ForbiddenError(
            f"{party.name} was not admitted to {called}, which takes a motion",
            todo=f"tocsin agreement admit {document.id} {party.name} --reason TEXT",
        )


def require_objection(new: Standing, old: Standing | None, party: Party, at: Micros) -> None:
    """Refuse an objection of whom an amendment would not carry, or that comes too late.

    Raises:
        TransitionError: it amends nothing that is in force, or nobody can object any more.
        ForbiddenError: the party is not bound by the amended version.
        ConflictError: it signed the amendment, or objected already.
    """
    document = new.activated.document
    next_status(new.status, AgreementAct.OBJECT)
    amended = _amended(new, old)
    if at >= _period_ends(new, amended):
        raise TransitionError(
            f"the time to object to {document.name} version {document.version} ended on "
            f"{format_instant(_period_ends(new, amended))}",
            todo="whoever does not want to be bound withdraws",
        )
    if not amended.activated.binds(party.uri, at):
        raise ForbiddenError(
            f"{party.name} is not bound by what {document.id} amends, and would not be by it",
            todo=f"nothing: {document.id} binds nobody who neither signs it nor is bound by the version that it amends",
        )
    if party.uri in new.activated.signed:
        raise ConflictError(
            f"{party.name} has signed {document.id} already, and a signature is not taken back by an objection",
            todo=f"once it is in force: tocsin agreement withdraw {document.name}",
        )
    if party.uri in new.objections:
        raise ConflictError(
            f"{party.name} has objected to {document.id} already",
            todo=f"to take the objection back, sign it: tocsin agreement sign {document.id}",
        )


def tally(new: Standing, old: Standing | None, kinds: Mapping[str, str], at: Micros) -> Tally:
    """Return how an amendment stands.

    It is adopted when more than the share of members signed it, fewer of them objected than signed, and the time to
    object is over, or everybody signed: those who are bound and no members now, too, since it carries them. Where kinds
    of party are counted apart, this holds for each; a kind without members stops nothing, unless none has any.

    Args:
        new: the amendment.
        old: the version that it amends.
        kinds: the kind of each member of the amended version now, by URI.
        at: now.

    Raises:
        TransitionError: it is no amendment of what is in force now.
    """
    amended = _amended(new, old)
    terms = amended.activated.document.amend_by
    if terms is None:  # `propose` takes no amendment then
        raise TransitionError(f"{amended.activated.id} cannot be amended by a majority")
    wanted: list[tuple[str | None, Fraction]] = [*terms.more_than.by_kind]
    if terms.more_than.overall is not None:
        wanted = [(None, terms.more_than.overall)]
    counted = tuple(
        Counted(
            kind=kind,
            members=len(among := {uri for uri, its in kinds.items() if kind in (None, its)}),
            signed=len(among & new.activated.signed),
            objected=len(among & new.objected),
            more_than=share,
        )
        for kind, share in wanted
    )
    ends = _period_ends(new, amended)
    missing = [_lacks(one) for one in counted if one.members and not one.enough]
    if not any(one.members for one in counted):
        missing.append("nobody who counts is a member")
    carried, _ = carried_over(new, amended, at)
    if at < ends and (carried or not new.activated.signed.issuperset(kinds)):
        missing.append(f"members can object until {format_instant(ends)}")
    return Tally(counted=counted, ends=ends, missing=tuple(missing))


def carried_over(new: Standing, old: Standing, at: Micros) -> tuple[frozenset[str], dict[str, Micros]]:
    """Return whom an adopted amendment carries, and when those of them leave who had given notice.

    Carried is who is bound by the amended version, member or not, and neither signed the amendment nor objected: so
    that no lapse of a membership releases anybody from what is forbidden.
    """
    bound = {uri for uri in old.activated.joined if old.activated.binds(uri, at)}
    carried = frozenset(bound - new.activated.signed - new.objected)
    leaving = {uri: until for uri, until in sorted(old.activated.left.items()) if uri in carried}
    return carried, leaving


def leaves_at(one: Standing, party: Party, at: Micros) -> Micros:
    """Return the instant at which a party leaves that gives notice now.

    Raises:
        TransitionError: the version stands where nobody withdraws.
        ForbiddenError: the document says nothing of withdrawal, or the party is not bound by it.
        ConflictError: it gave notice already.
    """
    agreement, document = one.activated, one.activated.document
    next_status(one.status, AgreementAct.WITHDRAW)
    if document.withdrawal is None:
        raise ForbiddenError(
            f"{document.name} version {document.version} says nothing of withdrawal",
            todo="agree on its termination, or on a version that says how one leaves",
        )
    if party.uri in agreement.left:
        raise ConflictError(
            f"{party.name} has given notice already: it leaves at {format_instant(agreement.left[party.uri])}"
        )
    if party.uri not in agreement.joined:
        raise ForbiddenError(f"{party.name} is not bound by {document.name} version {document.version}")
    return at + document.withdrawal.notice


def require_grace(one: Standing, basis: str, parties: Iterable[Party], until: Micros, at: Micros) -> None:
    """Refuse a grace for a legal basis that does not lapse, or for longer than there can be one.

    Raises:
        TransitionError: the version is not in force.
        InputError: there is no such basis, no end of it for one of the parties, or the end is past or too far.
        ForbiddenError: a party is not bound by the version.
    """
    agreement = one.activated
    next_status(one.status, AgreementAct.GRACE)
    found = agreement.document.basis(basis)
    if found is None:
        known = ", ".join(sorted(each.name for each in agreement.document.legal_bases)) or "it has none"
        raise InputError(f"{agreement.id} has no legal basis {basis[:80]!r}", todo=f"name one of: {known}")
    if until <= at:
        raise InputError("a grace ends after now", where="until", todo="write a later instant")
    if len(agreement.graces) >= MAX_GRACES:
        raise InputError(f"a version takes {MAX_GRACES} graces", where=agreement.id, todo="amend the agreement")
    for party in parties:
        if party.uri not in agreement.joined:
            raise ForbiddenError(f"{party.name} is not bound by {agreement.id}", where="parties")
        entry = found.entry_for(country=party.country, kind=party.kind)
        if entry is None or entry.valid_until is None:
            raise InputError(
                f"the legal basis {basis} {'does not end' if entry else 'was never given'} for {party.name}",
                where="parties",
                todo="a grace prolongs what lapses, and makes no legal basis",
            )
        if until > entry.valid_until + MAX_GRACE:
            raise InputError(
                f"a grace ends at most {MAX_GRACE // DAY} days after the lapse: "
                f"for {party.name} by {format_instant(entry.valid_until + MAX_GRACE)}",
                where="until",
                todo="amend the agreement",
            )


def going_on(new: Activated, old: Activated | None, parties: Mapping[str, Party], at: Micros) -> dict[int, Grace]:
    """Return the graces that a version brings along from the one that it supersedes, by their numbers there.

    A grace goes on as it was given, to the same instant and for no other parties, so that a new text neither ends nor
    prolongs it: for those whom both versions bind, where the new one still knows the basis, lets it lapse for them
    before the grace ends, and could be given the same grace.

    Args:
        new: what comes into force, with everybody who signed it or is carried.
        old: what it supersedes, if anything was in force.
        parties: all of the hub's, by URI.
        at: now.
    """
    found: dict[int, Grace] = {}
    for grace in old.graces if old is not None else ():
        basis = new.document.basis(grace.basis)
        if basis is None or grace.until <= at:
            continue
        whom = set()
        for uri in grace.parties & new.joined:
            entry = basis.entry_for(country=parties[uri].country, kind=parties[uri].kind)
            ends = None if entry is None else entry.valid_until
            if ends is not None and ends < grace.until <= ends + MAX_GRACE:
                whom.add(uri)
        if whom:
            found[grace.number] = msgspec.structs.replace(grace, parties=frozenset(whom), number=len(found) + 1)
    return found


def _amended(new: Standing, old: Standing | None) -> Standing:
    amends = new.activated.amends
    if amends is None:
        raise TransitionError(f"{new.activated.id} was not proposed as an amendment", todo="activate it")
    if old is None or old.activated.document.version != amends or old.status is not AgreementStatus.IN_FORCE:
        raise TransitionError(
            f"{new.activated.id} amends version {amends}, which is not in force now",
            todo="propose what amends the version in force",
        )
    return old


def _period_ends(new: Standing, old: Standing) -> Micros:
    terms = old.activated.document.amend_by
    return new.proposed_at + (terms.objection_period if terms is not None else 0)


def _lacks(one: Counted) -> str:
    whom = f"members that are {one.kind}" if one.kind is not None else "members"
    return (
        f"of {one.members} {whom} {one.signed} signed and {one.objected} object: more than {float(one.more_than):g} of "
        "them must sign, and fewer object than sign"
    )
