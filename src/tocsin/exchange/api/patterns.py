"""STIX patterns over ``/api/v1``: whether a text is one. Nothing of it is stored, and nothing of the hub is told."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec

from tocsin.exchange.api.parts import ROOT
from tocsin.exchange.api.wire import read_body, reply
from tocsin.exchange.stix.pattern import diagnose, notes, object_types, parse, to_text
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.routes import KNOWN, Body, Call, Endpoint, Reply
from tocsin.parties.model import Principal

if TYPE_CHECKING:
    from tocsin.exchange.stix.pattern import Fault

__all__ = ["operations"]

# A tenth of what intake reads: a body that only asks waits for no place, so that it must be small.
MAX_LENGTH: Final = 100_000
# With every character escaped.
MAX_BYTES: Final = 6 * MAX_LENGTH + 64

_Operation: TypeAlias = Operation[Principal]


class PatternAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text that should be a STIX pattern."""

    pattern: Annotated[str, msgspec.Meta(max_length=MAX_LENGTH)]


class PatternNote(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a pattern, by its offsets, and why it can match nothing, or not what it seems."""

    start: int
    end: int
    what: str


class PatternFault(msgspec.Struct, frozen=True, kw_only=True):
    """Where a text stops being a pattern; line and column count from 1, the offset from 0."""

    what: str
    todo: str
    line: int
    column: int
    offset: int


class PatternReport(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern in its plain form and what it is about; or the fault, and nothing else."""

    pattern: str | None
    types: list[str]
    notes: list[PatternNote]
    fault: PatternFault | None


def operations() -> list[_Operation]:
    """Return the part of the table that is about patterns."""
    return [
        Operation(
            id="checkPattern",
            tag="search",
            method="POST",
            path=f"{ROOT}/patterns/check",
            does=Endpoint(access=KNOWN, run=_check, body=Body(types=(JSON_TYPE,), limit=MAX_BYTES), safe=True),
            summary="Whether a text is a STIX pattern",
            takes=PatternAsk,
            answers={HTTPStatus.OK: Answer(says="What it is, or what is wrong with it.", type=PatternReport)},
        )
    ]


def _check(call: Call[Principal]) -> Reply:
    text = read_body(call.body, PatternAsk).pattern
    fault = diagnose(text)
    return reply(_sound(text) if fault is None else _broken(fault))


def _sound(text: str) -> PatternReport:
    read = parse(text)
    remarks = [PatternNote(start=one.start, end=one.end, what=one.what) for one in notes(read)]
    return PatternReport(pattern=to_text(read), types=list(object_types(read)), notes=remarks, fault=None)


def _broken(fault: Fault) -> PatternReport:
    told = PatternFault(what=fault.what, todo=fault.todo, line=fault.line, column=fault.column, offset=fault.offset)
    return PatternReport(pattern=None, types=[], notes=[], fault=told)
