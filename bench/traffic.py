"""How well a member tells from times what it may not see: the area under the curve, 0.5 being guessing.

One server, one client. Two questions take turns that answer alike and differ in what is hidden; the area says how often
the slower one is the one with something hidden. Beside the times over loopback stands the processor time of the thread
that answers, in this process: what is left when all noise is taken away.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from bench.http_client import Client
from bench.hubs import agreement, asker, opened, served
from bench.measure import Line, Table, line
from support.adversary import auc
from support.hub import World
from support.taxii import bundle, indicator, object_id
from tocsin.exchange import store as exchange_store
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Query
from tocsin.kernel.clock import SystemClock, format_instant
from tocsin.kernel.db.store import LIVE
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Acting
from tocsin.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.run import Run
    from tocsin.bootstrap import Hub

    Ask = Callable[[int], object]

COLLECTIONS: Final = ("plain", "likewise", "crowded", "contested", "buried", "moving", "elsewhere", "own")
SEEN: Final = 50
HIDDEN: Final = 3_000
TRIES: Final = 600
# Of a submission that others store meanwhile, how often, and how long after its begin one asks.
LARGE: Final = 2_000
LARGE_TRIES: Final = 20
BEHIND: Final = 0.1  # seconds
_UNSEEN: Final = "coast"  # shares, and is in no agreement with who listens


def measure(run: Run) -> list[Table]:
    """Return both tables."""
    world = World(run.folder / "traffic", start=SystemClock().now(), settings=_settings(run))
    for name in ("alfa", "bravo", _UNSEEN):
        world.party(name)
    agreement(world, "traffic", ("alfa", "bravo"), "tlp: {at_most: amber}")
    tokens = {name: world.token(name) for name in ("alfa", "bravo", _UNSEEN)}
    last = _fill(world)
    settings = world.settings
    world.hub.close()
    return [_by_clock(run, settings, tokens, last), _by_processor(run, settings, last)]


def _settings(run: Run) -> Settings:
    home = run.folder / "traffic"
    return Settings(home=home, database=home / "hub.db")


def _fill(world: World) -> dict[str, int]:
    """Offer the same to who listens in each collection, hide more in some, and return each one's last instant."""
    last: dict[str, int] = {}
    for alias in COLLECTIONS:
        with world.hub.store.write() as connection:
            exchange_store.add_collection(
                connection,
                LIVE,
                uuid=new_uuid(world.entropy),
                alias=alias,
                title=alias,
                description="",
                at=world.clock.now(),
            )
    for alias in COLLECTIONS:
        seen = [indicator(f"seen {number}") for number in range(SEEN)]
        if alias == "contested":
            world.share(_UNSEEN, bundle(seen[-1] | {"name": "another's"}), collection=alias)
        world.share("alfa", bundle(*seen), collection=alias)
        page = world.hub.reading.objects(asker("bravo"), alias, Query())
        last[alias] = page.page.items[-1].date_added
        if alias in ("crowded", "buried"):
            hidden = HIDDEN * (10 if alias == "buried" else 1)
            world.share(_UNSEEN, bundle(*(indicator(f"hidden {n}") for n in range(hidden))), collection=alias)
    return last


# --- over loopback ---------------------------------------------------------------------------------------------------


def _by_clock(  # noqa: C901  what is compared, each a few lines, around one server
    run: Run, settings: Settings, tokens: dict[str, str], last: dict[str, int]
) -> Table:
    lines: list[Line] = []
    with served(settings, tokens["bravo"]) as server:
        root = server.base.rsplit("/", 1)[0]
        member, others = (Client(root, f"Bearer {tokens[name]}") for name in ("bravo", _UNSEEN))

        def page(alias: str) -> Ask:
            return lambda _: member.get(f"/{alias}/objects/")

        def poll(alias: str) -> Ask:
            since = quote(format_instant(last[alias]))
            return lambda _: member.get(f"/{alias}/objects/?added_after={since}")

        def by_id(name: str) -> Ask:
            return lambda _: member.get(f"/crowded/objects/?match[id]={object_id('indicator', name)}")

        def share(client: Client, alias: str, name: str) -> None:
            client.post(f"/{alias}/objects/", _envelope(indicator(name)))

        tries = run.rounds(TRIES)
        pairs: list[tuple[str, Ask, Ask, int]] = [
            ("nothing (two alike)", page("plain"), page("likewise"), tries),
            (f"a page before {HIDDEN:,} hidden", page("plain"), page("crowded"), tries),
            (f"a page before {10 * HIDDEN:,} hidden", page("plain"), page("buried"), tries),
            (f"a poll, {HIDDEN:,} hidden since", poll("plain"), poll("crowded"), tries),
            (f"a poll, {10 * HIDDEN:,} hidden since", poll("plain"), poll("buried"), tries),
            ("by id: missing, hidden", by_id("missing"), by_id("hidden 7"), tries),
            ("a page of 50, one of which another hides too", page("plain"), page("contested"), tries),
        ]
        for name, one, other, times in pairs:
            run.noise.probe()
            lines.append(_compare(name, one, other, times))

        def after(moved: bool) -> Ask:  # noqa: FBT001  which of the two it is
            def ask(number: int) -> object:
                # both cost the server a submission: into where one polls, or into another collection
                share(others, "moving" if moved else "elsewhere", f"fresh {number} {moved}")
                return _Timed(page("moving"))

            return ask

        lines.append(
            _compare("the first page after a hidden submission", after(moved=False), after(moved=True), tries // 3)
        )

        def beside() -> Ask:
            busy = Client(root, f"Bearer {tokens[_UNSEEN]}")

            def ask(number: int) -> object:
                body = _envelope(*(indicator(f"large {number} {one}") for one in range(LARGE)))
                thread = threading.Thread(target=busy.post, args=("/elsewhere/objects/", body))
                thread.start()
                time.sleep(BEHIND)
                return _Timed(page("moving"), thread.join)

            return ask

        def submitting(hidden_before: bool) -> Ask:  # noqa: FBT001  as above
            def ask(number: int) -> object:
                name = f"mine {number} {hidden_before}"
                share(others, "own", name if hidden_before else f"other {number}")
                return _Timed(lambda _: share(member, "own", name))

            return ask

        lines.append(_compare("sharing what another hides already", submitting(False), submitting(True), tries // 3))
        lines.append(_compare("a page while another stores a large submission", page("moving"), beside(), LARGE_TRIES))
    return Table(
        name="traffic",
        title="Telling by the clock, over loopback",
        notes=_NOTES,
        lines=tuple(lines),
    )


class _Timed:
    """What is timed of a turn, when not all of it is."""

    def __init__(self, ask: Ask, after: Callable[[], object] = lambda: None) -> None:
        self.ask = ask
        self.after = after


def _compare(name: str, one: Ask, other: Ask, tries: int, clock: Callable[[], int] = time.perf_counter_ns) -> Line:
    for warm in range(5):
        _timed(one, -warm - 1, clock)
        _timed(other, -warm - 1, clock)
    times: tuple[list[int], list[int]] = ([], [])
    for number in range(tries):
        # who comes first changes each time: being second has its own price
        for which in (0, 1) if number % 2 else (1, 0):
            times[which].append(_timed((one, other)[which], number, clock))
    return _area(name, *times)


def _timed(ask: Ask, number: int, clock: Callable[[], int]) -> int:
    begun = clock()
    answer = ask(number)
    if isinstance(answer, _Timed):
        begun = clock()
        answer.ask(number)
        took = clock() - begun
        answer.after()
        return took
    return clock() - begun


def _area(name: str, one: Sequence[int], other: Sequence[int]) -> Line:
    """Return the area with its interval of 95 % (Hanley and McNeil, 1982), the median of the times in its name."""
    area = auc(one, other)
    first, second = area / (2 - area), 2 * area * area / (1 + area)
    count = len(one)
    spread = (area * (1 - area) + (count - 1) * (first + second - 2 * area * area)) / (count * count)
    wide = 1.96 * math.sqrt(spread)
    middles = " and ".join(f"{sorted(times)[count // 2] / 1e6:.2f}" for times in (one, other))
    return Line(name=f"{name} ({middles} ms)", unit="AUC", median=area, low=area - wide, high=area + wide, rounds=count)


# --- by processor ----------------------------------------------------------------------------------------------------


def _by_processor(run: Run, settings: Settings, last: dict[str, int]) -> Table:
    with opened(settings) as hub:

        def page(alias: str, query: Query = Query()) -> Ask:  # noqa: B008  a frozen value
            return lambda _: hub.reading.objects(asker("bravo"), alias, query)

        def poll(alias: str) -> Ask:
            return page(alias, Query(added_after=last[alias]))

        def by_id(name: str) -> Ask:
            return page("crowded", Query(ids=frozenset({object_id("indicator", name)})))

        def share(party: str, alias: str, *objects: dict[str, object]) -> None:
            hub.intake.submit(
                Submission(
                    party=f"https://{party}.example",
                    acting=Acting(actor=party),
                    data=bundle(*objects),
                    collection=alias,
                )
            )

        def after(moved: bool) -> Ask:  # noqa: FBT001  which of the two it is
            def ask(number: int) -> object:
                share(_UNSEEN, "moving" if moved else "elsewhere", indicator(f"within {number} {moved}"))
                return _Timed(page("moving"))

            return ask

        tries = run.rounds(TRIES)
        own = time.thread_time_ns
        lines = (
            _compare("nothing (two alike)", page("plain"), page("plain"), tries, own),
            _compare(f"a page before {HIDDEN:,} hidden", page("plain"), page("crowded"), tries, own),
            _compare(f"a page before {10 * HIDDEN:,} hidden", page("plain"), page("buried"), tries, own),
            _compare(f"a poll, {HIDDEN:,} hidden since", poll("plain"), poll("crowded"), tries, own),
            _compare(f"a poll, {10 * HIDDEN:,} hidden since", poll("plain"), poll("buried"), tries, own),
            _compare("by id: missing, hidden", by_id("missing"), by_id("hidden 7"), tries, own),
            _compare("a page of 50, one of which another hides too", page("plain"), page("contested"), tries, own),
            _compare(
                "the first page after a hidden submission", after(moved=False), after(moved=True), tries // 3, own
            ),
        )
        ahead = _ahead(hub, share)
    return Table(
        name="traffic-processor",
        title="Telling by the processor time of the thread that answers",
        notes=_NOTES,
        lines=(*lines, ahead),
    )


def _ahead(hub: Hub, share: Callable[..., None]) -> Line:
    """Return by how much the instants of submissions run ahead of the clock when each is stored."""
    clock, ahead = SystemClock(), []
    for number, count in enumerate((1, 1, 1, 10, 100, 513, 2_000, 8_193) * 2):
        share("alfa", "own", *(indicator(f"ahead {number} {one}") for one in range(count)))
        now = clock.now()
        with hub.store.read() as connection:
            head = exchange_store.find_collection(connection, LIVE, "own", party=None).head_added
        ahead.append((head - now) / 1e3)
    return line("the newest instant against the clock, once stored", "ms", ahead)


_NOTES: Final = (
    "AUC: how often the slower of two is the one with something hidden; 0.5 is guessing. From and to: 95 %.",
    "In brackets: the medians of both.",
)


def _envelope(*objects: dict[str, object]) -> bytes:
    return msgspec.json.encode({"objects": list(objects)})
