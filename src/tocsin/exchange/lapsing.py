"""When a legal basis lapses under an agreement that says ``on_lapse: {held: purge}``: what is held is called back.

The lapse itself takes effect at its instant, whether anything runs or not: the gate sees to that. What follows runs
beside: each object that a party received before, under a clause that rests on the basis and by nothing else, is
ordered back from it. Whoever is told so once is not told again, so that a turn that was cut off is taken anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from sqlalchemy import func, select

from tocsin.agreements.interning import read_labels, read_profile
from tocsin.agreements.lapses import Lapse, facts_then, hit, lapse_name, lapse_of, to_follow
from tocsin.agreements.store import agreement_rows, policy_epoch
from tocsin.agreements.tables import LABELS
from tocsin.errors import StoreBrokenError
from tocsin.exchange.recall import store as recalls
from tocsin.exchange.recall.model import CARRIED, MAX_OBJECTS, Authority, Demand, Order, OurCopy
from tocsin.exchange.releases import WITHDRAWN, decode_offers
from tocsin.exchange.retention import store as retention
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS, RELEASES
from tocsin.kernel.clock import DAY, Micros, format_instant
from tocsin.kernel.mandate import Acting
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.facts import Activated, Facts
    from tocsin.agreements.model import Label
    from tocsin.exchange.recall.model import Recall
    from tocsin.exchange.recall.service import Recalls
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.adapter import Adapter
    from tocsin.log.service import Log
    from tocsin.parties.model import Party

__all__ = ["DESTROY_WITHIN", "Lapsing"]

# The agreement says that it is destroyed and not by when: a month is what data protection law gives who must erase.
DESTROY_WITHIN: Final[Micros] = 30 * DAY
# Under this name the sweep's place stands: up to when every lapse was followed. Lost, it is looked up anew; and what
# was followed by the narrower rule of a place called "lapses" is.
_PLACE: Final = "lapses, for all who hold something"


class _Given(NamedTuple):
    """One object that was released once: under which label, to whom, when."""

    contribution_id: int
    label_id: int
    profile_id: int
    at: Micros


class _Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be ordered: from which parties (URIs) which contributions, since which lapse."""

    lapse: Lapse
    parties: frozenset[str]
    contributions: tuple[int, ...]


class _Lapsed(NamedTuple):
    """A lapse, the version that it is of, and what was true at its instant."""

    lapse: Lapse
    version: Activated
    facts: Facts


class _Looked(NamedTuple):
    """When a snapshot was, what policy it saw, the last release that was in it, and the last lapse that it found."""

    at: Micros
    epoch: int
    released: int
    lapsed: Micros | None


class Lapsing:
    """Calls back what lapses leave without a ground, in one environment."""

    def __init__(self, *, store: Store, log: Log, recalls: Recalls, environment: int) -> None:
        self._store = store
        self._log = log
        self._recalls = recalls
        self._environment = environment

    def turn(self) -> None:
        """Follow every lapse that there was: for who calls it again and again."""
        self.follow()

    def follow(self, acting: Acting | None = None) -> list[Recall]:
        """Order back what the lapses so far leave without a ground; returns the recalls. ``acting``: else the hub.

        What was ordered before is not ordered again. Everything is worked out in one snapshot; each order is a
        transaction of its own.
        """
        made: list[Recall] = []
        while True:
            with self._store.read() as connection:
                at = self._log.now(connection)
                place = retention.place_of(connection, self._environment, _PLACE)
                found = self._lapsed(connection, after=place, until=at)
                due = [one for lapsed in found for one in self._due(connection, lapsed)]
                looked = _Looked(
                    at=at,
                    epoch=policy_epoch(connection, self._environment),
                    released=_last_release(connection),
                    lapsed=max((one.lapse.at for one in found), default=None),
                )
            if not found and at - place < DAY:
                return made
            if self._order(due, looked, acting, made):
                return made

    def _order(self, due: Sequence[_Due], looked: _Looked, acting: Acting | None, made: list[Recall]) -> bool:
        """Order what is due, and note the place; returns False when it is to be looked at anew.

        Agreements moved meanwhile, or the clock was set back; or something left by what held before a lapse that the
        look had not seen: its transaction was under way, or is of a machine whose clock is behind ours.
        """
        for one in due:
            for start in range(0, len(one.contributions), MAX_OBJECTS):
                with self._store.write() as connection:
                    now = self._log.now(connection)
                    if policy_epoch(connection, self._environment) != looked.epoch or now < looked.at:
                        return False
                    order = _order_for(one, one.contributions[start : start + MAX_OBJECTS], now)
                    doer = acting or self._itself(connection)
                    made += self._recalls.order_recall(connection, doer, order)
        with self._store.write() as connection:
            if policy_epoch(connection, self._environment) != looked.epoch:
                return False
            # from here on nobody decides anything by what held before these lapses, whatever their clock says
            self._log.note_time(connection, looked.at)
            if looked.lapsed is not None and _left_since(connection, self._environment, looked.released, looked.lapsed):
                return False
            retention.put_place(connection, self._environment, _PLACE, looked.at)
        return True

    def _lapsed(self, connection: Connection, *, after: Micros, until: Micros) -> list[_Lapsed]:
        """Return the lapses that call something back."""
        standings = [row.standing for row in agreement_rows(connection, self._environment)]
        everyone: dict[str, Party] = {
            row.party.uri: row.party for row in parties.party_rows(connection, self._environment)
        }
        versions = {one.activated.id: one.activated for one in standings}
        return [
            _Lapsed(lapse, versions[lapse.id], facts_then(standings, everyone, lapse.at))
            for lapse in to_follow(standings, everyone, until=until)
            if lapse.at > after
        ]

    def _due(self, connection: Connection, lapsed: _Lapsed) -> Iterator[_Due]:
        """Yield what is to be ordered back from whom, of what a lapse leaves without a ground."""
        lapse, version, facts = lapsed
        labels = self._labels(connection, version.joined)
        struck: dict[int, frozenset[int]] = {}
        receivers: dict[int, list[str]] = {}
        kept: set[tuple[int, str]] = set()
        last: dict[tuple[int, str], Micros] = {}
        for one in _given(connection, self._store.adapter, self._environment, lapse.holders, labels, before=lapse.at):
            if one.profile_id not in struck:
                profile = read_profile(connection, one.profile_id)
                struck[one.profile_id] = hit(lapse, version, facts, profile, labels)
                receivers[one.profile_id] = [party for party, _ in recalls.readers_of(profile)]
            for party in receivers[one.profile_id]:
                pair = (one.contribution_id, party)
                if one.label_id not in struck[one.profile_id] or party == labels[one.label_id].owner:
                    kept.add(pair)  # it is held under something else, too
                else:
                    last[pair] = max(one.at, last.get(pair, one.at))
        told = self._told(connection, lapse)
        by_contribution: dict[int, set[str]] = {}
        for pair, at in last.items():
            if pair not in kept and told.get(pair, -1) < at:
                by_contribution.setdefault(pair[0], set()).add(pair[1])
        alike: dict[frozenset[str], list[int]] = {}
        for contribution, whom in sorted(by_contribution.items()):
            alike.setdefault(frozenset(whom), []).append(contribution)
        for whom_, contributions in alike.items():
            yield _Due(lapse=lapse, parties=whom_, contributions=tuple(contributions))

    def _told(self, connection: Connection, lapse: Lapse) -> dict[tuple[int, str], Micros]:
        """Return who was told of which contribution for an earlier lapse of the same basis, or for this one, and when.

        Of one agreement in any version: an amendment, or a grace that was given too late, makes no second order.
        """
        ordered: dict[int, Micros] = {}
        for row in recalls.recalls_of(connection, self._environment):
            basis = lapse_of(row.recall.basis or "")
            if basis is not None and (basis.agreement, basis.basis) == (lapse.agreement, lapse.basis):
                ordered[row.recall_id] = row.recall.ordered_at
        found: dict[tuple[int, str], Micros] = {}
        for notice in recalls.notices_of(connection, self._environment, sorted(ordered)) if ordered else ():
            for contribution in notice.contributions:
                pair = (contribution, notice.party)
                found[pair] = max(ordered[notice.recall_id], found.get(pair, 0))
        return found

    def _labels(self, connection: Connection, owners: Collection[str]) -> dict[int, Label]:
        query = select(LABELS.c.label_id).where(LABELS.c.environment == self._environment)
        known = read_labels(connection, self._store.adapter, [int(one) for one in connection.execute(query).scalars()])
        return {number: label for number, label in known.items() if label.owner in owners}

    def _itself(self, connection: Connection) -> Acting:
        uri = parties.read_hub(connection, self._environment)
        row = None if uri is None else parties.party_by_uri(connection, self._environment, uri)
        if row is None:
            raise StoreBrokenError("nobody runs this hub", where="hubs")
        return Acting(actor=row.party.name)


def _order_for(one: _Due, contributions: tuple[int, ...], at: Micros) -> Order:
    lapse = one.lapse
    return Order(
        contributions=contributions,
        demand=Demand.DESTROY,
        due=at + DESTROY_WITHIN,
        reason=(
            f"the legal basis {lapse.basis} of {lapse.agreement} version {lapse.version} lapsed at "
            f"{format_instant(lapse.at)}"
        ),
        authority=Authority.AGREEMENT,
        basis=lapse_name(lapse),
        ours=OurCopy.KEEP,  # its owner, and whom the lapse does not hit, go on reading it
        recipients=one.parties,
        until=lapse.at,
    )


def _last_release(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(RELEASES.c.release_id), 0))).scalar_one())


def _left_since(connection: Connection, environment: int, last: int, before: Micros) -> bool:
    """Return whether anything was released after a release, and decided before an instant."""
    query = select(RELEASES.c.release_id).where(
        RELEASES.c.environment == environment, RELEASES.c.release_id > last, RELEASES.c.at < before
    )
    return connection.execute(query.limit(1)).first() is not None


def _given(
    connection: Connection,
    adapter: Adapter,
    environment: int,
    readers: Collection[str],
    labels: Mapping[int, Label],
    *,
    before: Micros,
) -> Iterator[_Given]:
    """Yield what was released to some parties (URIs), under some labels, before an instant."""
    query = (
        select(RELEASES.c.collection_id, RELEASES.c.profile_id, RELEASES.c.at, RELEASES.c.offers)
        .where(
            RELEASES.c.environment == environment,
            RELEASES.c.at < before,
            RELEASES.c.kind.in_(sorted(CARRIED)),
            RELEASES.c.party.in_(sorted(readers)),
        )
        .order_by(RELEASES.c.release_id)
    )
    by_collection: dict[int, list[tuple[int, Micros, tuple[int, ...]]]] = {}
    for row in connection.execute(query):
        released = (row.profile_id, row.at, tuple(decode_offers(row.offers)))
        by_collection.setdefault(row.collection_id, []).append(released)
    for collection_id, pages in by_collection.items():
        wanted = adapter.integers(sorted({sequence for _, _, left in pages for sequence in left}), "wanted")
        offers = connection.execute(
            select(
                OFFERS.c.offer_seq,
                OFFERS.c.contribution_id,
                OFFERS.c.label_id,
                CONTRIBUTIONS.c.label_id.label("contributed"),
            )
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
            .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq.in_(select(wanted.c.value)))
        )
        # what was withdrawn since has no label there any more; who received it holds it all the same
        offered = {
            one.offer_seq: (one.contribution_id, one.contributed if one.label_id == WITHDRAWN else one.label_id)
            for one in offers
        }
        for profile_id, at, left in pages:
            for sequence in left:
                contribution_id, label_id = offered[sequence]
                if label_id in labels:
                    yield _Given(contribution_id, label_id, profile_id, at)
