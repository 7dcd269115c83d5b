"""What a change of policy costs: a thousand parties, five thousand labels, everybody polls at once.

All parties are in one agreement whose first version lets out reports only. The second lets out indicators too, so that
every party's slice changes and every verdict with it; the third takes them back. Pages are asked over HTTP, each party
with its own token and connection; whoever is told to come back does. Every answer is looked at: after the change it
holds what was newly allowed, and after the third version nothing of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import statistics
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bench import hubs
from bench.data import STAMP, bundle, fresh_id
from bench.http_client import TAXII
from bench.measure import Line, Ratio, Table, line
from support.hub import OPERATOR, World
from tocsin.bootstrap import upgrade_hub
from tocsin.kernel.clock import SystemClock
from tocsin.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.run import Run

PARTIES: Final = 1_000
# of each party: five types of object make five labels
TYPES: Final = ("indicator", "campaign", "tool", "malware", "report")
OBJECTS: Final = 10  # of each party, over its labels in turn
LIMIT: Final = 1_000
FIRST_PAGE: Final = 1.0  # seconds
EVERYBODY: Final = 60.0
RECIPE: Final = "1"
_SIZE: Final = 1_300

_CUT_OFF: Final = (503, b"")

_AGREEMENT: Final = """
agreement: everybody
version: {version}
title: Everybody
instrument: {{title: "Agreement", sha256: "{hash}", prevails: instrument}}
in_force: {{from: 2026-01-01, until: 2099-12-31}}
parties: [{{all: {{capacity: operator}}}}]
purposes: [detect]
clauses:
  - {{id: "1", permit: read, to: {{parties: all}}, of: {{tlp: {{at_most: amber}}, type: [{types}]}}, for: [detect]}}
"""


def measure(run: Run) -> Iterator[Table]:
    """Measure the change that widens and the one that narrows."""
    parties = 100 if run.quick else PARTIES
    source = run.cache / f"policy-{parties}"
    prepare(source, parties)
    home = run.folder / "policy"
    shutil.copytree(source, home)
    settings, tokens = Settings(home=home, database=home / "hub.db"), tokens_of(home)
    upgrade_hub(settings)  # the kept hub may be one of an earlier schema
    lines: list[Line] = []
    ratios: list[Ratio] = []
    with hubs.served(settings, tokens[0]) as server:
        base = server.client.address
        before = asyncio.run(_poll(base, tokens))
        _expect(before, newly=False)
        for name, version, newly in (("widens", 2, True), ("narrows", 3, False)):
            run.noise.probe()
            with hubs.opened(settings) as hub:
                start = time.perf_counter()
                hub.agreements.activate(OPERATOR, hub.mandate, "everybody", version)
                activated = time.perf_counter()
            first = asyncio.run(_poll(base, tokens[:1]))
            _expect(first, newly=newly)
            first_page = time.perf_counter() - activated
            begun = time.perf_counter()
            answers = asyncio.run(_poll(base, tokens))
            _expect(answers, newly=newly)
            everybody = time.perf_counter() - begun
            took = [answer.seconds for answer in answers]
            lines += [
                line(f"{name}: the act itself", "s", [activated - start]),
                line(f"{name}: from its commit to the first page after it", "s", [first_page]),
                line(f"{name}: until all {parties:,} have their page", "s", [everybody]),
                line(f"{name}: one party's wait, refusals and retries included", "s", took),
                line(f"{name}: times told to come back", "", [sum(answer.refused for answer in answers)]),
            ]
            ratios += [
                Ratio(name=f"{name}: first page to 1 s", value=first_page / FIRST_PAGE, aim=1, below=True),
                Ratio(name=f"{name}: everybody served to 60 s", value=everybody / EVERYBODY, aim=1, below=True),
            ]
    yield Table(
        name="policy",
        title=f"A change of policy with {parties:,} parties and {parties * len(TYPES):,} labels",
        lines=tuple(lines),
        ratios=tuple(ratios),
        notes=(
            f"one serving process on SQLite; {parties:,} connections at once, each for its first {LIMIT:,} objects",
            "every answer was looked at: none was decided under the agreement before",
            f"{parties * OBJECTS:,} objects of 1.3 kB; median wait {statistics.median(took):.1f} s",
        ),
    )


class _Answer:
    """One party's page: whether it holds others' indicators, how long it took, how often it was sent away."""

    def __init__(self, *, newly: bool, seconds: float, refused: int) -> None:
        self.newly = newly
        self.seconds = seconds
        self.refused = refused


def _expect(answers: list[_Answer], *, newly: bool) -> None:
    stale = sum(answer.newly is not newly for answer in answers)
    if stale:
        raise RuntimeError(f"{stale} of {len(answers)} answers were decided under another version than is in force")


async def _poll(base: str, tokens: list[str]) -> list[_Answer]:
    return list(await asyncio.gather(*(_page(base, token, number) for number, token in enumerate(tokens))))


async def _page(base: str, token: str, number: int) -> _Answer:
    start, refused = time.perf_counter(), 0
    while True:
        status, body = await _get(base, token)
        if status == 200:
            own = f'"object of {number} '.encode()
            others = body.count(b'"type":"indicator"') > body.count(own + b"indicator")
            return _Answer(newly=others, seconds=time.perf_counter() - start, refused=refused)
        if status != 503:
            raise RuntimeError(f"{status}: {body[:300]!r}")
        refused += 1
        await asyncio.sleep(1 + number % 10 / 10)


async def _get(base: str, token: str) -> tuple[int, bytes]:
    url = urlsplit(base)
    try:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
    except ConnectionError:
        return _CUT_OFF
    try:
        writer.write(
            f"GET {url.path}/objects?limit={LIMIT} HTTP/1.1\r\nHost: {url.netloc}\r\nAccept: {TAXII}\r\n"
            f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode()
        )
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    except ConnectionError:
        return _CUT_OFF
    finally:
        writer.close()
    return int(head.split(b" ", 2)[1]), body


# --- the hub ---------------------------------------------------------------------------------------------------------


def tokens_of(home: Path) -> list[str]:
    """Return a token of each party of the hub."""
    found: list[str] = json.loads((home / "tokens").read_text())
    return found


def prepare(home: Path, parties: int) -> None:
    """Make the hub, unless it is there already."""
    made = home / "recipe"
    if made.exists() and made.read_text(encoding="utf-8") == RECIPE:
        return
    shutil.rmtree(home, ignore_errors=True)
    world = World(home, start=SystemClock().now())
    names = tuple(f"party-{number}" for number in range(parties))
    for name in names:
        world.party(name)
    open_types = {1: TYPES[-1:], 2: TYPES, 3: TYPES[-1:]}
    for version, types in open_types.items():
        text = _AGREEMENT.format(version=version, hash=hashlib.sha256(b"").hexdigest(), types=", ".join(types))
        world.agreement(text, signed_by=names, activate=version == 1)
    for number, name in enumerate(names):
        world.share(name, bundle([_object(number, index) for index in range(OBJECTS)]))
    (home / "tokens").write_text(json.dumps([world.token(name) for name in names]))
    world.hub.close()
    made.write_text(RECIPE, encoding="utf-8")


def _object(number: int, index: int) -> bytes:
    kind = TYPES[index % len(TYPES)]
    item: dict[str, object] = {
        "type": kind,
        "spec_version": "2.1",
        "id": fresh_id(kind, f"{number}/{index}"),
        "created": STAMP,
        "modified": STAMP,
        "name": f"object of {number} {kind}",
        "description": "x" * (_SIZE - 300),
    }
    own: dict[str, dict[str, object]] = {
        "indicator": {"pattern": "[file:name = 'x']", "pattern_type": "stix", "valid_from": STAMP},
        "malware": {"is_family": False},
        "report": {"published": STAMP, "object_refs": [fresh_id("tool", f"{number}/2")]},
    }
    return json.dumps(item | own.get(kind, {})).encode()
