"""Which verdicts change from some facts to others, and how many objects that shows and hides, to whom. Pure.

Counted is by party, by who reads for it (its machines; any of its people) and by purpose: a label is open to a party's
people when it is to one of them at least. Credentials that chose a capacity, readers for clients and grants are left
aside, with one exception: who is a supervisor and something else reads in either capacity.
"""

from __future__ import annotations

import enum
import functools
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.bulk import Bulk, Universe
from tocsin.agreements.cedar import quoted
from tocsin.agreements.gate import SUPERVISING, profile_of
from tocsin.agreements.ground import ground_for
from tocsin.parties.model import PURPOSES, PartyStatus, UserStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tocsin.agreements.bulk import Row
    from tocsin.agreements.facts import Facts
    from tocsin.agreements.model import Profile
    from tocsin.parties.model import Party, User

__all__ = ["Counts", "Impact", "Move", "Seat", "band", "coarse", "impact", "purposes_apart", "readers_of"]

_ENFORCE: Final = "enforce"


class Seat(enum.StrEnum):
    """Who reads for a party."""

    MACHINE = "machine"
    PEOPLE = "people"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """So many labels, and so many objects of each type that carry them."""

    labels: int
    objects: Mapping[str, int]


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What a party would be able to read, and no longer read, for some purposes."""

    party: str  # URI
    seat: Seat
    purposes: tuple[str, ...]
    gains: Counts
    losses: Counts


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What changes. ``verdicts`` of readers, labels and purposes were compared; ``changed`` of them become others."""

    moves: tuple[Move, ...]
    readers: int
    labels: int
    objects: int
    verdicts: int
    changed: int


def impact(
    before: Facts,
    after: Facts,
    universe: Universe,
    users: Mapping[str, Sequence[User]],
    *,
    of: Collection[str] | None = None,
) -> Impact:
    """Return what changes from ``before`` to ``after``, which differ in agreements alone, and are of one instant.

    Args:
        before: what is true.
        after: what would be.
        universe: the labels that objects carry.
        users: of each party, by its URI.
        of: the URIs of the parties whose readers are asked for; None: everybody's.
    """
    groups = purposes_apart(before, after)
    old, new = Bulk(before, universe), Bulk(after, universe)
    moves: list[Move] = []
    readers = changed = 0
    for uri, party in before.parties.items():
        if party.status is not PartyStatus.VETTED or (of is not None and uri not in of):
            continue
        people = [one for one in users.get(uri, ()) if one.status is UserStatus.ACTIVE]
        readers += 1 + len(people)
        # the same policies and facts give the same verdicts
        if ground_for(uri, before).digest == ground_for(uri, after).digest:
            continue
        for group in groups:
            for seat, whom in ((Seat.MACHINE, [None]), (Seat.PEOPLE, people)):
                was, now, flips = _rows(old, new, party, whom, group[0])
                changed += flips * len(group)
                if was != now:
                    moves.append(
                        Move(
                            party=uri,
                            seat=seat,
                            purposes=group,
                            gains=_counts(universe, now & ~was),
                            losses=_counts(universe, was & ~now),
                        )
                    )
    return Impact(
        moves=tuple(_merged(moves)),
        readers=readers,
        labels=universe.size,
        objects=universe.total,
        verdicts=readers * universe.size * len(PURPOSES),
        changed=changed,
    )


def purposes_apart(*all_facts: Facts) -> tuple[tuple[str, ...], ...]:
    """Return the purposes in groups that no policy tells apart; who enforces is always another."""
    texts = [
        policy.text
        for facts in all_facts
        for one in (*facts.agreements, *facts.former)
        for policy in (*one.policies, *one.surviving)
    ]
    alone = [one for one in PURPOSES if one == _ENFORCE or any(quoted(one) in text for text in texts)]
    rest = tuple(one for one in PURPOSES if one not in alone)
    return (*((one,) for one in alone), *((rest,) if rest else ()))


def readers_of(party: Party, user: User | None, purpose: str, facts: Facts) -> tuple[Profile, ...]:
    """Return as whom one reads: in the capacities that nobody has to choose; and as a supervisor, if that is apart."""
    chosen = [None, *(sorted(party.capacities & SUPERVISING) if party.capacities - SUPERVISING else ())]
    return tuple(profile_of(party, user, purpose, facts.at, capacity=capacity) for capacity in chosen)


def band(count: int) -> str:
    """Return the size of a number: what may be told of what somebody may not see yet."""
    if count == 0:
        return "none"
    power = _floor(count)
    return f"{power:,} to {power * 10 - 1:,}"


def coarse(one: Impact) -> Impact:
    """Return an impact as it may be told of what somebody may not see: gains by their order of magnitude, no totals."""
    moves = (
        msgspec.structs.replace(
            move,
            gains=Counts(
                labels=_floor(move.gains.labels),
                objects={name: _floor(count) for name, count in move.gains.objects.items()},
            ),
        )
        for move in one.moves
    )
    return Impact(moves=tuple(moves), readers=one.readers, labels=0, objects=0, verdicts=0, changed=0)


def _floor(count: int) -> int:
    return 10 ** (len(str(count)) - 1) if count else 0


def _rows(old: Bulk, new: Bulk, party: Party, whom: Sequence[User | None], purpose: str) -> tuple[Row, Row, int]:
    """Return what is open to any of some readers before and after, and how many of their verdicts are others."""
    was = now = flips = 0
    for user in whom:
        one, two = (
            functools.reduce(operator.or_, map(bulk.row, readers_of(party, user, purpose, bulk.facts)))
            for bulk in (old, new)
        )
        flips += (one ^ two).bit_count()
        was |= one
        now |= two
    return was, now, flips


def _counts(universe: Universe, row: Row) -> Counts:
    return Counts(labels=row.bit_count(), objects=universe.objects(row))


def _merged(moves: list[Move]) -> Iterator[Move]:
    """Yield the moves, those of one party and seat that differ in purposes alone as one."""
    merged: dict[tuple[str, Seat, bytes], Move] = {}
    for one in moves:
        key = (one.party, one.seat, msgspec.json.encode((one.gains, one.losses), order="sorted"))
        known = merged.get(key)
        purposes = one.purposes if known is None else known.purposes + one.purposes
        merged[key] = msgspec.structs.replace(one, purposes=tuple(sorted(purposes, key=PURPOSES.index)))
    yield from merged.values()
