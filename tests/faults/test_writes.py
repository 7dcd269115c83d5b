"""Each write of what comes in and of what goes out fails, before it persisted and after, on both stores.

Whatever failed, the hub's self-test passes afterwards, and doing it again gives what doing it once would have given.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, NamedTuple

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from support import stores
from support.deeds import DEEDS, QUIET, Desk, prepare
from support.inspection import inspect_hub
from support.sabotage import COMMIT, HUNG_UP, REFUSED, Saboteur, observe
from support.sharing import bundle, indicator
from support.sites import Site, Sites, sites
from tocsin.errors import BusyError
from tocsin.exchange.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILURES: Final = (OperationalError, BusyError, psycopg.Error)


class Undisturbed(NamedTuple):
    """A deed that nothing befell: what came of it, and the writes it took."""

    result: object
    writes: list[str]
    commits: list[int]


@pytest.fixture(scope="module", params=stores.KINDS if stores.KIND == "sqlite" else [stores.KIND])
def made(request: pytest.FixtureRequest) -> Iterator[Sites]:
    yield from sites(str(request.param), prepare)


@pytest.fixture
def desk(made: Sites) -> Iterator[Desk]:
    site, one = _sit_down(made, "")
    yield one
    _leave(site, one)


def _sit_down(made: Sites, deed: str) -> tuple[Site, Desk]:
    site = made.site()
    desk = Desk(site.world())
    if deed == "deliver":
        desk.with_courier()
    return site, desk


def _leave(site: Site, desk: Desk) -> None:
    desk.close()
    site.drop()


def _undisturbed(made: Sites, deed: str) -> Undisturbed:
    site, desk = _sit_down(made, deed)
    saboteur = Saboteur()
    with pytest.MonkeyPatch.context() as patched:
        observe(desk.hub.store, saboteur, put=patched.setattr)
        result = DEEDS[deed](desk)
    assert DEEDS[deed](desk) == result, "doing it twice is doing it once"
    _leave(site, desk)
    assert saboteur.commits
    return Undisturbed(result, saboteur.writes, saboteur.commits)


def _attempt(made: Sites, deed: str, expected: object, saboteur: Saboteur) -> None:
    """Do it with one write failing, check the hub, do it again, check the hub."""
    site, desk = _sit_down(made, deed)
    failed: BaseException | None = None
    with pytest.MonkeyPatch.context() as patched:
        observe(desk.hub.store, saboteur, put=patched.setattr)
        try:
            DEEDS[deed](desk)
        except FAILURES as error:
            failed = error
    assert saboteur.failed is not None
    assert failed is not None or deed in QUIET, f"{deed} went on as if nothing had happened at {saboteur.failed}"
    desk.hub.self_test.require()
    assert DEEDS[deed](desk) == expected, f"again after {saboteur.failed}"
    inspect_hub(desk.hub)
    _leave(site, desk)


@pytest.mark.parametrize("deed", DEEDS)
def test_some_writes_fail(made: Sites, deed: str) -> None:
    """Of each deed a commit fails after it persisted; on SQLite some write or commit before, too."""
    expected, writes, commits = _undisturbed(made, deed)
    chance = random.Random(deed)
    commit, any_ = chance.choice(commits), chance.randint(1, len(writes))
    if made.kind == "postgres":
        _attempt(made, deed, expected, Saboteur(fail_at=commit, after=True, how=HUNG_UP))
    else:
        _attempt(made, deed, expected, Saboteur(fail_at=commit, after=True))
        _attempt(made, deed, expected, Saboteur(fail_at=any_, after=False))


@pytest.mark.long
@pytest.mark.parametrize("deed", DEEDS)
def test_every_write_fails_in_every_way(made: Sites, deed: str) -> None:
    expected, writes, _ = _undisturbed(made, deed)
    for how in (REFUSED, HUNG_UP) if made.kind == "postgres" else (REFUSED,):
        for at in range(1, len(writes) + 1):
            for after in (False, True):
                _attempt(made, deed, expected, Saboteur(fail_at=at, after=after, how=how))


def test_a_receipt_that_was_lost_with_the_connection_can_be_had_by_sharing_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit persisted, its answer did not arrive: the second time everything is `repeated`."""
    counting = Saboteur()
    with monkeypatch.context() as patched:
        observe(desk.hub.store, counting, put=patched.setattr)
        desk.world.share("alfa", bundle([indicator(20)]))
    # the next submission is as long
    saboteur = Saboteur(fail_at=len(counting.writes), after=True, how=HUNG_UP)
    with monkeypatch.context() as patched:
        observe(desk.hub.store, saboteur, put=patched.setattr)
        with pytest.raises(FAILURES):
            desk.world.share("alfa", bundle([indicator(21)]))
    assert saboteur.failed == COMMIT
    receipt = desk.world.share("alfa", bundle([indicator(21)]))
    assert [result.outcome for result in receipt.results] == [Outcome.REPEATED]


def test_nobody_receives_what_could_not_be_staged(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = inspect_hub(desk.hub).releases
    with monkeypatch.context() as patched:
        observe(desk.hub.store, Saboteur(fail_at=1), put=patched.setattr)
        with pytest.raises(FAILURES):
            desk.world.read("bravo")
    assert inspect_hub(desk.hub).releases == before
