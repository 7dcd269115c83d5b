"""What is true at one instant: who is a member of what, who is bound by what, which legal basis holds for whom."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.cedar import Policy
from tocsin.agreements.document import AgreementDocument, LegalBasis, ReaderTerms
from tocsin.kernel.clock import Micros
from tocsin.parties.model import Party, PartyStatus, clearance_rank, effective_clearance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tocsin.agreements.ground import Ground

__all__ = ["Activated", "Facts", "eligible", "meets"]


class Activated(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A version of an agreement that was activated and not superseded; its term may lie ahead, or be over.

    ``names`` are the URIs of the parties that the document mentions, as they were when it was proposed. ``signed``
    are the parties whose signatory signed this version; each was eligible when it did.
    """

    document: AgreementDocument
    names: dict[str, str]
    signed: frozenset[str]
    policies: tuple[Policy, ...]

    @property
    def id(self) -> str:
        """Return ``name/version``."""
        return self.document.id

    @functools.cached_property
    def named(self) -> frozenset[str]:
        """Return the URIs of the parties that the document names one by one."""
        return frozenset(self.names[entry.name] for entry in self.document.parties if entry.name in self.names)

    @functools.cached_property
    def criteria(self) -> tuple[ReaderTerms, ...]:
        """Return the criteria of which a party may meet any."""
        return tuple(entry.criteria for entry in self.document.parties if entry.criteria is not None)


class Facts(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All that a verdict rests on besides reader and label. ``parties`` are all of the hub's, by URI.

    What follows from them is worked out once (``dict`` gives it a place).
    """

    at: Micros
    parties: Mapping[str, Party]
    agreements: tuple[Activated, ...]

    @functools.cached_property
    def in_force(self) -> tuple[Activated, ...]:
        """Return the agreements whose term the instant lies in."""
        return tuple(one for one in self.agreements if one.document.in_term(self.at))

    @functools.cached_property
    def members(self) -> Mapping[str, frozenset[str]]:
        """Return the members of each agreement in force, by its id.

        A member is named or meets criteria now, is vetted, and its own signatory signed this version.
        """
        return {
            one.id: frozenset(
                uri
                for uri in one.signed
                if (party := self.parties.get(uri)) is not None
                and party.status is PartyStatus.VETTED
                and eligible(one, party, self.at)
            )
            for one in self.in_force
        }

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
            in_force=self.in_force, members=self.members, until=self.until, grounds=self.grounds, turns=self.turns
        )
        return moved

    def next_of(self, instants: Iterable[Micros | None]) -> Micros | None:
        """Return the first of some instants that lies ahead."""
        return min((instant for instant in instants if instant is not None and instant > self.at), default=None)

    def _instants(self) -> Iterator[Micros | None]:
        for party in self.parties.values():
            yield party.clearance_until
        for one in self.agreements:
            yield from (one.document.starts, one.document.ends)
            for basis in one.document.legal_bases:
                for entry in basis.entries:
                    yield from (entry.valid_from, entry.valid_until)

    def holds(self, basis: LegalBasis, uri: str) -> bool:
        """Return whether a legal basis is valid for a party now; what a document does not mention is not."""
        party = self.parties.get(uri)
        if party is None:
            return False
        entry = basis.entry_for(country=party.country, kind=party.kind)
        return entry is not None and entry.holds(self.at)


def eligible(agreement: Activated, party: Party, at: Micros) -> bool:
    """Return whether an agreement names a party, or the party meets one of its criteria."""
    return party.uri in agreement.named or any(meets(criteria, party, at) for criteria in agreement.criteria)


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
