"""Members' own figures over ``/api/v1``, and the roll-ups that were published of them.

A member gives its figures with its own credentials, so that no operator's screen is on their way. Nobody else is shown
them, nor whether there are any: what is another party's answers as what is not there.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec
from msgspec import structs

from tocsin.errors import NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import (
    MISSING,
    READ,
    REFUSED,
    ROOT,
    SPEAK,
    TAKEN,
    WRITE,
    Given,
    Thing,
    by_id,
    id_in,
    listed,
)
from tocsin.exchange.api.queries import Name
from tocsin.exchange.api.wire import Next, read_body, reply
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.map.rollup.model import MAX_FIGURE, Rules
from tocsin.risk.http.asked import LARGE_BODY, RiskCall, part_of
from tocsin.risk.registry.figures import MAX_LINES, Figure, Figures
from tocsin.risk.registry.model import Unit
from tocsin.risk.registry.state import standing

if TYPE_CHECKING:
    from tocsin.parties.model import Principal
    from tocsin.risk.registry.service import Registry
    from tocsin.risk.registry.state import RollUp, Sheet

__all__ = ["Services", "operations"]

_NO_SHEET: Final = "your party has no such figures"
_NO_ROLLUP: Final = "there is no such roll-up"

Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_FIGURE)]


class FigureAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one scenario would cost your party in the sector, once: in money, in people-hours, or both."""

    scenario: Name
    money: Amount | None = None
    people_hours: Amount | None = None


class SheetAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Your party's figures of one sector, in the place of those before."""

    sector: Name
    figures: Annotated[list[FigureAsk], msgspec.Meta(min_length=1, max_length=MAX_LINES)]


class RollUpsQuery(ListQuery, frozen=True, kw_only=True):
    """Which roll-ups."""

    unit: Annotated[Unit | None, msgspec.Meta(description="What losses are counted in; both if not given.")] = None


class SheetResource(msgspec.Struct, frozen=True, kw_only=True):
    """That your party gave figures, and what the log commits to (base64); it ``counts`` until another takes its place.

    The figures themselves are at its own address.
    """

    sheet: str
    sector: str
    at: str
    counts: bool
    commitment: str


class SheetList(msgspec.Struct, frozen=True, kw_only=True):
    """Your party's sheets, the first first."""

    sheets: list[SheetResource]
    next: Next


class SheetFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one sheet of your party's."""

    sheet: str
    sector: str
    figures: list[Figure]


class RollUpResource(msgspec.Struct, frozen=True, kw_only=True):
    """One publication: when, under which mandate and which rules."""

    rollup: str
    unit: Unit
    at: str
    mandate: str
    rules: Rules


class RollUpList(msgspec.Struct, frozen=True, kw_only=True):
    """What was published, the first first."""

    rollups: list[RollUpResource]
    next: Next


class ShownSum(msgspec.Struct, frozen=True, kw_only=True):
    """A sum of members' figures; ``*`` is every sector, or every scenario."""

    sector: str
    scenario: str
    sum: int


class RollUpWhole(RollUpResource, frozen=True, kw_only=True):
    """One publication with all that it shows. Of other sums nothing is said, not whether there are any."""

    shown: list[ShownSum]


class Services(lists.Services, Protocol):
    """What the addresses need of a hub."""

    @property
    def registry(self) -> Registry:
        """What may happen, and members' figures of what it would cost."""
        ...


class Confiding:
    """The addresses of members' figures in one environment."""

    def __init__(self, services: Services) -> None:
        self._registry = services.registry
        self._lists = lists.Lists(services)

    def sheets(self, call: RiskCall) -> Reply:
        """Answer with the sheets of the asker's party, without the figures."""
        span = self._lists.span(call, "sheets")
        found = part_of(self._registry.sheets(call.principal.party_name), span)
        counting = self._counting()
        told = [_sheet(one, counting) for one in found.items]
        return reply(SheetList(sheets=told, next=self._lists.next(call, "sheets", found.last)))

    def give(self, call: RiskCall) -> Reply:
        """Take the figures of the asker's party for one sector."""
        asked = read_body(call.body, SheetAsk)
        figures = Figures(
            sector=asked.sector,
            figures=tuple(
                Figure(scenario=one.scenario, money=one.money, people_hours=one.people_hours) for one in asked.figures
            ),
        )
        made = self._registry.submit(_acting(call), call.principal.party_name, figures)
        return reply(_sheet(made, frozenset({made.sheet})), status=HTTPStatus.CREATED)

    def withdraw(self, call: RiskCall) -> Reply:
        """Take figures of the asker's party out of every later roll-up."""
        sheet = id_in(call.path, "sheet", _NO_SHEET)
        try:
            made = self._registry.withdraw(_acting(call), call.principal.party_name, sheet)
        except NotFoundError as error:
            raise NotFoundError(_NO_SHEET) from error
        return reply(_sheet(made, frozenset()))

    def figures(self, call: RiskCall) -> Reply:
        """Answer with figures of the asker's party; that they were shown is in the log."""
        sheet = id_in(call.path, "sheet", _NO_SHEET)
        try:
            found = self._registry.figures(_acting(call), call.principal.party_name, sheet)
        except NotFoundError as error:
            raise NotFoundError(_NO_SHEET) from error
        return reply(SheetFigures(sheet=sheet, sector=found.sector, figures=list(found.figures)))

    def rollups(self, call: RiskCall) -> Reply:
        """Answer with what was published."""
        asked, span = self._lists.asked(call, "rollups", RollUpsQuery)
        kept = self._registry.state().rollups.values()
        found = part_of(kept, span, lambda one: asked.unit in (None, one.unit))
        told = [_rollup(one) for one in found.items]
        return reply(RollUpList(rollups=told, next=self._lists.next(call, "rollups", found.last, asked)))

    def rollup(self, call: RiskCall) -> Reply:
        """Answer with one roll-up and every sum that it shows."""
        found = self._registry.state().rollups.get(id_in(call.path, "rollup", _NO_ROLLUP))
        if found is None:
            raise NotFoundError(_NO_ROLLUP)
        shown = [ShownSum(sector=sector, scenario=scenario, sum=value) for sector, scenario, value in found.shown]
        return reply(RollUpWhole(**structs.asdict(_rollup(found)), shown=shown))

    def _counting(self) -> frozenset[str]:
        return frozenset(one.sheet for one in standing(self._registry.state()))


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about members' figures."""
    does = Confiding(services)
    path = f"{ROOT}/risk/sheets"
    by = by_id("sheet", "The id of a sheet of your party's.")
    one = Answer(says="The sheet, without its figures.", type=SheetResource)
    thing = Thing("risk", f"{path}/{{sheet}}", by, one)
    return [
        Operation(
            id="sheets",
            tag="risk",
            method="GET",
            path=path,
            does=Endpoint(access=WRITE, run=does.sheets),
            summary="The sheets of figures that your party gave, without the figures",
            query=ListQuery,
            answers={HTTPStatus.OK: Answer(says="A page of them.", type=SheetList)},
        ),
        Operation(
            id="sheet-give",
            tag="risk",
            method="POST",
            path=path,
            does=Endpoint(access=WRITE, run=does.give, body=LARGE_BODY),
            summary="Give your party's own figures of one sector",
            says="The log commits to them and holds none; nobody but your party is shown them.",
            takes=SheetAsk,
            answers={HTTPStatus.CREATED: one},
            problems=REFUSED,
        ),
        thing.act("withdrawal", does.withdraw, "Take them out of every later roll-up", access=WRITE),
        Operation(
            id="sheet-figures",
            tag="risk",
            method="GET",
            path=f"{path}/{{sheet}}/figures",
            does=Endpoint(access=SPEAK, run=does.figures),
            summary="Your party's own figures, as who speaks for it",
            says="Looking is an act: the log names who did.",
            parts=by,
            answers={HTTPStatus.OK: Answer(says="The figures.", type=SheetFigures)},
            problems=MISSING | TAKEN,
        ),
        *listed(
            "risk",
            f"{ROOT}/risk/rollups",
            READ,
            every=Given("rollups", does.rollups, "What was published of members' figures", "A page.", RollUpList),
            one=Given("rollup", does.rollup, "One roll-up, with every sum that it shows", "The sums.", RollUpWhole),
            by=by_id("rollup", "A roll-up's id."),
            query=RollUpsQuery,
        ),
    ]


def _acting(call: RiskCall) -> Acting:
    return Acting(actor=call.principal.id)


def _sheet(one: Sheet, counting: frozenset[str]) -> SheetResource:
    return SheetResource(
        sheet=one.sheet,
        sector=one.sector,
        at=format_instant(one.at),
        counts=one.sheet in counting,
        commitment=one.commitment,
    )


def _rollup(one: RollUp) -> RollUpResource:
    """Return what is told of a roll-up: not of which sheets, since their number is members' business."""
    return RollUpResource(
        rollup=one.rollup,
        unit=one.unit,
        at=format_instant(one.at),
        mandate=one.mandate,
        rules=one.rules,
    )
