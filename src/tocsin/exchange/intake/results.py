"""What the sender is told of an object that is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.exchange.ceiling import ABOVE_CEILING
from tocsin.exchange.model import Outcome, Result
from tocsin.kernel.clock import format_instant

if TYPE_CHECKING:
    from tocsin.errors import ForbiddenError, InputError
    from tocsin.exchange.stix import ParsedObject, RefusedObject

__all__ = ["invalid", "refused", "spilled"]


def invalid(item: RefusedObject, index: int) -> Result:
    """Tell of what is no object of STIX why it is none."""
    return Result(
        index=index,
        id=item.id,
        version=None,
        outcome=Outcome.REFUSED,
        reason=item.reason,
        where=item.where,
        section=item.section,
        todo=item.todo,
    )


def spilled(index: int) -> Result:
    """Tell of what is above the ceiling that it was refused, and nothing that it said: not even its id."""
    return Result(
        index=index,
        id=None,
        version=None,
        outcome=Outcome.REFUSED,
        reason=ABOVE_CEILING.what,
        where=f"objects[{index}]",
        todo=ABOVE_CEILING.todo,
    )


def refused(index: int, parsed: ParsedObject, error: InputError | ForbiddenError) -> Result:
    """Tell of an object why it is not taken."""
    return Result(
        index=index,
        id=parsed.id,
        version=None if parsed.version is None else format_instant(parsed.version),
        outcome=Outcome.REFUSED,
        reason=error.what,
        where=f"objects[{index}]" + (f".{error.where}" if error.where else ""),
        todo=error.todo,
    )
