"""From a council's last vote to the first page that an annex opens: a million objects, a thousand parties.

The hub is the one of `policy`, whose members read each other's reports, with an annex that opens indicators too. Its
objects are made a million behind the log's back, copies of those that came in through the intake under ids of their
own, so that it does not pass `tocsin check`. The council votes, the operator activates, and a member asks over HTTP:
for what it may read now where it always stood, and for the collection that the annex has of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil

from bench import hubs, policy
from bench.data import fresh_id
from bench.http_client import Client
from bench.measure import Ratio, Table, line
from support.hub import OPERATOR, World, key_of
from tocsin.agreements.document import sign_bytes
from tocsin.bootstrap import upgrade_hub
from tocsin.exchange.emergency.service import CHUNK
from tocsin.exchange.store import object_key
from tocsin.governance.model.bodies import Body, BodyKind, Rule, Seat, Side
from tocsin.governance.model.motions import Choice
from tocsin.governance.wire import ballot_bytes
from tocsin.kernel.clock import SystemClock
from tocsin.kernel.db.store import LIVE
from tocsin.kernel.mandate import Right
from tocsin.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.http_client import Server
    from bench.run import Run
    from tocsin.bootstrap import Hub
    from tocsin.governance.model.motions import Motion

OBJECTS: Final = 1_000_000
ROUNDS: Final = 3
FIRST_PAGE: Final = 1.0  # seconds
STEPS: Final = 20  # chunks that are timed
RECIPE: Final = "1"
_SUBJECT: Final = "grid/1#blackout"
_SEATS: Final = ("party-0", "party-1", "party-2")
_STEP: Final = 17  # microseconds between two offers

_AGREEMENT: Final = """
agreement: grid
version: 1
title: In a blackout
in_force: {from: 2026-01-01, until: 2099-12-31}
parties: [{all: {capacity: operator}}]
purposes: [detect]
clauses:
  - id: "1"
    emergency: blackout
    permit: read
    to: {capacity: operator}
    of: {tlp: {at_most: amber}, type: [indicator]}
    for: [detect]
    lasts: PT72H
    activated_by: {motion: {body: crisis-council, more_than: {public: 0.5, private: 0.5}}}
    afterwards: {new_releases: stop, keep: [indicator]}
"""


class _Round(NamedTuple):
    """What one crisis took, in seconds from the last vote on; and objects offered anew in a second.

    ``worked`` is the processor time of both processes until the first page: busy neighbours do not count in it.
    """

    activated: float
    opened: float
    worked: float
    collected: float
    rate: float


def measure(run: Run) -> Iterator[Table]:
    """Measure the beginning of a crisis, some times."""
    parties, objects = (100, 20_000) if run.quick else (policy.PARTIES, OBJECTS)
    settings = _prepare(run, parties, objects)
    tokens = policy.tokens_of(settings.home)
    rounds: list[_Round] = []
    with hubs.served(settings, tokens[3]) as server, hubs.opened(settings) as hub:
        before = _resident(server.pid)
        for _ in range(run.rounds(ROUNDS)):
            run.noise.probe()
            rounds.append(_crisis(hub, server))
        after, peak = _resident(server.pid), _resident(server.pid, "VmHWM")
    yield Table(
        name="crisis",
        title=f"A crisis with {parties:,} parties and {objects:,} objects",
        lines=(
            line("from the last vote to the annex in force", "s", [one.activated for one in rounds]),
            line("from the last vote to the first page that it opens", "s", [one.opened for one in rounds]),
            line("processor time of both processes until that page", "s", [one.worked for one in rounds]),
            line("from the last vote to the first page of its own collection", "s", [one.collected for one in rounds]),
            line("objects offered anew", "1/s", [one.rate for one in rounds]),
            line("resident memory of the serving process before", "MiB", [before]),
            line("resident memory of the serving process after", "MiB", [after]),
            line("resident memory of the serving process at most", "MiB", [peak]),
        ),
        ratios=tuple(
            Ratio(name=f"{name} to 1 s", value=value / FIRST_PAGE, aim=1, below=True)
            for name, value in (
                ("the first page that it opens", max(one.opened for one in rounds)),
                ("the first page of its own collection", max(one.collected for one in rounds)),
            )
        ),
        notes=(
            "the last ballot closes the motion, the operator activates, a member asks a serving process over HTTP",
            "the ratios are of the slowest round",
            f"SQLite; {objects:,} objects of 1.3 kB, {parties * len(policy.TYPES):,} labels, a fifth of them opened",
            "the objects were loaded without entries in the log",
            f"the rate is of {STEPS} transactions of {CHUNK:,} objects, their entries included, while it is served",
        ),
    )


def _crisis(hub: Hub, server: Server) -> _Round:
    """Open a crisis, measure, and end it."""
    asker = Client(server.base, f"Bearer {server.client.token}")
    path = "/objects/?match[type]=indicator&limit=1000"
    own = asker.get(path).count(b'"type":"indicator"')
    motion = _motion(hub)
    asker.renew()
    start, worked = time.perf_counter(), _worked(server.pid)
    motion = _vote(hub, motion, _SEATS[-1])
    with hub.store.read() as connection:
        mandate = hub.governance.mandate(connection, Right.ANNEX_ACTIVATE, _SUBJECT, motion.uuid)
    with hub.agreements.emergency(OPERATOR) as acts:
        acts.activate(mandate, "grid", 1, "blackout", "a benchmark")
    activated = time.perf_counter() - start
    found = asker.get(path).count(b'"type":"indicator"')
    opened, worked = time.perf_counter() - start, _worked(server.pid) - worked
    if found <= own:
        raise RuntimeError(f"the annex is in force, and a page holds {found} indicators, as before")
    hub.emergencies.turn(1)
    alias = _newest(hub)
    other = Client(server.base.replace("/exchange", f"/{alias}"), f"Bearer {server.client.token}")
    if not other.get("/objects/?limit=1000").count(b'"type":"indicator"'):
        raise RuntimeError("the collection of the annex holds nothing")
    collected = time.perf_counter() - start
    begun = time.perf_counter()
    offered = hub.emergencies.turn(STEPS).offered
    rate = offered / (time.perf_counter() - begun)
    with hub.agreements.emergency(OPERATOR) as acts:
        acts.end(hub.mandate, "grid", 1, "blackout", "a benchmark")
    hub.emergencies.sweep()
    return _Round(activated=activated, opened=opened, worked=worked, collected=collected, rate=rate)


def _worked(pid: int) -> float:
    """Return the processor time that this process and another one have had, in seconds."""
    times = psutil.Process(pid).cpu_times()
    return time.process_time() + times.user + times.system


def _newest(hub: Hub) -> str:
    return hub.collections.all()[-1].alias


def _motion(hub: Hub) -> Motion:
    """Return a motion that waits for its last vote."""
    governance = hub.governance
    motion = governance.table(
        OPERATOR,
        "crisis-council",
        title="Open the annex",
        reasons="A benchmark",
        right=Right.ANNEX_ACTIVATE,
        subject=_SUBJECT,
    )
    motion = governance.open(OPERATOR, motion.uuid)
    for party in _SEATS[:-1]:
        motion = _vote(hub, motion, party)
    return motion


def _vote(hub: Hub, motion: Motion, party: str) -> Motion:
    voter, seat = f"sig@{party}", party
    message = ballot_bytes(motion, seat=seat, voter=voter, choice="yes", number=1, reasons="")
    return hub.governance.vote(
        OPERATOR.for_(voter),
        motion.uuid,
        seat=seat,
        choice=Choice.YES,
        number=1,
        signature=sign_bytes(message, key_of(party)).signature,
        reasons="",
    )


def _resident(pid: int, what: str = "VmRSS") -> float:
    """Return the resident memory of a process in MiB; ``VmHWM``: the most that it ever was."""
    for row in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, value = row.partition(":")
        if name == what:
            return int(value.split()[0]) / 1024
    raise RuntimeError(f"process {pid} has no {what}")


# --- the hub ---------------------------------------------------------------------------------------------------------


def _prepare(run: Run, parties: int, objects: int) -> Settings:
    """Return a copy of the hub, made when it is needed first."""
    source, home = run.cache / f"crisis-{parties}-{objects}", run.folder / "crisis"
    made = source / "recipe-of-crisis"
    if not made.exists() or made.read_text(encoding="utf-8") != RECIPE:
        shutil.rmtree(source, ignore_errors=True)
        policy.prepare(run.cache / f"policy-{parties}", parties)
        shutil.copytree(run.cache / f"policy-{parties}", source)
        upgrade_hub(Settings(home=source, database=source / "hub.db"))
        settings = Settings(home=source, database=source / "hub.db")
        world = World.again(source, seed=7, start=SystemClock().now(), settings=settings)
        world.agreement(_AGREEMENT, signed_by=tuple(f"party-{number}" for number in range(parties)))
        seats = tuple(
            Seat(name=party, side=Side.PUBLIC if number else Side.PRIVATE, holder=f"sig@{party}")
            for number, party in enumerate(_SEATS)
        )
        body = Body(
            name="crisis-council",
            kind=BodyKind.COORDINATING,
            title="The council",
            seats=seats,
            rule=Rule(quorum="1/2", more_than="1/2"),
            rights=(Right.ANNEX_ACTIVATE,),
        )
        world.hub.governance.constitute(OPERATOR, world.hub.mandate, body)
        world.hub.close()
        _load(source / "hub.db", objects)
        made.write_text(RECIPE, encoding="utf-8")
    shutil.copytree(source, home)
    settings = Settings(home=home, database=home / "hub.db")
    upgrade_hub(settings)
    return settings


def _load(database: Path, objects: int) -> None:
    """Copy contributions until there are so many, offer them, and count them as indexed."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        (collection, head, added) = connection.execute(
            "SELECT collection_id, head_seq, head_added FROM collections WHERE alias = 'exchange'"
        ).fetchone()
        base = connection.execute(
            "SELECT c.owner_id, c.type, c.label_id, c.submission_id, c.version, c.object_id, c.bytes"
            " FROM contributions c JOIN offers o ON o.contribution_id = c.contribution_id"
            " WHERE o.collection_id = ? ORDER BY o.offer_seq",
            (collection,),
        ).fetchall()
        (last,) = connection.execute("SELECT max(contribution_id) FROM contributions").fetchone()
        for start in range(0, objects - len(base), 20_000):
            part = range(start, min(start + 20_000, objects - len(base)))
            connection.executemany(
                "INSERT INTO contributions (contribution_id, environment, owner_id, object_key, object_id, version,"
                " type, label_id, salt, submission_id, versioned, sealed, digest, bytes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, ?, ?)",
                (_copied(last + 1 + number, number, base[number % len(base)]) for number in part),
            )
            connection.executemany(
                "INSERT INTO offers (collection_id, offer_seq, environment, label_id, contribution_id, version,"
                " date_added, contested) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    (
                        collection,
                        head + 1 + number,
                        LIVE,
                        base[number % len(base)][2],
                        last + 1 + number,
                        base[number % len(base)][4],
                        added + _STEP * (number + 1),
                    )
                    for number in part
                ),
            )
            connection.commit()
            print(f"loading {objects:,} objects: {part[-1] + 1:,}\r", end="", file=sys.stderr, flush=True)
        connection.execute("DELETE FROM label_counts WHERE collection_id = ?", (collection,))
        connection.execute(
            "INSERT INTO label_counts (collection_id, label_id, environment, offers)"
            " SELECT collection_id, label_id, environment, count(*) FROM offers WHERE collection_id = ?"
            " GROUP BY collection_id, label_id, environment",
            (collection,),
        )
        connection.execute(
            "UPDATE collections SET head_seq = (SELECT max(offer_seq) FROM offers WHERE collection_id = ?),"
            " head_added = (SELECT max(date_added) FROM offers WHERE collection_id = ?) WHERE collection_id = ?",
            (collection,) * 3,
        )
        # the index of searches is another measurement's
        connection.execute(
            "UPDATE search_states SET indexed_seq = (SELECT max(offer_seq) FROM offers WHERE collection_id = ?)"
            " WHERE collection_id = ?",
            (collection, collection),
        )
        connection.commit()
        connection.execute("ANALYZE")
    print(file=sys.stderr)


def _copied(number: int, index: int, source: tuple[int, str, int, int, int, str, bytes]) -> tuple[object, ...]:
    owner, kind, label, submission, version, old, body = source
    new = fresh_id(kind, f"crisis/{index}")
    body = body.replace(old.encode(), new.encode())
    digest = hashlib.sha256(body).digest()
    return number, LIVE, owner, object_key(LIVE, new), new, version, kind, label, digest, submission, digest, body
