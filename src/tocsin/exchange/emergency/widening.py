"""Which labels an annex opens to anybody: its members are asked, one of each kind that policies can tell apart.

The gate decides each question, as it does when a page is made; nothing is worked out here of what a clause may mean.
Readers who differ only in what no policy of theirs asks have the same answers, and so have labels (docs/adr/0070): of
each kind of reader one is asked, and another for what is the first one's own. What is addressed is asked of those to
whom it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.annexes.opened import opened_by_annexes
from tocsin.agreements.classes import reader_class, standing_of
from tocsin.agreements.compile import purposes_of
from tocsin.agreements.gate import profile_of, slice_for
from tocsin.agreements.terms import SILENT_TLP
from tocsin.parties.model import Party, User, UserStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tocsin.agreements.document import AgreementDocument, Clause
    from tocsin.agreements.facts import Facts
    from tocsin.agreements.gate import Slice
    from tocsin.agreements.model import Label, Profile
    from tocsin.agreements.placed import Standing

__all__ = ["Situation", "widened"]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """An active annex among its members: ``users`` by their party's URI, ``labels`` those of all that is offered."""

    document: AgreementDocument
    annex: str
    annex_id: str
    facts: Facts
    users: Mapping[str, Sequence[User]]
    labels: Mapping[int, Label]

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Return the clauses that make it up."""
        return tuple(clause for clause in self.document.clauses if clause.emergency == self.annex)

    @property
    def members(self) -> frozenset[str]:
        """Return the members of the agreement, by URI."""
        return self.facts.members.get(self.document.id, frozenset())


def widened(situation: Situation) -> Iterator[frozenset[int]]:
    """Yield labels that the annex alone opens to somebody, as they are found; each label once."""
    left = {label_id: label for label_id, label in situation.labels.items() if _covered(situation, label)}
    addressed = {label_id: label for label_id, label in left.items() if label.recipients}
    plain = {label_id: label for label_id, label in left.items() if not label.recipients}
    asked: dict[object, str | None] = {}  # by kind of reader: the first one's party, until another's was asked too
    for profile in _everybody(situation):
        if not plain:
            break
        slice_ = slice_for(profile, situation.facts)
        kind = slice_.digest, reader_class(slice_.ground, profile)
        if kind not in asked:
            asked[kind], meant = profile.party, plain
        elif (first := asked[kind]) is not None and first != profile.party:
            # what is the first one's own, whom nothing had to open it
            asked[kind], meant = None, {label_id: label for label_id, label in plain.items() if label.owner == first}
        else:
            continue
        if found := _opened(situation, slice_, profile, meant):
            yield found
            plain = {label_id: label for label_id, label in plain.items() if label_id not in found}
    yield from _addressed(situation, addressed)


def _covered(situation: Situation, label: Label) -> bool:
    """Return whether a clause may mean a label: only what is plain without the gate, so that it is asked less."""
    if (
        label.owner not in situation.members
        or label.grant is not None
        or label.as_of(situation.facts.at).unknown_marking
    ):
        return False
    return any(
        label.tlp in (SILENT_TLP if clause.of.tlp is None else clause.of.tlp.values)
        and (clause.of.type is None or label.type in clause.of.type)
        for clause in situation.clauses
    )


def _profiles(situation: Situation, party: Party, users: Iterable[User | None]) -> Iterator[Profile]:
    purposes = sorted({one for clause in situation.clauses for one in purposes_of(situation.document, clause)})
    for user in users:
        for purpose in purposes:
            seen = set()
            for capacity in (None, *sorted(party.capacities)):
                profile = profile_of(party, user, purpose, situation.facts.at, capacity=capacity)
                if profile.acts_as not in seen:
                    seen.add(profile.acts_as)
                    yield profile


def _active(situation: Situation, uri: str) -> tuple[User, ...]:
    return tuple(user for user in situation.users.get(uri, ()) if user.status is UserStatus.ACTIVE)


def _everybody(situation: Situation) -> Iterator[Profile]:
    for uri in sorted(situation.members):
        yield from _profiles(situation, situation.facts.parties[uri], (None, *_active(situation, uri)))


def _standing(slice_: Slice, party: str) -> Standing:
    return standing_of(slice_.ground.mentioned, slice_.ground.parents, party)


def _opened(situation: Situation, slice_: Slice, profile: Profile, labels: Mapping[int, Label]) -> frozenset[int]:
    """Return which of these unaddressed labels the annex alone opens to a reader; one of each kind is asked."""
    kinds: dict[object, list[int]] = {}
    for label_id, label in labels.items():
        if label.owner != profile.party:
            bare = msgspec.structs.replace(label, owner="", ends=None)
            kinds.setdefault((bare, _standing(slice_, label.owner)), []).append(label_id)
    asked = {ids[0]: labels[ids[0]] for ids in kinds.values()}
    by = opened_by_annexes(slice_, profile, asked)
    return frozenset(label_id for ids in kinds.values() if situation.annex_id in by.get(ids[0], ()) for label_id in ids)


def _addressed(situation: Situation, labels: Mapping[int, Label]) -> Iterator[frozenset[int]]:
    to: dict[str, dict[int, Label]] = {}
    for label_id, label in labels.items():
        for address in label.recipients:
            to.setdefault(address, {})[label_id] = label
    found: set[int] = set()
    for uri in sorted(situation.members):
        party, users = situation.facts.parties[uri], _active(situation, uri)
        meant: dict[int, Label] = dict(to.get(uri, {}))
        for user in users:
            meant |= to.get(f"{user.name}@{uri}", {})
        if not meant:
            continue
        for profile in _profiles(situation, party, (None, *users)):
            asked = {label_id: label for label_id, label in meant.items() if label_id not in found}
            by = opened_by_annexes(slice_for(profile, situation.facts), profile, asked)
            new = frozenset(label_id for label_id, annexes in by.items() if situation.annex_id in annexes)
            if new:
                found |= new
                yield new
