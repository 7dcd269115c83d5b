"""What every store promises: one writer, snapshots, whole transactions, and hints to those who wait."""

from __future__ import annotations

import random
import threading
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Table, create_engine, select, text

from support import stores
from tocsin.agreements.tables import PROFILES
from tocsin.bootstrap import Hub
from tocsin.errors import BusyError, StoreBrokenError
from tocsin.kernel.db import METADATA, Store, migrate
from tocsin.kernel.db.metadata import ENVIRONMENTS
from tocsin.kernel.db.opening import open_store
from tocsin.kernel.db.store import ensure_environment, next_id
from tocsin.log.tables import LOG_ENTRIES
from tocsin.parties.tables import USERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tocsin.settings import Settings


class KilledError(Exception):
    """The transaction ends here."""


# every room's tables are in the metadata once all rooms are loaded
HUB = Hub


def _names(connection: Connection) -> list[str]:
    return list(connection.execute(select(ENVIRONMENTS.c.name).order_by(ENVIRONMENTS.c.environment)).scalars())


def _enter(store: Store, number: int = 1, name: str = "live") -> None:
    with store.write() as writer:
        ensure_environment(writer, number, name, 0)


# --- schema ----------------------------------------------------------------------------------------------------------


def test_migrations_make_the_schema_that_the_program_knows(store: Store, settings_of: Settings) -> None:
    engine = create_engine(store.adapter.engine.url, creator=stores.plain(settings_of))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_making_the_schema_twice_is_making_it_once(store: Store, other: Store) -> None:
    _enter(store)
    other.create()
    with other.read() as reader:
        assert _names(reader) == ["live"]


def test_a_current_database_is_accepted(store: Store) -> None:
    store.require_current()
    assert migrate.current(store.adapter.engine) == migrate.HEAD


DAMAGED = {
    "there is none": (None, "no hub here yet"),
    "it is another program's": ("CREATE TABLE other (one INTEGER)", "no hub here yet"),
    "it is newer": ("UPDATE alembic_version SET version_num = '9999'", "has schema 9999"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_database_of_another_schema_is_refused(settings: Settings, opened: list[Store], case: str) -> None:
    statement, says = DAMAGED[case]
    store = open_store(settings)
    opened.append(store)
    if case == "it is newer":
        store.create()
    if statement is not None:
        with store.adapter.engine.begin() as connection:
            connection.execute(text(statement))
    with pytest.raises(StoreBrokenError, match=says):
        store.require_current()


# --- time ------------------------------------------------------------------------------------------------------------

COUNTING: Final = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT count(*) FROM n"


def test_what_takes_too_long_is_broken_off_and_the_next_reads_on(store: Store) -> None:
    start = perf_counter()
    with pytest.raises(BusyError, match=r"took longer than 0\.1 s"), store.read(seconds=0.1) as reader:
        reader.execute(text(COUNTING.format(2_000_000_000)))  # minutes
    assert perf_counter() - start < 10
    with store.write() as writer:
        ensure_environment(writer, 1, "live", 0)
    for limit in (None, 60.0):
        with store.read(seconds=limit) as reader:
            assert _names(reader) == ["live"]


def test_a_limit_ends_with_its_snapshot(store: Store) -> None:
    with store.read(seconds=0.05) as reader:
        _names(reader)
    for _ in range(2):  # as likely as not on the same connection
        with store.read() as reader:
            start = perf_counter()
            assert reader.execute(text(COUNTING.format(1_000_000))).scalar_one() == 1_000_000
            assert perf_counter() - start > 0.05, "or this shows nothing"


# --- transactions ----------------------------------------------------------------------------------------------------


def test_a_reader_sees_one_snapshot(store: Store, other: Store) -> None:
    with store.read() as reader:
        assert _names(reader) == []
        _enter(other)
        assert _names(reader) == []
    with store.read() as later:
        assert _names(later) == ["live"]


def test_a_snapshot_is_taken_when_it_is_opened_not_at_its_first_question(store: Store, other: Store) -> None:
    with store.read() as reader:
        _enter(other)
        assert _names(reader) == []


def test_nothing_that_a_reader_writes_is_kept(store: Store, kind: str) -> None:
    with store.read() as reader:
        if kind == "sqlite":
            ensure_environment(reader, 1, "live", 0)
            assert _names(reader) == ["live"]
    if kind == "postgres":
        with pytest.raises(Exception, match=r"read-only transaction|takes no changes"), store.read() as reader:
            ensure_environment(reader, 1, "live", 0)
    with store.read() as later:
        assert _names(later) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_write_that_fails_leaves_nothing(store: Store, other: Store, error: type[BaseException]) -> None:
    def write() -> None:
        with store.write() as writer:
            ensure_environment(writer, 1, "live", 0)
            raise error

    with pytest.raises(error):
        write()
    with store.read() as later:
        assert _names(later) == []
    _enter(other)  # the writer's turn was given back, to everybody
    _enter(store, 2, "exercise")


def test_a_writer_sees_all_that_was_committed_before_its_turn(store: Store, other: Store) -> None:
    """And not only what was committed before it began to wait for it."""
    begun, seen = threading.Event(), list[str]()

    def wait() -> None:
        begun.set()
        with other.write() as writer:
            seen.extend(_names(writer))

    with store.write() as writer:
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert begun.wait(10)
        waiting.join(timeout=0.05)
        ensure_environment(writer, 1, "live", 0)
    waiting.join()
    assert seen == ["live"]


def test_writers_of_several_processes_take_turns(store: Store, other: Store) -> None:
    count, each = 4, 10
    failures: list[BaseException] = []

    def work(mine: Store) -> None:
        try:
            for _ in range(each):
                with mine.write() as writer:
                    number = next_id(writer, ENVIRONMENTS.c.environment)
                    ensure_environment(writer, number, f"exercise {number}", 0)
        except BaseException as error:  # noqa: BLE001  told below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=((store, other)[place % 2],)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with store.read() as reader:
        assert _names(reader) == [f"exercise {number}" for number in range(1, count * each + 1)]


def test_an_environment_is_entered_once(store: Store) -> None:
    with store.write() as writer:
        ensure_environment(writer, 1, "live", 0)
        ensure_environment(writer, 1, "live", 0)
        assert _names(writer) == ["live"]


# --- rows ------------------------------------------------------------------------------------------------------------

ODD = "ą\u2028 \t\n\\N \\. ' \" \U0001f514"
TABLES: dict[str, tuple[Table, Callable[[int], tuple[Any, ...]]]] = {
    "bytes": (PROFILES, lambda n: (n, 1, b"digest %d" % n, bytes(range(256)) * n, -n)),
    "texts": (USERS, lambda n: (n, 1, 1, f"{ODD[:20]}{n}", ODD * n, b"\x00", None if n % 2 else "", -n)),
    "large": (LOG_ENTRIES, lambda n: (1, n * 2**40, "k", 2**62 - n, "", b"", b"\xff", None, b"x" * 70_000)),
}


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 300])
@pytest.mark.parametrize("case", TABLES)
def test_what_is_inserted_in_bulk_is_there_as_it_was(store: Store, case: str, rows: int) -> None:
    table, make = TABLES[case]
    columns = [column.name for column in table.columns]
    values: list[tuple[Any, ...]] = [make(number) for number in range(rows)]
    with store.write() as writer:
        ensure_environment(writer, 1, "live", 0)
        if table is USERS:
            writer.execute(text("INSERT INTO parties VALUES (1, 1, 'u', 'n', 's', '', 0)"))
        store.adapter.bulk_insert(writer, table, columns, values)
    with store.read() as reader:
        found = reader.execute(select(table).order_by(*table.primary_key.columns)).all()
    assert [tuple(row) for row in found] == values


def test_a_bulk_insert_that_fails_leaves_a_store_that_works(store: Store) -> None:
    _enter(store)
    rows = [(number % 250, 1, b"%d" % number, b"", 0) for number in range(300)]
    columns = [column.name for column in PROFILES.columns]
    with pytest.raises(Exception, match=r"(?i)unique"), store.write() as writer:
        store.adapter.bulk_insert(writer, PROFILES, columns, rows)
    with store.write() as writer:
        assert next_id(writer, PROFILES.c.profile_id) == 1


def test_any_number_of_integers_is_a_table(store: Store) -> None:
    chance = random.Random(7)
    for count in (0, 1, 3, 40_000):
        values = [chance.randrange(-(2**62), 2**62) for _ in range(count)]
        for _ in range(5):  # prepared statements answer as unprepared ones
            with store.read() as reader:
                listed = store.adapter.integers(values, "listed")
                assert sorted(reader.execute(select(listed.c.value)).scalars()) == sorted(values)


def test_texts_are_ordered_by_code_points(store: Store) -> None:
    names = ["a", "B", "ä", "Z", "_", "aa", "\U0001f514", "\uffee"]
    with store.write() as writer:
        for number, name in enumerate(names):
            ensure_environment(writer, number, name, 0)
    with store.read() as reader:
        assert list(reader.execute(select(ENVIRONMENTS.c.name).order_by(ENVIRONMENTS.c.name)).scalars()) == sorted(
            names
        )


def test_a_sound_database_has_no_faults_and_what_dangles_is_one(store: Store, kind: str, settings_of: Settings) -> None:
    _enter(store)
    with store.read() as reader:
        assert store.adapter.faults(reader) == []
    stores.executed(settings_of.home, "INSERT INTO profiles VALUES (1, 77, 'x', 'x', 0)", kind=kind)
    with store.read() as reader:
        (fault,) = store.adapter.faults(reader)
    assert "profiles" in fault
    assert "environments" in fault
