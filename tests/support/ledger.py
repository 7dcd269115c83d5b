"""What was promised to whom, in plain sets, and whether a hub keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from support.crew import ALL, SIZE, Done, PageTold, Plain, Share, Step, Task, ids_of
from support.inspection import inspect_hub
from support.sharing import CREATED
from tocsin.exchange.model import Query
from tocsin.exchange.releases import decode_offers
from tocsin.exchange.tables import COLLECTIONS, CONTRIBUTIONS, OFFERS, RELEASES
from tocsin.kernel.clock import SECOND
from tocsin.log.tables import LOG_HEADS
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from support.hub import World

__all__ = ["CHANGING", "READERS", "Ledger", "Walk"]

CHANGING: Final = "coast"  # whose rights come and go
READERS: Final = ("bravo", "ana@alfa", CHANGING)
WAYS: Final = ("cursor", "added_after", "place", "stream")


class _Row(NamedTuple):
    """One offer, as the store has it."""

    seq: int
    added: int
    object_id: str
    version: int
    owner: str
    withdrawn: bool


@dataclass(kw_only=True)
class Walk:
    """A reader on its way: what it has in its hands, and how it goes on. It asks again when it got no answer."""

    id: int
    reader: str
    way: str
    limit: int
    items: list[tuple[int, str, int, int]] = field(default_factory=list)
    cursor: str | None = None
    added_after: int | None = None
    last: str | None = None  # of a stream: the id of its last event
    # where it was, each time when it was told that there is no more, and the newest offer known of when it had asked
    ends: list[tuple[int, int]] = field(default_factory=list)
    task: int | None = None  # asked and not answered yet
    told_at: int = 0  # the newest offer known of when it asked
    shut: int | None = None  # the state of policy when it asked, if nothing may be given to it in that

    def step(self) -> Step:
        """Return what it asks next."""
        if self.way == "stream":
            return Step(walk=self.id, reader=self.reader, limit=self.limit, stream=True, last=self.last)
        behind = self.items[-1] if self.items else None
        if self.way == "place" and behind is not None:
            return Step(walk=self.id, reader=self.reader, limit=self.limit, place=behind[0])
        if self.cursor is None:
            # TAXII's way to come back later, and the other way to walk through pages; a cursor holds for it, too
            self.added_after = None if behind is None else behind[3]
        return Step(
            walk=self.id, reader=self.reader, limit=self.limit, cursor=self.cursor, added_after=self.added_after
        )

    def take(self, page: PageTold) -> None:
        """Take a page into its hands."""
        places = [item[0] for item in [*self.items[-1:], *page.items]]
        assert places == sorted(set(places)), f"{self.reader} by {self.way} got {page.items} after {self.items[-1:]}"
        assert len(page.items) <= self.limit
        self.items += page.items
        self.last = page.last or self.last
        self.cursor = page.next if self.way == "cursor" else None
        if page.next is None:
            self.ends.append((self.items[-1][0] if self.items else 0, self.told_at))


class Ledger:
    """All promises, and the checks: ``look`` after each step, ``settle`` when nobody is at work."""

    def __init__(self) -> None:
        self.shares: dict[Share, int] = {}  # whatever was tried, and the newest offer known of before the first try
        self.kept: set[Share] = set()  # acknowledged
        self.withdrawing: set[int] = set()  # bundles of alfa's of which a withdrawal was tried
        self.withdrawn: set[int] = set()
        self.walks: dict[int, Walk] = {}
        self.head = 0
        self.size = 0
        self.released: dict[str, list[int]] = {}
        self.pages = 0
        self._rows: list[_Row] = []
        self._unseen: dict[str, list[int]] = {}
        self._policy = 0  # counts what was told about the changing party
        self._suspended = False  # acknowledged, and nothing else was told since or was under way before
        self._changing: set[int] = set()  # tasks about it that nobody answered yet
        self._last: int | None = None

    # --- what is told and heard ---------------------------------------------------------------------------------------

    def told(self, task: Task) -> None:
        """Note that somebody was told to do something."""
        match task.work:
            case Share():
                self.shares.setdefault(task.work, self.head)
            case Plain(what="withdraw"):
                self.withdrawing.add(task.work.number)
            case Plain(what="suspend" | "clear"):
                self._policy += 1
                self._suspended = False
                self._last = task.id if task.work.what == "suspend" and not self._changing else None
                self._changing.add(task.id)
            case Step():
                walk = self.walks[task.work.walk]
                walk.task, walk.told_at = task.id, self.head
                walk.shut = self._policy if walk.reader == CHANGING and self._suspended else None

    def lost(self, task: Task) -> None:
        """Note that nobody will answer, or has answered."""
        self._changing.discard(task.id)
        if isinstance(task.work, Step):
            self.walks[task.work.walk].task = None

    def heard(self, done: Done) -> None:
        """Note an answer."""
        work = done.task.work
        self.lost(done.task)
        if done.problem is not None:
            changes = isinstance(work, Plain) and work.what in {"suspend", "clear"}
            shut = isinstance(work, Step) and work.reader == CHANGING
            assert done.busy or changes or shut, f"{work} was answered with {done.problem}"
            return
        match work:
            case Share():
                self.kept.add(work)
            case Plain(what="withdraw"):
                self.withdrawn.add(work.number)
            case Plain(what="suspend"):
                self._suspended = done.task.id == self._last
            case Step():
                assert done.page is not None
                self._take(self.walks[work.walk], done.page)

    def _take(self, walk: Walk, page: PageTold) -> None:
        assert walk.shut != self._policy or not page.items, "given to a party that was suspended before it asked"
        assert (page.release is not None) == bool(page.items)
        if page.release is not None:
            self.pages += 1
            self._unseen[page.release] = self.released[page.release] = [item[0] for item in page.items]
        walk.take(page)

    # --- what must hold -----------------------------------------------------------------------------------------------

    def look(self, connection: Connection) -> None:
        """Check in one snapshot what holds at any time: promises are kept, all is whole, nothing moved."""
        rows = _rows(connection)
        head, added = connection.execute(
            select(COLLECTIONS.c.head_seq, COLLECTIONS.c.head_added).where(COLLECTIONS.c.alias == "exchange")
        ).one()
        assert [row.seq for row in rows] == list(range(1, head + 1))
        instants = [row.added for row in rows]
        assert instants == sorted(set(instants)), "date_added does not rise"
        assert (instants[-1] if instants else 0) == added
        for before, now in zip(self._rows, rows, strict=False):
            assert before in {now, now._replace(withdrawn=False)}, f"{before} became {now}"
        assert len(rows) >= len(self._rows), "offers are gone"
        self._rows = rows
        self._promises(rows)
        self.head = head
        size = connection.execute(select(LOG_HEADS.c.size)).scalar_one()
        assert size >= self.size, "the log became shorter"
        self.size = size
        query = select(RELEASES.c.uuid, RELEASES.c.offers).where(RELEASES.c.uuid.in_(self._unseen))
        staged = {row.uuid: row.offers for row in connection.execute(query)}
        for uuid, offers in self._unseen.items():
            assert uuid in staged, "a page left, and its release is not there"
            assert decode_offers(staged[uuid]) == offers
        self._unseen = {}

    def _promises(self, rows: Sequence[_Row]) -> None:
        offers: dict[tuple[str, str, int], list[_Row]] = {}
        for row in rows:
            offers.setdefault((row.owner, row.object_id, row.version), []).append(row)
        counted = 0
        for share, floor in self.shares.items():
            version = CREATED + share.version * 3600 * SECOND
            owner = f"https://{share.owner}.example"
            found = [row for one in ids_of(share.number) for row in offers.get((owner, one, version), [])]
            counted += len(found)
            assert found or share not in self.kept, f"{share} was acknowledged, and is not there"
            if not found:
                continue
            # wholly, once, in the order in which they came, and behind what was there before they came
            assert [row.object_id for row in found] == ids_of(share.number), f"{share} is there as {found}"
            assert [row.seq for row in found] == list(range(found[0].seq, found[0].seq + SIZE))
            assert found[0].seq > floor
            gone = [row.withdrawn for row in found]
            own = share.owner == "alfa"
            assert not any(gone) or (own and share.number in self.withdrawing)
            assert all(gone) or not (own and share.number in self.withdrawn)
        assert counted == len(rows), "there is more than anybody shared"

    def settle(self, world: World) -> None:
        """Check everything, when nobody is at work: every walk, each release, the log, the hub's own test."""
        hub = world.hub
        touched = {one for number in self.withdrawing for one in ids_of(number)}
        fresh: dict[str, list[tuple[int, str, int, int]]] = {}
        for walk in self.walks.values():
            if walk.reader == CHANGING:  # its rights were others; each page of it is decided again below
                continue
            if walk.reader not in fresh:
                found = world.read(walk.reader, query=Query(versions=ALL), limit=7)
                fresh[walk.reader] = [
                    (item.seq, item.object_id, item.version, item.date_added)
                    for item, _ in found
                    if item.object_id not in touched
                ]
            reached = max((item[0] for item in walk.items), default=0)
            expected = [item for item in fresh[walk.reader] if item[0] <= reached]
            got = [item for item in walk.items if item[1] not in touched]
            assert got == expected, f"{walk.reader} by {walk.way}: {_difference(got, expected)}"
            for at, known in walk.ends:
                kept_back = [item for item in fresh[walk.reader] if at < item[0] <= known]
                assert not kept_back, f"{walk.reader} by {walk.way} was told at {at} that there is no more: {kept_back}"
        hub.integrator.integrate()
        inspect_hub(hub)
        with hub.store.read() as connection:
            self.look(connection)
            entered = connection.execute(select(RELEASES.c.uuid).where(RELEASES.c.log_idx.is_not(None))).scalars()
            assert self.released.keys() <= set(entered)


def _rows(connection: Connection) -> list[_Row]:
    found = connection.execute(
        select(
            OFFERS.c.offer_seq,
            OFFERS.c.date_added,
            CONTRIBUTIONS.c.object_id,
            CONTRIBUTIONS.c.version,
            PARTIES.c.uri,
            OFFERS.c.withdrawn_at.is_not(None),
        )
        .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
        .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
        # and not those collections in which something is offered anew
        .join(COLLECTIONS, COLLECTIONS.c.collection_id == OFFERS.c.collection_id)
        .where(COLLECTIONS.c.alias == "exchange")
        .order_by(OFFERS.c.offer_seq)
    )
    return [_Row._make((*row[:-1], bool(row[-1]))) for row in found]


def _difference(got: list[tuple[int, str, int, int]], expected: list[tuple[int, str, int, int]]) -> str:
    skipped = [item for item in expected if item not in got]
    return f"skipped {skipped}, was given besides {[item for item in got if item not in expected]}"
