"""Totals of the map, over what the asker may not see as the agreements allow."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from tocsin.exchange.api.parts import READ, ROOT
from tocsin.exchange.api.queries import Word
from tocsin.exchange.api.wire import instant, reply
from tocsin.exchange.reading import Asker
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.query import read_query
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.map.http.asked import LARGE, MISSING, MOST_OBJECTS, MapCall, Services
from tocsin.map.totals.told import TotalsOf

if TYPE_CHECKING:
    from tocsin.kernel.http.turn import Turn
    from tocsin.parties.model import Principal

__all__ = ["operations"]


class TotalsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which collection; of all that the asker knows of if none is given."""

    collection: Word | None = None


class TotalsResource(msgspec.Struct, frozen=True, kw_only=True):
    """Totals by sector and of the whole: ``seen`` of the asker's own map, ``unseen`` of what its party may not see.

    What is null of the unseen is not told, or is not there: that is one answer. It is as it was ``as_of``, by these
    ``clauses``, and of at least so many owners.
    """

    sectors: list[TotalsOf]
    whole: TotalsOf
    as_of: str | None
    clauses: list[str]
    at_least: int | None


class Totalling:
    """The address of totals, in one environment; ``turn``: one of them, or of what else computes, at a time."""

    def __init__(self, services: Services, turn: Turn) -> None:
        self._services = services
        self._turn = turn

    def told(self, call: MapCall) -> Reply:
        """Answer with the totals that the asker may be told."""
        asked = read_query(call.query, TotalsQuery)
        with self._turn.taken(call.principal.party):
            told = self._services.totals.told(Asker.of(call.principal), asked.collection, most=MOST_OBJECTS)
        return reply(
            TotalsResource(
                sectors=list(told.sectors),
                whole=told.whole,
                as_of=instant(told.as_of),
                clauses=list(told.clauses),
                at_least=told.at_least,
            )
        )


def operations(services: Services, turn: Turn) -> list[Operation[Principal]]:
    """Return the part of the table that is about totals."""
    does = Totalling(services, turn)
    return [
        Operation(
            id="mapTotals",
            tag="map",
            method="GET",
            path=f"{ROOT}/map/totals",
            does=Endpoint(access=READ, run=does.told),
            summary="Totals of the map by sector, over what you may not see as a clause allows",
            says="What is told of what you may not see is a release: the log names to each owner what it counted.",
            query=TotalsQuery,
            answers={HTTPStatus.OK: Answer(says="The totals.", type=TotalsResource)},
            problems=MISSING | LARGE,
        )
    ]
