"""§3.2 to §3.4: headers, order, and every filter alone and combined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tocsin.conformance import expect
from tocsin.conformance.content import CREATED, TYPES, indicator
from tocsin.conformance.model import Chapter, Level, Need
from tocsin.conformance.target import VERSIONS

if TYPE_CHECKING:
    from tocsin.conformance.target import Seeds, Target

__all__ = ["CHAPTERS"]

headers: Final = Chapter(section="3.2", title="HTTP headers")
order: Final = Chapter(section="3.3", title="Sorting")
filtering: Final = Chapter(section="3.4", title="Filtering")
fields: Final = Chapter(section="3.4.1", title="Fields of match")
CHAPTERS: Final = (headers, order, filtering, fields)

_FIRST: Final = "x-taxii-date-added-first"
_LAST: Final = "x-taxii-date-added-last"

# --- §3.2 -------------------------------------------------------------------------------------------------------------

PAGES: Final = {name: name for name in ("manifest", "objects", "object", "versions")}


def _page(target: Target, name: str, seeds: Seeds) -> str:
    return {
        "manifest": f"{target.manifest}?{seeds.query}",
        "objects": f"{target.objects}?{seeds.query}",
        "object": f"{target.object(seeds.malware)}?match[version]=all",
        "versions": target.versions(seeds.malware),
    }[name]


def _added(target: Target, seeds: Seeds, more: str = "") -> list[str]:
    found = expect.page(target.get(f"{target.manifest}?{seeds.query}{more}"))
    return [one["date_added"] for one in expect.is_list(found.get("objects"), "objects")]


@headers.table("{} has both dates, as timestamps", PAGES, Level.MUST, Need.WRITE)
def _dates(target: Target, name: str) -> None:
    answer = target.get(_page(target, name, target.seeds))
    expect.status(answer, 200)
    first, last = (expect.is_timestamp(answer.header(header), header) for header in (_FIRST, _LAST))
    expect.that(first <= last, f"{_FIRST} is after {_LAST}")


@headers.table("{}: the dates are those of its first and last object", PAGES, Level.MUST, Need.WRITE)
def _dates_of(target: Target, name: str) -> None:
    seeds = target.seeds
    added = _added(target, seeds)
    if name in {"object", "versions"}:
        records = expect.page(target.get(f"{target.manifest}?match[id]={seeds.malware}&match[version]=all"))
        added = [one["date_added"] for one in records["objects"]]
    answer = target.get(_page(target, name, seeds))
    expect.same((answer.header(_FIRST), answer.header(_LAST)), (added[0], added[-1]), "the dates")


@headers.case("a page of one has the same date twice", Level.MUST, Need.WRITE)
def _one_date(target: Target) -> None:
    answer = target.get(f"{target.objects}?{target.seeds.query}&limit=1")
    expect.is_timestamp(answer.header(_FIRST), _FIRST)
    expect.same(answer.header(_LAST), answer.header(_FIRST), _LAST)


# --- §3.3 -------------------------------------------------------------------------------------------------------------


@order.case("objects are in the order of being added", Level.MUST, Need.WRITE)
def _objects_order(target: Target) -> None:
    expect.same(_order(target, target.objects), _posted(target.seeds), "the order of what was posted")


@order.case("the manifest is in the order of being added", Level.MUST, Need.WRITE)
def _manifest_order(target: Target) -> None:
    expect.same(_order(target, target.manifest), _posted(target.seeds), "the order of what was posted")


@order.case("date_added ascends", Level.MUST, Need.WRITE)
def _ascends(target: Target) -> None:
    added = _added(target, target.seeds, "&match[version]=all")
    expect.same(added, sorted(added), "date_added")


@order.case("no two objects have the same date_added", Level.FIELD, Need.WRITE)
def _distinct(target: Target) -> None:
    # else a page that ends between them loses the second to whoever goes on by added_after (§3.5)
    added = _added(target, target.seeds, "&match[version]=all")
    expect.same(len(set(added)), len(added), "the number of distinct dates")


@order.case("the order is of being added, not of being modified", Level.MUST, Need.WRITE)
def _not_modified(target: Target) -> None:
    new, old = indicator(target.uuid(), modified="2026-06-01T00:00:00.000Z"), indicator(target.uuid())
    target.stored(new)
    target.stored(old)
    found = expect.ids(expect.page(target.get(f"{target.objects}?match[id]={old['id']},{new['id']}")))
    expect.same(found, [new["id"], old["id"]], "the order")


def _indicators(seeds: Seeds) -> list[str]:
    return [one for one in seeds.ids if one.startswith("indicator--")]


def _order(target: Target, path: str) -> list[frozenset[str]]:
    """Return the ids in their order, those of one submission together: their order among themselves is the server's."""
    found = expect.ids(expect.page(target.get(f"{path}?{target.seeds.query}")))
    expect.same(len(found), len(set(found)), "the number of distinct ids")
    return [frozenset(found[start : start + 3]) for start in range(0, 12, 3)] + [frozenset([one]) for one in found[12:]]


def _posted(seeds: Seeds) -> list[frozenset[str]]:
    batches = [frozenset(seeds.indicators[start : start + 3]) for start in range(0, 12, 3)]
    return [*batches, frozenset([seeds.malware]), frozenset([seeds.last])]


# --- §3.4: malformed --------------------------------------------------------------------------------------------------

MALFORMED: Final = {
    "a limit of nothing": "limit=0",
    "a negative limit": "limit=-1",
    "a limit in words": "limit=abc",
    "an empty limit": "limit=",
    "a limit with a fraction": "limit=1.5",
    "a limit with an exponent": "limit=1e3",
    "an added_after in words": "added_after=yesterday",
    "an empty added_after": "added_after=",
    "an added_after of no day": "added_after=2026-02-30T00:00:00.000000Z",
    "an added_after of no hour": "added_after=2026-02-03T25:00:00.000000Z",
    "an added_after that is a day": "added_after=2026-02-03",
    "an added_after that is a number": "added_after=1760000000",
    "a version in words": "match[version]=newest",
    "a version that is a day": "match[version]=2026-02-03",
}
_UUID: Final = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
TWICE: Final = {
    "limit": "limit=5&limit=6",
    "added_after": "added_after=2026-01-01T00:00:00.000000Z&added_after=2026-01-02T00:00:00.000000Z",
    "match[id]": f"match[id]=indicator--{_UUID}&match[id]=malware--{_UUID}",
    "match[type]": "match[type]=indicator&match[type]=malware",
    "match[version]": "match[version]=first&match[version]=last",
    "match[spec_version]": "match[spec_version]=2.1&match[spec_version]=2.0",
}


@filtering.table("{} is 400", MALFORMED, Level.MUST, Need.READ)
def _malformed(target: Target, query: str) -> None:
    expect.status(target.get(f"{target.objects}?{query}"), 400)


@filtering.table("{} twice is 400", TWICE, Level.SHOULD, Need.READ)
def _twice(target: Target, query: str) -> None:
    # a request must not; what a server does with one that does, §3.4 says only of malformed parameters
    expect.status(target.get(f"{target.objects}?{query}"), 400)


@filtering.table("a limit of nothing is 400 for {} too", PAGES, Level.MUST, Need.WRITE)
def _malformed_everywhere(target: Target, name: str) -> None:
    path = _page(target, name, target.seeds)
    expect.status(target.get(f"{path}{'&' if '?' in path else '?'}limit=0"), 400)


# --- §3.4: limit and added_after --------------------------------------------------------------------------------------


@filtering.table(
    "a limit of {} is kept, and more says that there is more",
    {"1": 1, "2": 2, "5": 5, "13": 13},
    Level.MUST,
    Need.WRITE,
)
def _limit(target: Target, limit: int) -> None:
    for path in (target.objects, target.manifest):
        found = expect.page(target.get(f"{path}?{target.seeds.query}&limit={limit}"))
        expect.that(0 < len(expect.ids(found)) <= limit, f"{len(expect.ids(found))} objects with limit={limit}")
        expect.same(found.get("more"), True, "more")


@filtering.table(
    "a limit of {} gives everything, and no more",
    {"exactly as many": 14, "more": 15, "a million": 1_000_000},
    Level.MUST,
    Need.WRITE,
)
def _roomy(target: Target, limit: int) -> None:
    found = expect.page(target.get(f"{target.objects}?{target.seeds.query}&limit={limit}"))
    expect.same(len(expect.ids(found)), 14, "the number of objects")
    expect.that(not found.get("more", False), "more is true at the end")


@filtering.table("a limit of {} is no defect", {"2^63": 2**63, "200 digits": 10**200}, Level.FIELD, Need.READ)
def _huge(target: Target, limit: int) -> None:
    expect.status(target.get(f"{target.objects}?limit={limit}"), 200, 400)


@filtering.case("added_after is strictly after", Level.MUST, Need.WRITE)
def _strict(target: Target) -> None:
    added = _added(target, target.seeds)
    for place in (0, 5, len(added) - 2):
        found = _added(target, target.seeds, f"&added_after={added[place]}")
        expect.same(found, [one for one in added if one > added[place]], f"what was added after {added[place]}")


@filtering.case("added_after counts microseconds", Level.MUST, Need.WRITE)
def _microseconds(target: Target) -> None:
    added = _added(target, target.seeds)
    before = expect.after(added[6], -1)
    expect.same(
        _added(target, target.seeds, f"&added_after={before}"), [one for one in added if one > before], "the dates"
    )


@filtering.case("added_after filters objects as it does the manifest", Level.MUST, Need.WRITE)
def _objects_after(target: Target) -> None:
    added = _added(target, target.seeds)
    more = f"{target.seeds.query}&added_after={added[3]}"
    found = expect.ids(expect.page(target.get(f"{target.objects}?{more}")))
    expect.same(sorted(found), sorted(expect.ids(expect.page(target.get(f"{target.manifest}?{more}")))), "the ids")
    expect.same(len(found), sum(one > added[3] for one in added), "the number of objects")


@filtering.case("added_after the newest gives nothing", Level.MUST, Need.WRITE)
def _newest(target: Target) -> None:
    last = _added(target, target.seeds)[-1]
    found = expect.page(target.get(f"{target.objects}?{target.seeds.query}&added_after={last}"))
    expect.that("objects" not in found, "objects is there")


@filtering.table(
    "added_after {} gives nothing",
    {"the year 2200": "2200-01-01T00:00:00.000000Z", "the last year": "9999-12-31T23:59:59.999999Z"},
    Level.MUST,
    Need.READ,
)
def _future(target: Target, text: str) -> None:
    expect.that("objects" not in expect.page(target.get(f"{target.objects}?added_after={text}")), "objects is there")


@filtering.table(
    "added_after {} gives everything",
    {"1970": "1970-01-01T00:00:00.000000Z", "1900": "1900-01-01T00:00:00.000000Z"},
    Level.MUST,
    Need.WRITE,
)
def _past(target: Target, text: str) -> None:
    expect.same(len(_added(target, target.seeds, f"&added_after={text}")), 14, "the number of objects")


@filtering.table(
    "added_after with {} is understood",
    {
        "milliseconds": "2026-01-01T00:00:00.000Z",
        "no fraction": "2026-01-01T00:00:00Z",
        "an offset": "2026-01-01T01:00:00.000000%2B01:00",
    },
    Level.FIELD,
    Need.READ,
)
def _precision(target: Target, text: str) -> None:
    # clients send what their language writes
    expect.page(target.get(f"{target.objects}?added_after={text}&limit=1"))


# --- §3.4.1 -----------------------------------------------------------------------------------------------------------


def _found(target: Target, query: str, path: str | None = None) -> list[tuple[str, str]]:
    return expect.versions(expect.page(target.get(f"{path or target.objects}?{query}")))


@fields.case("id: one object", Level.MUST, Need.WRITE)
def _id(target: Target) -> None:
    expect.same(
        expect.ids(expect.page(target.get(f"{target.objects}?match[id]={target.seeds.indicators[3]}"))),
        [target.seeds.indicators[3]],
        "the ids",
    )


@fields.case("id: a comma is or", Level.MUST, Need.WRITE)
def _id_or(target: Target) -> None:
    wanted = [target.seeds.indicators[1], target.seeds.malware, target.seeds.address]
    found = expect.ids(expect.page(target.get(f"{target.objects}?match[id]={','.join(wanted)}")))
    expect.same(found, wanted, "the ids")


@fields.case("id: what is not there gives nothing, and no error", Level.MUST, Need.READ)
def _id_none(target: Target) -> None:
    found = expect.page(target.get(f"{target.objects}?match[id]=indicator--{target.uuid()}"))
    expect.that("objects" not in found, "objects is there")


@fields.case("id: what is there and what is not", Level.MUST, Need.WRITE)
def _id_some(target: Target) -> None:
    query = f"match[id]=indicator--{target.uuid()},{target.seeds.address}"
    expect.same(expect.ids(expect.page(target.get(f"{target.objects}?{query}"))), [target.seeds.address], "the ids")


@fields.case("brackets may be percent-encoded", Level.MUST, Need.WRITE)
def _encoded(target: Target) -> None:
    path = f"{target.objects}?match%5Bid%5D={target.seeds.indicators[3]}"
    expect.same(expect.ids(expect.page(target.get(path))), [target.seeds.indicators[3]], "the ids")


@fields.case("values may be percent-encoded, the comma too", Level.MUST, Need.WRITE)
def _encoded_value(target: Target) -> None:
    value = f"{target.seeds.malware}%2C{target.seeds.address}".replace("-", "%2D")
    found = expect.ids(expect.page(target.get(f"{target.objects}?match[id]={value}")))
    expect.same(found, [target.seeds.malware, target.seeds.address], "the ids")


LITERAL: Final = {
    "SQL's percent": "match[id]=%25",
    "SQL's underscore": "match[type]=indicato_",
    "a quote": "match[type]=%27%20OR%201%3D1--",
    "a star": "match[id]=indicator--*",
    "a pattern": "match[type]=.*",
    "a NUL": "match[type]=%00",
    "no UTF-8": "match[type]=%ff",
    "a very long id": "match[id]=indicator--" + "a" * 4000,
    "a very long type": "match[type]=" + "a" * 300,
    "a million": "match[spec_version]=1000000.0",
}


@fields.table("{} in a value matches nothing, or is 400", LITERAL, Level.MUST, Need.WRITE)
def _literal(target: Target, query: str) -> None:
    target.seeds  # noqa: B018  something has to be there that must not match
    answer = target.get(f"{target.objects}?{query}")
    expect.status(answer, 200, 400, 414)
    if answer.status == 200:
        expect.that("objects" not in answer.json(), "objects is there")


@fields.case("200 ids in one request", Level.FIELD, Need.WRITE)
def _many(target: Target) -> None:
    wanted = ",".join([*(f"indicator--{target.uuid()}" for _ in range(199)), target.seeds.address])
    answer = target.get(f"{target.objects}?match[id]={wanted}")
    expect.same(expect.ids(expect.page(answer)), [target.seeds.address], "the ids")


@fields.case("type: one", Level.MUST, Need.WRITE)
def _type(target: Target) -> None:
    found = expect.ids(expect.page(target.get(f"{target.objects}?{target.seeds.query}&match[type]=indicator")))
    expect.same(sorted(found), sorted(_indicators(target.seeds)), "the ids")


@fields.case("type: a comma is or", Level.MUST, Need.WRITE)
def _type_or(target: Target) -> None:
    found = expect.ids(expect.page(target.get(f"{target.objects}?{target.seeds.query}&match[type]=malware,ipv4-addr")))
    expect.same(found, [target.seeds.malware, target.seeds.address], "the ids")


@fields.case("type: no type of STIX 2.1 is an error", Level.MUST, Need.READ)
def _types(target: Target) -> None:
    for start in range(0, len(TYPES), 5):
        expect.page(target.get(f"{target.objects}?match[type]={','.join(TYPES[start : start + 5])}&limit=1"))


@fields.case("type: one of our own gives nothing, or is 400", Level.MAY, Need.READ)
def _type_custom(target: Target) -> None:
    answer = target.get(f"{target.objects}?match[type]=x-conformance-suite")
    expect.status(answer, 200, 400)


V1, V2, V3 = VERSIONS
CHOSEN: Final[dict[str, tuple[str, list[str]]]] = {
    "the last by default": ("", [V3]),
    "last": ("match[version]=last", [V3]),
    "first": ("match[version]=first", [V1]),
    "all": ("match[version]=all", [V1, V2, V3]),
    "first and last": ("match[version]=first,last", [V1, V3]),
    "last and first": ("match[version]=last,first", [V1, V3]),
    "one by its time": (f"match[version]={V2}", [V2]),
    "two by their times": (f"match[version]={V1},{V2}", [V1, V2]),
    "one by its time, and the last": (f"match[version]={V1},last", [V1, V3]),
    "one that is not there": ("match[version]=2020-01-01T00:00:00.000Z", []),
    "one that is not there, and one that is": (f"match[version]=2020-01-01T00:00:00.000Z,{V2}", [V2]),
}


@fields.table("version: {}", CHOSEN, Level.MUST, Need.WRITE)
def _version(target: Target, case: tuple[str, list[str]]) -> None:
    query, wanted = case
    found = _found(target, f"match[id]={target.seeds.malware}&{query}".rstrip("&"))
    expect.same([version for _, version in found], wanted, "the versions")


@fields.table("version of one object: {}", CHOSEN, Level.MUST, Need.WRITE)
def _version_object(target: Target, case: tuple[str, list[str]]) -> None:
    query, wanted = case
    answer = target.get(f"{target.object(target.seeds.malware)}?{query}".rstrip("?"))
    if not wanted and answer.status == 404:
        return  # §5.6 has both: an empty envelope, and 404 for what is not found
    expect.same([version for _, version in expect.versions(expect.page(answer))], wanted, "the versions")


@fields.table(
    "version: {} is 400",
    {"all with another": "all,last", "a word twice": "last,last", "a time twice": f"{V1},{V1}"},
    Level.SHOULD,
    Need.READ,
)
def _version_wrong(target: Target, value: str) -> None:
    expect.status(target.get(f"{target.objects}?match[version]={value}"), 400)


@fields.case("version: created counts for what has no modified", Level.MUST, Need.WRITE)
def _version_created(target: Target) -> None:
    uuid = target.uuid()
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid}",
        "created": CREATED,
        "definition_type": "statement",
        "definition": {"statement": "conformance"},
    }
    target.stored(marking)
    found = _found(target, f"match[id]={marking['id']}&match[version]={CREATED}")
    expect.same([one for one, _ in found], [marking["id"]], "the ids")


SPEC: Final[dict[str, tuple[str, bool]]] = {
    "2.1": ("2.1", True),
    "2.0": ("2.0", False),
    "2.0 or 2.1": ("2.0,2.1", True),
    "9.9": ("9.9", False),
}


@fields.table("spec_version: {}", SPEC, Level.MUST, Need.WRITE)
def _spec_version(target: Target, case: tuple[str, bool]) -> None:
    value, there = case
    for path in (target.objects, target.manifest):
        found = expect.ids(expect.page(target.get(f"{path}?{target.seeds.query}&match[spec_version]={value}")))
        expect.same(len(found), 14 if there else 0, f"objects of STIX {value}")


def _combined(seeds: Seeds) -> dict[str, tuple[str, list[str]]]:
    return {
        "id and type": (f"match[id]={seeds.malware},{seeds.address}&match[type]=malware", [seeds.malware]),
        "id and another type": (f"match[id]={seeds.malware}&match[type]=indicator", []),
        "type and version": (f"{seeds.query}&match[type]=malware&match[version]=all", [seeds.malware] * 3),
        "type and one version": (f"{seeds.query}&match[type]=malware&match[version]={V2}", [seeds.malware]),
        "id, type and spec_version": (
            f"match[id]={seeds.address}&match[type]=ipv4-addr&match[spec_version]=2.1",
            [seeds.address],
        ),
        "id, type, version, spec_version and limit": (
            f"match[id]={seeds.malware}&match[type]=malware&match[version]=all&match[spec_version]=2.1&limit=2",
            [seeds.malware] * 2,
        ),
        "version and limit": (f"match[id]={seeds.malware}&match[version]=all&limit=1", [seeds.malware]),
    }


COMBINED: Final = {
    name: name
    for name in (
        *("id and type", "id and another type", "type and version", "type and one version"),
        *("id, type and spec_version", "id, type, version, spec_version and limit", "version and limit"),
    )
}


@fields.table("fields are and: {}", COMBINED, Level.MUST, Need.WRITE)
def _and(target: Target, name: str) -> None:
    query, wanted = _combined(target.seeds)[name]
    for path in (target.objects, target.manifest):
        expect.same(expect.ids(expect.page(target.get(f"{path}?{query}"))), wanted, "the ids")


@fields.case("added_after, type and limit together", Level.MUST, Need.WRITE)
def _and_after(target: Target) -> None:
    records: list[dict[str, Any]] = expect.page(target.get(f"{target.manifest}?{target.seeds.query}"))["objects"]
    after = records[2]["date_added"]
    later = {one["id"] for one in records if one["date_added"] > after and one["id"].startswith("indicator--")}
    query = f"{target.seeds.query}&added_after={after}&match[type]=indicator"
    found = expect.ids(expect.page(target.get(f"{target.objects}?{query}")))
    expect.same(sorted(found), sorted(later), "the ids")
    some = expect.ids(expect.page(target.get(f"{target.objects}?{query}&limit=4")))
    expect.that(len(some) == 4 and set(some) <= later, f"{len(some)} objects with limit=4, or others than asked for")


@fields.case("a field that nobody knows is no defect", Level.MAY, Need.READ)
def _unknown_field(target: Target) -> None:
    expect.status(target.get(f"{target.objects}?match[colour]=red&limit=1"), 200, 400)


@fields.case("a parameter that nobody knows is passed over", Level.FIELD, Need.READ)
def _unknown_parameter(target: Target) -> None:
    # proxies and clients add some
    expect.page(target.get(f"{target.objects}?utm_source=x&limit=1"))


@fields.case("the specification's own example, a type on one object, is no error", Level.FIELD, Need.WRITE)
def _own_example(target: Target) -> None:
    # §3.1 shows `…/objects/{object-id}/?match[type]=indicator`
    one = target.seeds.indicators[0]
    expect.same(expect.ids(expect.page(target.get(f"{target.object(one)}?match[type]=indicator"))), [one], "the ids")
