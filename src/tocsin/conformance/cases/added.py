"""§5.5 and §5.7: adding and deleting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tocsin.conformance import expect
from tocsin.conformance.client import TAXII
from tocsin.conformance.content import CREATED, envelope, indicator, malware
from tocsin.conformance.model import Chapter, FailedError, Level, Need
from tocsin.conformance.target import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.conformance.target import Target

__all__ = ["CHAPTERS", "LAST"]

adding: Final = Chapter(section="5.5", title="Adding objects")
deleting: Final = Chapter(section="5.7", title="Deleting an object")
CHAPTERS: Final = (adding, deleting)
# Judged after everything else: a server that stores what it cannot give fails whatever is asked of it from then on.
hostile: Final = Chapter(section="5.5", title="Adding objects")
LAST: Final = (hostile,)

# No server is sent more than this to find its limit.
MOST: Final = 128 * 1024 * 1024
_PIECE: Final = 1024 * 1024

# --- §5.5 -------------------------------------------------------------------------------------------------------------


@adding.case("is 202 with a status resource", Level.MUST, Need.WRITE)
def _accepted(target: Target) -> None:
    answer = target.post(envelope([indicator(target.uuid())]))
    expect.status(answer, 202)
    expect.taxii_type(answer)
    found = answer.json()
    for name in ("id", "status", "total_count", "success_count", "failure_count", "pending_count"):
        expect.that(name in found, f"the status has no {name}")
    expect.same(found["total_count"], 1, "total_count")


@adding.case("what the status calls a success is there", Level.MUST, Need.WRITE)
def _there(target: Target) -> None:
    items = [indicator(target.uuid()), malware(target.uuid())]
    expect.same(target.add(*items)["success_count"], 2, "success_count")
    for item in items:
        expect.same(expect.page(target.get(target.object(item["id"])))["objects"], [item], "the object")


@adding.case("a duplicate is no error", Level.MUST, Need.WRITE)
def _duplicate(target: Target) -> None:
    item = indicator(target.uuid())
    for _ in range(2):
        found = target.add(item)
        expect.same((found["total_count"], found["failure_count"]), (1, 0), "total_count and failure_count")
    listed = expect.page(target.get(f"{target.manifest}?match[id]={item['id']}&match[version]=all"))
    expect.same(len(listed["objects"]), 1, "the number of records")


@adding.case("a duplicate within a request is no error", Level.MUST, Need.WRITE)
def _duplicate_within(target: Target) -> None:
    item = indicator(target.uuid())
    expect.same(target.add(item, item)["failure_count"], 0, "failure_count")


@adding.case("a duplicate keeps its date_added", Level.FIELD, Need.WRITE)
def _duplicate_date(target: Target) -> None:
    item = indicator(target.uuid())
    target.stored(item)
    path = f"{target.manifest}?match[id]={item['id']}"
    before = expect.page(target.get(path))
    target.add(item)
    expect.same(expect.page(target.get(path)), before, "the record")


@adding.case("an older version does not become the last", Level.MUST, Need.WRITE)
def _older(target: Target) -> None:
    uuid = target.uuid()
    target.stored(indicator(uuid, modified="2026-05-01T00:00:00.000Z"))
    target.stored(indicator(uuid, modified=CREATED))
    found = expect.versions(expect.page(target.get(target.object(f"indicator--{uuid}"))))
    expect.same(found, [(f"indicator--{uuid}", "2026-05-01T00:00:00.000Z")], "the last version")


TYPES: Final = {
    "the exact media type": TAXII,
    "no version": "application/taxii+json",
    "a space": "application/taxii+json; version=2.1",
    "other case": "Application/TAXII+json;Version=2.1",
}
CHARSETS: Final = {
    "a charset": "application/taxii+json;version=2.1;charset=utf-8",
    "a quoted version": 'application/taxii+json;version="2.1"',
}
OTHERS: Final = {
    "JSON": "application/json",
    "STIX": "application/stix+json;version=2.1",
    "TAXII 2.0": "application/vnd.oasis.stix+json; version=2.0",
    "a version that is none": "application/taxii+json;version=9.9",
    "text": "text/plain",
    "nothing": None,
    "nonsense": "nonsense",
}


@adding.table("Content-Type: {} is taken", TYPES, Level.MUST, Need.WRITE)
def _typed(target: Target, value: str) -> None:
    expect.status(target.post(envelope([indicator(target.uuid())]), content_type=value), 202)


@adding.table("Content-Type: {} is taken", CHARSETS, Level.FIELD, Need.WRITE)
def _charset(target: Target, value: str) -> None:
    expect.status(target.post(envelope([indicator(target.uuid())]), content_type=value), 202)


@adding.table("Content-Type: {} is taken, or 415", OTHERS, Level.MAY, Need.WRITE)
def _untyped(target: Target, value: str | None) -> None:
    item = indicator(target.uuid())
    answer = target.post(envelope([item]), content_type=value)
    expect.status(answer, 202, 415, 400)
    if answer.status != 202:
        expect.status(target.get(target.object(item["id"])), 404)


BROKEN: Final = {
    "nothing": b"",
    "no JSON": b"hello",
    "half of it": b'{"objects":[{"type":"indicator"',
    "a list": b"[]",
    "a text": b'"objects"',
    "null": b"null",
    "objects that are no list": b'{"objects":{}}',
    "objects that is a number": b'{"objects":1}',
    "no UTF-8": b'{"objects":["\xff\xfe"]}',
    "UTF-16": '{"objects":[]}'.encode("utf-16"),
    "very deep": b'{"objects":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
}


@hostile.table("a body that is {} is 422 or 400", BROKEN, Level.MUST, Need.WRITE)
def _broken(target: Target, body: bytes) -> None:
    expect.status(target.post(body), 422, 400)


@hostile.case("names that are there twice are refused (RFC 7493)", Level.FIELD, Need.WRITE)
def _twice(target: Target) -> None:
    # what one reader takes for a name and another for another is how filters are passed
    item = indicator(target.uuid())
    text = json.dumps(item)[:-1] + ', "name": "other"}'
    answer = target.post(b'{"objects":[' + text.encode() + b"]}")
    expect.status(answer, 422, 400, 202)
    if answer.status == 202:
        expect.same(answer.json().get("success_count"), 0, "success_count")


REFUSED: Final[dict[str, dict[str, Any]]] = {
    "an id of no form": {"id": "nonsense"},
    "no type": {"type": None},
    "an id of another type": {"id": "malware--6fa459ea-ee8a-4ca4-894e-db77e160355e"},
    "a modified that is no time": {"modified": "yesterday"},
    "a pattern that is no text": {"pattern": 7},
}


@hostile.table("an object with {} is a failure, and does not sink the others", REFUSED, Level.FIELD, Need.WRITE)
def _one_bad(target: Target, change: dict[str, Any]) -> None:
    good, bad = indicator(target.uuid()), indicator(target.uuid()) | change
    bad = {name: value for name, value in bad.items() if value is not None}
    found = target.add(bad, good)
    expect.same((found["success_count"], found["failure_count"]), (1, 1), "success_count and failure_count")
    expect.same(expect.ids(expect.page(target.get(target.object(good["id"])))), [good["id"]], "the ids")
    for detail in found.get("failures", []):
        for name in ("id", "version"):
            expect.that(isinstance(detail.get(name), str) and detail[name], f"a failure without {name}")


@hostile.case("an empty envelope is no defect", Level.FIELD, Need.WRITE)
def _empty(target: Target) -> None:
    expect.status(target.post(b"{}"), 202, 400, 422)


@hostile.case("a bundle is not taken for an envelope", Level.FIELD, Need.WRITE)
def _bundle(target: Target) -> None:
    item = indicator(target.uuid())
    bundle = {"type": "bundle", "id": f"bundle--{target.uuid()}", "objects": [item]}
    expect.status(target.post(json.dumps(bundle).encode()), 422, 400)


@adding.case("more than max_content_length, in pieces, is 413", Level.MUST, Need.WRITE)
def _too_long(target: Target) -> None:
    limit = _limit(target)

    def pieces() -> Iterator[bytes]:
        yield b'{"objects":['
        left = limit
        while left > 0:
            yield b" " * min(left, _PIECE)
            left -= _PIECE
        yield b"]}"

    expect.status(target.post(pieces()), 413)


@adding.case("more than max_content_length, announced, is 413", Level.MUST, Need.WRITE)
def _too_long_announced(target: Target) -> None:
    expect.status(target.post(b'{"objects":[' + b" " * _limit(target) + b"]}"), 413)


def _limit(target: Target) -> int:
    found = expect.page(target.get(target.root)).get("max_content_length")
    if not isinstance(found, int) or not 0 < found <= MOST:
        raise FailedError(f"max_content_length is {found!r}: we send no more than {MOST}")
    return found


@adding.case("a request without an end is answered all the same", Level.FIELD, Need.WRITE)
def _still_there(target: Target) -> None:
    # after whatever was refused, the next request on the same connection is answered as itself
    target.post(b"hello")
    target.post(b"{}", content_type="text/html")
    expect.status(target.get(f"{target.objects}?limit=1"), 200)


# --- §5.7 -------------------------------------------------------------------------------------------------------------


def _three(target: Target) -> str:
    """Store an object of three versions; returns its id."""
    uuid = target.uuid()
    for modified in VERSIONS:
        target.stored(malware(uuid, modified=modified))
    return f"malware--{uuid}"


def _left(target: Target, object_id: str) -> list[str]:
    found = expect.page(target.get(f"{target.objects}?match[id]={object_id}&match[version]=all"))
    return [version for _, version in expect.versions(found)]


@deleting.case("is 200, and the object is 404 from then on", Level.MUST, Need.WRITE)
def _delete(target: Target) -> None:
    item = indicator(target.uuid())
    target.stored(item)
    answer = target.ask("DELETE", target.object(item["id"]))
    expect.status(answer, 200)
    expect.taxii_type(answer)
    for path in (
        target.object(item["id"]),
        f"{target.object(item['id'])}?match[version]=all",
        target.versions(item["id"]),
    ):
        expect.status(target.get(path), 404)


@deleting.case("objects and manifest no longer have it", Level.MUST, Need.WRITE)
def _gone(target: Target) -> None:
    gone, stays = indicator(target.uuid()), indicator(target.uuid())
    target.stored(gone, stays)
    expect.status(target.ask("DELETE", target.object(gone["id"])), 200)
    for path in (target.objects, target.manifest):
        for more in ("", "&match[version]=all"):
            found = expect.ids(expect.page(target.get(f"{path}?match[id]={gone['id']},{stays['id']}{more}")))
            expect.same(found, [stays["id"]], "the ids")


@deleting.case("takes all versions", Level.MUST, Need.WRITE)
def _delete_all(target: Target) -> None:
    item = _three(target)
    expect.status(target.ask("DELETE", target.object(item)), 200)
    expect.same(_left(target, item), [], "the versions that are left")


CHOSEN: Final[dict[str, tuple[str, list[str]]]] = {
    "one by its time": (VERSIONS[1], [VERSIONS[0], VERSIONS[2]]),
    "the first": ("first", [VERSIONS[1], VERSIONS[2]]),
    "the last": ("last", [VERSIONS[0], VERSIONS[1]]),
    "all": ("all", []),
    "first and last": ("first,last", [VERSIONS[1]]),
    "two by their times": (f"{VERSIONS[0]},{VERSIONS[1]}", [VERSIONS[2]]),
}


@deleting.table("takes the versions asked for: {}", CHOSEN, Level.MUST, Need.WRITE)
def _delete_version(target: Target, case: tuple[str, list[str]]) -> None:
    item = _three(target)
    expect.status(target.ask("DELETE", f"{target.object(item)}?match[version]={case[0]}"), 200)
    expect.same(_left(target, item), case[1], "the versions that are left")


@deleting.case("a version that is not there is 404, and takes nothing", Level.MUST, Need.WRITE)
def _delete_no_version(target: Target) -> None:
    item = _three(target)
    path = f"{target.object(item)}?match[version]=2020-01-01T00:00:00.000Z"
    expect.status(target.ask("DELETE", path), 404)
    expect.same(_left(target, item), list(VERSIONS), "the versions that are left")


@deleting.case("another spec_version takes nothing", Level.MUST, Need.WRITE)
def _delete_spec(target: Target) -> None:
    item = _three(target)
    answer = target.ask("DELETE", f"{target.object(item)}?match[spec_version]=2.0")
    expect.status(answer, 404, 200)
    expect.same(_left(target, item), list(VERSIONS), "the versions that are left")


@deleting.case("an unknown object is 404", Level.MUST, Need.WRITE)
def _delete_unknown(target: Target) -> None:
    expect.status(target.ask("DELETE", target.object(f"indicator--{target.uuid()}")), 404)


@deleting.case("a second time is 404", Level.MUST, Need.WRITE)
def _delete_twice(target: Target) -> None:
    item = indicator(target.uuid())
    target.stored(item)
    expect.status(target.ask("DELETE", target.object(item["id"])), 200)
    expect.status(target.ask("DELETE", target.object(item["id"])), 404)


@deleting.table(
    "a malformed filter ({}) is 400, and takes nothing",
    {"a version in words": "match[version]=newest", "an empty one": "match[version]="},
    Level.MUST,
    Need.WRITE,
)
def _delete_malformed(target: Target, query: str) -> None:
    item = indicator(target.uuid())
    target.stored(item)
    expect.status(target.ask("DELETE", f"{target.object(item['id'])}?{query}"), 400)
    expect.status(target.get(target.object(item["id"])), 200)


@deleting.case("what was deleted may be added again", Level.FIELD, Need.WRITE)
def _again(target: Target) -> None:
    item = indicator(target.uuid())
    target.stored(item)
    expect.status(target.ask("DELETE", target.object(item["id"])), 200)
    target.stored(item)
    expect.same(expect.page(target.get(target.object(item["id"])))["objects"], [item], "the object")


@deleting.case("stays deleted after a restart", Level.MUST, Need.WRITE, Need.RESTART)
def _restart(target: Target) -> None:
    item = indicator(target.uuid())
    target.stored(item)
    expect.status(target.ask("DELETE", target.object(item["id"])), 200)
    target.restart()
    expect.status(target.get(target.object(item["id"])), 404)
