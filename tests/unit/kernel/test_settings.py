"""Settings: read once, frozen, and refused where they cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tocsin import settings as module
from tocsin.errors import UsageError
from tocsin.settings import DEFAULT_HOME, Postgres, Settings, read_settings

READ: Final[dict[str, tuple[dict[str, str], str | None, str, str]]] = {
    # environment, home as an option: home, database
    "nothing is said": ({}, None, DEFAULT_HOME, f"{DEFAULT_HOME}/hub.db"),
    "empty is nothing": ({"TOCSIN_HOME": "", "TOCSIN_DATABASE": ""}, None, DEFAULT_HOME, f"{DEFAULT_HOME}/hub.db"),
    "a home": ({"TOCSIN_HOME": "/srv/hub"}, None, "/srv/hub", "/srv/hub/hub.db"),
    "a database elsewhere": ({"TOCSIN_DATABASE": "sqlite:////data/x.db"}, None, DEFAULT_HOME, "/data/x.db"),
    "a relative database": ({"TOCSIN_DATABASE": "sqlite:///x.db"}, None, DEFAULT_HOME, "x.db"),
    "an option overrides both": (
        {"TOCSIN_HOME": "/srv/hub", "TOCSIN_DATABASE": "sqlite:////data/x.db"},
        "/tmp/other",  # noqa: S108  nothing is written there
        "/tmp/other",  # noqa: S108  nothing is written there
        "/tmp/other/hub.db",  # noqa: S108  nothing is written there
    ),
}


@pytest.mark.parametrize("case", READ)
def test_what_is_read(case: str) -> None:
    environ, option, home, database = READ[case]
    settings = read_settings(environ, home=None if option is None else Path(option))
    assert settings == Settings(home=Path(home), database=Path(database))
    assert settings.keys == Path(home) / "keys"
    assert settings.keyring == Path(home) / "keyring"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://localhost/hub", "'mysql' names no database"),
        ("sqlite:///", "names no database"),
        ("hub.db", "names no database"),
    ],
)
def test_what_is_refused(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        read_settings({"TOCSIN_DATABASE": url})
    assert refused.value.where == "TOCSIN_DATABASE"
    assert refused.value.todo == "use sqlite:///PATH or postgresql://USER@HOST/NAME"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql_is_shown_without_what_it_keeps_secret(scheme: str) -> None:
    url = f"{scheme}://scott:tiger@one:5432,two:5433/hub?sslmode=require&password=tiger"
    settings = read_settings({"TOCSIN_DATABASE": url})
    assert settings.database == Postgres(url=url)
    assert settings.where == "postgresql://one:5432,two:5433/hub"
    assert not [said for said in (repr(settings), str(settings), settings.where) if "tiger" in said or "scott" in said]


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        read_settings({"TOCSIN_DATABASE": "oracle://scott:tiger@db/hub"})
    assert "tiger" not in str(refused.value)


def test_every_variable_is_in_the_table_of_the_module() -> None:
    assert module.__doc__ is not None
    for name in ("TOCSIN_HOME", "TOCSIN_DATABASE"):
        assert f"``{name}``" in module.__doc__


def test_they_are_frozen() -> None:
    settings = read_settings({})
    with pytest.raises(AttributeError):
        settings.home = Path("/elsewhere")  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize("database", ["", "sqlite:////srv/hub.db"])
def test_a_replica_of_no_postgresql_is_refused(database: str) -> None:
    with pytest.raises(UsageError, match="only a PostgreSQL has replicas"):
        read_settings({"TOCSIN_DATABASE": database, "TOCSIN_DATABASE_READ": "postgresql://near/tocsin"})


def test_a_home_that_is_named_has_nothing_of_the_environments_databases() -> None:
    environ = {"TOCSIN_DATABASE": "postgresql://db/tocsin", "TOCSIN_DATABASE_READ": "postgresql://near/tocsin"}
    assert read_settings(environ, home=Path("here")).replica is None
