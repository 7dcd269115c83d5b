"""What a replay holds purges, reviews, holds and recalls to: the entries before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tocsin.agreements.lapses import to_follow
from tocsin.agreements.model import Tlp, user_address
from tocsin.errors import LogBrokenError
from tocsin.exchange.recall import replay as recall
from tocsin.exchange.recall.model import CARRIED, RECALLS, OurCopy
from tocsin.exchange.releases import decode_offers
from tocsin.exchange.retention import replay as retention
from tocsin.exchange.retention.model import Ground
from tocsin.exchange.retention.rules import binding
from tocsin.parties.model import SPEAKERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tocsin.agreements.facts import Activated
    from tocsin.agreements.lapses import LapseName
    from tocsin.agreements.model import Label
    from tocsin.exchange.replay import Rebuilt
    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload
    from tocsin.parties.model import User

__all__ = ["KINDS", "Keeping", "Left"]

KINDS = retention.KINDS | recall.KINDS

Key = retention.Key


class Left(NamedTuple):
    """One owner's part of a release, as its entry tells it."""

    readers: Sequence[tuple[str, str | None]]  # party and user
    at: Micros
    kind: str
    collection: str
    offers: bytes  # as `releases.encode_offers` writes them
    owner: str
    under: Mapping[str, bytes] = {}  # likewise what an emergency annex alone let out, by the annex


class Replayed(Protocol):
    """What the rules ask of a replay."""

    rebuilt: Rebuilt

    def contributed(self, key: Key) -> tuple[Label, Micros] | None:
        """Return the label of a contribution, and when it was submitted."""
        ...

    def close(self, index: int, owner: str, objects: set[tuple[str, Micros]], closed: Mapping[str, list[int]]) -> None:
        """Note that every standing offer of contributions is withdrawn."""
        ...

    def reference(self, text: str) -> tuple[str, User | None]:
        """Return the party and user that a name in an entry means."""
        ...


class Keeping:
    """The state between two entries, and the rules that the next one is held to."""

    def __init__(self, replayed: Replayed) -> None:
        self._replayed = replayed
        self.kept = retention.Told()
        self.recalled = recall.Told()
        self._left: dict[str, list[Left]] = {}  # by owner
        self._closed: set[Key] = set()

    def left(self, left: Left) -> None:
        """Note what left in a release."""
        self._left.setdefault(left.owner, []).append(left)

    def step(self, index: int, payload: EntryPayload, at: Micros) -> None:
        """Apply one entry."""
        data: dict[str, Any] = payload.data
        try:
            if payload.kind in retention.KINDS:
                retention.apply(self.kept, payload.kind, data, at=at, rules=self)
            else:
                act = recall.Act(kind=payload.kind, at=at, actor=payload.actor, on_behalf_of=payload.on_behalf_of)
                recall.apply(self.recalled, act, data, rules=self)
        except LogBrokenError as error:
            raise LogBrokenError(str(error), where=f"entry {index}") from error
        if payload.kind == "purge":
            named = {(object_id, version) for object_id, version in (*data["objects"], *data["held"])}
            self._replayed.close(index, data["owner"], named, data["withdrawn"])
        elif payload.kind in {"recall.ordered", "recall.imposed"} and data["ours"] != OurCopy.KEEP:
            named = {(object_id, version) for object_id, version in data["objects"]}
            if data["ours"] == OurCopy.WITHDRAW:
                self._replayed.close(index, data["owner"], named, data["withdrawn"])
        else:
            return
        self._closed.update((data["owner"], *one) for one in named)

    def is_for_notices(self, collection: str) -> bool:
        """Return whether a collection is the one in which notices are given."""
        made = self._replayed.rebuilt.made.get(collection)
        return made is not None and made.made_for == RECALLS

    def is_closed(self, key: Key) -> bool:
        """Return whether a contribution was purged, or called back from everybody."""
        return key in self._closed

    def is_called_back(self, key: Key) -> bool:
        """Return whether a contribution was called back from everybody."""
        return any(key in one.keys and one.recall.ours is not OurCopy.KEEP for one in self.recalled.recalls.values())

    def expired(self, key: Key) -> bool:
        """Return whether a contribution was ordered to be purged, and not by a recall."""
        gone = self.kept.purges.get(key)
        return gone is not None and gone.ground != Ground.RECALL

    # --- what retention asks -----------------------------------------------------------------------------------------

    def contributed(self, key: Key) -> tuple[Label, Micros] | None:
        """Return the label of a contribution, and when it was submitted."""
        return self._replayed.contributed(key)

    def bound(self) -> Sequence[Activated]:
        """Return the agreements whose retain clauses bind."""
        return binding(self._replayed.rebuilt.agreed.versions.values())

    def called_back(self, recall: str, key: Key) -> bool:
        """Return whether a recall orders the hub to destroy a contribution."""
        one = self.recalled.recalls.get(recall)
        return one is not None and key in one.keys and one.recall.ours is OurCopy.PURGE

    # --- what recalls ask --------------------------------------------------------------------------------------------

    def has(self, key: Key) -> bool:
        """Return whether there is a contribution."""
        return self._replayed.contributed(key) is not None

    def received(
        self, keys: Collection[Key], *, since: Micros | None, until: Micros | None, under: str | None
    ) -> Mapping[tuple[str, str], set[Key]]:
        """Return who received which of these contributions of one owner in a time, by party and address.

        ``under``: through this annex alone, and never in another way.
        """
        found = dict[tuple[str, str], set[Key]]()
        otherwise = set[tuple[str, Key]]()
        for left, key, party, user, annexes in self._told(keys):
            if not annexes:
                otherwise.add((party, key))
            meant = under is None or under in annexes
            if not meant or (since or left.at) > left.at or (until is not None and left.at >= until):
                continue
            known = self._replayed.contributed(key)
            red = known is not None and known[0].tlp is Tlp.RED
            address = user_address(user, party) if red and user is not None else party
            found.setdefault((party, address), set()).add(key)
        if under is None:
            return found
        alone = {who: {key for key in keys_ if (who[0], key) not in otherwise} for who, keys_ in found.items()}
        return {who: keys_ for who, keys_ in alone.items() if keys_}

    def let_out(self, annex: str, *, since: Micros, until: Micros) -> set[Key]:
        """Return what somebody else than its owner received in a time through an annex alone, and in no other way."""
        offers, named = self._replayed.rebuilt.offers, dict[str, set[Key]]()
        for left in (one for parts in self._left.values() for one in parts if annex in one.under):
            for sequence in decode_offers(left.under[annex]):
                offer = offers[left.collection, sequence]
                named.setdefault(left.owner, set()).add((offer.owner, offer.object_id, offer.version))
        found = set[Key]()
        for owner, keys in named.items():
            received = self.received(keys, since=since, until=until, under=annex)
            found.update(*(them for (party, _), them in received.items() if party != owner))
        return found

    def _told(self, keys: Collection[Key]) -> Iterator[tuple[Left, Key, str, str | None, frozenset[str]]]:
        """Yield each receipt of these contributions: key, party, user, and the annexes that alone let it out."""
        offers = self._replayed.rebuilt.offers
        for left in self._left.get(next(iter(keys))[0], ()) if keys else ():
            if left.kind not in CARRIED:
                continue
            under = {annex: frozenset(decode_offers(told)) for annex, told in left.under.items()}
            for sequence in decode_offers(left.offers):
                offer = offers[left.collection, sequence]
                key = (offer.owner, offer.object_id, offer.version)
                if key in keys and self._replayed.contributed(key) is not None:
                    annexes = frozenset(annex for annex, told in under.items() if sequence in told)
                    for party, user in left.readers:
                        yield left, key, party, user, annexes

    def speaks_for(self, reference: str, party: str) -> bool:
        """Return whether a user is one of a party who may attest."""
        home, user = self._replayed.reference(reference)
        return home == party and user is not None and bool(user.roles & SPEAKERS)

    def agreed(self, basis: str, owner: str) -> bool:
        """Return whether an owner signed the agreement that a basis begins with."""
        one = self._replayed.rebuilt.agreed.versions.get(basis.partition("#")[0])
        return one is not None and owner in one.activated.joined

    def lapsed(self, lapse: LapseName, at: Micros) -> bool:
        """Return whether a legal basis lapsed by an instant under an agreement that then calls back what is held."""
        rebuilt = self._replayed.rebuilt
        found = to_follow(rebuilt.agreed.versions.values(), rebuilt.people.parties, until=at)
        known = {(one.agreement, one.version, one.basis, one.at) for one in found}
        return (lapse.agreement, lapse.version, lapse.basis, lapse.at) in known
