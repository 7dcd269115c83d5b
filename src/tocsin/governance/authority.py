"""Whether an act may be entered into the log under the mandate that it names: asked in the entry's own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import ForbiddenError
from tocsin.governance.privileged import required
from tocsin.parties.register import require_party_by_uri

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.log.service import Record

__all__ = ["MandateAuthority"]


class MandateAuthority:
    """The log's ``Authority``: no privileged act without a mandate that stands, and no other act with one."""

    def __init__(self, *, environment: int, environment_name: str) -> None:
        self._environment = environment
        self._environment_name = environment_name

    def admit(self, connection: Connection, record: Record, index: int) -> None:
        """Refuse a privileged act that its mandate does not authorise; ``index`` is the entry that it becomes.

        Raises:
            ForbiddenError: it has no mandate, one for something else, or one where none belongs.
        """
        del index

        def name_of(uri: str) -> str:
            return require_party_by_uri(connection, self._environment, uri).party.name

        needed = required(record.kind, record.data, name_of)
        if needed is None:
            if record.mandate is not None:
                raise ForbiddenError(f"{record.kind} is no act under a mandate")
            return
        right, subject = needed
        if record.mandate is None:
            raise ForbiddenError(f"{right} needs a mandate", where=subject or None)
        record.mandate.require(self._environment_name, right, subject)
