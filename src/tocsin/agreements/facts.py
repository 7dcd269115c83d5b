"""What is true at one instant: who is a member of what, who is bound by what, which legal basis holds for whom."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import msgspec

from tocsin.agreements.cedar import Policy
from tocsin.agreements.document import AgreementDocument, LegalBasis, ReaderTerms
from tocsin.kernel.clock import Micros
from tocsin.parties.model import Party, PartyStatus, clearance_rank, effective_clearance

__all__ = ["Activated", "Facts", "eligible", "meets"]


class Activated(msgspec.Struct, frozen=True, kw_only=True):
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

    def holds(self, basis: LegalBasis, uri: str) -> bool:
        """Return whether a legal basis is valid for a party now; what a document does not mention is not."""
        party = self.parties.get(uri)
        if party is None:
            return False
        entry = basis.entry_for(country=party.country, kind=party.kind)
        return entry is not None and entry.holds(self.at)


def eligible(agreement: Activated, party: Party, at: Micros) -> bool:
    """Return whether an agreement names a party, or the party meets one of its criteria."""
    return any(
        agreement.names.get(entry.name) == party.uri
        if entry.name is not None
        else entry.criteria is not None and meets(entry.criteria, party, at)
        for entry in agreement.document.parties
    )


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
