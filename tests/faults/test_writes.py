"""Each write of sharing, reading, withdrawing and integrating fails, before it persisted and after.

Whatever failed, the hub's self-test passes afterwards, and doing it again gives what doing it once would have given.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final

import msgspec
import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from support import stores
from support.inspection import inspect_hub
from support.sharing import bundle, indicator, terms_mark
from support.treaty import Templates, templates
from tocsin.errors import NotFoundError
from tocsin.exchange.asking import Question
from tocsin.exchange.model import Outcome, Query, VersionChoice
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
from tocsin.kernel.db.postgres import COPY_FROM
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.hub import World
    from tocsin.kernel.db import Store

WRITES: Final = ("INSERT", "UPDATE", "DELETE")


class Saboteur:
    """Stands between SQLAlchemy and the driver, counts writes and commits, and fails one of them."""

    def __init__(self, store: Store) -> None:
        self._adapter = store.adapter
        self._dialect = store.adapter.engine.dialect
        self.count = 0
        self.fail_at: int | None = None
        self.after = False
        self.failed: str | None = None
        self.commits: list[int] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Take the dialect's place."""
        for name in ("do_execute", "do_executemany", "do_execute_no_params"):
            patch.setattr(self._dialect, name, self._around(getattr(self._dialect, name)))
        patch.setattr(self._dialect, "do_commit", self._commit(self._dialect.do_commit))
        if stores.on_postgres():  # what is inserted in bulk goes past the dialect: COPY is a write as any other
            patch.setattr(self._adapter, "bulk_insert", self._bulk(self._adapter.bulk_insert))

    def _around(self, real: Callable[..., None]) -> Callable[..., None]:
        def execute(cursor: Any, statement: str, *rest: Any) -> None:  # noqa: ANN401  the driver's own
            with self._step(statement, counts=statement.startswith(WRITES)):
                real(cursor, statement, *rest)

        return execute

    def _bulk(self, real: Callable[..., None]) -> Callable[..., None]:
        def insert(connection: Any, table: Any, columns: Any, rows: Sequence[object]) -> None:  # noqa: ANN401  the port's
            with self._step(f"INSERT {table.name}", counts=len(rows) >= COPY_FROM):
                real(connection, table, columns, rows)

        return insert

    def _commit(self, real: Callable[[Any], None]) -> Callable[[Any], None]:
        def commit(connection: Any) -> None:  # noqa: ANN401  the driver's own
            self.commits.append(self.count + 1)
            with self._step("COMMIT", counts=True):
                real(connection)

        return commit

    @contextlib.contextmanager
    def _step(self, what: str, *, counts: bool) -> Iterator[None]:
        if not counts:
            yield
            return
        self.count += 1
        chosen = self.count == self.fail_at
        if chosen and not self.after:
            self.failed = what
            raise _disk_error()
        yield
        if chosen:
            self.failed = what
            raise _disk_error()


def _disk_error() -> Exception:
    text = "disk I/O error"
    return psycopg.errors.DiskFull(text) if stores.on_postgres() else sqlite3.OperationalError(text)


def _share(world: World) -> object:
    mark = terms_mark(sectors=("energy",))
    old, new = indicator(1), [indicator(2), indicator(3, marked=[mark]), indicator(1, version=1)]
    receipt = world.share("alfa", bundle([old, *new, indicator(1, description="other")], marked=[mark]))
    return [(result.id, result.version, result.outcome is Outcome.REFUSED) for result in receipt.results]


def _read(world: World) -> object:
    return [(item.object_id, item.version, body) for item, body in world.read("bravo")]


def _manifest(world: World) -> object:
    answer = world.hub.reading.manifest(world.asker("ana@coast"), "exchange", Query(versions=ALL), limit=1)
    return [item.object_id for item in answer.page.items], answer.next is not None


def _withdraw(world: World) -> object:
    with contextlib.suppress(NotFoundError):  # once is enough
        world.hub.withdrawals.withdraw(
            Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(1)["id"], ALL
        )
    with world.hub.store.read() as connection:
        rows = connection.execute(
            select(CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.owner_id, OFFERS.c.withdrawn_at.is_(None)).join(
                OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id
            )
        )
        return sorted(map(tuple, rows.all()))


def _integrate(world: World) -> object:
    world.hub.integrator.integrate()
    return world.hub.integrator.pending()


def _ask(world: World) -> object:
    party, user = world.hub.parties.resolve("bravo")
    question = Question(object_id=indicator(1)["id"], party=party, user=user, acting=Acting(actor="bravo"))
    return [msgspec.to_builtins(why.explanation.reasons) for why in world.hub.asking.why(question)]


ALL: Final = frozenset({VersionChoice.ALL})
PATHS: Final[dict[str, tuple[Callable[[World], object], int]]] = {
    # an act, and at least how many writes and commits it takes
    "share": (_share, 8),
    "read": (_read, 4),
    "manifest": (_manifest, 4),
    "withdraw": (_withdraw, 5),
    "integrate": (_integrate, 4),
    "why": (_ask, 3),
}


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


def _prepared(hubs: Templates) -> World:
    """A hub with something to read, and releases that wait for the log."""
    world = hubs.world()
    world.share("alfa", bundle([indicator(1)]))
    world.share("coast", bundle([indicator(1), indicator(9)]))
    world.read("coast")
    world.read("ana@bravo")
    return world


def _attempt(hubs: Templates, path: str, expected: object, *, at: int, after: bool) -> str:
    """Do it with one write failing, check the hub, do it again, check the hub; returns what failed."""
    act, _ = PATHS[path]
    world = _prepared(hubs)
    saboteur = Saboteur(world.hub.store)
    saboteur.fail_at, saboteur.after = at, after
    with pytest.MonkeyPatch.context() as patched:
        saboteur.install(patched)
        with pytest.raises(OperationalError, match="disk I/O error"):
            act(world)
    world.hub.self_test.require()
    assert act(world) == expected
    inspect_hub(world.hub)
    hubs.drop(world)
    assert saboteur.failed is not None
    return saboteur.failed


def _undisturbed(hubs: Templates, path: str) -> tuple[object, int, list[int]]:
    """Return what an act gives, with how many writes, and which of them are commits."""
    act, least = PATHS[path]
    world = _prepared(hubs)
    saboteur = Saboteur(world.hub.store)
    with pytest.MonkeyPatch.context() as patched:
        saboteur.install(patched)
        given = act(world)
    assert act(world) == given, "doing it twice is doing it once"
    hubs.drop(world)
    assert saboteur.count >= least
    return given, saboteur.count, saboteur.commits


@pytest.mark.parametrize("path", PATHS)
def test_every_write_fails_before_and_every_commit_after(hubs: Templates, path: str) -> None:
    """A write that persisted within a transaction that fails is gone with it: only of a commit the two differ."""
    expected, writes, commits = _undisturbed(hubs, path)
    failed = [_attempt(hubs, path, expected, at=at, after=False) for at in range(1, writes + 1)]
    assert {what.split()[0] for what in failed} >= {"INSERT", "COMMIT"}
    assert commits
    for at in commits:
        assert _attempt(hubs, path, expected, at=at, after=True) == "COMMIT"


@pytest.mark.long
@pytest.mark.parametrize("path", PATHS)
def test_every_write_fails_after(hubs: Templates, path: str) -> None:
    expected, writes, _ = _undisturbed(hubs, path)
    for at in range(1, writes + 1):
        _attempt(hubs, path, expected, at=at, after=True)


def test_a_receipt_that_was_lost_with_the_connection_can_be_had_by_sharing_again(
    hubs: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit persisted, its answer did not arrive: the second time everything is `repeated`."""
    world = _prepared(hubs)
    saboteur = Saboteur(world.hub.store)
    saboteur.after = True
    with monkeypatch.context() as patched:
        saboteur.install(patched)
        world.share("alfa", bundle([indicator(20)]))
        saboteur.fail_at = 2 * saboteur.count  # the last write of the next submission, which is as long: its commit
        with pytest.raises(OperationalError):
            world.share("alfa", bundle([indicator(21)]))
        assert saboteur.failed == "COMMIT"
    receipt = world.share("alfa", bundle([indicator(21)]))
    assert [result.outcome for result in receipt.results] == [Outcome.REPEATED]
    hubs.drop(world)


def test_nobody_receives_what_could_not_be_staged(hubs: Templates, monkeypatch: pytest.MonkeyPatch) -> None:
    world = _prepared(hubs)
    before = inspect_hub(world.hub).releases
    saboteur = Saboteur(world.hub.store)
    saboteur.fail_at = 1
    with monkeypatch.context() as patched:
        saboteur.install(patched)
        with pytest.raises(OperationalError):
            world.read("bravo")
    assert inspect_hub(world.hub).releases == before
    hubs.drop(world)
