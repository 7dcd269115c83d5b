"""What verdicts rest on besides reader and label: made once for all readers that stand on the same agreements.

A thousand members of one agreement share one ground; only the instant until which it holds is each reader's own.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import cedarpy
import msgspec

from tocsin.agreements.annexes.model import annex_id
from tocsin.agreements.cedar import NAMESPACE, Policy, Uid, schema, uid
from tocsin.agreements.compile import basis_id, left_id, persons_of, policy_id
from tocsin.agreements.document import Onward
from tocsin.agreements.hub_rules import GRANT_RULES, hub_policies
from tocsin.agreements.model import Effect, Reason
from tocsin.kernel.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tocsin.agreements.facts import Activated, Facts
    from tocsin.kernel.clock import Micros

__all__ = ["Ground", "Rules", "ground_for", "truths_of", "turns_at"]

Rules: TypeAlias = tuple[tuple[str, ...], frozenset[str], frozenset[tuple[str, str]]]
"""Texts of policies, ids of those that keep within an organisation, and which annex each of some is of."""

_INSIDE: Final = frozenset({Onward.NONE, Onward.OWN_ORGANISATION})
_SLICE_DOMAIN: Final = "tocsin/slice/v1"
# Sets of policies that stay parsed: readers of a hub stand on few, and change them seldom.
_PARSED: Final = 32
# A party that a policy names, as `quoted` writes it: escapes stay as they are, and no quote is left bare.
_NAMED: Final = re.compile(rf'{NAMESPACE}::Party::"([^"]*)"')


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """Policies and facts that apply to the readers of some parties. Two with the same digest give the same verdicts.

    It is itself alone and equal to no other, so that what was decided on it can be kept by it
    (``tocsin.agreements.classes``).
    """

    policies: tuple[Policy, ...]
    digest: bytes
    parents: Mapping[str, tuple[Uid, ...]]  # of the parties that matter, by URI
    mentioned: frozenset[str]  # what policies name as a party, as it is quoted there
    persons: frozenset[str]  # the addresses of whom policies name in person
    policy_set: cedarpy.PolicySet
    entities: cedarpy.Entities
    reasons: Mapping[str, Reason]  # by policy id
    inside: frozenset[str]  # ids of the permits that keep what they let out within the recipient's own organisation
    annexes: Mapping[str, str]  # of permits of active emergency annexes, by policy id: the annex's id

    @property
    def rules(self) -> Rules:
        """Return all that decides here, but for who is in what."""
        return tuple(policy.text for policy in self.policies), self.inside, frozenset(self.annexes.items())


def ground_for(party: str, facts: Facts, *, beyond: frozenset[str] = frozenset()) -> Ground:
    """Return what decides for a party's readers at ``facts.at``.

    All members of the same agreements share it: permits are of those, forbids of what binds any of their members.
    ``beyond`` are other owners whose contributions the readers might read, by grants: what binds those forbids as well.
    """
    joined = [one for one in facts.in_force if party in facts.members[one.id]]
    owners = frozenset({party}).union(*(facts.members[one.id] for one in joined))
    key = (*(tuple(one.id for one in joined) or (party,)), *sorted(beyond - owners))
    kept = facts.grounds.get(key)
    if kept is None:
        owners |= beyond
        # two threads may come here at once: both make the same
        kept = facts.grounds[key] = _make(joined, owners, facts)
    return kept


def _make(joined: Sequence[Activated], owners: frozenset[str], facts: Facts) -> Ground:
    binding = [one for one in facts.in_term if not facts.bound[one.id].isdisjoint(owners)]
    leavers = [(one, gone) for one, gone in facts.departed if one.surviving and not gone.isdisjoint(owners)]
    permits = [policy for one in joined for policy in one.policies if policy.effect is Effect.ALLOW]
    forbids = [policy for one in binding for policy in one.policies if policy.effect is Effect.DENY]
    surviving = [policy for one, _ in leavers for policy in one.surviving]
    policies = (*hub_policies(), *sorted((*permits, *forbids, *surviving), key=lambda policy: policy.id))
    with_forbids = {(policy.agreement, policy.version) for policy in forbids}
    forbidding = [
        (one.id, facts.bound[one.id]) for one in binding if (one.document.name, one.document.version) in with_forbids
    ]
    forbidding += [(left_id(one.document), gone) for one, gone in leavers]
    parents = {uri: tuple(_parents(uri, facts, joined, forbidding)) for uri in sorted(owners)}
    records = [{"uid": uid("Party", uri), "attrs": {}, "parents": above} for uri, above in parents.items()]
    return Ground(
        policies=policies,
        digest=digest(
            _SLICE_DOMAIN,
            {
                # rules of grants decide nothing on this ground alone: a slice that holds grants tells them itself
                "policies": [policy.text for policy in policies if policy.id not in GRANT_RULES],
                "parties": {uri: [f"{one.type}::{one.id}" for one in above] for uri, above in parents.items()},
            },
        ),
        parents=parents,
        mentioned=frozenset(name for policy in policies for name in _NAMED.findall(policy.text)),
        persons=frozenset(
            address
            for one in {one.id: one for one in (*joined, *binding, *(left for left, _ in leavers))}.values()
            for clause in one.document.clauses
            for terms in (clause.to, clause.unless)
            if terms is not None
            for address in persons_of(terms, one.names)
        ),
        policy_set=_parsed("\n".join(policy.text for policy in policies)),
        entities=cedarpy.Entities.from_json_str(msgspec.json.encode(records).decode(), schema()),
        reasons={policy.id: _reason(policy) for policy in policies},
        inside=frozenset(
            policy_id(one.document, clause)
            for one in joined
            for clause in one.document.clauses
            if clause.onward in _INSIDE
        ),
        annexes={
            policy_id(one.document, clause): annex_id(one.document, clause.emergency)
            for one in joined
            for clause in one.document.clauses
            if clause.emergency is not None and clause.emergency in one.active_annexes(facts.at)
        },
    )


@functools.lru_cache(maxsize=_PARSED)
def _parsed(text: str) -> cedarpy.PolicySet:
    """Parse policies; who joins, leaves or changes brings new facts to the same ones."""
    return cedarpy.PolicySet.from_str(text)


def _parents(
    uri: str, facts: Facts, joined: Iterable[Activated], forbidding: Iterable[tuple[str, frozenset[str]]]
) -> Iterator[Uid]:
    """Yield what a party is in, as far as the policies of a ground ask."""
    for one in joined:
        if uri in facts.members[one.id]:
            yield uid("Agreement", one.id)
            for annex in sorted(one.active_annexes(facts.at)):
                yield uid("Annex", annex_id(one.document, annex))
        if one.amends is not None and uri in one.signed:
            yield uid("Signed", one.id)
        asked = {basis for policy in one.policies for basis in policy.legal_basis}
        for basis in one.document.legal_bases:
            if basis.name in asked and facts.holds(basis, uri, one.graces):
                yield uid("Basis", basis_id(one.document, basis.name))
    for binding, bound in forbidding:
        if uri in bound:
            yield uid("Bound", binding)


def truths_of(one: Activated, uris: Iterable[str], facts: Facts) -> cedarpy.Entities:
    """Return all that the clauses of an agreement ask of some parties, members or not.

    A ground holds what is true of members alone, since nothing else can open anything; whoever is told what it lacks
    must not be told that the rest is lacking too.
    """
    records = [
        {"uid": uid("Party", uri), "attrs": {}, "parents": tuple(_truths(one, uri, facts))} for uri in sorted({*uris})
    ]
    return cedarpy.Entities.from_json_str(msgspec.json.encode(records).decode(), schema())


def _truths(one: Activated, uri: str, facts: Facts) -> Iterator[Uid]:
    if uri in facts.members.get(one.id, ()):  # of what is not in force nobody is a member
        yield uid("Agreement", one.id)
    if one.amends is not None and uri in one.signed:
        yield uid("Signed", one.id)
    for annex in sorted(one.active_annexes(facts.at)):
        yield uid("Annex", annex_id(one.document, annex))
    for basis in one.document.legal_bases:
        if facts.holds(basis, uri, one.graces):
            yield uid("Basis", basis_id(one.document, basis.name))


def turns_at(party: str, facts: Facts, *, beyond: frozenset[str] = frozenset()) -> Micros | None:
    """Return the next instant at which anything that a party's ground is made of changes by the mere passing of time.

    Terms, legal bases, graces, annexes and departures of every agreement that the party joined, in force or not;
    clearances of those who joined with it, where membership asks for one; terms and departures of agreements with
    forbids that bind such a fellow, or one of those ``beyond``, or did until it left.
    """
    joined = [one for one in facts.agreements if party in one.joined]
    fellows = frozenset({party}).union(*(one.joined for one in joined))
    key = (*(tuple(one.id for one in joined) or (party,)), *sorted(beyond - fellows))
    if key not in facts.turns:
        fellows |= beyond
        facts.turns[key] = facts.next_of(_instants(joined, fellows, facts))
    own = facts.parties.get(party)
    return facts.next_of((facts.turns[key], own.clearance_until if own is not None else None))


def _instants(joined: Sequence[Activated], fellows: frozenset[str], facts: Facts) -> Iterator[Micros | None]:
    ids = {one.id for one in joined}
    for one in (*facts.agreements, *facts.former):
        forbids = any(policy.effect is Effect.DENY for policy in one.policies)
        if one.id not in ids and forbids and not one.joined.isdisjoint(fellows):
            yield from (one.document.starts, one.document.ends, *one.left.values())
    for one in joined:
        yield from one.instants()
        if any(entry.criteria is not None and entry.criteria.clearance is not None for entry in one.document.parties):
            yield from (facts.parties[uri].clearance_until for uri in one.joined if uri in facts.parties)


def _reason(policy: Policy) -> Reason:
    return Reason(
        agreement=policy.agreement,
        version=policy.version,
        clause=policy.clause,
        legal_basis=policy.legal_basis,
        effect=policy.effect,
        policy_id=policy.id,
    )
