"""Labels and readers that no policy can tell apart are decided once.

Policies compare parties with each other, with those that they name, and ask what a party is in; of recipients they ask
whether there are any and whether the reader is among them. So two questions have the same answer when

- the labels are equal but for owner, recipients and grant;
- whom a policy names in person is in no class with anybody else;
- the owners are the same, or no policy names either and both are in the same agreements, bases and bonds;
- likewise the readers' parties, and the readers are equal but for party and name;
- the owner is the reader's own party in both, or in neither;
- recipients are named in both or neither, and are the reader's party, or the reader in person, in both or neither;
- who reads for a client reads for the same one, and the owner is that client in both, or in neither;
- who acts in some capacities acts in the same ones of the same;
- both are offered for a grant or neither, and the reader holds the grant in both or neither.

Cedar decides one question of each class, a real one, and its answer holds for the others. What a party is in stands in
the class and not on the ground alone, so that answers outlive it: who joins or leaves brings a new ground, and where
its rules are the same, so are its answers. That this is so is a law that the tests hold against Cedar, question by
question (docs/adr/0070).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary, WeakValueDictionary

import msgspec

from tocsin.agreements.annexes.opened import annexes_of
from tocsin.agreements.cedar import quoted
from tocsin.agreements.gate import Slice, decide
from tocsin.agreements.model import user_address
from tocsin.agreements.placed import Kinds, Places
from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tocsin.agreements.cedar import Uid
    from tocsin.agreements.ground import Ground, Rules
    from tocsin.agreements.model import Label, Profile
    from tocsin.agreements.placed import Known, Standing

__all__ = ["Classes", "ReaderClass", "reader_class", "standing_of"]

# Answers by the same rules. A hub has some classes of readers and some hundreds of labels' for each; rules that have
# this many serve readers whom everything tells apart, and begin anew.
MAX_CLASSES: Final = 500_000

ReaderClass: TypeAlias = "tuple[Standing, Standing | None, str, Profile]"
LabelClass: TypeAlias = "tuple[int, Standing, int]"
# None: shut. Else open, by the emergency annexes that are named, or, where none is, without any.
Answer: TypeAlias = "frozenset[str] | None"

_OWN: Final = 1
_NAMED: Final = 2
_TO_PARTY: Final = 4
_IN_PERSON: Final = 8
_HOLDS_GRANT: Final = 16
_OF_CLIENT: Final = 32


class Classes:
    """What was decided once, of the labels of one store and on every ground that is still in use.

    Labels, their kinds, their places on a ground and the answers there are kept together, since none of them means
    anything by the numbers of another store. With the last ground of some rules goes what was decided by them. For
    threads.
    """

    def __init__(self) -> None:
        self._kinds = Kinds()
        self._on: WeakKeyDictionary[Ground, _Kept] = WeakKeyDictionary()
        self._by_rules: WeakValueDictionary[Rules, _Answers] = WeakValueDictionary()

    def opened(self, slice_: Slice, profile: Profile, labels: Mapping[int, Label]) -> frozenset[int]:
        """Return those of some labels that are open to a reader: what ``decide`` says of each, asked once a class.

        The labels stand by their ids in the store: the same id must always be the same label.
        """
        allowed = [ids for answer, ids in self._answered(slice_, profile, labels) if answer is not None]
        return frozenset[int]().union(*allowed)

    def annexes(self, slice_: Slice, profile: Profile, labels: Mapping[int, Label]) -> dict[int, frozenset[str]]:
        """Return which of some labels emergency annexes alone open to a reader, and which annexes: likewise."""
        if not slice_.ground.annexes or not labels:
            return {}
        answered = self._answered(slice_, profile, labels)
        return {label_id: answer for answer, ids in answered if answer for label_id in ids}

    def _answered(
        self, slice_: Slice, profile: Profile, labels: Mapping[int, Label]
    ) -> list[tuple[Answer, frozenset[int]]]:
        """Return the answer of each class that some labels fall into, and which of them do."""
        on = self._on.get(slice_.ground)
        if on is None:
            answers = self._by_rules.setdefault(slice_.ground.rules, _Answers())
            on = self._on.setdefault(slice_.ground, _Kept(slice_.ground, self._kinds, answers))
        decided = on.answers.decided.setdefault(reader_class(slice_.ground, profile), {})
        answered: list[tuple[Answer, frozenset[int]]] = []
        asked: dict[LabelClass, frozenset[int]] = {}
        for key, ids in self._classes(on, slice_.grants, profile, labels):
            if key in decided:
                answered.append((decided[key], ids))
            else:
                asked[key] = ids
        if asked:
            first = [labels[next(iter(ids))] for ids in asked.values()]
            for (key, ids), verdict in zip(asked.items(), decide(slice_, profile, first), strict=True):
                answer = decided[key] = annexes_of(verdict, slice_.ground.annexes) if verdict.allows else None
                answered.append((answer, ids))
            if on.answers.count > MAX_CLASSES:
                on.answers.decided.clear()
        return answered

    def answers(self, ground: Ground) -> int:
        """Return of how many classes an answer is kept by the rules of a ground."""
        on = self._on.get(ground)
        return 0 if on is None else on.answers.count

    def _classes(
        self, on: _Kept, grants: frozenset[str], profile: Profile, labels: Mapping[int, Label]
    ) -> Iterator[tuple[LabelClass, frozenset[int]]]:
        """Yield each class that some labels fall into, and which of them do.

        A thousand readers who ask about the same labels differ in few of them: their own, and what is addressed.
        """
        placed = on.places.holding(labels)
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
            known = self._kinds.of(label_id, labels[label_id])
            key = (known.kind, on.standing(known.owner), _relation(profile, known, grants))
            by_class.setdefault(key, set()).add(label_id)
        # what is addressed to somebody is in no class with what is not, so that no class comes twice
        yield from ((key, frozenset(ids)) for key, ids in by_class.items())


class _Answers:
    """What was decided by the same rules, whoever was in what."""

    def __init__(self) -> None:
        self.decided: dict[ReaderClass, dict[LabelClass, Answer]] = {}

    @property
    def count(self) -> int:
        """Return how many classes were decided."""
        return sum(map(len, list(self.decided.values())))


class _Kept:
    """What is kept of one ground, and nothing that keeps the ground itself: it goes when nobody judges by it."""

    def __init__(self, ground: Ground, kinds: Kinds, answers: _Answers) -> None:
        self.standing = partial(standing_of, ground.mentioned, ground.parents)
        self.places = Places(kinds, self.standing)
        self.answers = answers


def _relation(profile: Profile, known: Known, grants: frozenset[str]) -> int:
    relation = _OWN if known.owner == profile.party else 0
    if profile.client is not None and known.owner == profile.client.party:
        relation |= _OF_CLIENT
    if known.recipients:
        met = profile.addresses & known.recipients
        relation |= _NAMED | (_TO_PARTY if profile.party in met else 0) | (_IN_PERSON if met - {profile.party} else 0)
    if known.grant in grants:
        relation |= _HOLDS_GRANT
    return relation


def reader_class(ground: Ground, profile: Profile) -> ReaderClass:
    """Return what the policies of a ground can tell of a reader: who has the same has the same answers there.

    But for what is a reader's own, is addressed to it, or is offered for a grant of its own.
    """
    standing = partial(standing_of, ground.mentioned, ground.parents)
    client = None if profile.client is None else standing(profile.client.party)
    alike = msgspec.structs.replace(profile, party="", user=None)
    return standing(profile.party), client, _person_of(ground.persons, profile), alike


def _person_of(named: frozenset[str], profile: Profile) -> str:
    """Return a reader as policies see it that name some persons: nobody, somebody, or one whom they name."""
    if profile.user is None:
        return ""
    address = user_address(profile.user, profile.party)
    return address if address in named else "@"


def standing_of(mentioned: frozenset[str], parents: Mapping[str, tuple[Uid, ...]], party: str) -> Standing:
    """Return a party as policies see it that mention some parties and ask for some parents."""
    above = tuple(f"{one.type}::{one.id}" for one in parents.get(party, ()))
    try:
        name = quoted(party)[1:-1]
    except InputError:
        name = None
    # by its own name, which no type of Cedar's begins like
    return (f"={party}", *above) if name is None or name in mentioned else above
