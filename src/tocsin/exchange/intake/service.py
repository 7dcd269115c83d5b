"""Intake, as the hub's doors call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.exchange import store as queries
from tocsin.exchange.ceiling import screen
from tocsin.exchange.intake.transaction import offer, take
from tocsin.exchange.intake.turn import Means
from tocsin.exchange.stix import ParsedBundle, parse_bundle, parse_envelope
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.model import Label
    from tocsin.exchange.intake.model import Submission
    from tocsin.exchange.intake.turn import Follow
    from tocsin.exchange.model import Collection, Receipt
    from tocsin.exchange.sanitise.making import Making
    from tocsin.exchange.stix import ParsedObject
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log

__all__ = ["READING", "STORING", "Intake", "scrub"]

# The stages of a submission, as progress is told: while it reads, intake looks at the bytes alone.
READING: Final = "reading"
STORING: Final = "storing"


class Intake:
    """Takes submissions."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        entropy: Entropy,
        environment: int,
        lowered_ceiling: str | None,
        making: Making,
        follow: Follow = lambda _connection, _acting, _owner, _entered: None,
    ) -> None:
        """Take what it works on; ``follow`` is told, in its transaction, what a submission offered.

        ``lowered_ceiling`` is what this process holds itself to below the hub's ceiling, if it does.
        """
        self._means = Means(
            store=store,
            log=log,
            entropy=entropy,
            environment=environment,
            lowered_ceiling=lowered_ceiling,
            making=making,
            follow=follow,
        )

    def submit(self, submission: Submission, progress: Callable[[str], None] = lambda _stage: None) -> Receipt:
        """Take a submission; durable when this returns.

        Raises:
            InputError: the whole is no bundle or envelope, or a recipient is unknown.
            LimitError: it is too large, or makes too many new labels for one day.
            NotFoundError: there is no such collection.
            ForbiddenError: the party may not submit.
        """
        progress(READING)
        parsed = (parse_envelope if submission.envelope else parse_bundle)(submission.data)
        screened = screen(parsed, submission.data)
        parsed = scrub(parsed)
        progress(STORING)
        with self._means.store.write() as connection:
            return take(self._means, connection, submission, parsed, screened, bounded=True)

    def submit_in(self, connection: Connection, submission: Submission) -> Receipt:
        """Take a submission of the hub's own in a transaction that is open for writing; otherwise as ``submit``.

        It is read in the writer's turn: for what the hub wrote itself a moment ago, and bounds itself.
        """
        parsed = (parse_envelope if submission.envelope else parse_bundle)(submission.data)
        screened = screen(parsed, submission.data)
        return take(self._means, connection, submission, scrub(parsed), screened, bounded=False)

    def offer(
        self,
        connection: Connection,
        submission: Submission,
        collection: Collection,
        objects: Sequence[tuple[ParsedObject, Label]],
    ) -> Receipt:
        """Offer what the hub made itself, in the caller's transaction: new objects, under labels that it gives.

        Nothing of ``submission`` counts but whose it is and who acts; ``collection`` may be one that is made for this.

        Raises:
            ForbiddenError: as ``submit``.
        """
        return offer(self._means, connection, submission, collection, objects)

    def receipt(self, party: str, uuid: str) -> Receipt | None:
        """Return the receipt of a party's own submission, or None."""
        environment = self._means.environment
        with self._means.store.read() as connection:
            row = parties.party_by_uri(connection, environment, party)
            return None if row is None else queries.read_receipt(connection, environment, uuid, row.party_id)


def scrub(parsed: ParsedBundle) -> ParsedBundle:
    """Pass everything through: no recogniser is at work yet."""
    return parsed
