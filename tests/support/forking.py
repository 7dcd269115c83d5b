"""Processes that begin in a moment: copies of one that has imported what all of them need."""

from __future__ import annotations

import functools
import multiprocessing
import os
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

__all__ = ["forking"]

IMPORTED: Final = ["support.crew", "support.killed", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"]


@functools.cache
def forking() -> ForkServerContext:
    """Return the context of such processes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    # the server does not look where this process does, and says nothing of what it does not find
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), *([before] if before else [])])
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context
