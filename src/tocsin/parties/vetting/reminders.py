"""What is due of a party, told to those who speak for it: beside each answer that they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.kernel.clock import DAY, Micros, format_instant
from tocsin.parties.model import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.parties.model import Principal
    from tocsin.parties.vetting.service import Due, Vetting

__all__ = ["HEADER", "SOON", "Reminders"]

HEADER: Final = "tocsin-due"
# What ends within this is told: a new vetting takes two people some weeks.
SOON: Final[Micros] = 30 * DAY


class Reminders:
    """What ends soon or has ended, by party, as of the last look: whoever is answered is not kept waiting for it."""

    def __init__(self, *, vetting: Vetting) -> None:
        self._vetting = vetting
        self._found: Mapping[str, list[Due]] = {}  # by the party's short name

    def look(self) -> list[Due]:
        """Note what is due, and return it."""
        due = self._vetting.due(SOON)
        found: dict[str, list[Due]] = {}
        for one in due:
            found.setdefault(one.party, []).append(one)
        self._found = found
        return due

    def headers(self, known: Principal) -> tuple[tuple[str, str], ...]:
        """Return the header that stands beside an answer to who speaks for a party of which something is due.

        Nobody else of the party is told, and no sensor of it: what ends names its people.
        """
        found = self._found.get(known.party_name, [])
        if not found or Permission.PARTY_SPEAK not in known.permissions:
            return ()
        overdue = sum(one.overdue for one in found)
        first = format_instant(min(one.at for one in found))
        return ((HEADER, f'{len(found)}; overdue={overdue}; first="{first}"'),)
