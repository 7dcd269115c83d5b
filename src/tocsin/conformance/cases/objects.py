"""§3.7, §5.4, §5.6, §5.8: envelopes, one object, its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.conformance import expect
from tocsin.conformance.content import indicator
from tocsin.conformance.model import Chapter, Level, Need
from tocsin.conformance.target import VERSIONS

if TYPE_CHECKING:
    from tocsin.conformance.target import Target

__all__ = ["CHAPTERS"]

envelope: Final = Chapter(section="3.7", title="Envelope")
objects: Final = Chapter(section="5.4", title="Objects")
one: Final = Chapter(section="5.6", title="An object")
versions: Final = Chapter(section="5.8", title="Versions of an object")
CHAPTERS: Final = (envelope, objects, one, versions)

# --- §3.7, §5.4 -------------------------------------------------------------------------------------------------------


@envelope.case("nothing is an envelope without objects", Level.MUST, Need.READ)
def _nothing(target: Target) -> None:
    found = expect.page(target.get(f"{target.objects}?match[id]=indicator--{target.uuid()}"))
    expect.that("objects" not in found, "objects is there, and empty")
    expect.that(not found.get("more", False), "more is true")


@envelope.case("it has no other properties than more, next and objects", Level.MUST, Need.WRITE)
def _properties(target: Target) -> None:
    found = expect.page(target.get(f"{target.objects}?{target.seeds.query}&limit=3"))
    expect.that(set(found) <= {"more", "next", "objects"}, f"properties: {sorted(found)}")


@envelope.case("it is no bundle", Level.MUST, Need.WRITE)
def _no_bundle(target: Target) -> None:
    for path in (f"{target.objects}?limit=1", target.object(target.seeds.malware)):
        found = expect.page(target.get(path))
        expect.that("type" not in found and "objects" in found, f"{path}: properties {sorted(found)}")


@objects.case("an object comes back as it was posted", Level.MUST, Need.WRITE)
def _round_trip(target: Target) -> None:
    posted = {(item["id"], item.get("modified")): item for item in target.seeds.objects}
    found = expect.page(target.get(f"{target.objects}?{target.seeds.query}&match[version]=all"))["objects"]
    expect.same(len(found), len(posted), "the number of objects")
    for item in found:
        expect.same(item, posted[item["id"], item.get("modified")], item["id"])


@objects.case("characters beyond ASCII come back as they were posted", Level.MUST, Need.WRITE)
def _unicode(target: Target) -> None:
    item = indicator(target.uuid(), name="Zürich 東京 \U0001f514 \u202e\u0000-free é")
    item["name"] = item["name"].replace("\u0000", "")
    target.stored(item)
    expect.same(expect.page(target.get(target.object(item["id"])))["objects"], [item], "the object")


@objects.case("custom properties come back as they were posted", Level.FIELD, Need.WRITE)
def _custom(target: Target) -> None:
    item = indicator(target.uuid()) | {"x_conformance": {"deep": [1, 2.5, True, "ø", {"a": []}]}}
    target.stored(item)
    expect.same(expect.page(target.get(target.object(item["id"])))["objects"], [item], "the object")


@objects.case("pages without any parameter begin with the oldest", Level.MUST, Need.WRITE)
def _oldest(target: Target) -> None:
    target.seeds  # noqa: B018  something has to be there
    found = expect.page(target.get(f"{target.manifest}?limit=3"))["objects"]
    dates = [record["date_added"] for record in found]
    expect.that(
        dates[0]
        <= expect.page(target.get(f"{target.manifest}?{target.seeds.query}&limit=1"))["objects"][0]["date_added"],
        "not the oldest",
    )


# --- §5.6 -------------------------------------------------------------------------------------------------------------


@one.case("is an envelope of its last version", Level.MUST, Need.WRITE)
def _last(target: Target) -> None:
    found = expect.page(target.get(target.object(target.seeds.malware)))
    expect.same(expect.versions(found), [(target.seeds.malware, VERSIONS[-1])], "the versions")


@one.case("an object without created and modified", Level.MUST, Need.WRITE)
def _no_version(target: Target) -> None:
    found = expect.page(target.get(target.object(target.seeds.address)))
    expect.same(expect.ids(found), [target.seeds.address], "the ids")


@one.case("an object without created and modified has a last, a first and all", Level.MUST, Need.WRITE)
def _no_version_words(target: Target) -> None:
    for word in ("last", "first", "all"):
        found = expect.page(target.get(f"{target.object(target.seeds.address)}?match[version]={word}"))
        expect.same(expect.ids(found), [target.seeds.address], f"the ids of {word}")


@one.case("limit and added_after work on its versions", Level.MUST, Need.WRITE)
def _paged(target: Target) -> None:
    path = f"{target.object(target.seeds.malware)}?match[version]=all"
    answer = target.get(f"{path}&limit=1")
    found = expect.page(answer)
    expect.same(found.get("more"), True, "more")
    expect.same(expect.versions(found), [(target.seeds.malware, VERSIONS[0])], "the first page")
    rest = expect.page(target.get(f"{path}&added_after={answer.header('x-taxii-date-added-last')}"))
    expect.same([version for _, version in expect.versions(rest)], list(VERSIONS[1:]), "the rest")


@one.table("spec_version {} of it", {"2.1": ("2.1", 1), "2.0": ("2.0", 0)}, Level.MUST, Need.WRITE)
def _spec_version(target: Target, case: tuple[str, int]) -> None:
    answer = target.get(f"{target.object(target.seeds.malware)}?match[spec_version]={case[0]}")
    if case[1] == 0 and answer.status == 404:
        return  # §5.6 has both: an empty envelope, and 404 for what is not found
    expect.same(len(expect.ids(expect.page(answer))), case[1], "the number of objects")


@one.case("its id may be percent-encoded", Level.MUST, Need.WRITE)
def _encoded(target: Target) -> None:
    path = f"{target.objects}{target.seeds.malware.replace('-', '%2D')}/"
    expect.same(expect.ids(expect.page(target.get(path))), [target.seeds.malware], "the ids")


@one.case("an unknown one is 404", Level.MUST, Need.READ)
def _unknown(target: Target) -> None:
    expect.status(target.get(target.object(f"indicator--{target.uuid()}")), 404)
    expect.status(target.get(f"{target.object(f'indicator--{target.uuid()}')}?match[version]=all"), 404)


STRANGE: Final = {
    "a word": "nonsense",
    "a quote": "%27",
    "a star": "*",
    "SQL's percent": "indicator--%25",
    "a NUL": "%00",
    "no UTF-8": "%ff%fe",
    "a slash, encoded": "a%2fb",
    "upwards, encoded": "%2e%2e%2f",
    "very long": "indicator--" + "a" * 3000,
    "of a megabyte's type": "a" * 6000 + "--6fa459ea-ee8a-4ca4-894e-db77e160355e",
}


@one.table("an id that is none ({}) is 404 or 400", STRANGE, Level.MUST, Need.READ)
def _strange(target: Target, text: str) -> None:
    for rest in ("", "versions/"):
        expect.status(target.get(f"{target.objects}{text}/{rest}"), 404, 400, 414)


# --- §5.8 -------------------------------------------------------------------------------------------------------------


@versions.case("lists every version, in the order of being added", Level.MUST, Need.WRITE)
def _all(target: Target) -> None:
    found = expect.page(target.get(target.versions(target.seeds.malware)))
    listed = [expect.instant(item, "version") for item in expect.is_list(found.get("versions"), "versions")]
    expect.same(listed, [expect.instant(item, "version") for item in VERSIONS], "the versions")


@versions.case("writes a version as the object's modified is", Level.FIELD, Need.WRITE)
def _text(target: Target) -> None:
    found = expect.page(target.get(target.versions(target.seeds.malware)))
    expect.same(found["versions"], list(VERSIONS), "the versions")


@versions.case("are those of the manifest", Level.MUST, Need.WRITE)
def _manifest(target: Target) -> None:
    records = expect.page(target.get(f"{target.manifest}?match[id]={target.seeds.malware}&match[version]=all"))
    listed = expect.page(target.get(target.versions(target.seeds.malware)))["versions"]
    expect.same(sorted(listed), sorted(record["version"] for record in records["objects"]), "the versions")


@versions.case("each of them can be asked for", Level.MUST, Need.WRITE)
def _each(target: Target) -> None:
    for version in expect.page(target.get(target.versions(target.seeds.malware)))["versions"]:
        found = expect.page(target.get(f"{target.object(target.seeds.malware)}?match[version]={version}"))
        expect.same(expect.ids(found), [target.seeds.malware], f"the ids of {version}")


@versions.case("an object without created and modified has one", Level.MUST, Need.WRITE)
def _one(target: Target) -> None:
    found = expect.page(target.get(target.versions(target.seeds.address)))
    expect.same(len(expect.is_list(found.get("versions"), "versions")), 1, "the number of versions")


@versions.case("limit is kept, and more says that there is more", Level.MUST, Need.WRITE)
def _limit(target: Target) -> None:
    found = expect.page(target.get(f"{target.versions(target.seeds.malware)}?limit=2"))
    expect.same(len(found["versions"]), 2, "the number of versions")
    expect.same(found.get("more"), True, "more")


@versions.case("added_after is kept", Level.MUST, Need.WRITE)
def _after(target: Target) -> None:
    answer = target.get(f"{target.versions(target.seeds.malware)}?limit=1")
    expect.status(answer, 200)
    after = answer.header("x-taxii-date-added-last")
    found = expect.page(target.get(f"{target.versions(target.seeds.malware)}?added_after={after}"))
    expect.same(len(found.get("versions", [])), 2, "the number of later versions")


@versions.case("of an unknown object are 404", Level.MUST, Need.READ)
def _no_versions(target: Target) -> None:
    expect.status(target.get(target.versions(f"indicator--{target.uuid()}")), 404)
