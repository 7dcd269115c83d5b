"""The bare framework: one route that joins the same stored bytes, under the same server with its own settings.

Nobody is asked who they are, nothing is decided, nothing is written: what any page of ours costs at least.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from pathlib import Path
from typing import Final

import uvicorn
from litestar import Litestar, Response, get

from tocsin.serving.app import listen

SIZE: Final = 1_000
_held = threading.local()


def application(database: Path) -> Litestar:
    """Return an application: ``/store`` reads from the database each time, ``/memory`` does not."""

    def page() -> bytes:
        connection = getattr(_held, "connection", None)
        if connection is None:
            connection = _held.connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        rows = connection.execute(
            "SELECT bytes FROM contributions ORDER BY contribution_id LIMIT ?", (SIZE,)
        ).fetchall()
        return b'{"more":false,"objects":[' + b",".join([row[0] for row in rows]) + b"]}"

    @get("/store", sync_to_thread=True)
    def store() -> Response[bytes]:
        return Response(page(), media_type="application/json")

    whole = page()

    @get("/memory", sync_to_thread=True)
    def memory() -> Response[bytes]:
        return Response(whole, media_type="application/json")

    return Litestar([store, memory], openapi_config=None)


def main(database: Path) -> None:
    """Serve until told to stop."""
    with listen("127.0.0.1", 0) as listening:
        host, port = listening.getsockname()
        config = uvicorn.Config(application(database), http="h11", ws="none", loop="asyncio", access_log=False)
        print(f"http://{host}:{port}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
