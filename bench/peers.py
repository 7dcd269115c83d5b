"""The peers: installed from their packages into an environment of their own, each a process that we end ourselves."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.data import STAMP
from bench.http_client import Client, Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE: Final = Path(__file__).parent
ENVIRONMENT: Final = HERE / ".peers"
LOCK: Final = HERE / "peers.lock"
START_SECONDS: Final = 60
COLLECTION: Final = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"

OPENTAXII: Final = "OpenTAXII 0.9.3 (gunicorn, one worker; SQLite)"
MEDALLION: Final = "medallion 3.0.0 (its own server; in memory)"

# One worker, as ours is one process; SQLite through its own SQL API, which commits as durably as ours.
_OPENTAXII_CONFIG: Final = """
domain: "localhost:9000"
support_basic_auth: yes
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters:
    {{db_connection: "sqlite:///{folder}/auth.db", create_tables: yes, secret: {secret}, token_ttl_secs: 86400}}
taxii1:
taxii2:
  title: bench
  max_content_length: 104857600
  allow_custom_properties: true
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters: {{db_connection: "sqlite:///{folder}/data.db", create_tables: yes}}
logging: {{opentaxii: error, root: error}}
"""


def install() -> Path:
    """Make the peers' environment, unless the lock is the one that it was made from; returns its ``bin``."""
    made_from = ENVIRONMENT / "made-from"
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not made_from.exists() or made_from.read_text(encoding="utf-8") != lock:
        print(f"installing the peers into {ENVIRONMENT} ...", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        pip = [str(ENVIRONMENT / "bin" / "pip"), "--disable-pip-version-check", "--no-input", "-q", "install"]
        subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True, stdout=sys.stderr)
        made_from.write_text(lock, encoding="utf-8")
    return ENVIRONMENT / "bin"


@contextlib.contextmanager
def opentaxii(folder: Path) -> Iterator[Server]:
    """Serve an empty OpenTAXII; gives a client at its collection, signed in by a bearer token as ours is."""
    programs = install()
    folder.mkdir(parents=True)
    config = folder / "opentaxii.yml"
    config.write_text(_OPENTAXII_CONFIG.format(folder=folder, secret="b" * 32), encoding="utf-8")
    environ = os.environ | {"OPENTAXII_CONFIG": str(config), "HOME": str(folder)}

    def run(*command: str) -> str:
        done = subprocess.run(
            [str(programs / command[0]), *command[1:]], env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout

    token = run("opentaxii-create-account", "-u", "bench", "-p", "bench").split("token: ", 1)[1].strip()
    run("opentaxii-add-api-root", "-t", "live", "--default")
    with contextlib.closing(sqlite3.connect(folder / "data.db")) as database:
        root = str(uuid.UUID(database.execute("SELECT id FROM opentaxii_api_root").fetchone()[0]))
    run("opentaxii-add-collection", "-r", root, "-t", "bench", "-a", "exchange", "--public", "--public-write")
    port = _free_port()
    command = [
        *(str(programs / "gunicorn"), "--workers", "1", "--timeout", "600", "--no-control-socket"),
        *("--bind", f"127.0.0.1:{port}", "--pythonpath", str(HERE), "serve_opentaxii:app"),
    ]
    with _process(command, environ, port, folder / "opentaxii.log") as pid:
        base = f"http://127.0.0.1:{port}/taxii2/{root}/collections/exchange"
        yield Server(client=Client(base, f"Bearer {token}"), pid=pid)


@contextlib.contextmanager
def medallion(folder: Path, objects: Sequence[bytes]) -> Iterator[Server]:
    """Serve a medallion that holds these objects from its start; gives a client at its collection."""
    programs = install()
    folder.mkdir(parents=True)
    port = _free_port()
    base = f"http://127.0.0.1:{port}/live/"
    items = [json.loads(item) for item in objects]
    manifest = [
        {
            "id": item["id"],
            "date_added": f"{STAMP[:19]}.{index:06d}Z",
            "version": item["modified"],
            "media_type": "application/stix+json;version=2.1",
        }
        for index, item in enumerate(items)
    ]
    collection = {
        "id": COLLECTION,
        "title": "bench",
        "can_read": True,
        "can_write": True,
        "media_types": ["application/stix+json;version=2.1"],
        "objects": items,
        "manifest": manifest,
    }
    information = {"title": "bench", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 10**8}
    data = {
        "/discovery": {"title": "bench", "default": base, "api_roots": [base]},
        "live": {"information": information, "status": [], "collections": [collection]},
    }
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    backend = {
        "module": "medallion.backends.memory_backend",
        "module_class": "MemoryBackend",
        "filename": str(folder / "data.json"),
    }
    config = {"backend": backend, "users": {"bench": "bench"}, "taxii": {"max_page_size": 1000}}
    (folder / "medallion.json").write_text(json.dumps(config), encoding="utf-8")
    command = [str(programs / "medallion"), "--port", str(port), str(folder / "medallion.json")]
    with _process(command, os.environ, port, folder / "medallion.log") as pid:
        # Basic bench:bench; it compares the password as text
        yield Server(client=Client(f"{base}collections/{COLLECTION}", "Basic YmVuY2g6YmVuY2g="), pid=pid)


@contextlib.contextmanager
def _process(command: Sequence[str], environ: Mapping[str, str], port: int, log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environ), stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait(process, port, log)
            yield process.pid
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(
        f"{process.args!r} does not answer:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}"
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
