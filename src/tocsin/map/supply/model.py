"""Bills of materials: a product, its parts, what is said of vulnerabilities in them; and all that is wrong. Pure.

A bill is about one product in one version: a firmware image, an application, a device. Its parts are numbered; part 0
is the product itself. What holds what is true within that bill alone: the same library may hold other parts elsewhere.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import MapFault
from tocsin.map.formats.fields import Wrong, plain_text
from tocsin.map.supply.cpe import require_cpe
from tocsin.map.supply.names import require_purl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MOST_IDS",
    "MOST_LINKS",
    "MOST_PARTS",
    "MOST_STATEMENTS",
    "Bill",
    "Part",
    "Statement",
    "Verdict",
    "faults",
    "label_of",
    "part_faults",
    "same_maker",
]

# Parts of one product: the images of whole servers have some thousands.
MOST_PARTS: Final = 20_000
# Edges of one bill: what a package manager resolves has some five to a part.
MOST_LINKS: Final = 200_000
# Vulnerabilities that one bill speaks of: scanners list hundreds for an old image.
MOST_STATEMENTS: Final = 20_000
_MOST_NAME: Final = 500  # a group and a name of Java's
_MOST_VERSION: Final = 200
_MOST_CPES: Final = 50  # what scanners guess of one package is a dozen
MOST_IDS: Final = 50  # a vulnerability has one id in each of a few catalogues


class Verdict(enum.StrEnum):
    """What is said of a part and a vulnerability, the worst first."""

    AFFECTED = "affected"
    IN_TRIAGE = "in-triage"  # somebody is looking
    UNCLEAR = "unclear"  # something is said that we do not read yet: a range of versions
    FIXED = "fixed"
    NOT_AFFECTED = "not-affected"

    @property
    def is_clear(self) -> bool:
        """Whether it says that there is nothing to fear."""
        return self in {Verdict.FIXED, Verdict.NOT_AFFECTED}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A product or component. ``contains`` and ``depends_on`` are numbers of parts of the same bill.

    ``kind``: as CycloneDX has it (``library``, ``firmware``, ``device``). ``supplier``: who supplies it, in their own
    spelling. ``cpes``: CPE 2.3 names, formatted strings; a purl is canonical.
    """

    name: str
    version: str = ""
    kind: str = ""
    supplier: str = ""
    purl: str = ""
    cpes: tuple[str, ...] = ()
    contains: tuple[int, ...] = ()
    depends_on: tuple[int, ...] = ()


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one vulnerability, by all its ids, and these parts."""

    ids: tuple[str, ...]
    verdict: Verdict
    parts: tuple[int, ...]


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """One product's bill of materials."""

    parts: tuple[Part, ...]
    statements: tuple[Statement, ...] = ()

    @property
    def product(self) -> Part:
        """What the bill is about."""
        return self.parts[0]


def label_of(part: Part) -> str:
    """Return a part as people write it: name and version."""
    return f"{part.name} {part.version}" if part.version else part.name


def same_maker(text: str) -> str:
    """Return a supplier's name as it is compared: spaces and capitals do not tell two suppliers apart."""
    return " ".join(text.split()).casefold()


def faults(bill: Bill) -> Iterator[MapFault]:
    """Yield everything that is wrong with a bill, by the number of the part."""
    if not bill.parts:
        yield MapFault(cause="there is no part", expected="the product itself at least")
        return
    links = sum(len(part.contains) + len(part.depends_on) for part in bill.parts)
    for count, most, what in (
        (len(bill.parts), MOST_PARTS, "parts"),
        (links, MOST_LINKS, "edges"),
        (len(bill.statements), MOST_STATEMENTS, "statements on vulnerabilities"),
    ):
        if count > most:
            yield MapFault(cause=f"there are {count:,} {what}", expected=f"at most {most:,}")
            return
    for number, part in enumerate(bill.parts):
        at = f"parts[{number}]"
        yield from (MapFault(at=at, cause=cause, expected=expected) for cause, expected in part_faults(part))
        yield from _absent(bill, (*part.contains, *part.depends_on), at)
    for number, statement in enumerate(bill.statements):
        yield from _statement_faults(bill, statement, f"statements[{number}]")


def _absent(bill: Bill, numbers: tuple[int, ...], at: str) -> Iterator[MapFault]:
    for other in numbers:
        if not 0 <= other < len(bill.parts):
            yield MapFault(at=at, cause=f"there is no part {other}", expected="a number of a part")


def _statement_faults(bill: Bill, statement: Statement, at: str) -> Iterator[MapFault]:
    if not 0 < len(statement.ids) <= MOST_IDS:
        yield MapFault(at=at, cause=f"it has {len(statement.ids)} ids", expected=f"1 to {MOST_IDS}")
    for id_ in statement.ids:
        for cause, expected in _text_faults(id_, _MOST_VERSION, least=1):
            yield MapFault(at=at, cause=f"an id {cause}", expected=expected)
    yield from _absent(bill, statement.parts, at)


def part_faults(part: Part) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the texts of one part: the cause, and what was expected."""
    for name, text, most in (
        ("name", part.name, _MOST_NAME),
        ("version", part.version, _MOST_VERSION),
        ("kind", part.kind, _MOST_VERSION),
        ("supplier", part.supplier, _MOST_NAME),
    ):
        for cause, expected in _text_faults(text, most, least=int(name == "name")):
            yield f"{name} {cause}", expected
    if len(part.cpes) > _MOST_CPES:
        yield f"it has {len(part.cpes)} CPE names", f"at most {_MOST_CPES}"
    if part.purl:
        try:
            require_purl(part.purl)
        except Wrong as wrong:
            yield f"purl {wrong.cause}", wrong.expected
    for cpe in part.cpes[:_MOST_CPES]:
        try:
            require_cpe(cpe)
        except Wrong as wrong:
            yield f"cpe {wrong.cause}", wrong.expected


def _text_faults(text: str, most: int, *, least: int) -> Iterator[tuple[str, str]]:
    if not least <= len(text) <= most:
        yield f"has {len(text):,} characters", f"{least} to {most:,}"
        return
    try:
        plain_text(text)
    except Wrong as wrong:
        yield wrong.cause, wrong.expected
