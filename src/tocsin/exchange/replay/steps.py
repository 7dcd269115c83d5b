"""A log told from its beginning, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tocsin.agreements import replay as agreements
from tocsin.errors import TocsinError
from tocsin.exchange.access import replay as access
from tocsin.exchange.live.webhooks import replay as webhooks
from tocsin.exchange.replay import frame, rooms
from tocsin.exchange.replay.above import ABOVE
from tocsin.exchange.replay.ahead import Ahead
from tocsin.exchange.replay.forms import broken
from tocsin.exchange.replay.offers import Offers
from tocsin.exchange.replay.releases import Releases
from tocsin.exchange.replay.state import State
from tocsin.exchange.retention import keeping
from tocsin.exchange.sanitise import replay as sanitised
from tocsin.governance import course
from tocsin.governance.replay import ToldRegister
from tocsin.kernel.clock import parse_instant
from tocsin.parties import replay as parties
from tocsin.parties.vetting import replay as vetting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tocsin.exchange.replay.above import Above
    from tocsin.exchange.replay.rebuilt import Judged, Rebuilt
    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload

__all__ = ["KINDS", "replay"]

# What is told of collections and of what is offered in them.
_OFFERS: Final[Mapping[str, Callable[[Offers, int, Mapping[str, Any]], None]]] = {
    "ceiling.set": Offers.set_ceiling,
    "collection.added": Offers.collect,
    "collection.made": Offers.make,
    "offering": Offers.offer_again,
    "submission": Offers.submit,
    "withdrawal": Offers.withdraw,
}
# Rooms that are told the whole entry: by whom it was done as well.
_ROOMS: Final[Mapping[str, Callable[[rooms.Before, int, EntryPayload], None]]] = (
    dict.fromkeys(webhooks.KINDS, rooms.hook)
    | dict.fromkeys(access.KINDS, rooms.grant)
    | dict.fromkeys(vetting.KINDS, rooms.vet)
    | dict.fromkeys(sanitised.KINDS, rooms.publish)
    | dict.fromkeys(keeping.KINDS, rooms.keep)
    | {"annex.settled": rooms.settle}
)
# Entries that change nothing which later ones rest on.
_OTHERS: Final = frozenset({"inquiry", "release"})
_ELSEWHERE: Final = _OTHERS | ABOVE | parties.KINDS | agreements.KINDS | course.KINDS
# Every kind of entry that can be told.
KINDS: Final = frozenset({"hub.founded"}) | _OFFERS.keys() | _ROOMS.keys() | _ELSEWHERE


def replay(
    entries: Iterable[tuple[int, EntryPayload]],
    *,
    witness: Callable[[Judged], None] | None = None,
    above: Above | None = None,
) -> Rebuilt:
    """Tell a log from its beginning and decide every release again.

    ``entries`` are walked over twice, so that no iterator will do. Held at a time is what the partnership is made of,
    some hundred bytes for each release, and those entries that lie between a decision and its own entry.
    ``witness`` is told of each release as it is judged, ``above`` each entry of the rooms above, whose rules it keeps:
    without it these are held to what every entry is held to, and to no more.

    Raises:
        LogBrokenError: an entry is missing, does not follow from those before it, or a release was made that the
            agreements of its instant did not allow; says which.
    """
    if iter(entries) is entries:
        raise TypeError("entries are walked over twice: an iterator is empty the second time")
    ahead, telling = Ahead(entries), _Telling(witness, above)
    for index, payload in ahead:
        telling.step(index, payload)
        for place, release in ahead.decided_by(index + 1):
            telling.releases.judge(place, release)
    rebuilt = telling.state.rebuilt
    sanitised.finish(rebuilt.sanitised, telling.purged)
    return rebuilt


class _Telling:
    """What was told so far, by the parts that hold the next entry to it."""

    def __init__(self, witness: Callable[[Judged], None] | None, above: Above | None) -> None:
        self.state = State()
        self._above = above
        self._offers = Offers(self.state)
        self.releases = Releases(self.state, self._offers.keeping, witness)

    def purged(self, owner: str, object_id: str, version: Micros) -> bool:
        """Return whether a contribution was destroyed, or is to be when no hold keeps it any more."""
        return (owner, object_id, version) in self._offers.keeping.kept.purges

    def step(self, index: int, payload: EntryPayload) -> None:
        """Apply one entry."""
        state, at = self.state, parse_instant(payload.at)
        rebuilt = state.rebuilt
        if (index == 0) != (payload.kind == "hub.founded"):
            raise broken(index, "a log begins with the founding of its hub, and only begins so")
        if index == 0:
            state.environment, state.founder = payload.environment, payload.actor
        frame.check_frame(state, index, payload, at)
        self._offers.again.check_turn(index, payload.kind)
        state.instants.append(at)
        try:
            rebuilt.people = parties.apply(rebuilt.people, payload.kind, payload.data)
            rebuilt.agreed = agreements.apply(
                rebuilt.agreed, payload.kind, payload.data, people=rebuilt.people, at=at, mandate=payload.mandate
            )
        except TocsinError as error:
            raise broken(index, str(error)) from error
        if payload.kind == "party.added":
            state.names = {party.name: uri for uri, party in rebuilt.people.parties.items()}
        if payload.kind == "release":
            self.releases.enter(index, payload, at)
        else:
            state.acted = (index, at)
        self._dispatch(index, payload)
        if index == len(frame.FOUNDING) - 1:
            frame.check_founded(state, index)
        rebuilt.entries = index + 1

    def _hand_up(self, index: int, payload: EntryPayload) -> None:
        if self._above is None:
            return
        rebuilt = self.state.rebuilt
        register = ToldRegister(rebuilt.people, rebuilt.agreed, self.state.names)
        try:
            self._above(index, payload, register=register, rebuilt=rebuilt, at=self.state.at)
        except TocsinError as error:
            raise broken(index, str(error)) from error

    def _dispatch(self, index: int, payload: EntryPayload) -> None:
        """Hand an entry to the room that it is of, where that has not seen it yet."""
        own, room = _OFFERS.get(payload.kind), _ROOMS.get(payload.kind)
        if own is not None:
            own(self._offers, index, payload.data)
        elif room is not None:
            room(rooms.Before(self.state, self._offers), index, payload)
        elif payload.kind in ABOVE:
            self._hand_up(index, payload)
        elif payload.kind == "hub.founded":
            frame.found(self.state, index, payload.data)
        elif payload.kind not in _ELSEWHERE:
            raise broken(index, f"it is of a kind that this program does not know: {payload.kind}")
