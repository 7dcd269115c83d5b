"""What is true at one instant: who is a member of what, who is bound by what, which legal basis holds for whom."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.annexes.model import Activation
from tocsin.agreements.cedar import Policy
from tocsin.agreements.compile import for_leavers
from tocsin.agreements.document import AgreementDocument, LegalBasis, ReaderTerms
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.model import Effect
from tocsin.kernel.clock import Micros
from tocsin.parties.model import Party, PartyStatus, clearance_rank, effective_clearance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tocsin.agreements.ground import Ground

__all__ = ["Activated", "Facts", "Grace", "could_read", "eligible", "meets"]


class Grace(msgspec.Struct, frozen=True, kw_only=True):
    """A legal basis that lapsed counts as valid for some parties, until an instant."""

    basis: str  # its name in the document
    parties: frozenset[str]  # URIs
    until: Micros
    number: int  # the first of a version is 1


class Activated(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A version of an agreement that was activated and not superseded; its term may lie ahead, or be over.

    ``names`` are the URIs of the parties that the document mentions, as they were when it was proposed. ``signed``
    are the parties whose signatory signed this version; each was eligible when it did. ``carried`` are bound by it
    without that, since it amends a version that they signed or were carried by. ``left`` are those who gave notice,
    each with the instant at which it leaves.
    """

    document: AgreementDocument
    names: dict[str, str]
    signed: frozenset[str]
    policies: tuple[Policy, ...]
    status: AgreementStatus = AgreementStatus.IN_FORCE
    amends: int | None = None  # the version that it amends, if it was proposed as an amendment
    carried: frozenset[str] = frozenset()
    left: Mapping[str, Micros] = msgspec.field(default_factory=dict)
    graces: tuple[Grace, ...] = ()
    annexes: tuple[Activation, ...] = ()  # every activation of an annex of this version, by number

    @property
    def id(self) -> str:
        """Return ``name/version``."""
        return self.document.id

    @functools.cached_property
    def joined(self) -> frozenset[str]:
        """Return the parties that signed this version or were carried into it, whether or not they left since."""
        return self.signed | self.carried

    @property
    def survivors(self) -> tuple[str, ...]:
        """Return the ids of the clauses that bind whoever leaves."""
        return self.document.withdrawal.survives if self.document.withdrawal is not None else ()

    @functools.cached_property
    def surviving(self) -> tuple[Policy, ...]:
        """Return the forbids that bind whoever leaves, as policies of their own."""
        return tuple(
            for_leavers(policy, self.document)
            for policy in self.policies
            if policy.clause in self.survivors and policy.effect is Effect.DENY
        )

    def binds(self, uri: str, at: Micros) -> bool:
        """Return whether a party is bound by the whole of it: it joined, and has not left by then."""
        ends = self.left.get(uri)
        return uri in self.joined and (ends is None or at < ends)

    @functools.cached_property
    def named(self) -> frozenset[str]:
        """Return the URIs of the parties that the document names one by one."""
        return frozenset(self.names[entry.name] for entry in self.document.parties if entry.name in self.names)

    def active_annexes(self, at: Micros) -> frozenset[str]:
        """Return the names of the annexes that are active at an instant, if the version itself is in force then."""
        return frozenset(one.annex for one in self.annexes if one.active(at))

    def instants(self) -> Iterator[Micros | None]:
        """Yield every instant at which what this version opens or closes may change by itself, past ones included."""
        yield from (self.document.starts, self.document.ends)
        yield from self.left.values()
        yield from (grace.until for grace in self.graces)
        for made in self.annexes:
            yield from (made.starts, made.last)
        for basis in self.document.legal_bases:
            for entry in basis.entries:
                yield from (entry.valid_from, entry.valid_until)

    @functools.cached_property
    def criteria(self) -> tuple[ReaderTerms, ...]:
        """Return the criteria of which a party may meet any."""
        return tuple(entry.criteria for entry in self.document.parties if entry.criteria is not None)


class Facts(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All that a verdict rests on besides reader and label. ``parties`` are all of the hub's, by URI.

    ``agreements`` are those in force, suspended or terminated; ``former`` are superseded ones with clauses that bind
    whoever left: of them ``left`` has everybody whom no later version binds, and the rest is of no effect. What follows
    from all this is worked out once (``dict`` gives it a place).
    """

    at: Micros
    parties: Mapping[str, Party]
    agreements: tuple[Activated, ...]
    former: tuple[Activated, ...] = ()

    @functools.cached_property
    def in_term(self) -> tuple[Activated, ...]:
        """Return the agreements whose term the instant lies in, suspended and terminated ones among them."""
        return tuple(one for one in self.agreements if one.document.in_term(self.at))

    @functools.cached_property
    def in_force(self) -> tuple[Activated, ...]:
        """Return the agreements that can permit: neither suspended nor terminated, and in their term."""
        return tuple(one for one in self.in_term if one.status is AgreementStatus.IN_FORCE)

    @functools.cached_property
    def members(self) -> Mapping[str, frozenset[str]]:
        """Return the members of each agreement in force, by its id.

        A member is named or meets criteria now, is vetted, is bound by this version, and has not left.
        """
        return {
            one.id: frozenset(
                uri
                for uri in one.joined
                if (party := self.parties.get(uri)) is not None
                and party.status is PartyStatus.VETTED
                and one.binds(uri, self.at)
                and eligible(one, party, self.at)
            )
            for one in self.in_force
        }

    @functools.cached_property
    def bound(self) -> Mapping[str, frozenset[str]]:
        """Return whom each agreement in its term binds as a whole, by its id, whatever became of their membership."""
        return {one.id: frozenset(uri for uri in one.joined if one.binds(uri, self.at)) for one in self.in_term}

    @functools.cached_property
    def departed(self) -> tuple[tuple[Activated, frozenset[str]], ...]:
        """Return whom the surviving clauses of an agreement bind though they left it; of agreements with such alone."""
        found = []
        for one in (*self.agreements, *self.former):
            if one.survivors and one.document.in_term(self.at):
                gone = frozenset(uri for uri, ends in one.left.items() if uri in one.joined and ends <= self.at)
                if gone:
                    found.append((one, gone))
        return tuple(found)

    @functools.cached_property
    def until(self) -> Micros | None:
        """Return the next instant at which any of this changes by the mere passing of time; None: never."""
        return self.next_of(self._instants())

    @functools.cached_property
    def grounds(self) -> dict[tuple[str, ...], Ground]:
        """Return the place for what was made of these facts (``tocsin.agreements.ground``)."""
        return {}

    @functools.cached_property
    def turns(self) -> dict[tuple[str, ...], Micros | None]:
        """Return the place for what was worked out of when these facts change for whom."""
        return {}

    def moved(self, at: Micros) -> Facts | None:
        """Return the same facts as of another instant, or None where time alone has changed something since.

        What was worked out of them before is shared.
        """
        if at < self.at or (self.until is not None and at >= self.until):
            return None
        moved = msgspec.structs.replace(self, at=at)
        moved.__dict__.update(
            in_term=self.in_term,
            in_force=self.in_force,
            members=self.members,
            bound=self.bound,
            departed=self.departed,
            until=self.until,
            grounds=self.grounds,
            turns=self.turns,
        )
        return moved

    def next_of(self, instants: Iterable[Micros | None]) -> Micros | None:
        """Return the first of some instants that lies ahead."""
        return min((instant for instant in instants if instant is not None and instant > self.at), default=None)

    def _instants(self) -> Iterator[Micros | None]:
        for party in self.parties.values():
            yield party.clearance_until
        for one in (*self.agreements, *self.former):
            yield from one.instants()

    def holds(self, basis: LegalBasis, uri: str, graces: Iterable[Grace] = ()) -> bool:
        """Return whether a legal basis is valid for a party now; what a document does not mention is not.

        ``graces`` are those of the agreement: a basis that lapsed counts as valid for whom one of them names.
        """
        party = self.parties.get(uri)
        if party is None:
            return False
        entry = basis.entry_for(country=party.country, kind=party.kind)
        return entry is not None and (entry.holds(self.at) or self.grace(basis, uri, graces) is not None)

    def grace(self, basis: LegalBasis, uri: str, graces: Iterable[Grace]) -> Grace | None:
        """Return what a basis counts as valid by for a party, though it lapsed; None: nothing."""
        party = self.parties.get(uri)
        entry = None if party is None else basis.entry_for(country=party.country, kind=party.kind)
        if entry is None or entry.holds(self.at) or self.at < entry.valid_from:
            return None
        given = [one for one in graces if one.basis == basis.name and uri in one.parties and self.at < one.until]
        return max(given, key=lambda one: one.until, default=None)


def eligible(agreement: Activated, party: Party, at: Micros) -> bool:
    """Return whether an agreement names a party, or the party meets one of its criteria."""
    return party.uri in agreement.named or any(meets(criteria, party, at) for criteria in agreement.criteria)


def could_read(terms: ReaderTerms, names: Mapping[str, str], party: Party, at: Micros) -> bool:
    """Return whether a party meets what a clause asks of the reader's party; role and person are another question."""
    named = None if not terms.parties else {names.get(name) for name in terms.parties}
    home = None if terms.persons is None else {names.get(person.partition("@")[2]) for person in terms.persons}
    return all(one is None or party.uri in one for one in (named, home)) and meets(terms, party, at)


def meets(criteria: ReaderTerms, party: Party, at: Micros) -> bool:
    """Return whether a party meets every one of the criteria; status and signature are other questions."""

    def some(wanted: tuple[str, ...] | None, has: frozenset[str]) -> bool:
        return wanted is None or not has.isdisjoint(wanted)

    return (
        some(criteria.capacity, party.capacities)
        and some(criteria.sectors, party.sectors)
        and some(criteria.communities, party.communities)
        and some(criteria.countries, frozenset({party.country}))
        and some(criteria.kind, frozenset({party.kind}))
        and some(criteria.data_region, frozenset({party.data_region} if party.data_region is not None else ()))
        and (
            criteria.clearance is None
            or clearance_rank(effective_clearance(party, None, at)) >= clearance_rank(criteria.clearance)
        )
    )
