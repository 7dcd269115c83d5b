"""Collections, labels, contributions and offers, told from the log: what each next one is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tocsin.agreements.hub_rules import NOTICE
from tocsin.errors import ForbiddenError, LogBrokenError
from tocsin.exchange.access import replay as access
from tocsin.exchange.again_replay import Made, Offering, TellAgain
from tocsin.exchange.ceiling import above
from tocsin.exchange.ceilings import CeilingSet
from tocsin.exchange.emergency.replay import require_lasting
from tocsin.exchange.replay.forms import CollectionAdded, Submission, Withdrawal, broken, shaped
from tocsin.exchange.replay.rebuilt import Offered
from tocsin.exchange.retention.keeping import Keeping
from tocsin.parties.model import CLEARANCES, PartyStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.agreements.model import Label
    from tocsin.exchange.access.delegation import Delegation
    from tocsin.exchange.again_replay import OfferingAnew
    from tocsin.exchange.replay.forms import Offer
    from tocsin.exchange.replay.state import State
    from tocsin.kernel.clock import Micros
    from tocsin.parties.model import User

__all__ = ["Offers"]


class Offers:
    """What was submitted and offered so far, and the rules that the next entry about it is held to."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.rebuilt = state.rebuilt
        self.submissions: dict[str, tuple[str, Micros]] = {}  # by UUID: whose, and when
        self.latest: dict[tuple[str, str], Micros] = {}  # owner, object -> version: of the last submission
        self.contributions: dict[tuple[str, str, Micros], int] = {}  # owner, object, version -> label
        self._submitted: dict[tuple[str, str, Micros], int] = {}  # the same -> entry
        self.standing: set[tuple[str, str, str, Micros]] = set()  # collection, owner, object, version: offered now
        self._added: dict[str, Micros] = {}  # `date_added` of a collection's last offer
        self._heads: dict[str, tuple[int, Micros]] = {}  # likewise its number, of collections made for something
        self.again = TellAgain(derived=self._derived)
        self.rebuilt.made = self.again.made
        self.keeping = Keeping(self)
        self.rebuilt.kept, self.rebuilt.recalled = self.keeping.kept, self.keeping.recalled

    def set_ceiling(self, index: int, data: Mapping[str, Any]) -> None:
        """Note the classification that may be held from now on."""
        told = shaped(index, data, CeilingSet)
        if told.ceiling not in CLEARANCES:
            raise broken(index, f"there is no classification {told.ceiling[:40]!r}")
        if told.before != (self.rebuilt.ceiling or CLEARANCES[0]) or told.ceiling == self.rebuilt.ceiling:
            raise broken(index, "it changes another ceiling than there was, or nothing")
        self.rebuilt.ceiling = told.ceiling

    def collect(self, index: int, data: Mapping[str, Any]) -> None:
        """Note a collection."""
        added, known = shaped(index, data, CollectionAdded), self.rebuilt.collections
        if not {added.uuid, added.alias}.isdisjoint([*known, *known.values()]):
            raise broken(index, f"there is a collection {added.alias} already")
        known[added.uuid] = added.alias

    def submit(self, index: int, data: Mapping[str, Any]) -> None:
        """Note labels and offers: numbered without a gap, and each of its submitter's own label."""
        submission = shaped(index, data, Submission)
        rebuilt = self.rebuilt
        party = rebuilt.people.parties.get(submission.party)
        if party is None or party.status is not PartyStatus.VETTED:
            raise broken(index, f"it is of a party that was not vetted: {submission.party[:80]}")
        notices = submission.party == rebuilt.hub and self.keeping.is_for_notices(submission.collection)
        if submission.collection not in rebuilt.collections or (submission.collection in rebuilt.made and not notices):
            raise broken(index, "it offers into a collection that is not there")
        if submission.submission in self.submissions:
            raise broken(index, "there is a submission of this id already")
        self.submissions[submission.submission] = (submission.party, self._state.at)
        self.latest.clear()
        common = self._delegation_of(index, submission, submission.delegation)
        for label_id, label in submission.labels:
            if label_id in rebuilt.labels or label.owner != submission.party:
                raise broken(index, f"label {label_id} is there already, or is another party's")
            if NOTICE in label.categories and not notices:
                raise broken(index, f"label {label_id} is of a notice, which only the hub gives")
            rebuilt.labels[label_id] = label
        for offer in submission.offers:
            key = (submission.collection, offer.seq)
            last = (submission.collection, offer.seq - 1)
            if key in rebuilt.offers or offer.seq < 1 or (offer.seq > 1 and last not in rebuilt.offers):
                raise broken(index, f"offer {offer.seq} does not follow the one before it")
            self._offer(index, submission, offer)
            other = offer.delegation
            delegation = common if other is None else self._delegation_of(index, submission, other)
            self._within(index, delegation, rebuilt.labels[offer.label])
            rebuilt.offers[key] = _offered(offer, submission.party, index)

    def _delegation_of(self, index: int, submission: Submission, uuid: str | None) -> Delegation | None:
        """Return a delegation that a submission or an offer of it names, which stood and was of these two."""
        if (submission.delegation is None) != (submission.delegate is None):
            raise broken(index, "it names a delegation or a delegate, and not both")
        if uuid is None:
            return None
        one = self.rebuilt.granted.delegations.get(uuid)
        if one is None or (one.represented, one.delegate) != (submission.party, submission.delegate):
            raise broken(index, "it was shared under a delegation that was not given")
        if not one.stands(self._state.at):
            raise broken(index, "it was shared under a delegation that was over")
        return one

    @staticmethod
    def _within(index: int, delegation: Delegation | None, label: Label) -> None:
        if delegation is not None:
            try:
                delegation.require(label)
            except ForbiddenError as error:
                raise broken(index, str(error)) from error

    def _offer(self, index: int, submission: Submission, offer: Offer) -> None:
        """Check an offer against what its owner contributed before, whose label it keeps for ever."""
        label = self.rebuilt.labels.get(offer.label)
        if label is None or label.owner != submission.party:
            raise broken(index, f"offer {offer.seq} has no label of its owner")
        ceiling = self.rebuilt.ceiling
        # before it was first set each process had its own, of which the log tells nothing
        if ceiling is not None and above((label.classification,), ceiling):
            raise broken(index, f"offer {offer.seq} is above the ceiling of the hub")
        if label.type != offer.object.partition("--")[0]:
            raise broken(index, f"offer {offer.seq} has a label of another type than its object")
        if offer.added <= max(self._added.get(submission.collection, 0), self._state.at):
            raise broken(index, f"offer {offer.seq} was not added after its entry and the offer before it")
        self._added[submission.collection] = offer.added
        contribution = (submission.party, offer.object, offer.version)
        before = self.contributions.get(contribution)
        if self.keeping.is_closed(contribution):
            raise broken(index, f"what offer {offer.seq} offers was purged or called back")
        if offer.content is None and before != offer.label:
            raise broken(index, f"offer {offer.seq} was never contributed before, or under another label")
        if offer.content is not None and before is not None:
            raise broken(index, f"what offer {offer.seq} contributes was contributed before")
        if (submission.collection, *contribution) in self.standing:
            raise broken(index, f"what offer {offer.seq} offers is offered already")
        if before is None:
            self.contributions[contribution] = offer.label
            self._submitted[contribution] = index
        chain = contribution[:2]
        self.latest[chain] = max(offer.version, self.latest.get(chain, offer.version))
        self.standing.add((submission.collection, *contribution))

    def make(self, index: int, data: Mapping[str, Any]) -> None:
        """Note a collection that is made for something."""
        self.again.make(index, shaped(index, data, Made), self.rebuilt.collections)

    def offer_again(self, index: int, data: Mapping[str, Any]) -> None:
        """Note one owner's part of what was offered anew."""
        offering = shaped(index, data, Offering)
        rebuilt, collection = self.rebuilt, offering.collection
        try:
            self.again.offer(offering, labels=rebuilt.labels, contributed=self.contributions)
        except LogBrokenError as error:
            raise broken(index, str(error)) from error
        last, added = self._heads.get(collection, (0, 0))
        for offer in offering.offers:
            key = (collection, offer.seq)
            if key in rebuilt.offers or offer.added <= self._state.at:
                raise broken(index, f"offer {offer.seq} is there already, or was added before its entry")
            rebuilt.offers[key] = _offered(offer, offering.owner, index)
        head = self.again.complete(index, offering, last=last, added=added)
        if head is not None:
            self._heads[collection] = head

    def _derived(self, offering: Offering, contribution: tuple[str, str, Micros], label: Label) -> Label | None:
        """Return the label under which something is offered anew; None: its own."""
        kind, _, reference = offering.because.partition(":")
        if kind == "grant":
            made_for = self.again.made[offering.collection].made_for
            at = self._state.at
            return access.derived(self.rebuilt.granted, reference, label, contribution, made_for=made_for, at=at)
        if kind != "annex":
            raise LogBrokenError(f"it offers anew for a reason that is not known here: {offering.because[:80]}")
        made_for = self.again.made[offering.collection].made_for
        require_lasting(self.rebuilt.agreed, reference, made_for=made_for, at=self._state.at)
        return None

    def withdraw(self, index: int, data: Mapping[str, Any]) -> None:
        """Note offers that their owner took back."""
        withdrawal = shaped(index, data, Withdrawal)
        if withdrawal.party not in self.rebuilt.people.parties or not withdrawal.offers:
            raise broken(index, "it is of a party that is not there, or withdraws nothing")
        for sequence in withdrawal.offers:
            key = (withdrawal.collection, sequence)
            self._end(index, key, withdrawal.party, lambda offer: offer.object_id == withdrawal.object)

    def close(self, index: int, owner: str, objects: set[tuple[str, Micros]], closed: Mapping[str, list[int]]) -> None:
        """Note that every standing offer of contributions is withdrawn, and that these are all there are.

        Raises:
            LogBrokenError: one is not there, or is not named.
        """
        for collection, sequences in closed.items():
            for sequence in sequences:
                self._end(
                    index, (collection, sequence), owner, lambda offer: (offer.object_id, offer.version) in objects
                )
        for collection in self.rebuilt.collections:
            if any((collection, owner, *one) in self.standing for one in objects):
                raise broken(index, "it leaves an offer standing of what it closes")

    def contributed(self, key: tuple[str, str, Micros]) -> tuple[Label, Micros] | None:
        """Return the label of a contribution, and when it was submitted; None: there is none."""
        label_id = self.contributions.get(key)
        return None if label_id is None else (self.rebuilt.labels[label_id], self._state.instants[self._submitted[key]])

    def _end(self, index: int, key: tuple[str, int], owner: str, is_named: Callable[[Offered], bool]) -> None:
        """Note that an offer is withdrawn: one that stands, of this owner, and of what the entry names."""
        collection, sequence = key
        offer = self.rebuilt.offers.get(key)
        if offer is None or offer.owner != owner or key in self.rebuilt.withdrawn:
            raise broken(index, f"offer {sequence} is not there, another party's, or withdrawn before")
        if not is_named(offer):
            raise broken(index, f"offer {sequence} is of another object than the entry names")
        self.rebuilt.withdrawn[key] = index
        contribution = (collection, offer.owner, offer.object_id, offer.version)
        self.standing.discard(contribution)
        self.again.take_back((*contribution, offer.label_id))

    def reference(self, text: str) -> tuple[str, User | None]:
        """Return the party (its URI) and user that a name in an entry means."""
        return self._state.reference(text)


def _offered(offer: Offer | OfferingAnew, owner: str, index: int) -> Offered:
    return Offered(object_id=offer.object, version=offer.version, label_id=offer.label, owner=owner, entry=index)
