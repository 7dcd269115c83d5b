"""A partnership rebuilt from its log alone, and every release decided again.

Nothing here touches a database: parties, agreements, labels and offers come from the payloads of an export that was
verified before. A release is judged by what the log said when it was decided (``as_of`` entries), at the instant of the
decision, by the same gate that judged it then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from tocsin.agreements import replay as agreements
from tocsin.agreements.gate import decide, profile_of, profile_until, slice_for
from tocsin.agreements.model import Label, Profile
from tocsin.agreements.replay import Agreed
from tocsin.errors import LogBrokenError, TocsinError
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.parties import replay as parties
from tocsin.parties.replay import People

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin.log.model import EntryPayload

__all__ = ["Offered", "Rebuilt", "replay"]

_T = TypeVar("_T")


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """An offer, as the log tells of it."""

    object_id: str
    version: Micros
    label_id: int
    owner: str
    entry: int  # that offered it


class Rebuilt(msgspec.Struct, kw_only=True):
    """What a log makes when it is told from its beginning."""

    hub: str | None = None
    entries: int = 0
    people: People = msgspec.field(default_factory=parties.People)
    agreed: Agreed = msgspec.field(default_factory=agreements.Agreed)
    labels: dict[int, Label] = msgspec.field(default_factory=dict)
    collections: dict[str, str] = msgspec.field(default_factory=dict)  # UUID -> alias
    offers: dict[tuple[str, int], Offered] = msgspec.field(default_factory=dict)  # by collection and sequence
    withdrawn: dict[tuple[str, int], int] = msgspec.field(default_factory=dict)  # -> entry that withdrew it
    releases: int = 0
    verdicts: int = 0


class _Release(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a release's entry, checked for shape."""

    release: str
    decided_at: str
    as_of: int
    kind: str
    collection: str
    profile: Profile
    slice: str
    filter: dict[str, Any]
    owner: str
    offers: list[int]


class _Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One offer in a submission's entry; without ``content`` it offers again what was contributed before."""

    seq: int
    added: Micros
    object: str
    version: Micros
    label: int
    content: str | None = None


class _Submission(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a submission's entry, checked for shape."""

    submission: str
    party: str
    collection: str
    labels: list[tuple[int, Label]]
    offers: list[_Offer]
    repeated: int
    refused: list[Any]


class _Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    party: str
    collection: str
    object: str
    offers: list[int]


class _Collection(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    alias: str
    title: str
    description: str


class _Founding(msgspec.Struct, frozen=True, kw_only=True):
    hub: str
    operator: str
    origin: str
    vkey: str


def replay(entries: Iterable[tuple[int, EntryPayload]]) -> Rebuilt:
    """Tell a log from its beginning and decide every release again.

    Raises:
        LogBrokenError: an entry is missing, does not follow from those before it, or a release was made that the
            agreements of its instant did not allow; says which.
    """
    told = list(entries)
    waiting: dict[int, list[tuple[int, _Release]]] = {}
    for index, payload in told:
        if payload.kind == "release":
            release = _shaped(index, payload.data, _Release)
            if not 0 < release.as_of <= index:
                raise _broken(index, "it was decided by entries that came after it")
            waiting.setdefault(release.as_of, []).append((index, release))
    state = _Replay()
    for expected, (index, payload) in enumerate(told):
        if index != expected:
            raise _broken(expected, "it is not disclosed: only an export of everything can be replayed")
        state.step(index, payload)
        for place, release in waiting.pop(index + 1, ()):
            state.judge(place, release)
    if waiting:
        raise _broken(min(waiting), "a release was decided by entries that are not in the log")
    return state.rebuilt


class _Replay:
    """The state between two entries."""

    def __init__(self) -> None:
        self.rebuilt = Rebuilt()

    def step(self, index: int, payload: EntryPayload) -> None:
        """Apply one entry."""
        rebuilt, at = self.rebuilt, parse_instant(payload.at)
        if (index == 0) != (payload.kind == "hub.founded"):
            raise _broken(index, "a log begins with the founding of its hub, and only begins so")
        try:
            rebuilt.people = parties.apply(rebuilt.people, payload.kind, payload.data)
            rebuilt.agreed = agreements.apply(rebuilt.agreed, payload.kind, payload.data, people=rebuilt.people, at=at)
        except TocsinError as error:
            raise _broken(index, str(error)) from error
        own = _STEPS.get(payload.kind)
        if own is not None:
            own(self, index, payload.data)
        elif payload.kind not in _OTHERS and payload.kind not in parties.KINDS and payload.kind not in agreements.KINDS:
            raise _broken(index, f"it is of a kind that this program does not know: {payload.kind}")
        rebuilt.entries = index + 1

    def found(self, index: int, data: Mapping[str, Any]) -> None:
        """Note whose log it is."""
        self.rebuilt.hub = _shaped(index, data, _Founding).hub

    def collect(self, index: int, data: Mapping[str, Any]) -> None:
        """Note a collection."""
        added = _shaped(index, data, _Collection)
        self.rebuilt.collections[added.uuid] = added.alias

    def submit(self, index: int, data: Mapping[str, Any]) -> None:
        """Note labels and offers: numbered without a gap, and each of its submitter's own label."""
        submission = _shaped(index, data, _Submission)
        rebuilt = self.rebuilt
        if submission.collection not in rebuilt.collections:
            raise _broken(index, "it offers into a collection that is not there")
        for label_id, label in submission.labels:
            if label_id in rebuilt.labels or label.owner != submission.party:
                raise _broken(index, f"label {label_id} is there already, or is another party's")
            rebuilt.labels[label_id] = label
        for offer in submission.offers:
            key = (submission.collection, offer.seq)
            last = (submission.collection, offer.seq - 1)
            known = rebuilt.labels.get(offer.label)
            if key in rebuilt.offers or (offer.seq > 1 and last not in rebuilt.offers):
                raise _broken(index, f"offer {offer.seq} does not follow the one before it")
            if known is None or known.owner != submission.party:
                raise _broken(index, f"offer {offer.seq} has no label of its owner")
            rebuilt.offers[key] = Offered(
                object_id=offer.object,
                version=offer.version,
                label_id=offer.label,
                owner=submission.party,
                entry=index,
            )

    def withdraw(self, index: int, data: Mapping[str, Any]) -> None:
        """Note offers that their owner took back."""
        withdrawal = _shaped(index, data, _Withdrawal)
        for sequence in withdrawal.offers:
            key = (withdrawal.collection, sequence)
            offer = self.rebuilt.offers.get(key)
            if offer is None or offer.owner != withdrawal.party or key in self.rebuilt.withdrawn:
                raise _broken(index, f"offer {sequence} is not there, another party's, or withdrawn before")
            self.rebuilt.withdrawn[key] = index

    def release(self, index: int, data: Mapping[str, Any]) -> None:
        """Count a release; it was judged when the entries that it was decided by had been told."""
        _shaped(index, data, _Release)
        self.rebuilt.releases += 1

    def judge(self, index: int, release: _Release) -> None:
        """Decide a release again, with what is known now: the entries before ``as_of``."""
        rebuilt, at = self.rebuilt, parse_instant(release.decided_at)
        party = rebuilt.people.parties.get(release.profile.party)
        user = None
        if release.profile.user is not None:
            user = rebuilt.people.users.get((release.profile.party, release.profile.user))
        if party is None or (release.profile.user is not None and user is None):
            raise _broken(index, "it went to a reader who is not there")
        if profile_of(party, user, release.profile.purpose, at) != release.profile:
            raise _broken(index, "its reader had other attributes at that instant")
        facts = agreements.facts_of(rebuilt.agreed, rebuilt.people, at)
        slice_ = slice_for(release.profile, facts, until=profile_until(party, user, at))
        if slice_.digest.hex() != release.slice:
            raise _broken(index, "it was decided under other policies than were in force")
        labels: dict[int, Label] = {}
        sequence = 0
        for step in release.offers:
            sequence += step
            key = (release.collection, sequence)
            offer = rebuilt.offers.get(key)
            if offer is None or step < 1 or key in rebuilt.withdrawn:
                raise _broken(index, f"offer {sequence} was not there to be released")
            if offer.owner != release.owner:
                raise _broken(index, f"offer {sequence} is not of the owner whom the entry names")
            labels[offer.label_id] = rebuilt.labels[offer.label_id]
        verdicts = decide(slice_, release.profile, list(labels.values()))
        for label_id, verdict in zip(labels, verdicts, strict=True):
            if not verdict.allows:
                raise _broken(index, f"what it released under label {label_id} was not allowed")
        rebuilt.verdicts += len(verdicts)


_STEPS: Final = {
    "hub.founded": _Replay.found,
    "collection.added": _Replay.collect,
    "submission": _Replay.submit,
    "withdrawal": _Replay.withdraw,
    "release": _Replay.release,
}
# Entries that change nothing which can be rebuilt.
_OTHERS: Final = frozenset({"inquiry"})


def _shaped(index: int, data: Mapping[str, Any], kind: type[_T]) -> _T:
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _broken(index, f"its payload has not the form of its kind: {error}") from error


def _broken(index: int, what: str) -> LogBrokenError:
    return LogBrokenError(what, where=f"entry {index}")
