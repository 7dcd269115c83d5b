"""What is due in the registry, over ``/api/v1``, and whether what was rolled up stands an attack."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec

from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import MISSING, READ, ROOT, SMALL
from tocsin.exchange.api.viewers import Register, sees_all
from tocsin.exchange.api.wire import Next, read_body, reply
from tocsin.kernel.clock import DAY, format_instant
from tocsin.kernel.db.spans import stretch
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.risk.registry.model import Unit

if TYPE_CHECKING:
    from tocsin.kernel.http.turn import Turn
    from tocsin.parties.model import Principal
    from tocsin.risk.http.asked import RiskCall
    from tocsin.risk.registry.service import Registry

__all__ = ["Services", "operations"]


class DuesQuery(ListQuery, frozen=True, kw_only=True):
    """How far to look."""

    days: Annotated[int, msgspec.Meta(ge=0, le=3_660, description="Within so many days.")] = 30


class DueResource(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that is to be looked at (``what`` is ``review``), or a treatment of it that is to be done."""

    scenario: str
    what: str
    owner: str
    at: str
    overdue: bool


class DueList(msgspec.Struct, frozen=True, kw_only=True):
    """What is due, in the order in which the scenarios were entered."""

    dues: list[DueResource]
    next: Next


class AttackAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which unit."""

    unit: Unit = Unit.MONEY


class AttackResource(msgspec.Struct, frozen=True, kw_only=True):
    """How many coalitions went for how many figures, and of how many they learned more than the rules allow."""

    unit: Unit
    passed: bool
    coalitions: int
    targets: int
    breaches: int


class Services(lists.Services, Register, Protocol):
    """What the addresses need of a hub."""

    @property
    def registry(self) -> Registry:
        """What may happen, and members' figures of what it would cost."""
        ...


class Watching:
    """The addresses of what is to be looked after, in one environment; ``turn``: of roll-ups, one at a time."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._turn = turn
        self._lists = lists.Lists(services)

    def dues(self, call: RiskCall) -> Reply:
        """Answer with what is due."""
        asked, span = self._lists.asked(call, "dues", DuesQuery)
        registry = self._services.registry
        # by where it stands in the registry: what becomes due between two pages moves nothing
        whats = (
            (one.id, what)
            for one in registry.state().scenarios.values()
            for what in ("review", *(part.id for part in one.treatments))
        )
        places = {each: number for number, each in enumerate(whats, 1)}
        rows = ((places[one.scenario, one.what], one) for one in registry.due(within=asked.days * DAY))
        found = stretch(sorted(rows, key=lambda row: row[0]), span)
        told = [
            DueResource(
                scenario=one.scenario,
                what=one.what,
                owner=one.owner,
                at=format_instant(one.at),
                overdue=one.overdue,
            )
            for one in found.items
        ]
        return reply(DueList(dues=told, next=self._lists.next(call, "dues", found.last, asked)))

    def attack(self, call: RiskCall) -> Reply:
        """Answer with what an attack on every roll-up finds."""
        if not sees_all(self._services, call.principal):
            raise ForbiddenError("operators and auditors of the hub attack what was rolled up")
        asked = read_body(call.body, AttackAsk)
        with self._turn.taken(call.principal.party):
            found = self._services.registry.attack(asked.unit)
        if found is None:
            raise NotFoundError("nothing was rolled up yet", where=str(asked.unit))
        told = AttackResource(
            unit=asked.unit,
            passed=found.passed,
            coalitions=found.coalitions,
            targets=found.targets,
            breaches=len(found.breaches),
        )
        return reply(told)


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that is about what is to be looked after."""
    does = Watching(services, turn)
    return [
        Operation(
            id="risk-dues",
            tag="risk",
            method="GET",
            path=f"{ROOT}/risk/dues",
            does=Endpoint(access=READ, run=does.dues),
            summary="Scenarios to be looked at and treatments to be done, and whose they are",
            query=DuesQuery,
            answers={HTTPStatus.OK: Answer(says="A page of them.", type=DueList)},
        ),
        Operation(
            id="risk-attack",
            tag="risk",
            method="POST",
            path=f"{ROOT}/risk/attack",
            does=Endpoint(access=READ, run=does.attack, body=SMALL, safe=True),
            summary="Attack everything that was ever rolled up, as an operator or auditor of the hub",
            says="As outsiders and as members who collude; it may take minutes.",
            takes=AttackAsk,
            answers={HTTPStatus.OK: Answer(says="What they learned.", type=AttackResource)},
            problems=MISSING,
        ),
    ]
