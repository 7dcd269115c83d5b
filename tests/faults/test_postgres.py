"""PostgreSQL that goes away, and hubs that share one: several processes, a replica that is behind."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from support import postgres, stores
from support.hub import OPERATOR, World
from support.inspection import inspect_hub
from support.sharing import bundle, indicator
from support.treaty import TREATY, found_treaty
from tocsin.agreements.tables import PROFILES
from tocsin.bootstrap import open_hub
from tocsin.errors import BusyError, StoreBrokenError
from tocsin.exchange.model import Outcome, Query, VersionChoice
from tocsin.exchange.replica import MAX_LAG
from tocsin.kernel.ids import SeededEntropy
from tocsin.kernel.mandate import Acting
from tocsin.settings import Postgres, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NARROWER = TREATY.replace("version: 1", "version: 2").replace("at_most: amber", "at_most: clear")
WIDER = TREATY.replace("version: 1", "version: 3")
MEMBERS = ("alfa", "bravo", "coast")


@pytest.fixture(autouse=True)
def on_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "KIND", "postgres")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hub with something to read; whichever store the session has, it is on PostgreSQL."""
    made = found_treaty(tmp_path / "home")
    made.share("alfa", bundle([indicator(number) for number in range(5)]))
    yield made
    made.hub.close()


def _elsewhere(world: World, home: Path, *, seed: int = 9) -> World:
    """Serve the same hub from another home, as another machine would: its keys are copied."""
    shutil.copytree(world.settings.home, home)
    other = World.__new__(World)
    other.settings = Settings(home=home, database=world.settings.database, replica=world.settings.replica)
    other.clock, other.entropy, other.parties = world.clock, SeededEntropy(seed), world.parties
    other.hub = open_hub(other.settings, clock=other.clock, entropy=other.entropy)
    return other


@pytest.fixture
def other(world: World, tmp_path: Path) -> Iterator[World]:
    made = _elsewhere(world, tmp_path / "other")
    yield made
    made.hub.close()


def _kill_connections(world: World) -> int:
    """End every connection of the hub's, as an administrator or a failing network would."""
    assert isinstance(world.settings.database, Postgres)
    with psycopg.connect(world.settings.database.url, autocommit=True) as connection:
        query = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])


# --- several on one database -----------------------------------------------------------------------------------------


def test_a_change_of_policy_through_one_is_in_force_at_the_other_at_once(world: World, other: World) -> None:
    assert len(world.read("bravo")) == len(other.read("bravo")) == 5
    world.agreement(NARROWER, signed_by=MEMBERS)
    assert other.read("bravo") == []
    other.agreement(WIDER, signed_by=MEMBERS)
    assert len(world.read("bravo")) == 5
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "bravo", reason="left")
    with pytest.raises(Exception, match="there is no such collection"):
        other.read("bravo")


def test_what_is_shared_and_withdrawn_through_one_the_other_knows(world: World, other: World) -> None:
    assert len(other.read("bravo")) == 5
    receipt = other.share("alfa", bundle([indicator(3), indicator(7)]))
    assert [one.outcome for one in receipt.results] == [Outcome.REPEATED, Outcome.ACCEPTED]
    assert len(world.read("bravo")) == 6
    assert world.hub.integrator.integrate() == 2
    assert not other.hub.integrator.pending()
    inspect_hub(other.hub)


def test_a_cursor_of_one_is_a_cursor_of_the_other(world: World, other: World) -> None:
    first = world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=3)
    rest = other.hub.reading.objects(other.asker("bravo"), "exchange", Query(), limit=3, cursor=first.next)
    assert [item.seq for item in (*first.page.items, *rest.page.items)] == [1, 2, 3, 4, 5]


def test_both_write_at_once_and_nothing_is_lost(world: World, other: World) -> None:
    failures: list[BaseException] = []

    def work(mine: World, first: int) -> None:
        try:
            for number in range(first, first + 80, 10):
                mine.share("coast", bundle([indicator(place) for place in range(number, number + 10)]))
                mine.read("bravo", limit=50)
                mine.hub.integrator.integrate()
        except BaseException as error:  # noqa: BLE001  told below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ((world, 100), (other, 200))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(world.read("alfa")) == len(other.read("alfa")) == 5 + 160
    inspect_hub(world.hub)


def test_another_hub_s_database_is_refused(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "theirs")
    other.hub.close()
    (tmp_path / "theirs" / "hub").write_text("https://another.example\n", encoding="utf-8")
    settings = Settings(home=tmp_path / "theirs", database=world.settings.database)
    with pytest.raises(StoreBrokenError, match="is another one than that of this home"):
        open_hub(settings)


# --- connections that are lost ---------------------------------------------------------------------------------------


def test_connections_that_died_while_nobody_used_them_are_replaced(world: World) -> None:
    assert len(world.read("bravo")) == 5
    assert _kill_connections(world) > 0
    assert len(world.read("bravo")) == 5
    assert _kill_connections(world) > 0
    world.share("alfa", bundle([indicator(8)]))
    inspect_hub(world.hub)


def test_a_connection_that_dies_in_the_middle_leaves_nothing_half_done(world: World) -> None:
    with pytest.raises(BusyError, match="was lost"):
        _read_and_lose(world)
    for number in (2, 200):  # by INSERT, and by COPY
        with pytest.raises(BusyError, match="was lost"):
            _write_and_lose(world, number)
    inspect_hub(world.hub)
    assert len(world.read("bravo")) == 5


def _read_and_lose(world: World) -> None:
    with world.hub.store.read() as connection:
        _kill_connections(world)
        world.hub.log.head(connection)


def _write_and_lose(world: World, number: int) -> None:
    rows = [(place, 1, b"%d" % place, b"x" * 10_000, 0) for place in range(1_000, 1_000 + number)]
    with world.hub.store.write() as connection:
        world.hub.agreements.policy_changed(connection, world.clock.now())
        _kill_connections(world)
        world.hub.store.adapter.bulk_insert(connection, PROFILES, [one.name for one in PROFILES.columns], rows)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[postgres.Server]:
    """A server of the test's own, which keeps what it says it has."""
    made = postgres.new_server()
    made.create()
    made.start(max_connections="50")
    yield made
    made.remove()


def _found_on(server: postgres.Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(postgres, "_session", lambda: server.url("{}"))
    monkeypatch.setattr(postgres, "_open", {})
    made = found_treaty(home)
    made.share("alfa", bundle([indicator(number) for number in range(5)]))
    return made


def test_a_server_that_stops_at_once_loses_nothing_that_was_promised(
    server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _found_on(server, tmp_path / "home", monkeypatch)
    receipt = world.share("coast", bundle([indicator(9)]))
    server.stop("immediate")
    for act in (lambda: world.read("bravo"), lambda: world.share("alfa", bundle([indicator(10)]))):
        with pytest.raises(BusyError) as refused:
            act()
        assert "postgres" not in str(refused.value)
    server.start()
    assert len(world.read("bravo")) == 6
    assert world.share("coast", bundle([indicator(9)])).results[0].outcome is Outcome.REPEATED
    assert receipt.results[0].outcome is Outcome.ACCEPTED
    inspect_hub(world.hub)
    world.hub.close()
    stores.forget(world.settings.home)


# --- a replica -------------------------------------------------------------------------------------------------------


@pytest.fixture
def replicated(
    server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[World, psycopg.Connection[Any]]]:
    """A hub that reads pages from a streaming replica, and a connection to that replica."""
    founded = _found_on(server, tmp_path / "home", monkeypatch)
    standby = postgres.new_server()
    standby.copy(server)
    standby.start()
    database = founded.settings.database
    assert isinstance(database, Postgres)
    name = database.url.partition("@/")[2].partition("?")[0]
    founded.settings = Settings(home=founded.settings.home, database=database, replica=Postgres(url=standby.url(name)))
    founded.reopen()
    with psycopg.connect(standby.url(name), autocommit=True) as control:
        yield founded, control
    founded.hub.close()
    standby.remove()
    stores.forget(founded.settings.home)


def _caught_up(world: World, control: psycopg.Connection[Any]) -> None:
    """Wait until the replica has replayed what is committed."""
    assert isinstance(world.settings.database, Postgres)
    with psycopg.connect(world.settings.database.url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    assert row is not None
    event = threading.Event()
    for _ in range(1_000):
        there = control.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row).fetchone()
        if there == (True,):
            return
        event.wait(0.02)
    raise AssertionError("the replica does not follow")


class Counted:
    """Counts the snapshots that were taken of a replica."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pages = 0
        replica = world.hub.store.replica
        assert replica is not None
        real = replica.end_read

        def end_read(connection: Any) -> None:  # noqa: ANN401  SQLAlchemy's own
            self.pages += 1
            real(connection)

        monkeypatch.setattr(replica, "end_read", end_read)


def test_a_replica_serves_pages_and_is_never_stale_in_policy(
    replicated: tuple[World, psycopg.Connection[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, control = replicated
    counted = Counted(world, monkeypatch)
    _caught_up(world, control)
    assert len(world.read("bravo")) == 5
    assert counted.pages == 1
    # what is offered while the replica stands still is not there yet, for a while
    control.execute("SELECT pg_wal_replay_pause()")
    world.share("alfa", bundle([indicator(20)]))
    assert len(world.read("bravo")) == 5
    # but rights that are taken away are gone at once, and those that are given are there at once
    world.agreement(NARROWER, signed_by=MEMBERS)
    assert world.read("bravo") == []
    world.agreement(WIDER, signed_by=MEMBERS)
    assert len(world.read("bravo")) == 6
    inspect_hub(world.hub)
    control.execute("SELECT pg_wal_replay_resume()")
    _caught_up(world, control)
    before = counted.pages
    assert len(world.read("bravo")) == 6
    assert counted.pages == before + 1


def test_what_is_withdrawn_does_not_leave_through_a_replica_that_has_it_still(
    replicated: tuple[World, psycopg.Connection[Any]],
) -> None:
    world, control = replicated
    _caught_up(world, control)
    control.execute("SELECT pg_wal_replay_pause()")
    world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(2)["id"], frozenset({VersionChoice.ALL})
    )
    assert len(world.read("bravo")) == 4
    control.execute("SELECT pg_wal_replay_resume()")


def test_a_replica_that_is_far_behind_or_away_is_not_asked(
    replicated: tuple[World, psycopg.Connection[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, control = replicated
    _caught_up(world, control)
    first = world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=2)
    _caught_up(world, control)
    control.execute("SELECT pg_wal_replay_pause()")
    world.clock.advance(MAX_LAG + 1)
    world.share("alfa", bundle([indicator(20)]))
    assert len(world.read("bravo")) == 6
    rest = world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=9, cursor=first.next)
    assert [item.seq for item in rest.page.items] == [3, 4, 5, 6]
    control.execute("SELECT pg_wal_replay_resume()")
    _caught_up(world, control)
    monkeypatch.setattr(world.hub.store.replica, "_url", "postgresql://nobody@/none?host=/nowhere")
    assert world.hub.store.replica is not None
    world.hub.store.replica.engine.dispose()
    assert len(world.read("bravo")) == 6
