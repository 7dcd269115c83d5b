"""A hub of an earlier version comes forward whole: its pages, its log, and nothing for the self-test to find.

That each row comes forward as it was, on each store, is in ``tests/contracts/test_upgrade.py``.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest
from alembic import command

from support.cli import bundle, indicator
from support.treaty import found_treaty
from tocsin.bootstrap import open_hub, upgrade_hub
from tocsin.errors import StoreBrokenError
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.recall.service import Recalls
from tocsin.kernel.db import migrate
from tocsin.kernel.db.sqlite import SqliteAdapter
from tocsin.kernel.db.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tocsin.settings import Settings

# What the first schema held in three tables and the present one holds in two.
_THEN = {
    "bodies": """SELECT min(contribution_id) AS body_id, environment, digest, bytes FROM now.contributions
        GROUP BY digest""",
    "contributions": """SELECT c.*, (SELECT min(d.contribution_id) FROM now.contributions d WHERE d.digest = c.digest)
        AS body_id FROM now.contributions c""",
    "offers": """SELECT o.*, c.object_id, c.owner_id, (SELECT min(d.contribution_id) FROM now.contributions d
        WHERE d.digest = c.digest) AS body_id FROM now.offers o JOIN now.contributions c USING (contribution_id)""",
}


def first_schema(present: Path, file: Path) -> None:
    """Write what a database holds as the first version would have kept it."""
    store = Store(SqliteAdapter(file))
    with store.write() as connection:
        chosen = migrate.config()
        chosen.attributes["connection"] = connection
        command.upgrade(chosen, "0001")
    store.close()
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("ATTACH ? AS now", (str(present),))
        tables = [
            name
            for (name,) in database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")
            if name not in {"alembic_version", "verdicts"} and not name.startswith("sqlite_")
        ]
        for name in tables:
            columns = ", ".join(f'"{row[1]}"' for row in database.execute(f'PRAGMA main.table_info("{name}")'))
            source = _THEN.get(name, f'SELECT * FROM now."{name}"')
            database.execute(f'INSERT INTO main."{name}" ({columns}) SELECT {columns} FROM ({source})')
        database.commit()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the home of a hub that was used, as the first version would have left it."""
    home = tmp_path / "home"
    # the first version made no collection for recalls when a hub was founded
    monkeypatch.setattr(Recalls, "open", lambda *_: None)
    world = found_treaty(home)
    world.share("alfa", bundle(indicator(1), indicator(2)))
    world.share("bravo", bundle(indicator(2)))  # the same bytes from another party were kept once
    world.read("coast")
    first, _ = world.read("alfa")[0]
    world.hub.withdrawals.withdraw(
        world.asker("alfa").acting, "https://alfa.example", "exchange", first.object_id, frozenset({VersionChoice.ALL})
    )
    world.hub.close()
    if not isinstance(world.settings.database, type(home)):
        pytest.skip("the first version kept SQLite files only")
    file = tmp_path / "first.db"
    first_schema(world.settings.database, file)
    for path in home.glob("hub.db*"):
        path.unlink()
    shutil.move(file, world.settings.database)
    return world.settings


def test_a_hub_of_the_first_version_comes_forward_whole(settings: Settings) -> None:
    with pytest.raises(StoreBrokenError, match="schema 0001") as refused:
        open_hub(settings)
    assert "tocsin upgrade" in str(refused.value)
    assert upgrade_hub(settings) == ("0001", migrate.HEAD)
    assert upgrade_hub(settings) == (migrate.HEAD, migrate.HEAD)
    hub = open_hub(settings)
    try:
        assert [(finding.check, finding.fault) for finding in hub.self_test.run() if finding.fault is not None] == []
    finally:
        hub.close()


def test_a_step_that_fails_leaves_the_hub_as_it_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _content(settings.database)

    def broken(connection: Connection) -> None:
        chosen = migrate.config()
        chosen.attributes["connection"] = connection
        command.upgrade(chosen, "0002")
        raise StoreBrokenError("the power went")

    monkeypatch.setattr(migrate, "upgrade", broken)
    with pytest.raises(StoreBrokenError, match="the power went"):
        upgrade_hub(settings)
    assert _content(settings.database) == before


def test_a_newer_database_is_left_alone(settings: Settings) -> None:
    with contextlib.closing(sqlite3.connect(str(settings.database))) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    with pytest.raises(StoreBrokenError, match="matching version"):
        upgrade_hub(settings)


def test_every_earlier_version_is_known() -> None:
    from alembic.script import ScriptDirectory

    found = [script.revision for script in ScriptDirectory.from_config(migrate.config()).walk_revisions()]
    assert [*reversed(found)] == [*migrate.EARLIER, migrate.HEAD]


def _content(file: object) -> list[str]:
    with contextlib.closing(sqlite3.connect(str(file))) as database:
        return list(database.iterdump())
