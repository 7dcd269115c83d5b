"""One agreement among a few parties, for tests that are about something else."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support import stores
from support.hub import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tocsin.settings import Settings

__all__ = ["MEMBERS", "TREATY", "Templates", "found_treaty", "references", "templates"]

MEMBERS: Final = ("alfa", "bravo", "coast")
TREATY: Final = """
agreement: treaty
version: 1
title: What members share
in_force: {from: 2026-01-01, until: null}
parties:
  - {name: alfa}
  - {name: bravo}
  - {name: coast}
legal_bases:
  by-contract:
    NO: {cite: "instrument, section 3", valid: [2026-01-01, null]}
purposes: [detect, respond]
clauses:
  - id: "1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}, without: [export-controlled]}
    for: [detect, respond]
    rests_on: [by-contract]
  - id: "2"
    permit: read
    to: {role: analyst}
    of: {tlp: {at_most: red}}
    for: [respond]
"""


def found_treaty(home: Path, *, settings: Settings | None = None) -> World:
    """Return a hub with three members, ``ana@`` each, and ``outsider``, who signed nothing."""
    world = World(home, settings=settings)
    for name in (*MEMBERS, "outsider"):
        world.party(name)
        world.user(f"ana@{name}")
    world.agreement(TREATY, signed_by=MEMBERS)
    return world


class Templates:
    """Closed hubs, with the treaty where nothing else is founded, founded once and copied for each case."""

    def __init__(self, found: Callable[[Path], World] = found_treaty) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
        self._template = self._folder / "template"
        self._made = 0
        found(self._template).hub.close()

    def world(self, *, seed: int = 1) -> World:
        """Return a fresh copy; equal seeds, equal randomness from here on."""
        self._made += 1
        return World(self._folder / str(self._made), seed=seed, template=self._template)

    def drop(self, *worlds: World) -> None:
        """Close hubs and remove their folders."""
        for world in worlds:
            world.hub.close()
            stores.drop(world.settings.home)
            shutil.rmtree(world.settings.home)

    def remove(self) -> None:
        """Remove all there is."""
        for home in stores.made():
            if self._folder in home.parents:
                stores.drop(home)
        shutil.rmtree(self._folder)


def templates(found: Callable[[Path], World] = found_treaty) -> Iterator[Templates]:
    """Yield templates and remove them after: the body of a fixture."""
    made = Templates(found)
    yield made
    made.remove()


def references(names: Sequence[str] = MEMBERS) -> list[str]:
    """Return a service and a user of each party."""
    return [*names, *(f"ana@{name}" for name in names)]
