"""Objects to search for, and queries, with what they must find worked out here a second time by looking at each."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from hypothesis import strategies as st

from support.sharing import CREATED, Mark, known_marks, object_id, stamp, terms_mark
from tocsin.agreements.model import Tlp
from tocsin.exchange.search.model import SearchQuery, TimeField
from tocsin.kernel.clock import DAY, parse_instant

if TYPE_CHECKING:
    from support.hub import World
    from tocsin.agreements.model import Label
    from tocsin.exchange.search.model import Found
    from tocsin.kernel.clock import Micros

__all__ = [
    "ALL",
    "EXPORT",
    "FOR_COAST",
    "MARKS",
    "TEXTS",
    "VALUES",
    "as_shown",
    "find",
    "fits",
    "ids",
    "indicator",
    "named",
    "queries",
    "thing",
    "things",
]

Json = dict[str, Any]

MARKS: Final = {mark.tlp: mark for mark in known_marks() if mark.tlp is not None}
EXPORT: Final = terms_mark(categories=("export-controlled",))
FOR_COAST: Final = terms_mark(recipients=("coast",))
TEXTS: Final = ("grid", "outage", "Sandworm", "wiper", "Grid-Outage", "turbine")
VALUES: Final = ("198.51.100.7", "198.51.100.9", "evil.example", "bad.example")
SPELT: Final = {
    "198.51.100.7": "198[.]51.100.7",
    "198.51.100.9": "198.51.100.9",
    "evil.example": "EVIL[.]example",
    "bad.example": "bad.example.",
}
IDENTITIES: Final = tuple(object_id("identity", number) for number in (1, 2))
NUMBERS: Final = 3
ALL: Final = SearchQuery()


def named(kind: str, number: int) -> str:
    """Return the id of an object of a kind."""
    return object_id(kind, number)


def thing(kind: str, number: int, **said: object) -> Json:
    """Return an object of a kind, with what it says beside what all have."""
    made = {
        "type": kind,
        "spec_version": "2.1",
        "id": named(kind, number),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
    }
    return made | said


def indicator(number: int, pattern: str | None = None, **said: object) -> Json:
    """Return an indicator, of an address unless a pattern is given."""
    pattern = pattern or f"[ipv4-addr:value = '198.51.100.{number}']"
    made = thing("indicator", number, pattern=pattern, pattern_type="stix", valid_from=stamp(CREATED))
    return made | said


def find(
    world: World, query: SearchQuery, *, reader: str = "bravo", limit: int = 50, cursor: str | None = None
) -> Found:
    """Return a page of what a reader's search finds in the exchange."""
    return world.hub.search.find(world.asker(reader), "exchange", query, limit=limit, cursor=cursor)


def ids(found: Found) -> list[str]:
    """Return the ids on a page, in its order."""
    return [hit.id for hit in found.hits]


@st.composite
def _properties(draw: st.DrawFn, kind: str, indicator: str, malware: str, said: str) -> Json:
    """Return what an object of a kind has beside what all have."""
    match kind:
        case "indicator":
            value = draw(st.sampled_from(VALUES))
            what = "domain-name" if value.endswith("example") else "ipv4-addr"
            made: Json = {
                "name": said or "nameless",
                "pattern": f"[{what}:value = '{value}']",
                "pattern_type": "stix",
                "valid_from": stamp(CREATED),
            }
            if draw(st.booleans()):
                made["valid_until"] = stamp(CREATED + draw(st.sampled_from([5, 400])) * DAY)
            return made
        case "malware":
            return {"name": said or "nameless", "is_family": False}
        case "sighting":
            seen = {"sighting_of_ref": indicator, "last_seen": stamp(CREATED + draw(st.integers(0, 200)) * DAY)}
            return seen | draw(st.sampled_from([{}, {"count": 0}, {"count": 2}]))
        case "relationship":
            return {"relationship_type": "indicates", "source_ref": indicator, "target_ref": malware}
        case "note":
            return {"content": said or "nothing", "object_refs": [indicator, malware]}
        case _:
            return {"name": said or "nameless", "published": stamp(CREATED), "object_refs": [indicator, malware]}


@st.composite
def things(draw: st.DrawFn, *, marks: st.SearchStrategy[Mark | None]) -> tuple[Json, Mark | None]:
    """Return an object out of few of some kinds, in one of few versions, and how it is marked."""
    kind = draw(st.sampled_from(["indicator", "indicator", "malware", "sighting", "relationship", "note", "report"]))
    number = draw(st.integers(1, NUMBERS))
    made: Json = {
        "type": kind,
        "spec_version": "2.1",
        "id": object_id(kind, number),
        "created": stamp(CREATED),
        "modified": stamp(CREATED + draw(st.integers(0, 2)) * DAY),
    }
    indicator = object_id("indicator", draw(st.integers(1, NUMBERS)))
    malware = object_id("malware", draw(st.integers(1, NUMBERS)))
    said = " ".join(draw(st.lists(st.sampled_from(TEXTS), max_size=2)))
    made |= draw(_properties(kind, indicator, malware, said))
    if draw(st.booleans()):
        made["confidence"] = draw(st.sampled_from([10, 50, 90]))
    if draw(st.integers(0, 4)) == 0:
        made["revoked"] = True
    if number <= len(IDENTITIES):
        # of an object's versions, all have one creator (STIX 2.1 §3.6)
        made["created_by_ref"] = IDENTITIES[number - 1]
    mark = draw(marks)
    if mark is not None:
        made["object_marking_refs"] = [mark.id]
    return made, mark


def _some(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.none() | st.frozensets(st.sampled_from(values), min_size=1, max_size=2)


@st.composite
def queries(draw: st.DrawFn) -> SearchQuery:
    """Return a query that asks for some of what ``things`` draws."""
    kinds = ("indicator", "malware", "sighting", "note", "campaign")
    day = st.none() | st.none() | st.integers(0, 3).map(lambda days: CREATED + days * DAY)
    return SearchQuery(
        text=draw(st.sampled_from(["", "", "", *TEXTS, "grid sandworm", "absent"])),
        values=draw(_some(tuple(SPELT.values()))),
        ids=draw(_some(tuple(object_id(kind, number) for kind in kinds for number in range(1, NUMBERS + 1)))),
        types=draw(_some(kinds)),
        tlps=draw(st.none() | st.none() | st.frozensets(st.sampled_from(list(Tlp)), min_size=1, max_size=3)),
        producers=draw(_some(IDENTITIES) | _some(("https://alfa.example", "https://coast.example", "bravo"))),
        time=draw(st.sampled_from([TimeField.MODIFIED, TimeField.MODIFIED, TimeField.CREATED, TimeField.VALID])),
        since=draw(day),
        until=draw(day),
        min_confidence=draw(st.none() | st.none() | st.sampled_from([10, 11, 90])),
        expired=draw(st.none() | st.none() | st.booleans()),
        revoked=draw(st.none() | st.none() | st.booleans()),
    )


def fits(told: Json, label: Label, query: SearchQuery, now: Micros) -> bool:
    """Return whether an object is what a query asks for: one look at each of its properties."""
    said = " ".join(str(told.get(name, "")) for name in ("name", "content", "pattern", "relationship_type")).lower()
    until = parse_instant(told["valid_until"]) if "valid_until" in told else None
    plain = {spelt: value for value, spelt in SPELT.items()}
    producers = {f"https://{one}.example" if one == "bravo" else one for one in query.producers or ()}
    return all(
        (
            all(word in re.findall(r"[a-z0-9]+", said) for word in re.findall(r"[a-z0-9]+", query.text.lower())),
            query.values is None or any(f"'{plain[spelt]}'" in told.get("pattern", "") for spelt in query.values),
            query.ids is None or told["id"] in query.ids,
            query.types is None or told["type"] in query.types,
            query.tlps is None or label.tlp in query.tlps,
            query.producers is None or not producers.isdisjoint({told.get("created_by_ref"), label.owner}),
            query.min_confidence is None or told.get("confidence", -1) >= query.min_confidence,
            query.expired is None or query.expired == (until is not None and until <= now),
            query.revoked is None or query.revoked == told.get("revoked", False),
            _timely(told, query, until),
        )
    )


def _timely(told: Json, query: SearchQuery, until: Micros | None) -> bool:
    if query.since is None and query.until is None:
        return True
    if query.time is TimeField.VALID:
        if "valid_from" not in told:
            return False
        begins = query.until is None or parse_instant(told["valid_from"]) < query.until
        return begins and (query.since is None or until is None or until > query.since)
    said = told.get(str(query.time), told.get("created"))
    at = None if said is None else parse_instant(said)
    return at is not None and (query.since is None or at >= query.since) and (query.until is None or at < query.until)


def as_shown(answer: object) -> object:
    """Return an answer without what every hub draws for itself: ids of releases, sealed cursors, instants of adding."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {
                key: (item is not None if key in {"release", "next"} else plain(item))
                for key, item in value.items()
                if key != "added"
            }
        return [plain(one) for one in value] if isinstance(value, list) else value

    return plain(json.loads(msgspec.json.encode(answer)))
