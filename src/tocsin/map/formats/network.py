"""A network of somebody's: elements, what leads from which to which, where it is fed and what it feeds. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.map.formats.draft import Draft

__all__ = ["Element", "Network", "add"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A bus, a line, a pump, a tank: each may be hit.

    ``demand`` and ``capacity`` in one unit for a whole network (MW, m3/h); a capacity of infinity is one that nobody
    knows. ``source``: it feeds without being fed. ``store``: what a tank holds that can be used (m3).
    """

    id: str
    kind: str
    at: str
    place: tuple[float, float] | None = None
    demand: float = 0.0
    capacity: float = math.inf
    source: bool = False
    store: float | None = None


@dataclass(slots=True, kw_only=True)
class Network:
    """Elements by id, and arcs: ``arcs[a]`` are the elements into which a leads. What is fed by what follows.

    ``unread``: something could not be read: who is fed by whom, nobody knows then; ``lost``: what those elements may
    be called.
    """

    name: str
    unit: str
    unread: bool = False
    lost: set[str] = field(default_factory=set)
    elements: dict[str, Element] = field(default_factory=dict)
    arcs: dict[str, list[str]] = field(default_factory=dict)

    def join(self, one: str, other: str, *, back: bool = True) -> None:
        """Let one lead into the other, and back."""
        self.arcs.setdefault(one, []).append(other)
        if back:
            self.arcs.setdefault(other, []).append(one)


def add(draft: Draft, network: Network, element: Element) -> None:
    """Put an element into its network; a second one of the same id is a fault at both its places."""
    first = network.elements.get(element.id)
    if first is not None:
        draft.wrong(f"{first.at}, {element.at}", "stands twice", "each element once", asset=element.id)
        return
    network.elements[element.id] = element
