"""The hub that a command works on, and in whose name it acts."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from tocsin.bootstrap import OPERATOR, Hub, open_hub
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    LimitError,
    StoreBrokenError,
    TocsinError,
    UsageError,
)
from tocsin.exchange.reading import Asker
from tocsin.kernel.mandate import Acting, Mandate
from tocsin.parties.model import Party, PartyStatus, User, UserStatus
from tocsin.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.kernel.clock import Micros

__all__ = ["STDIN", "Session", "of_file", "opened", "read_bounded", "settings", "some", "write_new"]

# What a command does for annexes before its own work: less than a second of it.
_STEPS: Final = 3
STDIN: Final = "-"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An open hub, run by its operator."""

    hub: Hub
    operator: str  # user@party
    party: Party  # that runs the hub

    def acting(self, on_behalf_of: str | None = None) -> Acting:
        """Return the operator, acting for the hub or visibly for another."""
        acting = Acting(actor=self.operator)
        return acting if on_behalf_of is None else acting.for_(on_behalf_of)

    def mandate(self, motion: str | None) -> Mandate:
        """Return the mandate of a passed motion, by its UUID; the founding one if none is named.

        Raises:
            NotFoundError: there is no such motion.
        """
        return self.hub.governance.granted(motion)

    def now(self) -> Micros:
        """Return hub time."""
        with self.hub.store.read() as connection:
            return self.hub.log.now(connection)

    def resolve(self, reference: str) -> tuple[Party, User | None]:
        """Return who is meant by ``party`` or ``user@party``.

        Raises:
            InputError: it is neither form; NotFoundError: there is none.
        """
        return self.hub.parties.resolve(reference)

    def asker(self, reference: str, purpose: str, *, client: str | None = None, capacity: str | None = None) -> Asker:
        """Return who reads, written ``party`` or ``user@party``, and the short name of the client they read for.

        Raises:
            ForbiddenError: it is not vetted, or disabled; otherwise as ``resolve``.
        """
        party, user = self.resolve(reference)
        if party.status is not PartyStatus.VETTED or (user is not None and user.status is not UserStatus.ACTIVE):
            raise ForbiddenError(
                "this reader is not vetted, or disabled", where=reference, todo=f"tocsin party show {party.name} tells"
            )
        if capacity is not None and capacity not in party.capacities:
            has = ", ".join(sorted(party.capacities)) or "none"
            raise InputError(f"{party.name} has no such capacity", where="--as-capacity", todo=f"it has: {has}")
        name = user.name if user else None
        served = None if client is None else self.hub.parties.get(client).uri
        return Asker(
            party=party.uri, user=name, purpose=purpose, acting=self.acting(reference), client=served, capacity=capacity
        )

    def itself(self) -> tuple[Party, User | None]:
        """Return the operator as party and user."""
        return self.resolve(self.operator)


def settings() -> Settings:
    """Read the settings from the environment."""
    return read_settings(os.environ)


@contextlib.contextmanager
def opened() -> Iterator[Session]:
    """Open the hub of the settings; what was staged is in the log before anything else is, and again at the end.

    Raises:
        UsageError: there is none; StoreBrokenError: it is not what it must be.
    """
    chosen = settings()
    if not chosen.keys.exists() and not chosen.there:
        # not a broken hub but no hub: most likely the folder is another
        raise UsageError("there is no hub here", where=str(chosen.home), todo="run `tocsin init`, or set TOCSIN_HOME")
    hub = open_hub(chosen)
    try:
        party = _runs(hub)
        # what a hub that was killed had staged; what cannot be entered is tried again at the end, and said then
        with contextlib.suppress(TocsinError, SQLAlchemyError):
            hub.integrator.integrate()
            # and some of what annexes ask for, where nothing is serving that would see to it
            hub.emergencies.turn(_STEPS)
        yield Session(hub=hub, operator=f"{OPERATOR}@{party.name}", party=party)
    except BaseException:
        # what went wrong first is what is told; a store that cannot be closed says nothing more
        with contextlib.suppress(TocsinError, SQLAlchemyError):
            hub.close()
        raise
    hub.close()


def _runs(hub: Hub) -> Party:
    with hub.store.read() as connection:
        uri = hub.parties.hub_party(connection)
        if uri is None:
            raise StoreBrokenError("nobody runs this hub", where=str(hub.settings.home), todo="run `tocsin init`")
        return hub.parties.party_by_uri(connection, uri)[1]


def read_bounded(path: str, limit: int, what: str, *, todo: str = "name another file") -> bytes:
    """Return the bytes of a file, or of standard input for ``-``; never more than ``limit`` are read.

    Raises:
        UsageError: it cannot be read.
        LimitError: it is larger; ``todo`` says what helps.
    """
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror or error}", where=path, todo="name a file") from error
    if len(data) > limit:
        raise LimitError(f"{what} has at most {limit} bytes, and this more", where=path, todo=todo)
    return data


def some(path: str, data: bytes) -> bytes:
    """Return what was read of a file, unless it is nothing.

    Raises:
        InputError: it is empty.
    """
    if not data:
        raise InputError("it is empty", where="standard input" if path == STDIN else path, todo="name another file")
    return data


def of_file(path: str, error: InputError) -> InputError:
    """Return what was found wrong with the content of a file, with the file's name before the place."""
    name = "standard input" if path == STDIN else path
    where = name if error.where is None else f"{name}: {error.where}"
    return type(error)(error.what, where=where, todo=error.todo)


def write_new(path: str, data: bytes, *, mode: int = 0o644) -> None:
    """Write a new file.

    Raises:
        ConflictError: there is one already.
        UsageError: it cannot be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise ConflictError("there is a file already", where=path, todo="name another, or remove it") from error
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror or error}", where=path) from error
