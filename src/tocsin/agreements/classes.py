"""Labels and readers that no policy can tell apart are decided once.

Policies compare parties with each other, with those that they name, and ask what a party is in; of recipients they ask
whether there are any and whether the reader is among them. So two questions have the same answer when

- the labels are equal but for owner, recipients and grant;
- the owners are the same, or no policy names either and both are in the same agreements, bases and bonds;
- likewise the readers' parties, and the readers are equal but for party and name;
- the owner is the reader's own party in both, or in neither;
- recipients are named in both or neither, and are the reader's party, or the reader in person, in both or neither;
- who reads for a client reads for the same one, and the owner is that client in both, or in neither;
- both are offered for a grant or neither, and the reader holds the grant in both or neither.

Cedar decides one question of each class, a real one, and its answer holds for the others. That this is so is a law that
the tests hold against Cedar, question by question (docs/adr/0070).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.agreements.cedar import quoted
from tocsin.agreements.gate import Slice, decide
from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tocsin.agreements.ground import Ground
    from tocsin.agreements.model import Label, Profile
    from tocsin.agreements.placed import Kinds, Standing

__all__ = ["Decided", "opened"]

# Answers on one ground. A hub has some classes of readers and some hundreds of labels' for each; a ground that has this
# many serves readers whom everything tells apart, and begins anew.
MAX_CLASSES: Final = 500_000

ReaderClass: TypeAlias = "tuple[Standing, bool, Profile]"
LabelClass: TypeAlias = "tuple[int, Standing, int]"
Decided: TypeAlias = "dict[ReaderClass, dict[LabelClass, bool]]"

_OWN: Final = 1
_NAMED: Final = 2
_TO_PARTY: Final = 4
_IN_PERSON: Final = 8
_HOLDS_GRANT: Final = 16
_OF_CLIENT: Final = 32


def opened(slice_: Slice, profile: Profile, labels: Mapping[int, Label], kinds: Kinds) -> frozenset[int]:
    """Return those of some labels, by id, that are open to a reader: what ``decide`` says of each, once a class."""
    if profile.acts_as is not None or profile.client is not None:
        # who is judged twice is in no class: each question is put by itself
        each = zip(labels, decide(slice_, profile, list(labels.values())), strict=True)
        return frozenset(label_id for label_id, verdict in each if verdict.allows)
    ground = slice_.ground
    decided = ground.decided.setdefault(_reader_class(ground, profile), {})
    allowed: list[frozenset[int]] = []
    asked: dict[LabelClass, frozenset[int]] = {}
    for key, ids in _classes(slice_, profile, labels, kinds):
        answer = decided.get(key)
        if answer is None:
            asked[key] = ids
        elif answer:
            allowed.append(ids)
    if asked:
        first = [labels[next(iter(ids))] for ids in asked.values()]
        for (key, ids), verdict in zip(asked.items(), decide(slice_, profile, first), strict=True):
            decided[key] = verdict.allows
            if verdict.allows:
                allowed.append(ids)
        if sum(map(len, list(ground.decided.values()))) > MAX_CLASSES:
            ground.decided.clear()
    return frozenset[int]().union(*allowed)


def _classes(
    slice_: Slice, profile: Profile, labels: Mapping[int, Label], kinds: Kinds
) -> Iterator[tuple[LabelClass, frozenset[int]]]:
    """Yield each class that some labels fall into, and which of them do.

    A thousand readers who ask about the same labels differ in few of them: their own, and what is addressed.
    """
    ground = slice_.ground
    placed = ground.places.holding(labels, kinds, partial(_standing, ground))
    wanted = frozenset(labels)
    own = placed.owned.get(profile.party, frozenset[int]())
    if profile.client is not None:
        own |= placed.owned.get(profile.client.party, frozenset())
    apart = wanted & (placed.addressed | own)
    plain = wanted - apart
    for (kind, standing), ids in placed.plain.items():
        if present := ids & plain:
            yield (kind, standing, 0), present
    by_class: dict[LabelClass, set[int]] = {}
    for label_id in apart:
        known = kinds.of(label_id, labels[label_id])
        relation = _relation(profile, known.owner, known.recipients)
        if known.grant in slice_.grants:  # whatever is offered for a grant is addressed, and so among these
            relation |= _HOLDS_GRANT
        key = (known.kind, _standing(ground, known.owner), relation)
        by_class.setdefault(key, set()).add(label_id)
    # what is addressed to somebody is in no class with what is not, so that no class comes twice
    yield from ((key, frozenset(ids)) for key, ids in by_class.items())


def _relation(profile: Profile, owner: str, recipients: frozenset[str]) -> int:
    relation = _OWN if owner == profile.party else 0
    if profile.client is not None and owner == profile.client.party:
        relation |= _OF_CLIENT
    if recipients:
        met = profile.addresses & recipients
        relation |= _NAMED | (_TO_PARTY if profile.party in met else 0) | (_IN_PERSON if met - {profile.party} else 0)
    return relation


def _reader_class(ground: Ground, profile: Profile) -> ReaderClass:
    alike = msgspec.structs.replace(profile, party="", user=None)
    return _standing(ground, profile.party), profile.user is not None, alike


def _standing(ground: Ground, party: str) -> Standing:
    try:
        name = quoted(party)[1:-1]
    except InputError:
        return (party,)
    if name in ground.mentioned:
        return (party,)
    return tuple(f"{above.type}::{above.id}" for above in ground.parents.get(party, ()))
