"""Whom the entries of governance concern, derived from the entries themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tocsin.governance.model.bodies import Body, parties_of
from tocsin.governance.wire import from_data

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ROOMS", "Concerned"]

# What comes before the dot in the kinds of these entries.
ROOMS: Final = frozenset({"body", "motion", "dispute", "charter"})


class Concerned:
    """Derives whom each entry concerns, when told all of them in their order.

    A body's and a motion's: the parties whose people sit in the body; a dispute's: its two parties. A charter's: nobody
    by name.
    """

    def __init__(self) -> None:
        self._bodies: dict[str, tuple[str, ...]] = {}  # whose people sit in a body
        self._motions: dict[str, str] = {}  # before which body
        self._disputes: dict[str, tuple[str, ...]] = {}  # between whom

    def of(self, kind: str, data: Mapping[str, Any], uris: Mapping[str, str]) -> tuple[str, ...] | None:
        """Return the URIs, given those of parties by their names; None when entries that tell it were purged."""
        if kind.startswith("charter."):
            return ()
        if kind.startswith("dispute."):
            if kind == "dispute.filed":
                self._disputes[data["dispute"]] = tuple(sorted((data["complainant"], data["respondent"])))
            return self._disputes.get(data["dispute"])
        if kind in ("body.constituted", "body.changed"):
            names = parties_of(body := from_data(data["body"], Body))
            if not uris.keys() >= set(names):
                return None
            self._bodies[body.name] = tuple(sorted(uris[name] for name in names))
            return self._bodies[body.name]
        if kind == "motion.tabled":
            self._motions[data["motion"]] = data["body"]
        name = data["body"] if kind == "body.dissolved" else self._motions.get(data["motion"], "")
        return self._bodies.get(name)
