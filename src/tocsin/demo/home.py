"""The folder of a demonstration: its mark, and the lock that keeps it from being replaced while somebody uses it."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from typing import TYPE_CHECKING, Final

from tocsin.errors import ConflictError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MARKER", "cleared", "in_use"]

# Only a folder that a demonstration made is ever cleared by the next one. The file is also what is locked.
MARKER: Final = "demonstration"


@contextlib.contextmanager
def cleared(home: Path) -> Iterator[None]:
    """Clear the folder for a new demonstration, and keep it from every other while the ``with`` lasts.

    Raises:
        ConflictError: it holds something that no demonstration made, or another process uses it.
        UsageError: it cannot be written.
    """
    marker = home / MARKER
    try:
        home.mkdir(parents=True, exist_ok=True)
        if any(home.iterdir()) and not marker.exists():
            raise ConflictError(
                "this folder holds something else", where=str(home), todo="choose another with --home DIR"
            )
        marker.touch()
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror or error}", where=str(home)) from error
    with _locked(home, fcntl.LOCK_EX):
        for entry in home.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != marker:
                entry.unlink()
        marker.write_text("made by `tocsin demo`, and cleared by the next one\n", encoding="utf-8")
        yield


@contextlib.contextmanager
def in_use(home: Path) -> Iterator[None]:
    """Keep demonstrations from clearing the folder of a hub while the ``with`` lasts, if it is one of theirs.

    Raises:
        ConflictError: a demonstration runs in it.
    """
    if not (home / MARKER).exists():
        yield
        return
    with _locked(home, fcntl.LOCK_SH):
        yield


@contextlib.contextmanager
def _locked(home: Path, kind: int) -> Iterator[None]:
    # the system lets go of an advisory lock when its holder ends, however that comes about
    with (home / MARKER).open("rb") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(
                "another process uses this demonstration",
                where=str(home),
                todo="end it first, or choose another folder: tocsin demo --home DIR",
            ) from error
        yield
