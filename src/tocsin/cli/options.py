"""What several commands have in common: their options, and how a command line is made."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import typer

from tocsin.errors import InputError, UsageError
from tocsin.kernel.clock import Micros, parse_date
from tocsin.parties.model import CLEARANCES, check_country, check_purpose, clearance_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "AsOption",
    "CapacityOption",
    "ClearanceOption",
    "CollectionOption",
    "CountryOption",
    "JsonOption",
    "MotionOption",
    "PurposeOption",
    "ReasonOption",
    "UntilOption",
    "checked",
    "choices",
    "commands",
    "example",
    "until",
    "words",
]

_Choice = TypeVar("_Choice", bound=enum.StrEnum)


def checked(option: str, check: Callable[[str], object]) -> Callable[[str | None], str | None]:
    """Return what Typer calls with the option's value: a value that ``check`` refuses makes the command senseless."""

    def require(value: str | None) -> str | None:
        if value is not None:
            try:
                check(value)
            except InputError as error:
                raise UsageError(error.what, where=option, todo=error.todo) from error
        return value

    return require


JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
AsOption: TypeAlias = Annotated[
    str, typer.Option("--as", metavar="PARTY|USER@PARTY", help="For whom you act; the log names both of you.")
]
PurposeOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--purpose",
        metavar="PURPOSE",
        help="What for: detect, prevent, respond, analyse or enforce.",
        callback=checked("--purpose", check_purpose),
    ),
]
ClearanceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--clearance",
        metavar="CLEARANCE",
        help=f"Up to what may be received: {', '.join(CLEARANCES)}.",
        callback=checked("--clearance", clearance_rank),
    ),
]
CountryOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--country", metavar="CC", help="Its country, ISO 3166-1: NO.", callback=checked("--country", check_country)
    ),
]
UntilOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="DATE",
        help="The UTC day on which the clearance ends.",
        callback=checked("--until", parse_date),
    ),
]
CollectionOption: TypeAlias = Annotated[
    str, typer.Option("--collection", metavar="NAME", help="The collection, by name or UUID.")
]
ReasonOption: TypeAlias = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; it is entered into the log.")
]

CapacityOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--as-capacity",
        metavar="CAPACITY",
        help="Act in this capacity of the party's alone; without it, not as a supervisor who is something else too.",
    ),
]
MotionOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--motion", metavar="UUID", help="The passed motion under whose mandate you act; else the founding mandate."
    ),
]

# `-h` too, as people try it first
_SETTINGS: Final = {"help_option_names": ["-h", "--help"]}


def commands(about: str | None = None, *, epilog: str | None = None) -> typer.Typer:
    """Return a group of commands; without ``about`` they join the group that it is added to."""
    return typer.Typer(
        help=about,
        epilog=epilog,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=_SETTINGS,
    )


def example(line: str) -> str:
    """Return the end of a command's help: one line that works as it stands."""
    return f"\b\nExample: {line}"


def words(values: Iterable[str] | None) -> frozenset[str]:
    """Return what an option was given, several times or separated by commas."""
    return frozenset(word for value in values or () for word in value.split(",") if word)


def choices(values: Iterable[str] | None, kind: type[_Choice], option: str) -> frozenset[_Choice]:
    """Return what an option was given, as members of an enumeration.

    Raises:
        UsageError: one is no member.
    """
    members = {str(member): member for member in kind}
    given = words(values)
    if unknown := sorted(given - members.keys()):
        raise UsageError(f"{unknown[0][:80]!r} is none of them", where=option, todo=f"use {', '.join(members)}")
    return frozenset(members[word] for word in given)


def until(text: str | None) -> Micros | None:
    """Return the instant at which a day or date-time begins, or None.

    Raises:
        InputError: it is neither.
    """
    return None if text is None else parse_date(text)
