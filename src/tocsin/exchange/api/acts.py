"""An act that carries out what a body decided: of which right, what it takes beside the motion, and who does it.

Each room has a table of its own; where the rooms are put together, the tables become the one body of
``POST …/{motion}/execution``. So a room's act is told nowhere but in its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.kernel.mandate import Acting, Mandate, Right

__all__ = ["MAX_EXECUTION", "Act", "Carrier", "act", "execution_of", "number_in"]

# The longest document of an agreement, with each of its characters escaped.
MAX_EXECUTION: Final = 512 * 1_024
_DIGITS: Final = 18  # below 64 bits

A = TypeVar("A", bound=msgspec.Struct)


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """Who carries out a motion, under which mandate, and what it is used on."""

    acting: Acting
    mandate: Mandate
    subject: str

    def version(self) -> tuple[str, int]:
        """Return the name and number in ``name/version``, up to a colon or a hash.

        Raises:
            InputError: the subject is none.
        """
        name, _, number = self.subject.partition(":")[0].partition("#")[0].partition("/")
        return name, number_in(number)

    def part(self, sign: str) -> str:
        """Return what stands behind a colon or a hash in the subject."""
        return self.subject.partition(sign)[2]


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act of a room. ``takes``: what the motion leaves open. ``longest``: of the whole body, in bytes.

    ``run`` asks the mandate whether it is for this, by the service that it calls; and the log asks again.
    """

    right: Right
    takes: type[msgspec.Struct]
    run: Callable[[Carrier, msgspec.Struct], None]
    longest: int


def act(right: Right, takes: type[A], run: Callable[[Carrier, A], None], *, longest: int = MAX_EXECUTION) -> Act:
    """Return an act; ``run`` is given what was read as ``takes``."""

    def checked(carrier: Carrier, asked: msgspec.Struct) -> None:
        if not isinstance(asked, takes):
            raise InputError("this is not what the act takes")
        run(carrier, asked)

    return Act(right=right, takes=takes, run=checked, longest=longest)


def execution_of(acts: Mapping[str, Act]) -> type[msgspec.Struct]:
    """Return the type of the body that names one of these acts; each is a field, null where it is not named."""
    doc = "The one act with which a motion is carried out: exactly one of these, of the right that the motion is on."
    return msgspec.defstruct(
        "Execution",
        [(name, one.takes | None, None) for name, one in acts.items()],
        namespace={"__doc__": doc},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def number_in(text: str) -> int:
    """Return the number that stands in a motion's subject.

    Raises:
        InputError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise InputError("the motion is on no such thing: it names no number", where=text[:80])
    return int(text)
