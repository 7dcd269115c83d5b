"""What every room's rules ask of the entries before the next one."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from tocsin.exchange.replay.rebuilt import Rebuilt

if TYPE_CHECKING:
    from tocsin.kernel.clock import Micros
    from tocsin.parties.model import User

__all__ = ["State"]


class State:
    """The state between two entries that all rooms share."""

    def __init__(self) -> None:
        self.rebuilt = Rebuilt()
        self.environment = self.founder = ""
        self.names: dict[str, str] = {}  # of parties -> URI
        self.instants = array("q")  # of the entries
        self.acted: tuple[int, Micros] = (0, 0)  # the last entry that is no release

    @property
    def at(self) -> Micros:
        """The instant of the entry that is being told."""
        return self.instants[-1]

    def knows(self, reference: str) -> bool:
        """Return whether a party or user is there."""
        user, at_sign, name = reference.rpartition("@")
        uri = self.names.get(name)
        return uri is not None and (not at_sign or (uri, user) in self.rebuilt.people.users)

    def reference(self, text: str) -> tuple[str, User | None]:
        """Return the party (its URI) and user that a name in an entry means."""
        name, _, home = text.rpartition("@")
        uri = self.names.get(home, "")
        return uri, self.rebuilt.people.users.get((uri, name))
