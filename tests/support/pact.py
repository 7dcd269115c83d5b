"""One agreement whose clauses each rest on something else that can end, and one object under each of them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from support.hub import OPERATOR, World
from support.taxii import address, bundle, indicator, malware, object_id
from tocsin.exchange.model import Query
from tocsin.kernel.clock import parse_instant
from tocsin.parties.model import Role, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pytest

    from tocsin.exchange.reading import Answer
    from tocsin.kernel.db import Store

__all__ = [
    "AGREEMENT_ENDS",
    "BASIS_ENDS",
    "CLEARANCE_ENDS",
    "PERSON_ENDS",
    "Pacts",
    "before_turns",
    "forbid_malware",
    "kinds",
    "pacts",
    "page",
]

PERSON_ENDS: Final = parse_instant("2026-06-15T00:00:00Z")
CLEARANCE_ENDS: Final = parse_instant("2026-07-01T00:00:00Z")
BASIS_ENDS: Final = parse_instant("2026-08-01T00:00:00Z")
AGREEMENT_ENDS: Final = parse_instant("2026-10-01T00:00:00Z")

PACT: Final = """
agreement: pact
version: 1
title: What ends
in_force: {from: 2026-01-01, until: 2026-10-01}
parties: [{name: alfa}, {name: bravo}, {name: coast}]
legal_bases:
  statute:
    NO: {cite: "an act, section 1", valid: [2026-01-01, 2026-08-01]}
purposes: [detect]
clauses:
  - id: "1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}, type: [indicator]}
    for: [detect]
  - id: "2"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}, type: [malware]}
    for: [detect]
    rests_on: [statute]
  - id: "3"
    permit: read
    to: {clearance: restricted}
    of: {tlp: {at_most: amber}, type: [ipv4-addr]}
    for: [detect]
  - id: "4"
    permit: read
    to: {role: analyst}
    of: {tlp: {at_most: amber}, type: [campaign]}
    for: [detect]
"""
FORBIDS: Final = """
agreement: ban
version: 1
title: What alfa takes back
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}]
purposes: [detect]
clauses:
  - id: "1"
    forbid: read
    of: {type: [malware]}
"""


class Pacts:
    """Copies of one closed hub: alfa has shared an object under each clause of the pact.

    The clearance of ``bravo`` ends, and so does that of the user ``ana@coast``; ``coast`` itself keeps its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template"
        self._made = 0
        world = World(self._template)
        world.party("alfa")
        world.party("bravo", until=CLEARANCE_ENDS)
        world.party("coast")
        coast = world.hub.parties.get("coast").uri
        ana = User(
            name="ana",
            party=coast,
            roles=frozenset({Role.ANALYST}),
            clearance="restricted",
            clearance_until=PERSON_ENDS,
        )
        world.hub.parties.add_user(OPERATOR, world.hub.mandate, ana)
        world.agreement(PACT, signed_by=("alfa", "bravo", "coast"))
        campaign: dict[str, Any] = indicator("one") | {"type": "campaign", "id": object_id("campaign", "one")}
        for only in ("pattern", "pattern_type", "valid_from"):
            del campaign[only]
        # one by one, so that they stand in this order: in one submission, chance mixes objects of different labels
        for shared in (indicator("one"), malware("one"), address("198.51.100.1"), campaign):
            receipt = world.share("alfa", bundle(shared))
            assert [result.reason for result in receipt.results] == [None]
        world.hub.close()

    @contextlib.contextmanager
    def world(self) -> Iterator[World]:
        """Open a fresh copy."""
        self._made += 1
        world = World(self._folder / str(self._made), template=self._template)
        try:
            yield world
        finally:
            world.hub.close()


def pacts() -> Iterator[Pacts]:
    """Yield copies and remove them after: the body of a fixture."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
    yield Pacts(folder)
    shutil.rmtree(folder)


def forbid_malware(world: World) -> None:
    """Let alfa, who owns everything, forbid all malware: readers' profiles stay as they are."""
    world.agreement(FORBIDS, signed_by=("alfa", "bravo"))


def page(world: World, reader: str, *, limit: int = 1000, cursor: str | None = None) -> Answer:
    """Read one page of the exchange."""
    return world.hub.reading.objects(world.asker(reader), "exchange", Query(), limit=limit, cursor=cursor)


def kinds(answer: Answer) -> set[str]:
    """Return the types of the objects on a page, from the bytes that left."""
    return {msgspec.json.decode(body)["type"] for body in answer.page.bodies}


def before_turns(monkeypatch: pytest.MonkeyPatch, store: Store, acts: Sequence[Callable[[], object]]) -> list[int]:
    """Let each act happen just before one of the next turns to write, and so after the snapshot of who takes that turn.

    Returns a list that grows by one with each turn; turns of the acts themselves do not count.
    """
    taken: list[int] = []
    waiting = list(acts)
    acting = False
    write = store.write

    @contextlib.contextmanager
    def turn() -> Iterator[Any]:
        nonlocal acting
        if not acting:
            taken.append(len(taken))
            acting = True
            try:
                if waiting:
                    waiting.pop(0)()
            finally:
                acting = False
        with write() as connection:
            yield connection

    monkeypatch.setattr(store, "write", turn)
    return taken
