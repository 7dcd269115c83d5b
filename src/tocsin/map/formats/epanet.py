"""EPANET's input file (EPANET 2.2 user manual, appendix C) to a network. Pure.

Only what decides who is fed by whom is read: elements, their ends, demands, tanks, closed pipes, and the largest flow
of a pump's curve: what it gives where no head is needed is the most that it gives. What EPANET refuses of that is
refused, each fault at its line; ``docs/map-files.md`` says what is left unread.
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
    from collections.abc import Collection, Mapping

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
        "ROUGHNESS",
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
_WORD: Final = re.compile(r'"([^"]*)"|(\S+)')
_SHOWN: Final = 60
_LETTERS: Final = 4  # of a section's name, by which it is known
# EPANET takes words by how they begin: OPENED is OPEN.
_STATUS: Final = ("CV", "CLOSED", "OPEN")
_VALVES: Final = ("PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
_NO_TANK: Final = ("PRV", "PSV", "FCV")  # error 219: these cannot stand beside a tank or a reservoir
_PUMPS: Final = ("HEAD", "POWE", "PATT", "SPEE")
_IN_RULES: Final = {
    "NODE": "node", "JUNC": "node", "RESE": "node", "TANK": "node",
    "LINK": "link", "PIPE": "link", "PUMP": "link", "VALV": "link",
}  # fmt: skip


def _begun(text: str, words: tuple[str, ...]) -> str:
    """Return which of the words the text begins with; nothing where it is none of them."""
    return next((word for word in words if text.upper().startswith(word)), "")


class _Lines:
    """The lines of a file by section, each with its place; and the numbers in them.

    ``lost``: names in rows that could not be read. What refers to them is no fault of its own.
    """

    def __init__(self, draft: Draft, name: str, text: str) -> None:
        self.draft = draft
        self.name = name
        self.lost: set[str] = set()
        self.sections: dict[str, list[tuple[str, list[str]]]] = {section: [] for section in _READ}
        section = ""
        for number, line in enumerate(text.splitlines(), 1):
            words = [quoted or plain for quoted, plain in _WORD.findall(line.partition(";")[0])]
            at = f"{name}:{number}"
            if number > MOST_ROWS:
                draft.wrong(at, "there are more lines", f"at most {MOST_ROWS:,}")
                return
            if words and words[0].startswith("["):
                section = self._section(at, words[0].strip("[]").upper())
                if section == "END":
                    return
            elif words and section in self.sections:
                self.sections[section].append((at, words))
            elif words and section == "?":
                self.lost.add(words[0])
            elif words and not section:
                draft.wrong(at, f"{words[0][:_SHOWN]!r} before any section", "a section, as in [JUNCTIONS]")

    def _section(self, at: str, written: str) -> str:
        for known in sorted(_READ | _LEFT):
            if known == written or (len(written) >= _LETTERS and known.startswith(written)):
                return known
        self.draft.wrong(at, f"the unknown section [{written[:_SHOWN]}]", "a section of EPANET 2.2")
        return "?"

    def rows(self, section: str, least: int) -> list[tuple[str, list[str]]]:
        """Return the rows of a section that have so many words; others are faults, told once."""
        fine = []
        for at, words in self.sections[section]:
            if len(words) < least:
                self.draft.wrong(at, f"{len(words)} values in [{section}]", f"{least} or more", asset=words[0])
                self.lost.add(words[0])
            else:
                fine.append((at, words))
        self.sections[section] = fine
        return fine

    def number(
        self, at: str, words: list[str], place: int, what: str, default: float = 0.0, *,
        least: float = -math.inf, above: float = -math.inf,
    ) -> float:  # fmt: skip
        """Return a number of a row; the default where the row is shorter or, with a fault, where it is none."""
        if place >= len(words):
            return default
        try:
            value = number_of(words[place])
        except Wrong as error:
            self.draft.wrong(at, f"{what} {error.cause}", error.expected, asset=words[0])
            return default
        if value < least or value <= above:
            wanted = f"{least:g} or more" if value < least else f"more than {above:g}"
            self.draft.wrong(at, f"{what} is {words[place][:_SHOWN]!r}", wanted, asset=words[0])
            return default
        return value

    def there(self, at: str, name: str, known: Collection[str], what: str, wanted: str, *, asset: str) -> bool:
        """Return whether a name is known; a fault where it is not, and stands in no row that could not be read."""
        if name not in known and name not in self.lost:
            self.draft.wrong(at, f"there is no {what} {name[:_SHOWN]!r}", wanted, asset=asset)
        return name in known


def read_water(draft: Draft, name: str, data: bytes, places: Places) -> Network:
    """Return the network of a file, demands in m3/h. Faults go into the draft."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # titles and tags of older files; every byte is a character there
    lines = _Lines(draft, name, text)
    # DEMAND MULTIPLIER and DEMAND MODEL begin alike
    options = {" ".join(words[: 2 if words[0].upper() == "DEMAND" else 1]).upper(): (at, words)
               for at, words in lines.sections["OPTIONS"]}  # fmt: skip
    units = options["UNITS"][1][1].upper() if "UNITS" in options and len(options["UNITS"][1]) > 1 else "GPM"
    if units not in _FLOWS:
        draft.wrong(options["UNITS"][0], f"the flow unit {units[:_SHOWN]!r}", ", ".join(_FLOWS))
        units = "GPM"
    flow, feet = _FLOWS[units]
    network = Network(name=name, unit="m3/h")
    curves = _curves(lines)
    _nodes(lines, network, options, curves, places, flow=flow, metre=_FOOT if feet else 1.0)
    _links(lines, network, curves, flow)
    network.lost, network.unread = lines.lost, bool(lines.lost)
    return network


def _curves(lines: _Lines) -> dict[str, list[float]]:
    """Return the flows of each curve, or what else stands in its first column: it rises from point to point."""
    found: dict[str, list[float]] = {}
    for at, words in lines.rows("CURVES", 3):
        points = found.setdefault(words[0], [])
        last = points[-1] if points else -math.inf
        points.append(lines.number(at, words, 1, "x of the curve", math.nextafter(last, math.inf), above=last))
        lines.number(at, words, 2, "y of the curve")
    return found


def _nodes(
    lines: _Lines,
    network: Network,
    options: Mapping[str, tuple[str, list[str]]],
    curves: Collection[str],
    places: Places,
    *,
    flow: float,
    metre: float,
) -> None:
    """Put junctions, reservoirs and tanks into the network, with their places and demands."""
    rows = {section: lines.rows(section, least) for section, least in _NODES.items()}
    nodes = {words[0] for those in rows.values() for _, words in those}
    where = {}
    for at, words in lines.rows("COORDINATES", 3):
        lines.there(at, words[0], nodes, "node", "a junction, reservoir or tank", asset=words[0])
        where[words[0]] = place_of(lines.number(at, words, 1, "x"), lines.number(at, words, 2, "y"), places)
    patterns = _patterns(lines)
    demands = _demands(lines, options, patterns, nodes, flow)
    for at, words in rows["JUNCTIONS"]:
        own = words[0]
        lines.number(at, words, 1, "elevation")
        demand = demands.get(own, 0.0)
        element = Element(
            id=own, kind="junction", at=at, place=where.get(own), demand=max(demand, 0.0), source=demand < 0
        )
        add(lines.draft, network, element)
    for at, words in rows["RESERVOIRS"]:
        lines.number(at, words, 1, "head")
        if len(words) > 2:  # noqa: PLR2004
            lines.there(at, words[2], patterns, "pattern", "a pattern of [PATTERNS]", asset=words[0])
        element = Element(id=words[0], kind="reservoir", at=at, place=where.get(words[0]), source=True)
        add(lines.draft, network, element)
    for at, words in rows["TANKS"]:
        store = _store(lines, at, words, curves, metre)
        add(lines.draft, network, Element(id=words[0], kind="tank", at=at, place=where.get(words[0]), store=store))


_NODES: Final = {"JUNCTIONS": 2, "RESERVOIRS": 2, "TANKS": 6}


def _store(lines: _Lines, at: str, words: list[str], curves: Collection[str], metre: float) -> float:
    """Return what a tank holds above its lowest level, in m3."""
    before = len(lines.draft.faults)
    lines.number(at, words, 1, "elevation")
    level, low, high, across = (
        lines.number(at, words, place, what, least=0.0)
        for place, what in ((2, "initial level"), (3, "minimum level"), (4, "maximum level"), (5, "diameter"))
    )
    lines.number(at, words, 6, "minimum volume", least=0.0)
    if len(words) > 7 and words[7] != "*":  # noqa: PLR2004
        lines.there(at, words[7], curves, "curve", "a curve of [CURVES]", asset=words[0])
    if len(lines.draft.faults) == before and not low <= level <= high:
        told = f"levels {level:g} first, {low:g} least, {high:g} most"
        lines.draft.wrong(at, told, "the first between the others", asset=words[0])
    return max(level - low, 0.0) * metre * math.pi * (across * metre) ** 2 / 4


def _patterns(lines: _Lines) -> dict[str, float]:
    """Return the mean of each pattern."""
    found: dict[str, list[float]] = {}
    for at, words in lines.rows("PATTERNS", 2):
        many = [lines.number(at, words, place, "multiplier", 1.0) for place in range(1, len(words))]
        found.setdefault(words[0], []).extend(many)
    return {name: sum(many) / len(many) for name, many in found.items()}


def _demands(
    lines: _Lines,
    options: Mapping[str, tuple[str, list[str]]],
    patterns: Mapping[str, float],
    nodes: Collection[str],
    flow: float,
) -> dict[str, float]:
    """Return each junction's demand on average over its pattern; what [DEMANDS] lists stands for its own."""
    named = options.get("PATTERN", ("", []))[1]
    usual = patterns.get(named[1] if len(named) > 1 else "1", 1.0)
    multiplied = [(at, words, 1) for at, words in lines.rows("DEMANDS", 2) if _begun(words[0], ("MULT",))]
    if "DEMAND MULTIPLIER" in options:
        multiplied.append((*options["DEMAND MULTIPLIER"], 2))
    times = 1.0
    # the last in the file counts
    for at, words, place in sorted(multiplied, key=lambda one: int(one[0].rpartition(":")[2])):
        times = lines.number(at, words, place, "demand multiplier", times)

    def mean(at: str, words: list[str], place: int) -> float:
        if len(words) > place and lines.there(
            at, words[place], patterns, "pattern", "a pattern of [PATTERNS]", asset=words[0]
        ):
            return patterns[words[place]]
        return usual

    found: dict[str, float] = {}
    for at, words in lines.rows("JUNCTIONS", _NODES["JUNCTIONS"]):
        found[words[0]] = lines.number(at, words, 2, "demand") * mean(at, words, 3)
    listed: dict[str, float] = {}
    for at, words in lines.rows("DEMANDS", 2):
        if _begun(words[0], ("MULT",)):
            continue
        lines.there(at, words[0], nodes, "node", "a junction", asset=words[0])
        listed[words[0]] = listed.get(words[0], 0.0) + lines.number(at, words, 1, "demand") * mean(at, words, 2)
    return {name: demand * flow * times for name, demand in {**found, **listed}.items()}


def _links(lines: _Lines, network: Network, curves: Mapping[str, list[float]], flow: float) -> None:
    nodes = set(network.elements)
    patterns = {words[0] for _, words in lines.sections["PATTERNS"]}
    rows = [
        (kind, at, words)
        for section, kind, least in (("PIPES", "pipe", 6), ("PUMPS", "pump", 4), ("VALVES", "valve", 6))
        for at, words in lines.rows(section, least)
    ]
    links = [words[0] for _, _, words in rows]
    status = _status(lines, links)
    moved = _moved(lines, links, nodes)
    for kind, at, words in rows:
        written, start, end = words[:3]
        own = f"{kind} {written}" if written in nodes else written  # nodes and links may share an id
        wanted = "a junction, reservoir or tank"
        ends_there = [one for one in (start, end) if lines.there(at, one, nodes, "node", wanted, asset=own)]
        if start == end:
            lines.draft.wrong(at, f"leads from {start[:_SHOWN]!r} to itself", "two nodes", asset=own)
        said, carries = "", math.inf
        if kind == "pipe":
            said = _pipe(lines, at, words)
        elif kind == "pump":
            carries = _most(lines, at, words, curves, patterns) * flow
        else:
            _valve(lines, at, words, curves, [network.elements[one].kind for one in ends_there])
        place = network.elements[ends_there[0]].place if ends_there else None
        before = own in network.elements
        add(lines.draft, network, Element(id=own, kind=kind, at=at, place=place, capacity=carries))
        # a pump that stands by is there to be started
        shut = status.get(written, said) == "CLOSED" and written not in moved and kind != "pump"
        if before or shut or len(ends_there) != 2:  # noqa: PLR2004 -- both of them
            continue
        back = kind != "pump" and said != "CV" and not (kind == "valve" and words[4].upper() == "PRV")
        network.join(start, own, back=back)
        network.join(own, end, back=back)


def _pipe(lines: _Lines, at: str, words: list[str]) -> str:
    """Return a pipe's own status: the eighth word, or the seventh where it is none of a minor loss."""
    for place, what in ((3, "length"), (4, "diameter")):
        lines.number(at, words, place, what, above=0.0)
    lines.number(at, words, 5, "roughness", least=0.0)
    if len(words) == 7 and (said := _begun(words[6], _STATUS)):  # noqa: PLR2004
        return said
    lines.number(at, words, 6, "minor loss", least=0.0)
    if len(words) < 8:  # noqa: PLR2004
        return ""
    said = _begun(words[7], _STATUS)
    if not said:
        lines.draft.wrong(at, f"the status {words[7][:_SHOWN]!r}", "Open, Closed or CV", asset=words[0])
    return said


def _most(
    lines: _Lines, at: str, words: list[str], curves: Mapping[str, list[float]], patterns: Collection[str]
) -> float:
    """Return the largest flow of a pump's curve (section 3.2): of a curve of one point, twice that point's flow."""
    if _is_number(words[3]):
        return math.inf  # as files of EPANET 1 have it: power, or points of its own curve
    points: list[float] = []
    speed, driven = 1.0, False
    for place in range(3, len(words), 2):
        word, value = _begun(words[place], _PUMPS), words[place + 1] if place + 1 < len(words) else ""
        if not word or not value:
            lines.draft.wrong(
                at, f"{words[place][:_SHOWN]!r} of a pump", "HEAD curve, POWER, SPEED, PATTERN", asset=words[0]
            )
            return math.inf
        if word == "HEAD":
            driven = True
            if lines.there(at, value, curves, "curve", "a curve of [CURVES]", asset=words[0]):
                points = curves[value]
        elif word == "POWE":
            driven = True
            lines.number(at, words, place + 1, "power", above=0.0)
        elif word == "SPEE":
            speed = lines.number(at, words, place + 1, "speed", 1.0, least=0.0)
        else:
            lines.there(at, value, patterns, "pattern", "a pattern of [PATTERNS]", asset=words[0])
    if not driven:
        lines.draft.wrong(at, "a pump without a curve or a power", "HEAD and a curve, or POWER", asset=words[0])
    most = max(points, default=0.0) * (2 if len(points) == 1 else 1) * speed
    return most if most > 0 else math.inf


def _is_number(text: str) -> bool:
    try:
        number_of(text)
    except Wrong:
        return False
    return True


def _valve(lines: _Lines, at: str, words: list[str], curves: Collection[str], ends: list[str]) -> None:
    """Tell what is wrong with a valve; ``ends``: the kinds of nodes at its ends."""
    lines.number(at, words, 3, "diameter", above=0.0)
    kind = words[4].upper()
    if kind not in _VALVES:
        lines.draft.wrong(at, f"a valve of type {words[4][:_SHOWN]!r}", ", ".join(_VALVES), asset=words[0])
    elif kind == "GPV":
        lines.there(at, words[5], curves, "curve", "a curve of [CURVES]", asset=words[0])
    elif kind in _NO_TANK and {"reservoir", "tank"} & set(ends):
        lines.draft.wrong(at, f"a {kind} beside a tank or a reservoir", "a pipe in between", asset=words[0])
    if kind != "GPV" and not (kind == "PCV" and words[5] in curves):
        lines.number(at, words, 5, "setting")
    lines.number(at, words, 6, "minor loss", least=0.0)


def _status(lines: _Lines, links: list[str]) -> dict[str, str]:
    """Return the status that [STATUS] gives a link, or all from one to another; a setting says nothing of that."""
    found: dict[str, str] = {}
    known = set(links)
    for at, words in lines.rows("STATUS", 2):
        said = _begun(words[-1], _STATUS[1:])
        if not said and not _is_number(words[-1]):
            lines.draft.wrong(at, f"the status {words[-1][:_SHOWN]!r}", "Open, Closed or a setting", asset=words[0])
        if len(words) == 2:  # noqa: PLR2004
            lines.there(at, words[0], known, "link", "a pipe, pump or valve", asset=words[0])
            those = [words[0]]
        else:
            those = [one for one in links if _within(words[0], one, words[1])]
        if said:
            found.update(dict.fromkeys(those, said))
    return found


def _within(first: str, one: str, last: str) -> bool:
    """Return whether a link is in a range: by number where both ends begin with one, else by its letters."""
    numbers = [int(found[0]) if (found := re.match(r"[0-9]+", text)) else 0 for text in (first, one, last)]
    if numbers[0] and numbers[2]:
        return numbers[0] <= numbers[1] <= numbers[2]
    return first <= one <= last


def _moved(lines: _Lines, links: Collection[str], nodes: Collection[str]) -> set[str]:
    """Return the links that a control or a rule opens and closes: these are there to be opened."""
    known = {"link": links, "node": nodes}
    wanted = {"link": "a pipe, pump or valve", "node": "a junction, reservoir or tank"}
    moved = set()
    for at, words in lines.rows("CONTROLS", 6):
        lines.there(at, words[1], links, "link", wanted["link"], asset=words[1])
        moved.add(words[1])
        if not _begun(words[2], _STATUS[1:]) and not _is_number(words[2]):
            lines.draft.wrong(at, f"the status {words[2][:_SHOWN]!r}", "Open, Closed or a setting", asset=words[1])
        if words[3].upper() == "IF":
            lines.there(at, words[5], nodes, "node", wanted["node"], asset=words[1])
    acts = False
    for at, words in lines.sections["RULES"]:
        clause = words[0].upper()
        acts = clause in {"THEN", "ELSE"} or (acts and clause == "AND")
        what = _IN_RULES.get(words[1].upper()[:_LETTERS]) if len(words) > 2 else None  # noqa: PLR2004
        if what is None or clause not in {"IF", "AND", "OR", "THEN", "ELSE"}:
            continue
        lines.there(at, words[2], known[what], what, wanted[what], asset=words[2])
        if acts and what == "link":
            moved.add(words[2])
    return moved
