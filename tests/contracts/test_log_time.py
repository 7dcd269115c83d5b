"""Hub time, on every store: one instant in each transaction, never earlier than before; no entry is behind another."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from support.clocks import Ticking
from tocsin.bootstrap import Hub
from tocsin.errors import LogBrokenError
from tocsin.kernel.clock import DAY, ManualClock, format_instant, parse_instant
from tocsin.kernel.db.metadata import ENVIRONMENTS
from tocsin.kernel.db.store import next_id
from tocsin.kernel.ids import SeededEntropy
from tocsin.kernel.mandate import Acting
from tocsin.log.note import NoteSigner
from tocsin.log.service import Log, Record

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store

# every room's tables are in the metadata once all rooms are loaded
HUB = Hub
START = parse_instant("2026-06-01T08:00:00Z")
# instants between which a clock goes, each compared with `START`: on, back, and not at all
JUMPS = st.lists(st.integers(-2 * DAY, 2 * DAY) | st.integers(-2, 2), min_size=1, max_size=12)
FEW = settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


class Anybody:
    """Lets every act be entered."""

    def admit(self, connection: Connection, record: Record, index: int) -> None:
        """Refuse nothing."""


def began(store: Store, clock: ManualClock) -> Log:
    """Return a log of its own, with nothing in it."""
    with store.write() as connection:
        number = next_id(connection, ENVIRONMENTS.c.environment)
        log = Log(
            store=store,
            environment=number,
            environment_name=f"environment {number}",
            signer=NoteSigner(name="hub.example/log", seed=bytes(32)),
            clock=clock,
            entropy=SeededEntropy(1),
            authority=Anybody(),
        )
        log.found(connection)
    return log


def act(at: Micros) -> Record:
    return Record(kind="a.test", at=at, acting=Acting(actor="test"), data={})


def entered(store: Store, log: Log) -> list[Micros]:
    with store.read() as connection:
        log.check(connection)
        return [row.at for row in log.rows(connection)]


@FEW
@given(JUMPS)
def test_whatever_the_clock_does_entries_are_in_order(store: Store, jumps: list[int]) -> None:
    clock = ManualClock(START)
    log = began(store, clock)
    for place, jump in enumerate(jumps):
        with store.write() as connection:
            before = log.now(connection)
            log.append(connection, [act(before)])
            # a server of time corrects the machine's clock while the act is being done
            clock.at = START + jump
            assert log.now(connection) == before, "an act has one time"
            log.append(connection, [act(before), act(log.now(connection))])
        with store.read() as connection:
            assert log.now(connection) >= before
            assert log.seen(connection) == log.now(connection) == max(before, clock.at)
        assert len(entered(store, log)) == 3 * (place + 1)
    assert all(first <= second for first, second in pairwise(entered(store, log)))


@FEW
@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(1, 2 * DAY))
def test_an_act_that_is_older_than_hub_time_is_refused_whole(store: Store, steps: list[int], by: int) -> None:
    clock = ManualClock(START)
    log = began(store, clock)
    with store.write() as connection:
        log.append(connection, [act(START)])
        log.note_time(connection, START + 5)  # something was decided that is not in the log yet
    before = entered(store, log)
    records, at = [], START + 5
    for step in steps:
        at += step
        records.append(act(at))
    late = at - by
    with pytest.raises(LogBrokenError) as caught:
        _with_something_beside_it(store, log, [*records, act(late)])
    assert format_instant(late) in caught.value.what
    assert format_instant(at) in caught.value.what
    assert entered(store, log) == before
    with store.read() as connection:
        assert 1 not in connection.execute(select(ENVIRONMENTS.c.created_at)).scalars().all()
        assert log.now(connection) == START + 5
    with store.write() as connection:
        log.append(connection, records)
    assert entered(store, log) == before + [one.at for one in records]


def _with_something_beside_it(store: Store, log: Log, records: list[Record]) -> None:
    with store.write() as connection:
        connection.execute(ENVIRONMENTS.update().values(created_at=1))
        log.append(connection, records)


def test_a_snapshot_has_one_time_while_others_write(store: Store) -> None:
    clock = Ticking(START)
    log = began(store, clock)
    with store.read() as reader:
        first = log.now(reader)
        with store.write() as writer:
            log.append(writer, [act(log.now(writer))])
        assert log.now(reader) == log.seen(reader) == first
    with store.read() as reader:
        assert log.now(reader) > first


def test_a_connection_forgets_the_time_with_its_transaction(store: Store) -> None:
    """Connections are used again: what one transaction read is not the next one's time, nor another log's."""
    clock = Ticking(START)
    log, other = began(store, clock), began(store, Ticking(START + DAY))
    found = []
    for _ in range(4):
        with store.write() as connection:
            found.append(log.now(connection))
            assert other.now(connection) >= START + DAY
    assert all(first < second for first, second in pairwise(found))
