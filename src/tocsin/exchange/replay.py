"""A partnership rebuilt from its log alone, and every release decided again.

Nothing here touches a database: parties, agreements, labels and offers come from the payloads of an export that was
verified before. A release is judged by what the log said when it was decided (``as_of`` entries), at the instant of the
decision, by the same gate that judged it then.

Whoever holds the hub's key can sign whatever they like. So every rule that the hub keeps while it acts is kept here
again: who may act, by what right, when, and on what.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec

from tocsin.agreements import replay as agreements
from tocsin.agreements.facts import Facts
from tocsin.agreements.gate import can_act, decide, profile_of, profile_until, slice_for
from tocsin.agreements.hub_rules import NOTICE
from tocsin.agreements.model import Label, Profile, Verdict
from tocsin.agreements.replay import Agreed
from tocsin.errors import ForbiddenError, InputError, LogBrokenError, TocsinError
from tocsin.exchange.access import replay as access
from tocsin.exchange.again_replay import Made, Offering, TellAgain
from tocsin.exchange.ceiling import above
from tocsin.exchange.ceilings import CeilingSet
from tocsin.exchange.live.webhooks import replay as webhooks
from tocsin.exchange.recall import replay as recall
from tocsin.exchange.recall.store import readers_of
from tocsin.exchange.releases import encode_offers
from tocsin.exchange.retention import keeping
from tocsin.exchange.retention import replay as retention
from tocsin.exchange.sanitise import replay as sanitised
from tocsin.governance import course
from tocsin.governance.privileged import ACTS
from tocsin.governance.replay import ToldRegister
from tocsin.governance.state import Governed, Scene, Told
from tocsin.kernel.clock import DAY, SECOND, Micros, parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.log.note import VerifierKey
from tocsin.parties import replay as parties
from tocsin.parties.model import CLEARANCES, PartyStatus, Role, UserStatus
from tocsin.parties.replay import People
from tocsin.parties.vetting import replay as vetting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tocsin.exchange.access.delegation import Delegation
    from tocsin.log.model import EntryPayload
    from tocsin.parties.model import User

__all__ = ["CLOSING", "MAX_STANDSTILL", "MAX_WAIT", "Judged", "Offered", "Rebuilt", "replay"]

# A release is entered by the next group commit, a second after it was decided; a long import can hold that up. What a
# hub did later than this after a decision, it did with the release in its log, or the decision is made up.
MAX_WAIT: Final[Micros] = 300 * SECOND
# A hub that was killed within that second enters what it staged when it is started, before it does anything else: after
# a long standstill, at the latest a year later.
MAX_STANDSTILL: Final[Micros] = 366 * DAY

# How a hub is founded, in one transaction: by the operator whom its last entry adds.
_FOUNDING: Final = ("hub.founded", "party.added", "party.cleared", "user.added")
# What may widen rights, and is named where objects are offered anew: none of these changes a label.
_BECAUSE: Final = frozenset({"annex"})

_T = TypeVar("_T")
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class Offered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    ceiling: str | None = None  # None: it was never set
    collections: dict[str, str] = msgspec.field(default_factory=dict)  # UUID -> alias
    offers: dict[tuple[str, int], Offered] = msgspec.field(default_factory=dict)  # by collection and sequence
    withdrawn: dict[tuple[str, int], int] = msgspec.field(default_factory=dict)  # -> entry that withdrew it
    made: dict[str, Made] = msgspec.field(default_factory=dict)  # collections made for something, by UUID
    vetted: vetting.Vetted = msgspec.field(default_factory=vetting.Vetted)
    granted: access.Granted = msgspec.field(default_factory=access.Granted)
    sanitised: sanitised.Told = msgspec.field(default_factory=sanitised.Told)
    webhooks: webhooks.Told = msgspec.field(default_factory=webhooks.Told)
    governed: Governed = msgspec.field(default_factory=Governed)
    kept: retention.Told = msgspec.field(default_factory=retention.Told)
    recalled: recall.Told = msgspec.field(default_factory=recall.Told)
    releases: int = 0
    verdicts: int = 0


class _Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What of a release's entry says which entries it was decided by."""

    as_of: int


class _Release(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a release's entry, checked for shape."""

    release: str
    decided_at: str
    as_of: int
    kind: Literal["objects", "manifest", "search", "count", "facet"]
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
    delegation: str | None = None
    delegate: str | None = None


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


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One owner's part of a release, as it was decided again: by what facts, with which verdict for each label."""

    index: int  # of its entry
    release: str
    decided_at: str
    profile: Profile
    kind: str
    collection: str
    owner: str
    offers: tuple[Offered, ...]
    labels: dict[int, Label]
    verdicts: dict[int, Verdict]
    facts: Facts


def replay(entries: Iterable[tuple[int, EntryPayload]], *, witness: Callable[[Judged], None] | None = None) -> Rebuilt:
    """Tell a log from its beginning and decide every release again.

    ``entries`` are walked over twice, so that no iterator will do. Held at a time is what the partnership is made of,
    some hundred bytes for each release, and those entries that lie between a decision and its own entry.
    ``witness`` is told of each release as it is judged.

    Raises:
        LogBrokenError: an entry is missing, does not follow from those before it, or a release was made that the
            agreements of its instant did not allow; says which.
    """
    if iter(entries) is entries:
        raise TypeError("entries are walked over twice: an iterator is empty the second time")
    ahead, state = _Ahead(entries), _Replay(witness)
    for index, payload in ahead:
        state.step(index, payload)
        for place, release in ahead.decided_by(index + 1):
            state.judge(place, release)
    sanitised.finish(state.rebuilt.sanitised)
    return state.rebuilt


class _Ahead:
    """The entries in their order, and the releases that were decided by what was told so far, whose entries follow."""

    def __init__(self, entries: Iterable[tuple[int, EntryPayload]]) -> None:
        # by a count of entries: the last release that was decided by just so many; 0: none was
        self._last = array("q")
        for expected, (index, payload) in enumerate(entries):
            if index != expected:
                raise _broken(expected, "it is not disclosed: only an export of everything can be replayed")
            self._last.append(0)
            if payload.kind == "release":
                as_of = _shaped(index, payload.data, _Decided).as_of
                if not 0 < as_of <= index:
                    raise _broken(index, "it was decided by entries that came after it")
                self._last[as_of] = index
        self._source = iter(entries)
        self._read: deque[tuple[int, EntryPayload]] = deque()  # and not told yet
        self._upto = -1
        self._waiting: dict[int, list[tuple[int, _Release]]] = {}

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        while self._read or self._more():
            yield self._read.popleft()

    def decided_by(self, count: int) -> list[tuple[int, _Release]]:
        """Return the releases that the first ``count`` entries decided, with their places."""
        last = self._last[count] if count < len(self._last) else 0
        while self._upto < last and self._more():
            pass
        return self._waiting.pop(count, [])

    def _more(self) -> bool:
        """Read the next entry; returns whether there is one."""
        found = next(self._source, None)
        if found is None:
            return False
        index, payload = found
        self._read.append(found)
        self._upto = index
        if payload.kind == "release":
            release = _shaped(index, payload.data, _Release)
            self._waiting.setdefault(release.as_of, []).append((index, release))
        return True


class _Replay:
    """The state between two entries."""

    def __init__(self, witness: Callable[[Judged], None] | None = None) -> None:
        self._witness = witness
        self.rebuilt = Rebuilt()
        self._environment = self._founder = ""
        self._names: dict[str, str] = {}  # of parties -> URI
        self._instants = array("q")  # of the entries
        self._acted: tuple[int, Micros] = (0, 0)  # the last entry that is no release
        self._submissions: dict[str, tuple[str, Micros]] = {}  # by UUID: whose, and when
        self._latest: dict[tuple[str, str], Micros] = {}  # owner, object -> version: of the last submission
        self._contributed: dict[tuple[str, str, Micros], int] = {}  # owner, object, version -> label
        self._submitted: dict[tuple[str, str, Micros], int] = {}  # the same -> entry
        self._standing: set[tuple[str, str, str, Micros]] = set()  # collection, owner, object, version: offered now
        self._added: dict[str, Micros] = {}  # `date_added` of a collection's last offer
        self._heads: dict[str, tuple[int, Micros]] = {}  # likewise its number, of collections made for something
        # digests stand for what has some kB: of each release, by UUID, all but what differs by owner
        self._answers: dict[str, bytes] = {}
        self._answered: set[bytes] = set()  # UUID and owner
        self._again = TellAgain(derived=self._derived)
        self.rebuilt.made = self._again.made
        self._keeping = keeping.Keeping(self)
        self.rebuilt.kept, self.rebuilt.recalled = self._keeping.kept, self._keeping.recalled

    def step(self, index: int, payload: EntryPayload) -> None:
        """Apply one entry."""
        rebuilt, at = self.rebuilt, parse_instant(payload.at)
        if (index == 0) != (payload.kind == "hub.founded"):
            raise _broken(index, "a log begins with the founding of its hub, and only begins so")
        if index == 0:
            self._environment, self._founder = payload.environment, payload.actor
        self._check_frame(index, payload, at)
        self._again.check_turn(index, payload.kind)
        self._instants.append(at)
        try:
            rebuilt.people = parties.apply(rebuilt.people, payload.kind, payload.data)
            rebuilt.agreed = agreements.apply(rebuilt.agreed, payload.kind, payload.data, people=rebuilt.people, at=at)
        except TocsinError as error:
            raise _broken(index, str(error)) from error
        if payload.kind == "party.added":
            self._names = {party.name: uri for uri, party in rebuilt.people.parties.items()}
        if payload.kind == "release":
            self.release(index, payload, at)
        else:
            self._acted = (index, at)
        self._dispatch(index, payload)
        if index == len(_FOUNDING) - 1:
            self._check_founded(index)
        rebuilt.entries = index + 1

    def _dispatch(self, index: int, payload: EntryPayload) -> None:
        """Hand an entry to the room that it is of, where that has not seen it yet."""
        own, room = _STEPS.get(payload.kind), _ROOMS.get(payload.kind)
        if own is not None:
            own(self, index, payload.data)
        elif room is not None:
            room(self, index, payload)
        elif payload.kind not in _KNOWN:
            raise _broken(index, f"it is of a kind that this program does not know: {payload.kind}")

    def _check_frame(self, index: int, payload: EntryPayload, at: Micros) -> None:
        """Check what every entry says: where and when it was done, by whom, for whom and by what right."""
        if payload.environment != self._environment:
            raise _broken(index, "it is of another environment than the entries before it")
        if self._instants and at < self._instants[-1]:
            raise _broken(index, "it is older than the entry before it")
        founding = index < len(_FOUNDING)
        if founding and (payload.kind, payload.actor, payload.on_behalf_of) != (_FOUNDING[index], self._founder, None):
            raise _broken(index, "a hub is not founded in this way")
        privileged = payload.kind in ACTS
        if privileged or payload.mandate is not None or payload.kind in course.KINDS:
            self._govern(index, payload, at)
        if founding:
            return
        for reference in (payload.actor, payload.on_behalf_of):
            if reference is not None and not self._knows(reference):
                raise _broken(index, f"it was done by or for somebody who is not there: {reference[:80]!r}")
        user, _, home = payload.actor.rpartition("@")
        if privileged and (not user or self._names[home] != self.rebuilt.hub):
            raise _broken(index, "only people of the party that runs the hub do this")

    def _govern(self, index: int, payload: EntryPayload, at: Micros) -> None:
        """Check by what right it was done, and note what it makes of bodies and motions."""
        told = Told(index=index, kind=payload.kind, data=payload.data, mandate=payload.mandate)
        register = ToldRegister(self.rebuilt.people, self.rebuilt.agreed, self._names)
        acting = Acting(actor=payload.actor, on_behalf_of=payload.on_behalf_of)
        scene = Scene(at=at, acting=acting, register=register)

        def name_of(uri: str) -> str:
            return self.rebuilt.people.parties[uri].name

        try:
            self.rebuilt.governed = course.enter(self.rebuilt.governed, told, scene, name_of)
        except TocsinError as error:
            raise _broken(index, str(error)) from error

    def _knows(self, reference: str) -> bool:
        user, at_sign, name = reference.rpartition("@")
        uri = self._names.get(name)
        return uri is not None and (not at_sign or (uri, user) in self.rebuilt.people.users)

    def _check_founded(self, index: int) -> None:
        """Check that the founding made the hub's own party and its operator, who did it all, and nobody else."""
        people = self.rebuilt.people
        users = [
            f"{user.name}@{people.parties[user.party].name}"
            for user in people.users.values()
            if user.party == people.hub and Role.OPERATOR in user.roles
        ]
        if list(people.parties) != [people.hub] or users != [self._founder]:
            raise _broken(index, "a hub is founded by an operator of the party that runs it")

    def found(self, index: int, data: Mapping[str, Any]) -> None:
        """Note whose log it is."""
        founding = _shaped(index, data, _Founding)
        try:
            key = VerifierKey.parse(founding.vkey)
        except InputError as error:
            raise _broken(index, str(error)) from error
        if key.name != founding.origin or not key.name.endswith(f"/tocsin/{self._environment}"):
            raise _broken(index, "its key is not named after its origin, hub and environment")
        if self._founder.rpartition("@")[0] != founding.operator:
            raise _broken(index, "it was not done by the operator whom it names")
        self.rebuilt.hub = founding.hub
        self.rebuilt.people = People(hub=founding.hub)

    def set_ceiling(self, index: int, data: Mapping[str, Any]) -> None:
        """Note the classification that may be held from now on."""
        told = _shaped(index, data, CeilingSet)
        if told.ceiling not in CLEARANCES:
            raise _broken(index, f"there is no classification {told.ceiling[:40]!r}")
        if told.before != (self.rebuilt.ceiling or CLEARANCES[0]) or told.ceiling == self.rebuilt.ceiling:
            raise _broken(index, "it changes another ceiling than there was, or nothing")
        self.rebuilt.ceiling = told.ceiling

    def collect(self, index: int, data: Mapping[str, Any]) -> None:
        """Note a collection."""
        added, known = _shaped(index, data, _Collection), self.rebuilt.collections
        if not {added.uuid, added.alias}.isdisjoint([*known, *known.values()]):
            raise _broken(index, f"there is a collection {added.alias} already")
        known[added.uuid] = added.alias

    def submit(self, index: int, data: Mapping[str, Any]) -> None:
        """Note labels and offers: numbered without a gap, and each of its submitter's own label."""
        submission = _shaped(index, data, _Submission)
        rebuilt = self.rebuilt
        party = rebuilt.people.parties.get(submission.party)
        if party is None or party.status is not PartyStatus.VETTED:
            raise _broken(index, f"it is of a party that was not vetted: {submission.party[:80]}")
        notices = submission.party == rebuilt.hub and self._keeping.is_for_notices(submission.collection)
        if submission.collection not in rebuilt.collections or (submission.collection in rebuilt.made and not notices):
            raise _broken(index, "it offers into a collection that is not there")
        if submission.submission in self._submissions:
            raise _broken(index, "there is a submission of this id already")
        self._submissions[submission.submission] = (submission.party, self._instants[-1])
        self._latest.clear()
        delegation = self._delegation_of(index, submission)
        for label_id, label in submission.labels:
            if label_id in rebuilt.labels or label.owner != submission.party:
                raise _broken(index, f"label {label_id} is there already, or is another party's")
            if NOTICE in label.categories and not notices:
                raise _broken(index, f"label {label_id} is of a notice, which only the hub gives")
            rebuilt.labels[label_id] = label
        for offer in submission.offers:
            key = (submission.collection, offer.seq)
            last = (submission.collection, offer.seq - 1)
            if key in rebuilt.offers or offer.seq < 1 or (offer.seq > 1 and last not in rebuilt.offers):
                raise _broken(index, f"offer {offer.seq} does not follow the one before it")
            self._offer(index, submission, offer)
            self._within(index, delegation, rebuilt.labels[offer.label])
            rebuilt.offers[key] = Offered(
                object_id=offer.object,
                version=offer.version,
                label_id=offer.label,
                owner=submission.party,
                entry=index,
            )

    def _delegation_of(self, index: int, submission: _Submission) -> Delegation | None:
        """Return the delegation that a submission names, which stood and was of these two."""
        if (submission.delegation is None) != (submission.delegate is None):
            raise _broken(index, "it names a delegation or a delegate, and not both")
        if submission.delegation is None:
            return None
        one = self.rebuilt.granted.delegations.get(submission.delegation)
        if one is None or (one.represented, one.delegate) != (submission.party, submission.delegate):
            raise _broken(index, "it was shared under a delegation that was not given")
        if not one.stands(self._instants[-1]):
            raise _broken(index, "it was shared under a delegation that was over")
        return one

    @staticmethod
    def _within(index: int, delegation: Delegation | None, label: Label) -> None:
        if delegation is not None:
            try:
                delegation.require(label)
            except ForbiddenError as error:
                raise _broken(index, str(error)) from error

    def _offer(self, index: int, submission: _Submission, offer: _Offer) -> None:
        """Check an offer against what its owner contributed before, whose label it keeps for ever."""
        label = self.rebuilt.labels.get(offer.label)
        if label is None or label.owner != submission.party:
            raise _broken(index, f"offer {offer.seq} has no label of its owner")
        ceiling = self.rebuilt.ceiling
        # before it was first set each process had its own, of which the log tells nothing
        if ceiling is not None and above((label.classification,), ceiling):
            raise _broken(index, f"offer {offer.seq} is above the ceiling of the hub")
        if label.type != offer.object.partition("--")[0]:
            raise _broken(index, f"offer {offer.seq} has a label of another type than its object")
        if offer.added <= max(self._added.get(submission.collection, 0), self._instants[-1]):
            raise _broken(index, f"offer {offer.seq} was not added after its entry and the offer before it")
        self._added[submission.collection] = offer.added
        contribution = (submission.party, offer.object, offer.version)
        before = self._contributed.get(contribution)
        if self._keeping.is_closed(contribution):
            raise _broken(index, f"what offer {offer.seq} offers was purged or called back")
        if offer.content is None and before != offer.label:
            raise _broken(index, f"offer {offer.seq} was never contributed before, or under another label")
        if offer.content is not None and before is not None:
            raise _broken(index, f"what offer {offer.seq} contributes was contributed before")
        if (submission.collection, *contribution) in self._standing:
            raise _broken(index, f"what offer {offer.seq} offers is offered already")
        if before is None:
            self._contributed[contribution] = offer.label
            self._submitted[contribution] = index
        chain = contribution[:2]
        self._latest[chain] = max(offer.version, self._latest.get(chain, offer.version))
        self._standing.add((submission.collection, *contribution))

    def make(self, index: int, data: Mapping[str, Any]) -> None:
        """Note a collection that is made for something."""
        self._again.make(index, _shaped(index, data, Made), self.rebuilt.collections)

    def offer_again(self, index: int, data: Mapping[str, Any]) -> None:
        """Note one owner's part of what was offered anew."""
        offering = _shaped(index, data, Offering)
        rebuilt, collection = self.rebuilt, offering.collection
        try:
            self._again.offer(offering, labels=rebuilt.labels, contributed=self._contributed)
        except LogBrokenError as error:
            raise _broken(index, str(error)) from error
        last, added = self._heads.get(collection, (0, 0))
        for offer in offering.offers:
            key = (collection, offer.seq)
            if key in rebuilt.offers or offer.added <= self._instants[-1]:
                raise _broken(index, f"offer {offer.seq} is there already, or was added before its entry")
            rebuilt.offers[key] = Offered(
                object_id=offer.object,
                version=offer.version,
                label_id=offer.label,
                owner=offering.owner,
                entry=index,
            )
        head = self._again.complete(index, offering, last=last, added=added)
        if head is not None:
            self._heads[collection] = head

    def _derived(self, offering: Offering, contribution: tuple[str, str, Micros], label: Label) -> Label | None:
        """Return the label under which something is offered anew; None: its own."""
        kind, _, reference = offering.because.partition(":")
        if kind == "grant":
            made_for = self._again.made[offering.collection].made_for
            at = self._instants[-1]
            return access.derived(self.rebuilt.granted, reference, label, contribution, made_for=made_for, at=at)
        if kind not in _BECAUSE:
            raise LogBrokenError(f"it offers anew for a reason that is not known here: {offering.because[:80]}")
        return None

    def grant(self, index: int, payload: EntryPayload) -> None:
        """Note what is told of a grant."""

        def versions(owner: str, object_id: str) -> list[Micros]:
            return [key[2] for key in self._contributed if key[:2] == (owner, object_id)]

        situation = access.Situation(
            people=self.rebuilt.people, names=self._names, versions=versions, at=self._instants[-1]
        )
        try:
            access.apply(self.rebuilt.granted, payload, situation)
        except LogBrokenError as error:
            raise _broken(index, str(error)) from error

    def vet(self, index: int, payload: EntryPayload) -> None:
        """Note what is told of vetting."""
        try:
            vetting.apply(
                self.rebuilt.vetted, payload, people=self.rebuilt.people, names=self._names, at=self._instants[-1]
            )
        except LogBrokenError as error:
            raise _broken(index, str(error)) from error

    def withdraw(self, index: int, data: Mapping[str, Any]) -> None:
        """Note offers that their owner took back."""
        withdrawal = _shaped(index, data, _Withdrawal)
        if withdrawal.party not in self.rebuilt.people.parties or not withdrawal.offers:
            raise _broken(index, "it is of a party that is not there, or withdraws nothing")
        for sequence in withdrawal.offers:
            key = (withdrawal.collection, sequence)
            offer = self.rebuilt.offers.get(key)
            if offer is None or offer.owner != withdrawal.party or key in self.rebuilt.withdrawn:
                raise _broken(index, f"offer {sequence} is not there, another party's, or withdrawn before")
            if offer.object_id != withdrawal.object:
                raise _broken(index, f"offer {sequence} is of another object than the entry names")
            self.rebuilt.withdrawn[key] = index
            contribution = (withdrawal.collection, offer.owner, offer.object_id, offer.version)
            self._standing.discard(contribution)
            self._again.take_back((*contribution, offer.label_id))

    def publish(self, index: int, payload: EntryPayload) -> None:
        """Note what is told of a sanitised version."""
        at = self._instants[-1]
        world = self._world(payload)
        sanitised.tell(self.rebuilt.sanitised, index, payload.kind, payload.data, at=at, world=world)

    def _world(self, payload: EntryPayload) -> sanitised.World:
        """Return what an entry about a sanitised version is held to."""
        rebuilt = self.rebuilt
        latest = self._latest

        def label(owner: str, object_id: str, version: Micros) -> Label | None:
            number = self._contributed.get((owner, object_id, version))
            return None if number is None else rebuilt.labels[number]

        homes = {
            self._names.get(reference.rpartition("@")[2])
            for reference in (payload.actor, payload.on_behalf_of)
            if reference is not None
        }
        return sanitised.World(
            publisher=rebuilt.hub or "",
            facts=lambda at: agreements.facts_of(rebuilt.agreed, rebuilt.people, at),
            label=label,
            newer=lambda owner, object_id, version: latest.get((owner, object_id), version) > version,
            offered=lambda *place: place in self._standing,
            submitted=self._submissions.get,
            speaks=homes.__contains__,
        )

    def keep(self, index: int, payload: EntryPayload) -> None:
        """Note what is told of purges, reviews, holds and recalls."""
        self._keeping.step(index, payload, self._instants[-1])

    def close(self, index: int, owner: str, objects: set[tuple[str, Micros]], closed: Mapping[str, list[int]]) -> None:
        """Note that every standing offer of contributions is withdrawn, and that these are all there are.

        Raises:
            LogBrokenError: one is not there, or is not named.
        """
        for collection, sequences in closed.items():
            for sequence in sequences:
                key = (collection, sequence)
                offer = self.rebuilt.offers.get(key)
                if offer is None or offer.owner != owner or key in self.rebuilt.withdrawn:
                    raise _broken(index, f"offer {sequence} is not there, another party's, or withdrawn before")
                if (offer.object_id, offer.version) not in objects:
                    raise _broken(index, f"offer {sequence} is of another object than the entry names")
                self.rebuilt.withdrawn[key] = index
                contribution = (collection, offer.owner, offer.object_id, offer.version)
                self._standing.discard(contribution)
                self._again.take_back((*contribution, offer.label_id))
        for collection in self.rebuilt.collections:
            if any((collection, owner, *one) in self._standing for one in objects):
                raise _broken(index, "it leaves an offer standing of what it closes")

    def contributed(self, key: tuple[str, str, Micros]) -> tuple[Label, Micros] | None:
        """Return the label of a contribution, and when it was submitted; None: there is none."""
        label_id = self._contributed.get(key)
        return None if label_id is None else (self.rebuilt.labels[label_id], self._instants[self._submitted[key]])

    def reference(self, text: str) -> tuple[str, User | None]:
        """Return the party (its URI) and user that a name in an entry means."""
        name, _, home = text.rpartition("@")
        uri = self._names.get(home, "")
        return uri, self.rebuilt.people.users.get((uri, name))

    def hook(self, index: int, payload: EntryPayload) -> None:
        """Note what is told of a webhook, for which an operator answers."""
        people = self.rebuilt.people.parties
        name, _, home = payload.actor.rpartition("@")
        user = self.rebuilt.people.users[self._names[home], name]
        if payload.kind != "webhook.removed" and (
            user.status is not UserStatus.ACTIVE or Role.OPERATOR not in user.roles
        ):
            raise _broken(index, "only operators register webhooks")

        def vetted(uri: str) -> bool:
            return uri in people and people[uri].status is PartyStatus.VETTED

        try:
            webhooks.apply(
                self.rebuilt.webhooks,
                payload.kind,
                payload.data,
                actor=payload.actor,
                vetted=vetted,
                collections=self.rebuilt.collections,
            )
        except LogBrokenError as error:
            raise _broken(index, str(error)) from error

    def release(self, index: int, payload: EntryPayload, at: Micros) -> None:
        """Count a release, and check when it was made; it was judged when the entries that decided it had been told."""
        release = _shaped(index, payload.data, _Release)
        decided = _instant(index, release.decided_at)
        # hub time never runs back: what came after the decision is not older than it
        if decided > self._instants[release.as_of]:
            raise _broken(index, f"it was decided later than entry {release.as_of} was made, and not by it")
        acted, acted_at = self._acted
        if acted >= release.as_of and acted_at > decided + MAX_WAIT:
            raise _broken(index, f"it was not entered when it was decided: entry {acted} came long before it")
        if at > decided + MAX_STANDSTILL:
            raise _broken(index, "it was entered long after it was decided")
        # of the ids that were asked for, each owner's entry tells its own objects' only
        asked = release.filter | {"ids": release.filter.get("ids") is not None}
        same = msgspec.structs.replace(release, owner="", offers=[], filter=asked)
        answer = _digest((same, payload.actor, payload.on_behalf_of))
        if self._answers.setdefault(release.release, answer) != answer:
            raise _broken(index, "it is another answer than the one that this id names already")
        part = _digest((release.release, release.owner))
        if part in self._answered:
            raise _broken(index, "its part for this owner is entered already")
        self._answered.add(part)
        self._keeping.left(
            keeping.Left(
                readers=readers_of(release.profile),
                at=decided,
                kind=release.kind,
                collection=release.collection,
                offers=encode_offers(list(accumulate(release.offers))),
                owner=release.owner,
            )
        )
        self.rebuilt.releases += 1

    def judge(self, index: int, release: _Release) -> None:
        """Decide a release again, with what is known now: the entries before ``as_of``."""
        rebuilt, at = self.rebuilt, _instant(index, release.decided_at)
        if at < self._instants[-1]:
            raise _broken(index, "it was decided before the entries that it was decided by")
        party = rebuilt.people.parties.get(release.profile.party)
        user = None
        if release.profile.user is not None:
            user = rebuilt.people.users.get((release.profile.party, release.profile.user))
        if party is None or (release.profile.user is not None and user is None):
            raise _broken(index, "it went to a reader who is not there")
        client = None
        if release.profile.client is not None:
            client = rebuilt.people.parties.get(release.profile.client.party)
            if client is None or client.uri not in party.clients:
                raise _broken(index, "it was read for a client whom its reader did not serve")
        acts_as = release.profile.acts_as
        expected = profile_of(party, user, release.profile.purpose, at, client=client)
        if (
            not can_act(party.capacities, acts_as)
            or msgspec.structs.replace(expected, acts_as=acts_as) != release.profile
        ):
            raise _broken(index, "its reader had other attributes at that instant")
        facts = agreements.facts_of(rebuilt.agreed, rebuilt.people, at)
        until = profile_until(party, user, at, client=client)
        slice_ = slice_for(release.profile, facts, until=until, grants=rebuilt.granted.of(party.uri))
        if slice_.digest.hex() != release.slice:
            raise _broken(index, "it was decided under other policies than were in force")
        labels = self._labels_of(index, release)
        verdicts = decide(slice_, release.profile, [label.as_of(at) for label in labels.values()])
        for label_id, verdict in zip(labels, verdicts, strict=True):
            if not verdict.allows:
                raise _broken(index, f"what it released under label {label_id} was not allowed")
        rebuilt.verdicts += len(verdicts)
        self._show(index, release, facts, labels, verdicts)

    def _show(
        self, index: int, release: _Release, facts: Facts, labels: dict[int, Label], verdicts: Sequence[Verdict]
    ) -> None:
        if self._witness is None:
            return
        offers = self.rebuilt.offers
        self._witness(
            Judged(
                index=index,
                release=release.release,
                decided_at=release.decided_at,
                profile=release.profile,
                kind=release.kind,
                collection=release.collection,
                owner=release.owner,
                offers=tuple(offers[release.collection, one] for one in accumulate(release.offers)),
                labels=labels,
                verdicts=dict(zip(labels, verdicts, strict=True)),
                facts=facts,
            )
        )

    def _labels_of(self, index: int, release: _Release) -> dict[int, Label]:
        """Return the labels of what was released, all of which was there for its owner's readers."""
        rebuilt = self.rebuilt
        if not release.offers:
            raise _broken(index, "it releases nothing")
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
        return labels


_STEPS: Final = {
    "hub.founded": _Replay.found,
    "ceiling.set": _Replay.set_ceiling,
    "collection.added": _Replay.collect,
    "collection.made": _Replay.make,
    "offering": _Replay.offer_again,
    "submission": _Replay.submit,
    "withdrawal": _Replay.withdraw,
}
# Rooms that are told the whole entry: by whom it was done as well.
_ROOMS: Final = (
    dict.fromkeys(webhooks.KINDS, _Replay.hook)
    | dict.fromkeys(access.KINDS, _Replay.grant)
    | dict.fromkeys(vetting.KINDS, _Replay.vet)
    | dict.fromkeys(sanitised.KINDS, _Replay.publish)
    | dict.fromkeys(keeping.KINDS, _Replay.keep)
)
# Entries that withdraw offers beside what else they do.
CLOSING: Final = ("purge", "recall.ordered", "recall.imposed")
# Entries that change nothing which later ones rest on.
_OTHERS: Final = frozenset({"inquiry", "release"})
_KNOWN: Final = _OTHERS | parties.KINDS | agreements.KINDS | course.KINDS


def _digest(value: object) -> bytes:
    return hashlib.sha256(_ENCODER.encode(value)).digest()


def _shaped(index: int, data: Mapping[str, Any], kind: type[_T]) -> _T:
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _broken(index, f"its payload has not the form of its kind: {error}") from error


def _instant(index: int, text: str) -> Micros:
    try:
        return parse_instant(text)
    except InputError as error:
        raise _broken(index, str(error)) from error


def _broken(index: int, what: str) -> LogBrokenError:
    return LogBrokenError(what, where=f"entry {index}")
