"""§4 and §5.1 to §5.3: discovery, API root, status, collections, manifest; each resource's properties and types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tocsin.conformance import expect
from tocsin.conformance.client import TAXII
from tocsin.conformance.content import CREATED, indicator
from tocsin.conformance.model import Chapter, Level, Need

if TYPE_CHECKING:
    from tocsin.conformance.target import Target

__all__ = ["CHAPTERS"]

discovery: Final = Chapter(section="4.1", title="Server discovery")
root: Final = Chapter(section="4.2", title="API root")
status: Final = Chapter(section="4.3", title="Status")
collections: Final = Chapter(section="5.1", title="Collections")
collection: Final = Chapter(section="5.2", title="A collection")
manifest: Final = Chapter(section="5.3", title="Manifest")
CHAPTERS: Final = (discovery, root, status, collections, collection, manifest)


def _text(resource: dict[str, Any], name: str) -> None:
    expect.that(isinstance(resource.get(name), str) and resource[name], f"{name}: {resource.get(name)!r} is no text")


def _count(resource: dict[str, Any], name: str) -> int:
    found = resource.get(name)
    expect.that(isinstance(found, int) and not isinstance(found, bool) and found >= 0, f"{name}: {found!r} is no count")
    return int(str(found))


# --- §4.1 -------------------------------------------------------------------------------------------------------------


@discovery.case("has a title")
def _discovery_title(target: Target) -> None:
    _text(expect.page(target.get(target.discovery)), "title")


@discovery.case("the default is one of the API roots")
def _default(target: Target) -> None:
    found = expect.page(target.get(target.discovery))
    if "default" in found:
        expect.that(found["default"] in found.get("api_roots", []), "default is not in api_roots")


@discovery.case("API roots are absolute HTTPS URLs or paths, without a query")
def _roots(target: Target) -> None:
    for url in expect.is_list(expect.page(target.get(target.discovery)).get("api_roots"), "api_roots"):
        absolute = isinstance(url, str) and url.startswith("https://")
        relative = isinstance(url, str) and url.startswith("/") and not url.startswith("//")
        expect.that(absolute or relative, f"{url!r} is neither an HTTPS URL nor a path")
        expect.that("?" not in url, f"{url!r} has a query")


@discovery.case("every API root of this server answers")
def _roots_answer(target: Target) -> None:
    # those on other servers are none of ours to ask
    for url in expect.is_list(expect.page(target.get(target.discovery)).get("api_roots"), "api_roots"):
        if url.startswith("/"):
            expect.status(target.get(url), 200, 401, 403, 404)
    expect.status(target.get(target.root), 200)


# --- §4.2 -------------------------------------------------------------------------------------------------------------


@root.case("has a title")
def _root_title(target: Target) -> None:
    _text(expect.page(target.get(target.root)), "title")


@root.case("versions name TAXII 2.1 by its media type, each with a version")
def _root_versions(target: Target) -> None:
    found = expect.is_list(expect.page(target.get(target.root)).get("versions"), "versions")
    expect.that(TAXII in found, f"{TAXII} is not in versions")
    for one in found:
        expect.that("version=" in one, f"{one!r} has no version")


@root.case("max_content_length is a positive integer")
def _root_length(target: Target) -> None:
    expect.that(_count(expect.page(target.get(target.root)), "max_content_length") > 0, "max_content_length is 0")


@root.case("an API root that is none is 404")
def _no_root(target: Target) -> None:
    expect.status(target.get(f"/{target.uuid()}/"), 404)


# --- §4.3 -------------------------------------------------------------------------------------------------------------


@status.case("the status resource is the one that the submission answered with", Level.MUST, Need.WRITE)
def _status_again(target: Target) -> None:
    expect.same(
        expect.page(target.get(target.status_path(target.submission))), target.submission, "the status resource"
    )


def _status(target: Target) -> dict[str, Any]:
    return expect.page(target.get(target.status_path(target.submission)))


@status.case("its id is a UUID of version 4", Level.MUST, Need.WRITE)
def _status_id(target: Target) -> None:
    expect.is_uuid(_status(target).get("id"), "id")


@status.case("its counts add up to the total", Level.MUST, Need.WRITE)
def _status_counts(target: Target) -> None:
    names = ("success_count", "failure_count", "pending_count")
    found = _status(target)
    expect.same(
        sum(_count(found, name) for name in names),
        _count(found, "total_count"),
        "the counts' sum",
    )
    expect.same(found["total_count"], 3, "total_count")


@status.case("it is complete or pending", Level.MUST, Need.WRITE)
def _status_words(target: Target) -> None:
    found = _status(target).get("status")
    expect.that(found in ("complete", "pending"), f"status: {found!r}")


@status.case("request_timestamp is a timestamp", Level.MUST, Need.WRITE)
def _status_time(target: Target) -> None:
    found = _status(target)
    if "request_timestamp" in found:
        expect.is_timestamp(found["request_timestamp"], "request_timestamp")


@status.case("no list in it is empty", Level.MUST, Need.WRITE)
def _status_lists(target: Target) -> None:
    found = _status(target)
    for name in ("successes", "failures", "pendings"):
        if name in found:
            expect.is_list(found[name], name)


@status.case("successes have the objects' ids, and their modified as version", Level.MUST, Need.WRITE)
def _status_details(target: Target) -> None:
    one = indicator(target.uuid(), modified="2026-03-04T05:06:07.080Z")
    found = target.stored(one)
    for detail in found.get("successes", []):
        expect.same(detail.get("id"), one["id"], "id")
        _text(detail, "version")
        expect.same(expect.instant(detail["version"], "version"), expect.instant(one["modified"], ""), "version")


@status.case("a version is written as the object's modified is", Level.FIELD, Need.WRITE)
def _status_version_text(target: Target) -> None:
    # clients compare the texts
    one = indicator(target.uuid(), modified="2026-03-04T05:06:07.080Z")
    found = target.stored(one)
    expect.same([detail["version"] for detail in found.get("successes", [])][:1], [one["modified"]], "version")


@status.case("it can be asked for again, unchanged, after further submissions", Level.SHOULD, Need.WRITE)
def _status_stays(target: Target) -> None:
    before = expect.page(target.get(target.status_path(target.submission)))
    target.stored(indicator(target.uuid()))
    expect.same(expect.page(target.get(target.status_path(target.submission))), before, "the status resource")


@status.case("it outlives a restart", Level.SHOULD, Need.WRITE, Need.RESTART)
def _status_restart(target: Target) -> None:
    before = expect.page(target.get(target.status_path(target.submission)))
    target.restart()
    expect.same(expect.page(target.get(target.status_path(target.submission))), before, "the status resource")


@status.case("an unknown one is 404")
def _no_status(target: Target) -> None:
    expect.status(target.get(f"{target.root}status/{target.uuid()}/"), 404)


STRANGE: Final = {
    "a word": "nonsense",
    "a quote": "%27",
    "a NUL": "%00",
    "bytes that are no UTF-8": "%ff%fe",
    "a path upwards, encoded": "..%2f..",
    "very long": "a" * 3000,
}


@status.table("an id that is none ({}) is 404 or 400", STRANGE)
def _strange_status(target: Target, text: str) -> None:
    expect.status(target.get(f"{target.root}status/{text}/"), 404, 400, 414)


# --- §5.1, §5.2 -------------------------------------------------------------------------------------------------------


@collections.case("is a list with something in it, or not there")
def _collections_list(target: Target) -> None:
    found = expect.page(target.get(f"{target.root}collections/"))
    if "collections" in found:
        expect.is_list(found["collections"], "collections")


def _collections(target: Target) -> list[dict[str, Any]]:
    return list(expect.is_list(expect.page(target.get(f"{target.root}collections/")).get("collections"), "collections"))


@collections.case("ids are UUIDs of version 4, each once")
def _collection_ids(target: Target) -> None:
    found = [one.get("id") for one in _collections(target)]
    for one in found:
        expect.is_uuid(one, "id")
    expect.same(len(set(found)), len(found), "distinct ids")


@collections.case("each has its required properties, of their types")
def _collection_properties(target: Target) -> None:
    for one in _collections(target):
        _text(one, "title")
        for name in ("can_read", "can_write"):
            expect.that(isinstance(one.get(name), bool), f"{name}: {one.get(name)!r} is no boolean")
        if "media_types" in one:
            expect.is_list(one["media_types"], "media_types")


@collections.case("aliases are unique")
def _aliases(target: Target) -> None:
    found = [one["alias"] for one in _collections(target) if "alias" in one]
    expect.same(len(set(found)), len(found), "distinct aliases")


@collections.case("the order is the same at every request (§3.3)")
def _collections_order(target: Target) -> None:
    path = f"{target.root}collections/"
    first = expect.page(target.get(path))
    for _ in range(3):
        expect.same(expect.page(target.get(path)), first, "the collections")


@collection.case("each is what the list says of it")
def _collection_same(target: Target) -> None:
    for one in _collections(target)[:10]:
        expect.same(expect.page(target.get(f"{target.root}collections/{one['id']}/")), one, "the collection")


@collection.case("an alias leads to it", Level.SHOULD)
def _alias(target: Target) -> None:
    for one in _collections(target)[:10]:
        if "alias" in one:
            expect.same(expect.page(target.get(f"{target.root}collections/{one['alias']}/")), one, "the collection")


@collection.case("an unknown one is 404")
def _no_collection(target: Target) -> None:
    expect.status(target.get(f"{target.root}collections/{target.uuid()}/"), 404)


@collection.table("an id that is none ({}) is 404 or 400", STRANGE)
def _strange_collection(target: Target, text: str) -> None:
    expect.status(target.get(f"{target.root}collections/{text}/"), 404, 400, 414)


@collection.case("objects, manifest, object and versions of an unknown one are 404", Level.MUST, Need.READ)
def _nothing_below(target: Target) -> None:
    base = f"{target.root}collections/{target.uuid()}/"
    one = f"indicator--{target.uuid()}"
    for rest in ("objects/", "manifest/", f"objects/{one}/", f"objects/{one}/versions/"):
        expect.status(target.get(base + rest), 404)


@collection.case("adding to an unknown one, and deleting from it, is 404", Level.MUST, Need.READ)
def _nothing_into(target: Target) -> None:
    base = f"{target.root}collections/{target.uuid()}/objects/"
    body = b'{"objects":[]}'
    expect.status(target.ask("POST", base, headers={"Content-Type": TAXII}, body=body), 404)
    expect.status(target.ask("DELETE", f"{base}indicator--{target.uuid()}/"), 404)


# --- §5.3 -------------------------------------------------------------------------------------------------------------


def _records(target: Target, more: str = "") -> list[dict[str, Any]]:
    found = expect.page(target.get(f"{target.manifest}?{target.seeds.query}{more}"))
    return list(expect.is_list(found.get("objects"), "objects"))


@manifest.case("records have id, date_added and version", Level.MUST, Need.WRITE)
def _record(target: Target) -> None:
    found = _records(target)
    expect.same(sorted(str(one.get("id")) for one in found), sorted(target.seeds.ids), "the ids")
    for one in found:
        expect.is_timestamp(one.get("date_added"), "date_added")
        _text(one, "version")


@manifest.case("a version is the object's modified", Level.MUST, Need.WRITE)
def _record_version(target: Target) -> None:
    modified = {one["id"]: one["modified"] for one in target.seeds.objects if "modified" in one}
    for one in _records(target):
        if one["id"] in modified:
            expect.same(expect.instant(one["version"], "version"), expect.instant(modified[one["id"]], ""), "version")


@manifest.case("a version is written as the object's modified is", Level.FIELD, Need.WRITE)
def _record_version_text(target: Target) -> None:
    modified = {one["id"]: one["modified"] for one in target.seeds.objects if "modified" in one}
    for one in _records(target):
        if one["id"] in modified:
            expect.same(one["version"], modified[one["id"]], "version")


@manifest.case("the version of what has none is always the same", Level.SHOULD, Need.WRITE)
def _record_no_version(target: Target) -> None:
    path = f"{target.manifest}?match[id]={target.seeds.address}"
    first = expect.page(target.get(path))["objects"][0]["version"]
    expect.same(expect.page(target.get(path))["objects"][0]["version"], first, "version")
    listed = expect.page(target.get(target.versions(target.seeds.address)))["versions"]
    expect.same(listed, [first], "versions")


@manifest.case("a media type is one of the collection's", Level.MUST, Need.WRITE)
def _record_type(target: Target) -> None:
    offered = target.collection.get("media_types", ["application/stix+json"])
    for one in _records(target):
        if "media_type" in one:
            expect.that(one["media_type"] in offered, f"media_type {one['media_type']!r} is not in {offered}")


@manifest.case("with all versions, every version has a record", Level.MUST, Need.WRITE)
def _record_all(target: Target) -> None:
    found = _records(target, "&match[version]=all")
    expect.same(len(found), len(target.seeds.objects), "the number of records")


@manifest.case("it lists what the objects' endpoint gives", Level.MUST, Need.WRITE)
def _record_objects(target: Target) -> None:
    for more in ("", "&match[version]=all", "&match[type]=malware", "&match[version]=first"):
        listed = [one["id"] for one in _records(target, more)]
        given = expect.ids(expect.page(target.get(f"{target.objects}?{target.seeds.query}{more}")))
        # what was added at the same instant has no order that the section names
        expect.same(sorted(listed), sorted(given), f"the ids with {more or 'no further filter'}")


@manifest.case("nothing is an empty object", Level.MUST, Need.READ)
def _record_nothing(target: Target) -> None:
    found = expect.page(target.get(f"{target.manifest}?match[id]=indicator--{target.uuid()}"))
    expect.that("objects" not in found, "objects is there, and empty")


@manifest.case("an object of which a new version was added is in it once", Level.MUST, Need.WRITE)
def _record_last(target: Target) -> None:
    uuid = target.uuid()
    for modified in (CREATED, "2026-05-01T00:00:00.000Z"):
        target.stored(indicator(uuid, modified=modified))
    found = expect.page(target.get(f"{target.manifest}?match[id]=indicator--{uuid}"))["objects"]
    expect.same(
        [expect.instant(one["version"], "version") for one in found],
        [expect.instant("2026-05-01T00:00:00.000Z", "")],
        "the versions",
    )
