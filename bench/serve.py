"""Our server as a process of its own: prints its address, serves until it is told to stop."""

from __future__ import annotations

import sys
from pathlib import Path

from tocsin.bootstrap import open_hub
from tocsin.serving.app import create_app, listen, serve
from tocsin.settings import Settings


def main(home: Path) -> None:
    hub = open_hub(Settings(home=home, database=home / "hub.db"))
    with listen("127.0.0.1", 0) as listening:
        host, port = listening.getsockname()
        print(f"http://{host}:{port}", flush=True)
        serve(create_app(hub), listening)
    hub.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
