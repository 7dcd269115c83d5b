"""The operator's log: a line for each request, and no secret in any, wherever it was put."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog

from support import stores
from support.hub import EVERYTHING, OPERATOR
from support.taxii import bundle, indicator, living
from tocsin.errors import UsageError
from tocsin.exchange.taxii.wire import TAXII
from tocsin.kernel.http.edge import Answered
from tocsin.kernel.ids import SystemEntropy
from tocsin.serving import logs
from tocsin.settings import Postgres, Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CANARY = "kanari-7f3a"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = structlog.get_config()
    handlers = list(logging.getLogger().handlers)
    logs.configure(stream)
    yield stream
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_request_is_a_line(written: io.StringIO) -> None:
    line = logs.request_lines(SystemEntropy())
    for caller in ("https://a.example", "https://a.example", "https://b.example", None):
        line(Answered(method="GET", route="/x/{y:str}", status=200, seconds=0.0123, caller=caller))
    found = records(written.getvalue())
    assert [one["event"] for one in found] == ["request"] * 4
    assert set(found[0]) == {"event", "level", "at", "method", "route", "status", "ms", "caller", "error_id"}
    assert found[0]["ms"] == 12.3
    callers = [one["caller"] for one in found]
    assert callers[0] == callers[1] != callers[2]
    assert callers[3] is None
    assert "example" not in written.getvalue()
    other = io.StringIO()
    logs.configure(other)
    logs.request_lines(SystemEntropy())(
        Answered(method="GET", route="/", status=1, seconds=0, caller="https://a.example")
    )
    assert records(other.getvalue())[0]["caller"] != callers[0], "another process, another number"


def test_libraries_speak_in_places_and_not_in_sentences(written: io.StringIO) -> None:
    library = logging.getLogger("some.library")
    library.warning("connecting to %s", f"postgresql://user:{CANARY}@db")
    library.error(f"task failed: {CANARY}")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    try:
        int(CANARY)
    except ValueError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    found = records(written.getvalue())
    assert [one["logger"] for one in found] == ["some.library", "some.library", "uvicorn.error", "asyncio"]
    assert [one["says"] for one in found] == [None, None, "Invalid HTTP request received.", None]
    assert "builtins.ValueError" in found[3]["what"]
    assert f'"{CANARY}"' not in written.getvalue()
    assert CANARY not in written.getvalue()


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    before = structlog.get_config()
    logs.configure(stream, level="error")
    try:
        logs.request_lines(SystemEntropy())(Answered(method="GET", route="/", status=200, seconds=0))
        structlog.get_logger("x").error("kept")
    finally:
        structlog.configure(**before)
    assert [one["event"] for one in records(stream.getvalue())] == ["kept"]


def test_settings() -> None:
    assert (read_settings({}).log_format, read_settings({}).log_level) == ("json", "info")
    chosen = read_settings({"TOCSIN_LOG_FORMAT": "text", "TOCSIN_LOG_LEVEL": "error"})
    assert (chosen.log_format, chosen.log_level) == ("text", "error")
    for name in ("TOCSIN_LOG_FORMAT", "TOCSIN_LOG_LEVEL"):
        with pytest.raises(UsageError) as caught:
            read_settings({name: "loud"})
        assert caught.value.where == name


def test_a_database_s_address_shows_no_password(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database=Postgres(url=f"postgresql://hub:{CANARY}@db.example/tocsin?x={CANARY}"))
    assert CANARY not in repr(settings)
    assert CANARY not in settings.where


# --- a whole server ---------------------------------------------------------------------------------------------------


def test_no_secret_is_written_wherever_it_was_put(tmp_path: Path) -> None:
    """A canary stands in every place of a request; nothing that the process writes holds it."""
    serving = living(tmp_path / "hub")
    live = next(serving)
    name = "alfa"
    hub = live.world.hub
    # the process has the real clock, which the world's is long before
    token, _ = hub.parties.issue_token(
        OPERATOR, hub.mandate, name, purpose="detect", permissions=EVERYTHING, lifetime=None
    )
    serving.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", "serve", "--port", "0"],
        env={
            **os.environ,
            "TOCSIN_HOME": str(tmp_path / "hub"),
            "TOCSIN_DATABASE": stores.url_of(tmp_path / "hub"),
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split(": ")[1].strip().removesuffix("/taxii2/")
        ask_everything(address, name, token)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    requests = [one for one in records(err) if one["event"] == "request"]
    assert len(requests) >= 10
    assert {one["route"] for one in requests} >= {"(none)", "/api/v1/me", "/live/collections/{collection:str}/objects"}
    assert [one["says"] for one in records(err) if one["event"] == "library"] == ["Invalid HTTP request received."]
    for secret in (CANARY, token, base64.b64encode(f"{name}:{token}".encode()).decode(), "indicator--", "https://alfa"):
        assert secret not in out + err, secret


def ask_everything(address: str, name: str, token: str) -> None:
    """Put the canary, and real credentials, wherever a client can."""
    good = (name, token)
    objects = f"{address}/live/collections/exchange/objects/"
    with httpx.Client(timeout=60) as client:
        assert client.get(f"{address}/api/v1/me", auth=good).status_code == 200
        client.get(f"{address}/api/v1/me", auth=("anna@bravo", CANARY))
        client.get(f"{address}/api/v1/me", headers={"authorization": f"Bearer {CANARY}"})
        client.get(f"{address}/api/v1/me", auth=good, headers={"cookie": CANARY, "x-canary": CANARY, "accept": CANARY})
        client.get(f"{address}/{CANARY}", auth=good)
        client.get(f"{objects}?match[id]={CANARY}", auth=good)
        client.get(f"{address}/api/v1/objects/{CANARY}/why?reader={CANARY}", auth=good)
        client.request(CANARY.upper(), objects, auth=good)
        client.post(objects, auth=good, content=CANARY, headers={"content-type": TAXII})
        sent = bundle(indicator(CANARY))
        path = f"{address}/api/v1/collections/inbox/objects?to={CANARY}"
        client.post(path, auth=good, content=sent, headers={"content-type": "application/json"})
        path = f"{address}/api/v1/collections/exchange/search"
        client.post(path, auth=good, json={"text": CANARY, "values": [CANARY]})
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"{CANARY} nonsense\r\n\r\n".encode())
        while connection.recv(65_536):
            pass
