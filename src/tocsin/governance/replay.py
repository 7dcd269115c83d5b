"""What governance asks of parties and agreements when it is retold from a log; the steps are those of ``state``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements.document import document_digest
from tocsin.agreements.life import AgreementStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.agreements.replay import Agreed
    from tocsin.parties.model import Party, User
    from tocsin.parties.replay import People

__all__ = ["ToldRegister"]


class ToldRegister:
    """Who is there, and which agreements, as the entries of a log so far tell it: a ``Register``."""

    def __init__(self, people: People, agreed: Agreed, names: Mapping[str, str]) -> None:
        self._people = people
        self._versions = agreed.versions
        self._names = names  # of parties -> URI

    def party(self, name: str) -> Party | None:
        """Return a party by its short name."""
        return self._people.parties.get(self._names.get(name, ""))

    def party_of(self, uri: str) -> Party | None:
        """Return a party by its URI."""
        return self._people.parties.get(uri)

    def user(self, reference: str) -> User | None:
        """Return a user by ``user@party``."""
        user, _, party = reference.rpartition("@")
        return self._people.users.get((self._names.get(party, ""), user))

    def hub(self) -> str | None:
        """Return the short name of the party that runs the hub."""
        party = self._people.parties.get(self._people.hub or "")
        return None if party is None else party.name

    def digest(self, agreement: str, version: int) -> str | None:
        """Return the digest of a version that was proposed."""
        standing = self._versions.get(f"{agreement}/{version}")
        return None if standing is None else document_digest(standing.activated.document).hex()

    def in_force(self, agreement: str) -> str | None:
        """Return the digest of the version that is in force."""
        for standing in self._versions.values():
            document = standing.activated.document
            if document.name == agreement and standing.status is AgreementStatus.IN_FORCE:
                return document_digest(document).hex()
        return None
