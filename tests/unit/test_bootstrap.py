"""Founding a hub: whole, or begun anew; never over something that is there."""

from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest

from support.hub import START
from tocsin import bootstrap
from tocsin.bootstrap import Founding, Hub, found_hub, hub_party, open_hub
from tocsin.errors import ConflictError
from tocsin.kernel.clock import ManualClock
from tocsin.kernel.ids import SeededEntropy
from tocsin.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class KilledError(BaseException):
    """The process ends here."""


def _settings(home: Path) -> Settings:
    return Settings(home=home, database=home / "hub.db")


def _found(home: Path) -> Hub:
    party = hub_party(uri="https://hub.example", name="hub", title="Hub", country="NO")
    return found_hub(_settings(home), Founding(party=party), clock=ManualClock(START), entropy=SeededEntropy(1))


def _kill(*_: object, **__: object) -> None:
    raise KilledError


@pytest.mark.parametrize("step", ["create_keys", "Hub", "_enter"])
def test_a_founding_that_was_interrupted_is_begun_anew(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with monkeypatch.context() as patched:
        patched.setattr(bootstrap, step, _kill)
        with pytest.raises(KilledError):
            _found(home)
    hub = _found(home)
    assert [party.name for party in hub.parties.all_parties()] == ["hub"]
    hub.close()


def test_a_hub_whose_founding_was_committed_is_never_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    _found(home).close()
    (home / "hub").unlink()
    before = (home / "hub.db").read_bytes()
    with pytest.raises(ConflictError, match="there is a hub here already"):
        _found(home)
    assert (home / "hub.db").read_bytes() == before
    open_hub(_settings(home)).close()


def test_keys_without_their_database_are_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _found(home).close()
    for path in (home / "hub", *home.glob("hub.db*")):
        path.unlink()
    with pytest.raises(ConflictError, match="no database"):
        _found(home)
    assert len(list((home / "keys").iterdir())) == 3


@pytest.mark.parametrize("what", ["text", "another database"])
def test_a_file_that_is_not_ours_is_left_alone(what: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    database = home / "hub.db"
    if what == "text":
        database.write_text("not a database, but somebody's\n" * 50, encoding="utf-8")
    else:
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE theirs (x)")
    before = database.read_bytes()
    with pytest.raises(ConflictError, match="no database of a hub"):
        _found(home)
    if what == "text":
        assert database.read_bytes() == before
    else:
        with sqlite3.connect(database) as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_only_the_owner_reads_the_store_and_the_keys(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    hub = _found(home)
    for path in (*home.glob("hub.db*"), *(home / "keys").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    hub.close()
