"""Governance: what upper floors call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import NotFoundError
from tocsin.kernel.mandate import Mandate, Right, founding_mandate

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["Governance"]


class Governance:
    """Bodies, motions and mandates of one environment: that of the log."""

    def __init__(self, *, store: Store, log: Log) -> None:
        self._store = store
        self._log = log

    def founding(self) -> Mandate:
        """Return the founding mandate, which lacks what was given to bodies."""
        return founding_mandate(self._log.environment_name)

    def mandate(self, connection: Connection, right: Right, subject: str, motion: str | None = None) -> Mandate:
        """Return the mandate for one act: that of a passed motion (its UUID), else the founding one.

        Raises:
            NotFoundError: there is no such motion.
            ForbiddenError: the right is a body's and no motion is named, or the motion is on something else.
        """
        del connection
        if motion is not None:
            raise NotFoundError("there is no such motion", where=motion[:80])
        mandate = self.founding()
        mandate.require(self._log.environment_name, right, subject)
        return mandate
