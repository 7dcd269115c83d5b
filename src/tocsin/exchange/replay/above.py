"""Entries of rooms above: replay holds them to what every entry is held to, and hands them up for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from tocsin.exchange.replay.rebuilt import Rebuilt
    from tocsin.governance.replay import ToldRegister
    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload

__all__ = ["ABOVE", "Above"]

# Their kinds; a test holds them to what those rooms retell.
ABOVE: Final = frozenset(
    {
        "scenario.put",
        "scenario.amended",
        "scenario.reviewed",
        "scenario.retired",
        "figures.submitted",
        "figures.withdrawn",
        "figures.shown",
        "rollup.published",
        "catalogue.imported",
        "target.set",
        "control.assessed",
        "control.confirmed",
        "fund.opened",
        "fund.pledged",
        "fund.taken-back",
        "fund.paid",
        "fund.proposed",
        "fund.decided",
        "fund.awarded",
        "fund.inspected",
        "fund.measured",
        "fund.released",
        "fund.called-back",
        "fund.repaid",
        "fund.certified",
        "fund.claimed",
        "fund.settled",
        "fund.compensated",
    }
)


class Above(Protocol):
    """What retells entries of the rooms above, in their order."""

    def __call__(
        self, index: int, payload: EntryPayload, *, register: ToldRegister, rebuilt: Rebuilt, at: Micros
    ) -> None:
        """Take one entry; ``register`` is who was there at its instant, ``rebuilt`` what was told before.

        Raises:
            TocsinError: it cannot have happened.
        """
        ...
