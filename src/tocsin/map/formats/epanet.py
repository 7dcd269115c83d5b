"""EPANET's input file (EPANET 2.2 user manual, appendix C) to a network. Pure.

Only what decides who is fed by whom is read: elements, their ends, demands, tanks, closed pipes, and the largest flow
of a pump's curve: what it gives where no head is needed is the most that it gives.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from tocsin.map.formats.fields import Wrong, number_of
from tocsin.map.formats.limits import MOST_ROWS
from tocsin.map.formats.network import Element, Network, add
from tocsin.map.formats.places import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.map.formats.draft import Draft
    from tocsin.map.formats.recipe import Places

__all__ = ["read_water"]

_FOOT: Final = 0.3048
# m3/h of one unit of flow; whether lengths are feet (US customary)
_FLOWS: Final = {
    "CFS": (101.940_648, True),
    "GPM": (0.227_124_7, True),
    "MGD": (157.725_5, True),
    "IMGD": (189.420_4, True),
    "AFD": (51.395_08, True),
    "LPS": (3.6, False),
    "LPM": (0.06, False),
    "MLD": (1000 / 24, False),
    "CMH": (1.0, False),
    "CMD": (1 / 24, False),
}
# Sections that say nothing of who is fed by whom.
_LEFT: Final = frozenset(
    [
        "TITLE",
        "TAGS",
        "ENERGY",
        "EMITTERS",
        "QUALITY",
        "SOURCES",
        "REACTIONS",
        "MIXING",
        "TIMES",
        "REPORT",
        "VERTICES",
        "LABELS",
        "BACKDROP",
        "END",
    ]
)
_READ: Final = frozenset(
    [
        "JUNCTIONS",
        "RESERVOIRS",
        "TANKS",
        "PIPES",
        "PUMPS",
        "VALVES",
        "DEMANDS",
        "STATUS",
        "PATTERNS",
        "CURVES",
        "CONTROLS",
        "RULES",
        "OPTIONS",
        "COORDINATES",
    ]
)
_WORD: Final = re.compile(r"\S+")
_SHOWN: Final = 60


class _Lines:
    """The lines of a file by section, each with its place; and the numbers in them."""

    def __init__(self, draft: Draft, name: str, text: str) -> None:
        self.draft = draft
        self.name = name
        self.sections: dict[str, list[tuple[str, list[str]]]] = {section: [] for section in _READ}
        section = ""
        for number, line in enumerate(text.splitlines(), 1):
            words = _WORD.findall(line.partition(";")[0])
            at = f"{name}:{number}"
            if number > MOST_ROWS:
                draft.wrong(at, "there are more lines", f"at most {MOST_ROWS:,}")
                return
            if words and words[0].startswith("["):
                section = self._section(at, words[0].strip("[]").upper())
            elif words and section in self.sections:
                self.sections[section].append((at, words))
            elif words and not section:
                draft.wrong(at, f"{words[0][:_SHOWN]!r} before any section", "a section, as in [JUNCTIONS]")

    def _section(self, at: str, written: str) -> str:
        # the program reads as many letters as tell sections apart
        for known in sorted(_READ | _LEFT):
            if written and known.startswith(written[:5]):
                return known
        self.draft.wrong(at, f"the unknown section [{written[:_SHOWN]}]", "a section of EPANET 2.2")
        return "?"

    def rows(self, section: str, least: int) -> Iterator[tuple[str, list[str]]]:
        """Yield the rows of a section that have so many words; others are faults."""
        for at, words in self.sections[section]:
            if len(words) < least:
                self.draft.wrong(at, f"{len(words)} values in [{section}]", f"{least} or more", asset=words[0])
            else:
                yield at, words

    def number(self, at: str, words: list[str], place: int, what: str, default: float = 0.0) -> float:
        """Return a number of a row; the default where the row is shorter or, with a fault, where it is none."""
        if place >= len(words):
            return default
        try:
            return number_of(words[place])
        except Wrong as error:
            self.draft.wrong(at, f"{what} {error.cause}", error.expected, asset=words[0])
            return default


def read_water(draft: Draft, name: str, data: bytes, places: Places) -> Network:
    """Return the network of a file, demands in m3/h. Faults go into the draft."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # titles and tags of older files; every byte is a character there
    lines = _Lines(draft, name, text)
    options = {words[0].upper(): (at, words) for at, words in lines.sections["OPTIONS"]}
    units = options["UNITS"][1][1].upper() if "UNITS" in options and len(options["UNITS"][1]) > 1 else "GPM"
    if units not in _FLOWS:
        draft.wrong(options["UNITS"][0], f"the flow unit {units[:_SHOWN]!r}", ", ".join(_FLOWS))
        units = "GPM"
    flow, feet = _FLOWS[units]
    metre = _FOOT if feet else 1.0
    network = Network(name=name, unit="m3/h")
    demands = _demands(lines, options, flow)
    where = {
        words[0]: place_of(lines.number(at, words, 1, "x"), lines.number(at, words, 2, "y"), places)
        for at, words in lines.rows("COORDINATES", 3)
    }
    for at, words in lines.rows("JUNCTIONS", 1):
        own = words[0]
        demand = max(demands.get(own, 0.0), 0.0)
        feeds = demands.get(own, 0.0) < 0
        element = Element(id=own, kind="junction", at=at, place=where.get(own), demand=demand, source=feeds)
        add(draft, network, element)
    for at, words in lines.rows("RESERVOIRS", 1):
        add(draft, network, Element(id=words[0], kind="reservoir", at=at, place=where.get(words[0]), source=True))
    for at, words in lines.rows("TANKS", 6):
        level, low, across = (
            lines.number(at, words, place, what) * metre
            for place, what in ((2, "initial level"), (3, "minimum level"), (5, "diameter"))
        )
        store = max(level - low, 0.0) * math.pi * across**2 / 4
        add(draft, network, Element(id=words[0], kind="tank", at=at, place=where.get(words[0]), store=store))
    _links(lines, network, flow)
    return network


def _demands(lines: _Lines, options: dict[str, tuple[str, list[str]]], flow: float) -> dict[str, float]:
    """Return each junction's demand on average over its pattern."""
    patterns: dict[str, list[float]] = {}
    for at, words in lines.rows("PATTERNS", 2):
        many = [lines.number(at, words, place, "multiplier", 1.0) for place in range(1, len(words))]
        patterns.setdefault(words[0], []).extend(many)
    mean = {name: sum(many) / len(many) for name, many in patterns.items()}
    usual = mean.get(options["PATTERN"][1][1] if len(options.get("PATTERN", ("", []))[1]) > 1 else "1", 1.0)
    times = 1.0
    if "DEMAND" in options and len(options["DEMAND"][1]) > 2:  # noqa: PLR2004 -- DEMAND MULTIPLIER value
        at, words = options["DEMAND"]
        times = lines.number(at, words, 2, "demand multiplier", 1.0)
    found: dict[str, float] = {}
    for at, words in lines.rows("JUNCTIONS", 1):
        pattern = mean.get(words[3], usual) if len(words) > 3 else usual  # noqa: PLR2004
        found[words[0]] = lines.number(at, words, 2, "demand") * pattern * flow * times
    listed: dict[str, float] = {}
    for at, words in lines.rows("DEMANDS", 2):
        if words[0].upper() == "MULTIPLY":
            continue
        pattern = mean.get(words[2], usual) if len(words) > 2 else usual  # noqa: PLR2004
        listed[words[0]] = listed.get(words[0], 0.0) + lines.number(at, words, 1, "demand") * pattern * flow * times
    return {**found, **listed}


def _most(lines: _Lines, flow: float) -> dict[str, float]:
    """Return the largest flow of each pump's curve (section 3.2): of a curve of one point, twice that point's flow."""
    curves: dict[str, list[float]] = {}
    for at, words in lines.rows("CURVES", 3):
        curves.setdefault(words[0], []).append(lines.number(at, words, 1, "flow"))
    found: dict[str, float] = {}
    for at, words in lines.rows("PUMPS", 3):
        said = {words[place].upper(): place + 1 for place in range(3, len(words) - 1, 2)}
        points = curves.get(words[said["HEAD"]], []) if "HEAD" in said else []
        speed = lines.number(at, words, said["SPEED"], "speed", 1.0) if "SPEED" in said else 1.0
        most = max(points, default=0.0) * (2 if len(points) == 1 else 1) * speed * flow
        if most > 0:
            found[words[0]] = most
    return found


def _links(lines: _Lines, network: Network, flow: float) -> None:
    most = _most(lines, flow)
    status = {words[0]: words[1].upper() for _, words in lines.rows("STATUS", 2)}
    # what a control or a rule opens and closes is there to be opened
    moved = {words[1] for _, words in lines.sections["CONTROLS"] if len(words) > 1}
    moved |= {words[2] for _, words in lines.sections["RULES"] if len(words) > 2}  # noqa: PLR2004 -- THEN PUMP id
    nodes = set(network.elements)
    for section, kind, least in (("PIPES", "pipe", 5), ("PUMPS", "pump", 3), ("VALVES", "valve", 5)):
        for at, words in lines.rows(section, least):
            written, start, end = words[:3]
            own = f"{kind} {written}" if written in nodes else written  # nodes and links may share an id
            ends_there = [one for one in (start, end) if one in nodes]
            for one in (start, end):
                if one not in ends_there:
                    lines.draft.wrong(
                        at, f"there is no node {one[:_SHOWN]!r}", "a junction, reservoir or tank", asset=own
                    )
            place = network.elements[ends_there[0]].place if ends_there else None
            before = own in network.elements
            carries = most.get(written, math.inf) if kind == "pump" else math.inf
            add(lines.draft, network, Element(id=own, kind=kind, at=at, place=place, capacity=carries))
            said = words[7].upper() if kind == "pipe" and len(words) > 7 else ""  # noqa: PLR2004
            shut = status.get(written, said) == "CLOSED" and written not in moved and kind != "pump"
            if before or shut or len(ends_there) != 2:  # noqa: PLR2004 -- both of them
                continue
            back = kind != "pump" and said != "CV" and not (kind == "valve" and words[4].upper() == "PRV")
            network.join(start, own, back=back)
            network.join(own, end, back=back)
