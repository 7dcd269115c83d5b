"""Reading nodes as the values that an agreement may hold, and collecting every fault on the way.

Each method returns a value of the promised type even where it noted a fault: the value is then a placeholder, and
``Checker.done`` refuses the document before anybody can see it. That is what lets one reading find many faults.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeVar

from tocsin.agreements.document.tree import Entry, Place, Scalar, Sequence, Table
from tocsin.errors import AgreementError, InputError, Problem
from tocsin.kernel.clock import DAY, SECOND, Micros, parse_date
from tocsin.parties.model import COUNTRIES, COUNTRY, NAME, country_meant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tocsin.agreements.document.tree import Node

__all__ = ["MAX_DURATION", "MAX_LIST", "MAX_PROBLEMS", "MAX_TEXT", "Checker", "Note", "span"]

# Enough for a community that names every member; an agreement with more names them by criteria.
MAX_LIST: Final = 500
# A title or a citation; longer prose belongs into the instrument.
MAX_TEXT: Final = 500
# After so many, the reader mends what they have and asks again.
MAX_PROBLEMS: Final = 50
# Comparing two words takes a fifth of a millisecond: so many candidates for so many faults stay below a second.
_CANDIDATES: Final = 100
# No archive here is meant for longer; an instant this far ahead is still one that every database and RFC 3339 can hold.
MAX_DURATION: Final[Micros] = 100 * 365 * DAY
# So much of a value is shown in a fault: enough to find it again.
_SHOWN: Final = 60

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# ISO 8601 §5.5.2.2; weeks stand alone there
_DURATION = re.compile(
    r"P(?:([0-9]{1,5})W|(?=[0-9T])(?:([0-9]{1,5})Y)?(?:([0-9]{1,5})M)?(?:([0-9]{1,5})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,5})H)?(?:([0-9]{1,5})M)?(?:([0-9]{1,5})S)?)?)",
    re.ASCII,
)
# Weeks, years, months, days, hours, minutes, seconds. Years and months count the same whenever they begin.
_UNITS: Final = (7 * DAY, 365 * DAY, 30 * DAY, DAY, 3_600 * SECOND, 60 * SECOND, SECOND)
_PERSON = re.compile(f"{NAME.pattern}@{NAME.pattern}", re.ASCII)
_CLAUSE_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.()-]{0,30}[A-Za-z0-9)])?", re.ASCII)

_Value = TypeVar("_Value")


class Note(str):
    """A sentence that a reader of the document should know and that refuses nothing."""

    __slots__ = ()


class Checker:
    """Collects the faults and notes of one document."""

    def __init__(
        self,
        *,
        where: str,
        known_parties: frozenset[str] | None = None,
        new: bool = False,
        document: str = "agreement",
    ) -> None:
        """Begin; ``new``: what was taken once and does nothing is refused; ``document``: what it is, in a word."""
        self.new = new
        self._document = document
        self._where = where
        self._known = known_parties
        self._known_in_order = sorted(known_parties or ())
        self._problems: list[Problem] = []
        self.notes: list[Note] = []

    def done(self) -> None:
        """Refuse the document if anything was found.

        Raises:
            AgreementError: with all that was found, in the document's order.
        """
        if self._problems:
            ordered = sorted(self._problems, key=lambda problem: (problem.line, problem.column))
            raise AgreementError(tuple(ordered[:MAX_PROBLEMS]), document=self._document)

    def problem(self, place: Place, found: str, expected: str, todo: str | None = None) -> None:
        """Note a fault."""
        self._problems.append(
            Problem(where=self._where, line=place.line, column=place.column, found=found, expected=expected, todo=todo)
        )

    def note(self, text: str) -> None:
        """Note something that refuses nothing."""
        self.notes.append(Note(text))

    def wrong(self, node: Node, expected: str, todo: str | None = None) -> None:
        """Note that a node is not what stands here."""
        self.problem(node.place, found(node), expected, todo)

    def table(
        self,
        node: Node,
        what: str,
        *,
        required: Iterable[str] = (),
        optional: Iterable[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> Mapping[str, Entry]:
        """Return the known entries of a mapping; unknown keys and missing ones are faults.

        ``refused`` are keys that one might well expect here, each with the reason why it is not taken.
        """
        required, optional = tuple(required), tuple(optional)
        if not isinstance(node, Table):
            self.wrong(node, f"{what}: a mapping with {listed((*required, *optional))}")
            return {}
        known: dict[str, Entry] = {}
        for key, entry in node.entries.items():
            if refused is not None and key in refused:
                self.problem(entry.place, f"the key '{key}' in {what}", "it elsewhere", refused[key])
            elif key in required or key in optional:
                known[key] = entry
            else:
                self.unknown_key(entry.place, key, what, (*required, *optional))
        for key in required:
            if key not in node.entries:
                self.problem(node.place, f"{what} without '{key}'", f"{what} with {listed(required)}")
        return known

    def unknown_key(self, place: Place, key: str, what: str, allowed: tuple[str, ...]) -> None:
        """Note a key that means nothing here, and the one that was probably meant."""
        close = _NEARLY.get(key) if _NEARLY.get(key) in allowed else None
        if close is None:
            close = self.nearest(key, allowed)
        self.problem(
            place,
            f"the unknown key {key[:_SHOWN]!r} in {what}",
            listed(allowed),
            f"write '{close}'" if close else None,
        )

    def nearest(self, word: str, candidates: Iterable[str]) -> str | None:
        """Return the candidate that was probably meant; nobody needs that of the fiftieth fault or note."""
        if len(self._problems) + len(self.notes) >= MAX_PROBLEMS:
            return None
        # a slip or two, and not in the first letter
        alike = [one for one in candidates if one[0] == word[:1] and abs(len(one) - len(word)) <= 2]  # noqa: PLR2004
        return next(iter(difflib.get_close_matches(word, alike[:_CANDIDATES], n=1)), None)

    def text(self, node: Node, what: str, *, limit: int = MAX_TEXT) -> str:
        """Return prose: printable, on one line, not empty."""
        value = self.string(node, what)
        if value is None:
            return ""
        if not value.strip() or len(value) > limit:
            self.wrong(node, f"{what}: 1 to {limit} characters")
        elif any(unicodedata.category(character).startswith("C") for character in value):
            # control and format characters could make a page show another text than the one that was signed
            self.wrong(node, f"{what}: printable text on one line", "remove its control or format characters")
        return value

    def string(self, node: Node, what: str) -> str | None:
        """Return any string; None where it is none."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        todo = f'quote it: "{node.text}"' if isinstance(node, Scalar) and node.value is not None else None
        self.wrong(node, f"{what}: text", todo)
        return None

    def matching(self, node: Node, what: str, pattern: re.Pattern[str], shape: str) -> str:
        """Return a string of one shape."""
        value = self.string(node, what)
        if value is not None and pattern.fullmatch(value) is None:
            self.wrong(node, f"{what}: {shape}")
        return value or ""

    def name(self, node: Node, what: str) -> str:
        """Return a name: the shape that parties' names have."""
        return self.matching(node, what, NAME, "1 to 64 of a-z, 0-9, '.', '_', '-'")

    def party(self, node: Node, what: str) -> str:
        """Return the short name of a party; where the hub's parties are known, of one of them."""
        value = self.name(node, what)
        if self._known is not None and NAME.fullmatch(value) and value not in self._known:
            close = self.nearest(value, self._known_in_order)
            self.wrong(
                node,
                "the name of a party of this hub",
                meant(close) or "add the party first",
            )
        return value

    def person(self, node: Node, what: str) -> str:
        """Return a person as ``user@party``; where the hub's parties are known, of one of them."""
        value = self.matching(node, what, _PERSON, f"{what}: a person, as in kari@fjordkraft")
        _, _, party = value.partition("@")
        if self._known is not None and _PERSON.fullmatch(value) and party not in self._known:
            close = self.nearest(party, self._known_in_order)
            self.wrong(
                node,
                "a person of a party of this hub",
                "add the party first" if close is None else f"did you mean '{value.partition('@')[0]}@{close}'?",
            )
        return value

    def clause_id(self, node: Node, what: str) -> str:
        """Return the id of a clause, which must be quoted where YAML reads it as a number."""
        return self.matching(node, what, _CLAUSE_ID, "1 to 32 of letters, digits, '.', '(', ')', '-'")

    def country(self, node: Node, what: str) -> str:
        """Return a country of ISO 3166-1 alpha-2."""
        value = self.matching(node, what, COUNTRY, "two capital letters (ISO 3166-1), as in NO")
        if COUNTRY.fullmatch(value) and value not in COUNTRIES:
            self.wrong(node, f"{what}: a country of ISO 3166-1", meant(country_meant(value)))
        return value

    def duration(self, node: Node, what: str, *, least: Micros = 0, most: Micros = MAX_DURATION) -> Micros:
        """Return an ISO 8601 duration within bounds, in microseconds: a year has 365 days here, a month 30."""
        written = self.matching(node, what, _DURATION, "a duration like P30D or PT12H (ISO 8601)")
        match = _DURATION.fullmatch(written)
        if match is None:
            return least
        lasts = sum(int(count) * unit for count, unit in zip(match.groups("0"), _UNITS, strict=True))
        if not least <= lasts <= most:
            bounds = f"at most {span(most)}" if lasts > most else f"at least {span(least)}"
            self.wrong(node, f"{what}: {bounds}")
        return min(max(lasts, least), most)

    def one_of(self, node: Node, what: str, vocabulary: Iterable[str]) -> str:
        """Return a word of a closed vocabulary."""
        words = tuple(vocabulary)
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, str) and value in words:
            return value
        close = self.nearest(str(value).lower(), words) if isinstance(node, Scalar) else None
        self.wrong(node, f"{what}: {listed(words, last='or')}", meant(close))
        return words[0]

    def integer(self, node: Node, what: str, *, low: int, high: int) -> int:
        """Return a whole number within bounds."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.wrong(node, f"{what}: a whole number from {low} to {high}")
        return low

    def share(self, node: Node, what: str) -> Fraction:
        """Return a share, from 0 to 1, exactly as it is written."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            # the shortest decimal of the number is what stands in the canonical form
            return Fraction(repr(value))
        self.wrong(node, f"{what}: a number from 0 to 1")
        return Fraction(0)

    def day(self, node: Node, what: str) -> Micros:
        """Return the UTC midnight at which a day begins."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, str) and _DAY.fullmatch(value):
            try:
                return parse_date(value)
            except InputError:
                pass  # the 30th of February: told below, with its place
        self.wrong(node, f"{what}: a day that exists, like 2026-01-31")
        return 0

    def open_day(self, node: Node, what: str) -> Micros | None:
        """Return a day, or None where the document says null: without end."""
        if isinstance(node, Scalar) and node.value is None and node.text:
            return None
        return self.day(node, f"{what} (or null: without end)")

    def term(self, start: Node | None, end: Node | None, what: str) -> tuple[Micros, Micros | None]:
        """Return the first instant and the one after the last."""
        first = self.day(start, what) if start is not None else 0
        after = self.open_day(end, what) if end is not None else None
        if start is not None and end is not None and after is not None and after <= first:
            self.wrong(end, f"{what}: an end (exclusive) after its beginning")
        return first, after

    def many(self, node: Node, what: str, each: Callable[[Node, str], _Value]) -> tuple[_Value, ...]:
        """Return one value or a list of them: no list is empty, nothing stands in it twice."""
        if not isinstance(node, Sequence):
            return (each(node, what),)
        return self.list_of(node, what, each)

    def list_of(self, node: Node, what: str, each: Callable[[Node, str], _Value]) -> tuple[_Value, ...]:
        """Return a list of values: not empty, not too long, nothing twice."""
        items = self.items(node, what)
        values: list[_Value] = []
        for item in items:
            value = each(item, what)
            if value in values:
                self.wrong(item, f"{what}: every value once")
            values.append(value)
        return tuple(values)

    def items(self, node: Node, what: str, *, empty: bool = False) -> tuple[Node, ...]:
        """Return the nodes of a list that is not too long."""
        if not isinstance(node, Sequence):
            self.wrong(node, f"{what}: a list")
            return ()
        if not node.items and not empty:
            self.wrong(node, f"{what}: at least one value", "leave the key out if nothing is meant")
        if len(node.items) > MAX_LIST:
            self.problem(node.place, f"a list of {len(node.items)}", f"at most {MAX_LIST} values")
            return ()
        return node.items


# One spelling for each condition; the other number is what people write first.
_NEARLY: Final[Mapping[str, str]] = {
    "sector": "sectors",
    "country": "countries",
    "categories": "category",
    "capacities": "capacity",
    "roles": "role",
    "types": "type",
    "community": "communities",
    "nationalities": "nationality",
    "data_regions": "data_region",
    "kinds": "kind",
    "party": "parties",
    "owners": "owner",
    "person": "persons",
    "purposes": "purpose",
}


def found(node: Node) -> str:
    """Say what stands in the document."""
    if isinstance(node, Sequence):
        return "an empty list" if not node.items else "a list"
    if isinstance(node, Table):
        return "an empty mapping" if not node.entries else "a mapping"
    if node.value is None:
        return "nothing (null)"
    if isinstance(node.value, bool):
        return f"the truth value {node.text}"
    if isinstance(node.value, int | float):
        return f"the number {node.text[:_SHOWN]}"
    return repr(node.value[:_SHOWN]) + ("..." if len(node.value) > _SHOWN else "")


def span(lasts: Micros) -> str:
    """Write a duration in its largest unit that goes up in it, as ISO 8601 does."""
    if lasts and lasts % DAY == 0:
        return f"P{lasts // DAY}D"
    for unit, letter in ((3_600 * SECOND, "H"), (60 * SECOND, "M")):
        if lasts and lasts % unit == 0:
            return f"PT{lasts // unit}{letter}"
    return f"PT{lasts // SECOND}S"


def meant(word: str | None) -> str | None:
    """Ask whether a word was meant; None asks nothing."""
    return None if word is None else f"did you mean '{word}'?"


def listed(words: Iterable[str], *, last: str = "and") -> str:
    """Write words as a list in a sentence."""
    words = [f"'{word}'" for word in words]
    if len(words) < 2:  # noqa: PLR2004  a list in a sentence begins at two
        return "".join(words) or "nothing"
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
