"""Files of the fund: plans, projects and terms as JSON, read strictly. Pure."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from tocsin.errors import InputError, LimitError
from tocsin.risk.fund.cents import written
from tocsin.risk.fund.model import Terms
from tocsin.risk.fund.projects import MOST_CENTS, Plan, Project

__all__ = ["MOST_BYTES", "cents_of", "read_plan", "read_project", "read_projects", "read_terms"]

# A map of a hundred thousand assets, written out.
MOST_BYTES: Final = 64 * 1024 * 1024
_AMOUNT: Final = re.compile(r"[0-9]+(\.[0-9]{1,2})?")
_T = TypeVar("_T")


def read_plan(data: bytes, *, where: str) -> Plan:
    """Read a plan: ``{"map": {"assets": [...], "groups": [...]}, "exposures": [...]}``.

    Raises:
        InputError: it is no JSON of this form; says where.
    """
    return _read(data, Plan, where, "a plan, as `tocsin fund plan` writes it")


def read_projects(data: bytes, *, where: str) -> tuple[Project, ...]:
    """Read a list of projects.

    Raises:
        InputError: it is no JSON of this form; says where.
    """
    return _read(data, tuple[Project, ...], where, "a list of projects: [{…}, …]")


def read_project(data: bytes, *, where: str) -> Project:
    """Read one project.

    Raises:
        InputError: it is no JSON of this form; says where.
    """
    return _read(data, Project, where, "one project: {…}")


def read_terms(data: bytes, *, where: str) -> Terms:
    """Read the terms of an award, with parties as they are written: short names or URIs.

    Raises:
        InputError: it is no JSON of this form; says where.
    """
    return _read(data, Terms, where, "the terms of one award: {…}")


def cents_of(text: str) -> int:
    """Return the cents of an amount as people write it: 1200, 1200.50, 1,200.50.

    Raises:
        InputError: it is no amount with at most two decimals. LimitError: it is more than we take.
    """
    units, _, rest = text.replace(",", "").partition(".")
    if _AMOUNT.fullmatch(text.replace(",", "")) is None:
        raise InputError(f"{text[:40]!r} is no amount", todo="write it like 1200.50")
    if len(units) > len(str(MOST_CENTS)) or (cents := int(units) * 100 + int(rest.ljust(2, "0"))) > MOST_CENTS:
        raise LimitError(f"{text[:40]} is more than we take", todo=f"{written(MOST_CENTS)} at most")
    return cents


def _read(data: bytes, kind: type[_T], where: str, form: str) -> _T:
    if not data.strip():
        raise InputError("it is empty", where=where, todo=form)
    try:
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
        found: _T = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"it has not the form that it must have: {error}", where=where, todo=form) from error
    return found
