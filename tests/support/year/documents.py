"""What is drawn at the beginning of a year, and when somebody writes an agreement: parties, markings, documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from support.sharing import known_marks, object_id, stamp, terms_mark
from support.year.evaluator import CLEARANCES
from support.year.state import Kind
from tocsin.kernel.clock import DAY, SECOND, Micros, format_instant, parse_instant

if TYPE_CHECKING:
    from random import Random

    from support.sharing import Mark
    from support.year.state import Json

__all__ = [
    "AGREEMENTS",
    "BEGIN",
    "COMMUNITIES",
    "COUNTRIES",
    "PARTIES",
    "REGIONS",
    "SECTORS",
    "agreement",
    "kind_of",
    "marks_of",
    "organisation",
    "person",
    "spec",
    "stix",
    "version_of",
]

BEGIN: Final = parse_instant("2026-01-05T08:00:00Z")
PARTIES: Final = tuple(f"p{number:02}" for number in range(60))
COUNTRIES: Final = ("NO", "SE", "DK", "FI", "EE", "IS")
SECTORS: Final = ("energy", "drinking-water", "telecommunications")
COMMUNITIES: Final = ("nordic", "baltic")
REGIONS: Final = ("eea", "eea", "eea", "us", None)
KINDS: Final = ("public", "private", "private", "academia", "civil-society", "intermediary")
CAPACITIES: Final = (
    ("operator",),
    ("operator",),
    ("csirt",),
    ("supervisor", "csirt"),
    ("supervisor",),
    ("researcher",),
)
ROLES: Final = ("analyst", "liaison", "viewer")
AGREEMENTS: Final = tuple(f"pact-{letter}" for letter in "abcdefgh")
TYPES: Final = ("indicator", "incident", "report", "ipv4-addr")
CATEGORIES: Final = ("export-controlled", "personal-data", "victim")
PURPOSES: Final = ("detect", "prevent", "respond", "analyse")
CREATED: Final = parse_instant("2025-11-01T00:00:00Z")
_YEAR: Final = 365


def _day(rng: Random, first: int, last: int) -> str:
    """Return a day, counted from the beginning of the year."""
    at = BEGIN - BEGIN % DAY + rng.randint(first, last) * DAY
    return format_instant(at)[:10]


def _some(rng: Random, words: tuple[str, ...], most: int) -> list[str]:
    return sorted(rng.sample(words, rng.randint(1, min(most, len(words)))))


# --- parties ----------------------------------------------------------------------------------------------------------


def organisation(rng: Random, number: int) -> Json:
    """Return what a party is when it enters: ten of each country."""
    return {
        "kind": rng.choice(KINDS),
        "country": COUNTRIES[number % len(COUNTRIES)],
        "capacities": list(rng.choice(CAPACITIES)),
        "sectors": _some(rng, SECTORS, 2),
        "communities": _some(rng, COMMUNITIES, 1) if rng.random() < 0.6 else [],
        "clients": sorted(rng.sample(PARTIES, 3)) if rng.random() < 0.2 else [],
        "region": rng.choice(REGIONS),
        "clearance": rng.choice(CLEARANCES[:4]),
    }


def person(rng: Random) -> Json:
    """Return what a user is."""
    return {
        "roles": [rng.choice(ROLES)],
        "nationality": rng.choice((*COUNTRIES, None)),
        "clearance": rng.choice(CLEARANCES[:4]),
    }


# --- objects ----------------------------------------------------------------------------------------------------------


def spec(rng: Random) -> Json:
    """Return how an object is marked, and what it is; most are marked with TLP alone."""
    made: Json = {"type": rng.choice(TYPES)}
    tlp = rng.choices(["clear", "green", "amber", "amber+strict", "red", None], [10, 30, 30, 12, 6, 12])[0]
    if tlp is not None:
        made["tlp"] = tlp
    if rng.random() < 0.25:
        made["pap"] = rng.choice(("clear", "green", "amber", "red"))
    drawn = rng.random()
    if drawn < 0.12:
        made["categories"] = _some(rng, CATEGORIES, 2)
    elif drawn < 0.2:
        made |= {"sectors": _some(rng, SECTORS, 2), "countries": _some(rng, COUNTRIES, 3)}
    elif drawn < 0.28:
        made["residency"] = rng.choice(("eea", "us"))
    elif drawn < 0.31:
        made["unknown"] = True
    if tlp == "red" or rng.random() < 0.15:
        made["to"] = sorted(
            f"{rng.choice(('anna', 'lisa'))}@{one}" if tlp == "red" or rng.random() < 0.3 else one
            for one in rng.sample(PARTIES, rng.randint(1, 3))
        )
    return made


def marks_of(made: Json) -> list[Mark]:
    """Return the markings that say it."""
    found = [
        next(mark for mark in known_marks() if getattr(mark, key) == made[key]) for key in ("tlp", "pap") if key in made
    ]
    says = {
        key: value if isinstance(value, str) else tuple(value)
        for key, value in made.items()
        if key in ("categories", "sectors", "countries", "residency")
    }
    return found + ([terms_mark(**says)] if says else [])


def kind_of(made: Json) -> Kind:
    """Return what clauses can ask of an object that is marked so (docs/markings.md)."""
    return Kind(
        type=made["type"],
        tlp=made.get("tlp", "amber"),
        pap=made.get("pap"),
        categories=frozenset(made.get("categories", ())),
        sectors=frozenset(made.get("sectors", ())),
        countries=frozenset(made.get("countries", ())),
        residency=made.get("residency"),
        recipients=frozenset(made.get("to", ())),
        unknown=made.get("unknown", False),
    )


def definition_of(made: Json) -> Kind:
    """Return the kind of the definition that comes with it: its own terms hold for itself (docs/markings.md)."""
    plain = {key: value for key, value in made.items() if key not in ("tlp", "pap", "unknown")}
    return kind_of(plain | {"type": "marking-definition"})


def version_of(made: Json, version: int) -> Micros:
    """Return the version of an object, by hours since it was made; an observable has one only: when it was shared."""
    return CREATED + version * 3_600 * SECOND


def stix(made: Json, number: int, version: int) -> Json:
    """Return an object; equal numbers have equal ids."""
    kind, at = made["type"], version_of(made, version)
    if kind == "ipv4-addr":
        value = f"198.51.{number // 256 % 256}.{number % 256}"
        content: Json = {"type": kind, "spec_version": "2.1", "id": object_id(kind, value), "value": value}
    else:
        content = {
            "type": kind,
            "spec_version": "2.1",
            "id": object_id(kind, number),
            "created": stamp(CREATED),
            "modified": stamp(at),
            "name": f"{kind} {number}",
        }
    if kind == "indicator":
        pattern = f"[ipv4-addr:value = '198.51.100.{number % 256}']"
        content |= {"pattern": pattern, "pattern_type": "stix", "valid_from": stamp(CREATED)}
    if kind == "report":
        content |= {"published": stamp(CREATED), "object_refs": [object_id("indicator", 1)]}
    refs = [mark.id for mark in marks_of(made)]
    if made.get("unknown"):
        refs.append(object_id("marking-definition", "nowhere"))
    return content | ({"object_marking_refs": refs} if refs else {})


# --- agreements -------------------------------------------------------------------------------------------------------


def agreement(rng: Random, name: str, version: int, now: Micros) -> Json:
    """Return a document that begins about now; what it says is drawn."""
    today = (now - BEGIN) // DAY
    content: Json = {
        "agreement": name,
        "version": version,
        "title": f"{name}, {version}",
        "in_force": {
            "from": _day(rng, today - 30, today + (3 if rng.random() < 0.15 else 0)),
            "until": None if rng.random() < 0.75 else _day(rng, today + 30, today + 300),
        },
        "parties": [{"name": one} for one in sorted(rng.sample(PARTIES, rng.randint(0, 2)))] + _criteria(rng),
        "purposes": _some(rng, PURPOSES[:2], 2) + _some(rng, PURPOSES[2:], 2),
        "legal_bases": _bases(rng, today),
    }
    content["clauses"] = [_permit(rng, f"1.{number}", content) for number in range(rng.randint(2, 5))]
    content["clauses"] += [_forbid(rng, f"2.{number}") for number in range(rng.choice((0, 1, 1, 2)))]
    if rng.random() < 0.5:
        content["clauses"].append(_annex(rng, content))
    content["clauses"] += [_retain(rng, f"3.{number}") for number in range(rng.choice((0, 0, 1, 2)))]
    forbids = [clause["id"] for clause in content["clauses"] if "forbid" in clause or "retain" in clause]
    if rng.random() < 0.6:
        content["withdrawal"] = {"notice": rng.choice(("P7D", "P30D", "PT12H"))}
        if forbids and rng.random() < 0.7:
            content["withdrawal"]["survives"] = forbids[:1]
    if rng.random() < 0.7:
        content["amend_by"] = rng.choice(({"more_than": 0.25}, {"more_than": 0.3, "objection_period": "P5D"}))
    if rng.random() < 0.3:
        content["accession"] = {
            "who": _conditions(rng, ("capacity", "countries", "kind")),
            "by": rng.choice(("signature", "signature", "motion")),
        }
    return content


def _criteria(rng: Random) -> list[Json]:
    wide: Json = {"countries": sorted(rng.sample(COUNTRIES, rng.randint(4, 6)))}
    if rng.random() < 0.3:
        wide |= _conditions(rng, ("kind", "sectors", "clearance"))
    narrow = _conditions(rng, ("capacity", "sectors", "communities", "data_region", "clearance", "kind"))
    return [{"all": wide}] if rng.random() < 0.6 else [{"all": wide}, {"all": narrow}]


def _bases(rng: Random, today: int) -> Json:
    def entry() -> Json:
        begins = _day(rng, today - 200, today + (10 if rng.random() < 0.1 else -1))
        ends = None if rng.random() < 0.6 else _day(rng, today + 5, today + _YEAR // 2)
        return {"cite": "an act", "valid": [begins, ends]}

    return {
        "act": {country: entry() for country in COUNTRIES if rng.random() < 0.9} or {"NO": entry()},
        "gdpr": {kind: entry() for kind in dict.fromkeys(KINDS) if rng.random() < 0.9} or {"public": entry()},
    }


def _permit(rng: Random, number: str, content: Json) -> Json:
    made: Json = {
        "id": number,
        "permit": "read",
        "to": {"parties": "all"}
        if rng.random() < 0.5
        else _conditions(
            rng,
            (
                "capacity",
                "sectors",
                "kind",
                "countries",
                "role",
                "clearance",
                "data_region",
                "nationality",
                "addressed",
            ),
        ),
    }
    if (of := _objects(rng)) or rng.random() < 0.5:
        made["of"] = of
    if rng.random() < 0.3:
        made["for"] = _some(rng, (*content["purposes"], "enforce"), 2)
    if rng.random() < 0.5:
        made["rests_on"] = rng.choice((["act"], ["gdpr"], ["act", "gdpr"]))
    if rng.random() < 0.25:
        made["onward"] = rng.choice(("own-organisation", "clients", "community", "none"))
    return made if made.get("of", True) else {key: value for key, value in made.items() if key != "of"}


def _annex(rng: Random, content: Json) -> Json:
    return _permit(rng, "9", content) | {
        "emergency": "crisis",
        "lasts": rng.choice(("PT72H", "P7D")),
        "activated_by": {
            "motion": {"body": "crisis-council", "more_than": 0.5},
            "or": {"duty_officers": {"public": 1, "private": 1}, "lasts": "PT12H", "ratify_within": "PT8H"},
        },
    }


def _retain(rng: Random, number: str) -> Json:
    return {
        "id": number,
        "retain": {"for": rng.choice(("P10D", "P30D", "P90D")), "then": rng.choice(("purge", "purge", "review"))},
        "of": {"type": _some(rng, TYPES, 2)},
    }


def _forbid(rng: Random, number: str) -> Json:
    made: Json = {"id": number, "forbid": "read"}
    if rng.random() < 0.5:
        made["to"] = _conditions(rng, ("capacity", "kind", "countries", "communities"))
    made["of"] = rng.choice(
        (
            {"category": "export-controlled"},
            {"category": "victim", "type": ["incident", "report"]},
            {"residency": "eea"},
            {"pap": "red"},
            {"type": "incident", "tlp": {"at_least": "amber"}},
            {"owner": sorted(rng.sample(PARTIES, 2))},
        )
    )
    if rng.random() < 0.8:
        # one who reads in some capacities is not asked for capacities twice: see the pages on two hats
        keys = ("countries", "nationality", "data_region", "clearance", "purpose", "role", "addressed")
        made["unless"] = _conditions(rng, keys)
    return made


def _conditions(rng: Random, keys: tuple[str, ...]) -> Json:
    words: dict[str, Any] = {
        "capacity": ("operator", "csirt", "supervisor", "researcher"),
        "sectors": SECTORS,
        "communities": COMMUNITIES,
        "kind": tuple(dict.fromkeys(KINDS)),
        "countries": COUNTRIES,
        "nationality": COUNTRIES,
        "role": ROLES,
        "purpose": PURPOSES,
    }
    made: Json = {}
    for key in rng.sample(keys, rng.choice((1, 1, 2))):
        if key == "clearance":
            made[key] = rng.choice(CLEARANCES[1:3])
        elif key == "data_region":
            made[key] = rng.choice(("eea", "us"))
        elif key == "addressed":
            made[key] = True
        else:
            made[key] = _some(rng, words[key], 3)
    return made


def _objects(rng: Random) -> Json:
    made: Json = {}
    if rng.random() < 0.7:
        made["tlp"] = rng.choice(
            (
                {"at_most": "amber"},
                {"at_most": "amber"},
                {"at_most": "amber+strict"},
                {"at_most": "red"},
                {"at_most": "green"},
                ["amber+strict", "green"],
                {"at_least": "green", "at_most": "amber"},
            )
        )
    for key, value, odds in (
        ("type", _some(rng, TYPES, 3), 0.3),
        ("without", _some(rng, CATEGORIES, 2), 0.3),
        ("category", _some(rng, CATEGORIES, 2), 0.05),
        ("pap", {"at_most": rng.choice(("green", "amber"))}, 0.05),
        ("sectors", _some(rng, SECTORS, 2), 0.05),
        ("residency", "eea", 0.03),
        ("owner", sorted(rng.sample(PARTIES, 12)), 0.08),
    ):
        if rng.random() < odds and not (key == "category" and "without" in made):
            made[key] = value
    return made
