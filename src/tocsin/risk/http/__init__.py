"""Risk, baselines and the fund over ``/api/v1``: one file for each, and one for members' own figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tocsin.risk.http import awarding, baselines, carried, computed, funds, scenarios, sheets, treasury, watching
from tocsin.risk.http.carried import acts

if TYPE_CHECKING:
    from tocsin.kernel.http.operations import Operation
    from tocsin.kernel.http.turn import Turn
    from tocsin.parties.model import Principal

__all__ = ["Services", "acts", "operations"]


class Services(
    scenarios.Services,
    sheets.Services,
    watching.Services,
    baselines.Services,
    computed.Services,
    awarding.Services,
    carried.Services,
    Protocol,
):
    """What the addresses need of a hub."""


def operations(services: Services, turn: Turn, rolling: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that is about these rooms.

    ``turn``: of what simulates, one at a time; ``rolling``: of roll-ups, and of attacks on them.
    """
    return [
        *scenarios.operations(services, turn),
        *sheets.operations(services),
        *watching.operations(services, rolling),
        *baselines.operations(services),
        *funds.operations(services),
        *treasury.operations(services),
        *awarding.operations(services, turn),
        *computed.operations(services, turn),
    ]
