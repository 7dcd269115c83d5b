"""Labels and readers that no policy can tell apart are decided once.

Policies compare parties with each other, with those that they name, and ask what a party is in; of recipients they ask
whether there are any and whether the reader is among them. So two questions have the same answer when

- the labels are equal but for owner and recipients;
- the owners are the same, or no policy names either and both are in the same agreements, bases and bonds;
- likewise the readers' parties, and the readers are equal but for party and name;
- the owner is the reader's own party in both, or in neither;
- recipients are named in both or neither, and are the reader's party, or the reader in person, in both or neither.

Cedar decides one question of each class, a real one, and its answer holds for the others. That this is so is a law that
the tests hold against Cedar, question by question (docs/adr/0070).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

from tocsin.agreements.cedar import quoted
from tocsin.agreements.gate import Slice, decide
from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tocsin.agreements.ground import Ground
    from tocsin.agreements.model import Label, Profile

__all__ = ["Decided", "Kinds", "opened"]

# Answers on one ground. A hub has some classes of readers and some hundreds of labels' for each; a ground that has this
# many serves readers whom everything tells apart, and begins anew.
MAX_CLASSES: Final = 500_000

Standing: TypeAlias = tuple[str, ...]
"""A party as policies see it: its own name where one names it, else all that it is in."""

ReaderClass: TypeAlias = "tuple[Standing, bool, Profile]"
LabelClass: TypeAlias = "tuple[int, Standing, int]"
Decided: TypeAlias = "dict[ReaderClass, dict[LabelClass, bool]]"

_OWN: Final = 1
_NAMED: Final = 2
_TO_PARTY: Final = 4
_IN_PERSON: Final = 8


class _Known(NamedTuple):
    kind: int
    owner: str
    recipients: frozenset[str]


class Kinds:
    """The labels of one store, each with the number of its kind: equal but for owner and recipients."""

    def __init__(self) -> None:
        self._numbers: dict[Label, int] = {}
        self._known: dict[int, _Known] = {}
        self._next = itertools.count()

    def of(self, label_id: int, label: Label) -> _Known:
        """Return what tells this label from others; the same id must always be the same label."""
        known = self._known.get(label_id)
        if known is None:
            # an address that Cedar could not hold would be an error of its own: such a label is alone of its kind
            odd = any(not address.isascii() for address in label.recipients)
            bare = label if odd else msgspec.structs.replace(label, owner="", recipients=frozenset())
            # drawn before it is entered: of two threads one wins, and the number of the other is nobody's
            kind = self._numbers.setdefault(bare, next(self._next))
            known = self._known[label_id] = _Known(kind, label.owner, label.recipients)
        return known


def opened(slice_: Slice, profile: Profile, labels: Mapping[int, Label], kinds: Kinds) -> frozenset[int]:
    """Return those of some labels, by id, that are open to a reader: what ``decide`` says of each, once a class."""
    ground = slice_.ground
    decided = ground.decided.setdefault(_reader_class(ground, profile), {})
    allowed: list[int] = []
    asked: dict[LabelClass, list[int]] = {}
    for label_id, key in _classes(ground, profile, labels, kinds):
        answer = decided.get(key)
        if answer is None:
            asked.setdefault(key, []).append(label_id)
        elif answer:
            allowed.append(label_id)
    if asked:
        first = [labels[ids[0]] for ids in asked.values()]
        for (key, ids), verdict in zip(asked.items(), decide(slice_, profile, first), strict=True):
            decided[key] = verdict.allows
            if verdict.allows:
                allowed.extend(ids)
        if sum(map(len, list(ground.decided.values()))) > MAX_CLASSES:
            ground.decided.clear()
    return frozenset(allowed)


def _classes(
    ground: Ground, profile: Profile, labels: Mapping[int, Label], kinds: Kinds
) -> Iterator[tuple[int, LabelClass]]:
    addresses = profile.addresses
    stands: dict[str, Standing] = {}
    for label_id, label in labels.items():
        kind, owner, recipients = kinds.of(label_id, label)
        standing = stands.get(owner)
        if standing is None:
            standing = stands[owner] = _standing(ground, owner)
        relation = _OWN if owner == profile.party else 0
        if recipients:
            met = addresses & recipients
            relation |= (
                _NAMED | (_TO_PARTY if profile.party in met else 0) | (_IN_PERSON if met - {profile.party} else 0)
            )
        yield label_id, (kind, standing, relation)


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
