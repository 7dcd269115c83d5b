"""A thousand listeners on one process: what they cost while nothing happens, and how soon all of them hear."""

from __future__ import annotations

import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import psutil
import pytest

from support.cli import Cli
from support.hub import World
from support.sharing import bundle, indicator, terms_mark
from support.treaty import TREATY
from tocsin.kernel.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARTIES: Final = 40
EACH: Final = 25
LISTENERS: Final = PARTIES * EACH
# As many come at once as may wait to be signed in; more would be told to come back.
TOGETHER: Final = 200
BEAT: Final = b"3\r\n:\n\n\r\n"  # a comment, in a chunk of its own (RFC 9112 §7.1)
IDLE_SECONDS: Final = 20
PATIENCE: Final = 120
EXPORT: Final = terms_mark(categories=("export-controlled",))
NAMES: Final = tuple(f"party-{number}" for number in range(PARTIES))


class Crowd:
    """A thousand clients in one thread, which only count bytes and when the last of them came."""

    def __init__(self, url: str, tokens: list[str]) -> None:
        self._selector = selectors.DefaultSelector()
        self.bytes = [0] * len(tokens)
        self.text = [b""] * len(tokens)
        place = urlsplit(url)
        for number, token in enumerate(tokens):
            if number % TOGETHER == 0:
                self._until(b"retry: ", range(number))
            connection = socket.create_connection((place.hostname, place.port), 30)
            head = f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
            connection.sendall(head.encode())
            self._selector.register(connection, selectors.EVENT_READ, number)

    def until(self, done: bytes) -> list[float]:
        """Read until everybody was sent this; returns when each was, in seconds from now."""
        return self._until(done, range(len(self.text)))

    def _until(self, done: bytes, whom: range) -> list[float]:
        start, when = time.perf_counter(), [0.0] * len(whom)
        missing = {number for number in whom if done not in self.text[number]}
        while missing:
            assert time.perf_counter() - start < PATIENCE, (
                f"{len(missing)} never heard: {self.text[next(iter(missing))]!r}"
            )
            for number in self._read(0.1):
                if number in missing and done in self.text[number]:
                    missing.discard(number)
                    when[number] = time.perf_counter() - start
        return when

    def idle(self, seconds: float) -> None:
        """Read for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> Iterator[int]:
        found = []
        for key, _ in self._selector.select(seconds):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            chunk = sock.recv(65_536)
            assert chunk, f"stream {key.data} ended: {self.text[key.data]!r}"
            self.bytes[key.data] += len(chunk)
            self.text[key.data] += chunk
            found.append(key.data)
        return iter(found)

    def close(self) -> None:
        """Hang up."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # a socket


@pytest.mark.long
def test_a_thousand_listeners_on_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path / "home", start=SystemClock().now())  # the server's own, who asks whether tokens stand
    for name in ("alfa", *NAMES):
        world.party(name)
    members = "".join(f"  - {{name: {name}}}\n" for name in ("alfa", *NAMES))
    text = TREATY.replace("  - {name: alfa}\n  - {name: bravo}\n  - {name: coast}\n", members)
    world.agreement(text, signed_by=("alfa", *NAMES))
    tokens = [token for name in NAMES for token in [world.token(name)] * EACH]
    world.share("alfa", bundle([indicator(1, marked=[EXPORT])], marked=[EXPORT]))
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | Cli(world.settings.home).environ,
    )
    try:
        told = _document(process)
        server = psutil.Process(process.pid)
        before = server.memory_info().rss
        start = time.perf_counter()
        crowd = Crowd(told["address"], tokens)
        crowd.until(b"retry: ")
        opened = time.perf_counter() - start
        crowd.idle(5)
        memory = (server.memory_info().rss - before) / LISTENERS
        idle = _busy(server, crowd)
        comments = [text.count(BEAT) for text in crowd.text]
        hidden_before = [len(text.replace(BEAT, b"")) for text in crowd.text]
        hidden = _busy(server, crowd, world)
        assert [len(text.replace(BEAT, b"")) for text in crowd.text] == hidden_before, "the hidden is heard"
        began = server.cpu_times()
        world.share("alfa", bundle([indicator(2)]))
        when = sorted(crowd.until(indicator(2)["id"].encode()))
        crowd.idle(1)
        spent = sum(server.cpu_times()[:2]) - sum(began[:2])
        crowd.close()
    finally:
        process.terminate()
        process.wait(60)
        world.hub.close()
    with capsys.disabled():
        print(  # noqa: T201  what was measured is what this test is for
            f"\n{LISTENERS} listeners of {PARTIES} parties, opened in {opened:.1f} s; {memory / 1024:.0f} KiB each; "
            f"idle {idle:.2f} s of processor a minute, with a hidden commit a second {hidden:.2f}; "
            f"all heard: median {statistics.median(when):.2f} s, p95 {when[int(0.95 * len(when))]:.2f} s, "
            f"last {when[-1]:.2f} s, {spent:.2f} s of processor"
        )
    assert min(comments) >= 1
    assert memory < 256 * 1024
    assert idle < 15  # seconds a minute: a quarter of one processor
    assert when[-1] < 60


def _document(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    lines = ""
    for line in process.stdout:
        lines += line
        if line.startswith("}"):
            break
    found: dict[str, str] = json.loads(lines)
    return found


def _busy(server: psutil.Process, crowd: Crowd, world: World | None = None) -> float:
    """Return the seconds of processor a minute that the server takes; with a world, while it shares what is hidden."""
    start, began = time.perf_counter(), server.cpu_times()
    number = 1_000
    while time.perf_counter() - start < IDLE_SECONDS:
        if world is not None:
            number += 1
            world.share("alfa", bundle([indicator(number, marked=[EXPORT])], marked=[EXPORT]))
        crowd.idle(1)
    ended = server.cpu_times()
    spent = (ended.user + ended.system) - (began.user + began.system)
    return spent * 60 / (time.perf_counter() - start)
