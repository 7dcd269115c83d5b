"""Clauses that can never do anything, and clauses that say opposite things of the same. Pure.

What follows from the words alone holds for every reader and object that there could be; what is said of the parties
there are is so at one instant, and says so. Nothing here is certain to be everything that is wrong with a document.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.compile import persons_of
from tocsin.agreements.document import Onward, Then, Verb
from tocsin.agreements.facts import could_read
from tocsin.agreements.model import Tlp, user_address
from tocsin.agreements.shapes import apart, clause_shape, label_shape, reader_shape, within
from tocsin.kernel.clock import format_instant
from tocsin.parties.model import PURPOSES, UserStatus
from tocsin.scrub.plans import PLANS

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from tocsin.agreements.document import AgreementDocument, Clause
    from tocsin.agreements.facts import Activated, Facts
    from tocsin.parties.model import Party, User

__all__ = ["Finding", "Kind", "contradictions", "without_effect"]


_DOES: Final = {Verb.PERMIT: "permits", Verb.FORBID: "forbids", Verb.TOTAL: "totals"}


class Kind(enum.StrEnum):
    """What is the matter with a clause."""

    NEVER = "never"  # it cannot do anything, whoever reads whatever
    FORBIDDEN = "forbidden"  # all that it permits is forbidden
    NEEDLESS = "needless"  # another clause says as much
    OPPOSITE = "opposite"  # another clause says otherwise of the same objects
    NOBODY = "nobody"  # it could, but nobody is there for whom it does


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One clause, what is the matter with it, and the clause that it stands against, if there is one."""

    clause: str
    kind: Kind
    text: str
    against: str | None = None  # its id; of another agreement, agreement/version/clause


def contradictions(document: AgreementDocument) -> tuple[Finding, ...]:
    """Return what the words of a document alone show."""
    found: list[Finding] = []
    for index, clause in enumerate(document.clauses):
        found += _never(document, clause)
        if clause.verb in (Verb.PERMIT, Verb.TOTAL):
            found += _forbidden(document, clause)
        if clause.verb in (Verb.PERMIT, Verb.FORBID, Verb.TOTAL):
            found += _needless(document, index)
        if clause.verb is Verb.RETAIN:
            found += _retained(document, index)
    return tuple(found)


def _never(document: AgreementDocument, clause: Clause) -> Iterator[Finding]:
    def never(text: str) -> Finding:
        return Finding(clause=clause.id, kind=Kind.NEVER, text=text)

    shape = clause_shape(document, clause)
    purposes = shape.of.get("reader purpose")
    if purposes is not None and purposes.isdisjoint(PURPOSES):
        yield never("no credential has a purpose that it names")
    if shape.of.get("category", frozenset()) and shape.of["category"] <= shape.lacks:
        yield never("no object has and lacks a category")
    if clause.publish is not None and clause.publish.sanitised not in PLANS:
        yield never(f"there is no plan {clause.publish.sanitised}")
    if clause.publish is not None and clause.publish.tlp is Tlp.RED:
        yield never("TLP:RED is for individuals, and nothing is published to them")
    if clause.verb is Verb.TOTAL and shape.of["tlp"] <= {Tlp.RED}:
        yield never("TLP:RED is for individuals, and in no total")


def _forbidden(document: AgreementDocument, clause: Clause) -> Iterator[Finding]:
    """Yield the forbids of the same document that leave nothing of a permit: whoever is a member is bound by them."""
    for other in document.clauses:
        if other.verb is Verb.FORBID and _covered(document, clause, document, other):
            yield Finding(
                clause=clause.id,
                kind=Kind.FORBIDDEN,
                text=f"all that it {_DOES[clause.verb]} is forbidden by clause {other.id}",
                against=other.id,
            )


def _covered(document: AgreementDocument, permit: Clause, theirs: AgreementDocument, forbid: Clause) -> bool:
    """Return whether a forbid certainly leaves nothing of a permit to whom it binds."""
    shape = clause_shape(document, permit)
    if not within(shape, clause_shape(theirs, forbid)):
        return False
    return forbid.unless is None or apart(shape, reader_shape(forbid.unless))


def _needless(document: AgreementDocument, index: int) -> Iterator[Finding]:
    """Yield the clauses that say all that one says; of two that say the same, the later is needless."""
    clause = document.clauses[index]
    shape = clause_shape(document, clause)
    for place, other in enumerate(document.clauses):
        if place == index or other.verb is not clause.verb:
            continue
        theirs = clause_shape(document, other)
        if not within(shape, theirs) or not _says_as_much(clause, other):
            continue
        same = within(theirs, shape) and _says_as_much(other, clause)
        if not same or place < index:
            yield Finding(
                clause=clause.id,
                kind=Kind.NEEDLESS,
                text=f"clause {other.id} {_DOES[clause.verb]} all that it does",
                against=other.id,
            )


def _says_as_much(clause: Clause, other: Clause) -> bool:
    """Return whether another clause of the same verb, which covers as much, leaves a clause nothing of its own."""
    if clause.verb is Verb.PERMIT:
        return (clause.onward or Onward.AS_MARKED) is (other.onward or Onward.AS_MARKED)
    if clause.verb is Verb.TOTAL:
        return (other.at_least or 0) <= (clause.at_least or 0)
    if other.unless is None:
        return True
    return clause.unless is not None and within(reader_shape(other.unless), reader_shape(clause.unless))


def _retained(document: AgreementDocument, index: int) -> Iterator[Finding]:
    clause = document.clauses[index]
    for other in document.clauses[index + 1 :]:
        if other.retain is None or clause.retain is None or clause.retain == other.retain:
            continue
        here, there = (label_shape(one.of, silent=False) for one in (clause, other))
        if within(here, there) or within(there, here):
            both_purge = clause.retain.then is other.retain.then is Then.PURGE
            text = "the first that is due purges" if both_purge else "neither delays the other"
            yield Finding(
                clause=clause.id,
                kind=Kind.OPPOSITE,
                text=f"clause {other.id} keeps the same objects for another time: {text}",
                against=other.id,
            )


# --- those who are there ---------------------------------------------------------------------------------------------


def without_effect(one: Activated, facts: Facts, users: Mapping[str, Sequence[User]]) -> tuple[Finding, ...]:
    """Return the clauses that do nothing among those who would be members, at ``facts.at``, and why.

    Args:
        one: a version in force in these facts.
        facts: what would be true.
        users: of each party, by its URI.
    """
    members = [facts.parties[uri] for uri in sorted(facts.members.get(one.id, ()))]
    found: list[Finding] = []
    for clause in one.document.clauses:
        if clause.verb in (Verb.PERMIT, Verb.REVEAL, Verb.TOTAL):
            found += (
                Finding(clause=clause.id, kind=Kind.NOBODY, text=text)
                for text in _lacks(one, clause, members, facts, users)
            )
        if clause.verb in (Verb.PERMIT, Verb.TOTAL):
            found += (
                Finding(
                    clause=clause.id,
                    kind=Kind.FORBIDDEN,
                    text=f"all that it {_DOES[clause.verb]} clause {forbid.id} of {theirs.id} forbids, which binds "
                    "every member",
                    against=f"{theirs.id}/{forbid.id}",
                )
                for theirs, forbid in _elsewhere(one, facts, members)
                if _covered(one.document, clause, theirs.document, forbid)
            )
    return tuple(found)


def _lacks(
    one: Activated, clause: Clause, members: Sequence[Party], facts: Facts, users: Mapping[str, Sequence[User]]
) -> Iterator[str]:
    """Yield what leaves a clause without readers, or without owners."""
    when = f"at {format_instant(facts.at)}"
    readers = [party for party in members if _reads(one, clause, party, facts, users)]
    named = None if clause.of.owner is None else {one.names.get(name) for name in clause.of.owner}
    owners = [party for party in members if named is None or party.uri in named]
    if not readers:
        yield f"no member meets what it asks of a reader {when}"
    if not owners:
        yield "none of the owners that it names would be a member"
    for name in clause.rests_on:
        basis = one.document.basis(name)
        ends = [
            any(basis is not None and facts.holds(basis, party.uri, one.graces) for party in some)
            for some in (readers, owners)
        ]
        if readers and owners and not all(ends):
            yield f"the legal basis {name} holds for no {'owner' if ends[0] else 'reader'} {when}"


def _elsewhere(one: Activated, facts: Facts, members: Sequence[Party]) -> Iterator[tuple[Activated, Clause]]:
    """Yield the forbids of other agreements that name no party, and bind every member."""
    uris = {party.uri for party in members}
    for other in facts.in_term:
        if other.id == one.id or not uris or not uris <= facts.bound[other.id]:
            continue
        for clause in other.document.clauses:
            shape = clause_shape(other.document, clause)
            # the same short name can be another party there, or the same basis another law
            named = {"owner", "reader parties", "reader persons"}
            if clause.verb is Verb.FORBID and shape.of.keys().isdisjoint(named):
                yield other, clause


def _reads(one: Activated, clause: Clause, party: Party, facts: Facts, users: Mapping[str, Sequence[User]]) -> bool:
    """Return whether a party, or a user of it where a person is asked for, could be the reader of a permit."""
    terms = clause.to
    if not could_read(terms, one.names, party, facts.at):
        return False
    if terms.role is None and terms.nationality is None and terms.persons is None:
        return True
    roles = None if terms.role is None else frozenset(terms.role)
    persons = None if terms.persons is None else set(persons_of(terms, one.names))
    return any(
        _is(user, roles, terms.nationality) and (persons is None or user_address(user.name, user.party) in persons)
        for user in users.get(party.uri, ())
    )


def _is(user: User, role: frozenset[str] | None, nationality: Container[str | None] | None) -> bool:
    return (
        user.status is UserStatus.ACTIVE
        and (role is None or not user.roles.isdisjoint(role))
        and (nationality is None or user.nationality in nationality)
    )
