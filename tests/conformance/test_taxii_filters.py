"""TAXII 2.1 §3.3 to §3.5: order, filters, pages."""

from __future__ import annotations

import pytest

from support.taxii import Live, object_id

OBJECTS = "/live/collections/exchange/objects/"
MANIFEST = "/live/collections/exchange/manifest/"
VERSIONED = object_id("malware", "versions")
ADDRESS = object_id("ipv4-addr", "198.51.100.7")
ONE = f"{OBJECTS}{VERSIONED}/"

# --- bad values, on every endpoint that takes them --------------------------------------------------------------------

BAD = {
    "limit of nothing": ("limit=0", "limit"),
    "limit of many nothings": ("limit=000", "limit"),
    "negative limit": ("limit=-1", "limit"),
    "limit in words": ("limit=abc", "limit"),
    "limit with a sign": ("limit=%2B5", "limit"),
    "limit with a fraction": ("limit=5.0", "limit"),
    "limit in other digits": ("limit=%D9%A3", "limit"),
    "limit empty": ("limit=", "limit"),
    "limit twice": ("limit=5&limit=6", "limit"),
    "limit with a space": ("limit=%205", "limit"),
    "added_after in words": ("added_after=yesterday", "added_after"),
    "added_after as a day": ("added_after=2026-01-01", "added_after"),
    "added_after of no day": ("added_after=2026-02-30T00:00:00Z", "added_after"),
    "added_after empty": ("added_after=", "added_after"),
    "added_after twice": ("added_after=2026-01-01T00:00:00Z&added_after=2026-01-01T00:00:00Z", "added_after"),
    "added_after with a line end": ("added_after=2026-01-01T00:00:00Z%0d%0aX-Evil:%201", "added_after"),
    "added_after in year 0": ("added_after=0000-01-01T00:00:00Z", "added_after"),
    "next that we never gave": ("next=abc", "next"),
    "next empty": ("next=", "next"),
    "next with a line end": ("next=a%0d%0aX-Evil:%201", "next"),
    "next with a NUL": ("next=%00", "next"),
    "next beyond ASCII": ("next=%C3%A9", "next"),
    "next very long": ("next=" + "A" * 20_000, "next"),
    "next twice": ("next=a&next=b", "next"),
    "version of no form": ("match[version]=newest", "match[version]"),
    "version empty": ("match[version]=", "match[version]"),
    "version with an empty part": ("match[version]=first,,last", "match[version]"),
    "all versions and another": ("match[version]=all,last", "match[version]"),
    "a version twice in one": ("match[version]=last,last", "match[version]"),
    "version twice": ("match[version]=first&match[version]=last", "match[version]"),
    "spec_version of no form": ("match[spec_version]=two", "match[spec_version]"),
    "a field that nobody knows": ("match[colour]=red", "'match[colour]'"),
    "a field without its end": ("match[type=indicator", "'match[type'"),
    "a match without a field": ("match=indicator", "'match'"),
    "bytes that are no UTF-8": ("match[spec_version]=%ff", "query"),
    "too many parameters": ("&".join(f"a{number}=1" for number in range(65)), "query"),
}
BAD_MATCH = {
    "type twice": ("match[type]=indicator&match[type]=malware", "match[type]"),
    "type with a NUL": ("match[type]=%00", "match[type]"),
    "type empty": ("match[type]=", "match[type]"),
    "id with a space": ("match[id]=a%20b", "match[id]"),
    "id with an empty part": ("match[id]=a,", "match[id]"),
    "id too long": ("match[id]=" + "x" * 300, "match[id]"),
    "ids too many": ("match[id]=" + ",".join(f"a--{number}" for number in range(201)), None),
}


@pytest.mark.parametrize("path", [OBJECTS, MANIFEST, ONE])
@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_bad_values(live: Live, path: str, case: tuple[str, str]) -> None:
    query, where = case
    answer = live.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["details"]["where"] == where
    assert answer.json()["details"]["todo"]
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("path", [OBJECTS, MANIFEST])
@pytest.mark.parametrize("case", BAD_MATCH.values(), ids=BAD_MATCH.keys())
def test_bad_values_of_match(live: Live, path: str, case: tuple[str, str | None]) -> None:
    query, where = case
    answer = live.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["details"].get("where") == where


UNKNOWN_HERE = {
    "id of one object": (ONE, "match[id]=x"),
    "version of versions": (f"{ONE}versions/", "match[version]=all"),
    "id of versions": (f"{ONE}versions/", "match[id]=x"),
}


@pytest.mark.parametrize("case", UNKNOWN_HERE.values(), ids=UNKNOWN_HERE.keys())
def test_fields_that_an_endpoint_does_not_have(live: Live, case: tuple[str, str]) -> None:
    path, query = case
    assert live.get(f"{path}?{query}").status_code == 400


PASSED_OVER = ["foo=bar", "limit[]=0", "Limit=0", "added-after=x", "_=1735689600", "&&&", "foo"]


@pytest.mark.parametrize("query", PASSED_OVER)
def test_parameters_that_are_none_of_ours(live: Live, query: str) -> None:
    assert live.get(f"{OBJECTS}?{query}").content == live.get(OBJECTS).content


def test_a_query_that_is_too_long(live: Live) -> None:
    answer = live.get(f"{OBJECTS}?foo={'x' * 33_000}")
    assert answer.status_code == 414


# --- §3.3 order, §3.2 headers -----------------------------------------------------------------------------------------


def test_ascending_by_date_added(live: Live) -> None:
    records = live.get(MANIFEST).json()["objects"]
    added = [record["date_added"] for record in records]
    assert len(added) == 27
    assert added == sorted(added)
    assert len(set(added)) == len(added)


@pytest.mark.parametrize("path", [OBJECTS, MANIFEST, ONE, f"{ONE}versions/"])
def test_added_headers_are_those_of_the_page(live: Live, path: str) -> None:
    answer = live.get(path)
    ids = (
        f"?match[id]={VERSIONED}&match[version]={'all' if 'versions' in path else 'last'}"
        if path.startswith(ONE)
        else ""
    )
    records = live.get(f"{MANIFEST}{ids}").json()["objects"]
    assert answer.headers["x-taxii-date-added-first"] == records[0]["date_added"]
    assert answer.headers["x-taxii-date-added-last"] == records[-1]["date_added"]
    assert len(records[0]["date_added"]) == len("2026-01-01T00:00:00.000000Z")
    assert records[0]["date_added"].endswith("Z")


def test_a_page_of_one_has_both_headers_alike(live: Live) -> None:
    answer = live.get(f"{OBJECTS}?limit=1")
    assert answer.headers["x-taxii-date-added-first"] == answer.headers["x-taxii-date-added-last"]


@pytest.mark.parametrize("path", ["/live/collections/empty/objects/", "/live/collections/empty/manifest/"])
def test_nothing_is_an_empty_object_without_headers(live: Live, path: str) -> None:
    answer = live.get(path)
    assert answer.content == b"{}"
    assert not [name for name in answer.headers if name.startswith("x-taxii")]


# --- §3.4 filters -----------------------------------------------------------------------------------------------------


def ids(live: Live, query: str) -> list[str]:
    objects = live.get(f"{OBJECTS}?{query}").json().get("objects", [])
    manifest = live.get(f"{MANIFEST}?{query}").json().get("objects", [])
    found = [one["id"] for one in objects]
    assert found == [one["id"] for one in manifest]
    return found


def test_added_after_is_strictly_after(live: Live) -> None:
    records = live.get(MANIFEST).json()["objects"]
    at = records[9]["date_added"]
    assert ids(live, f"added_after={at}") == [record["id"] for record in records[10:]]


def test_added_after_takes_other_precisions_and_offsets(live: Live) -> None:
    everything = ids(live, "")
    for early in ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00.000000%2B01:00"):
        assert ids(live, f"added_after={early}") == everything


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z"])
def test_added_after_before_all_time(live: Live, at: str) -> None:
    first = live.get(f"{OBJECTS}?added_after={at}&limit=2").json()
    assert first["more"]
    rest = live.get(f"{OBJECTS}?added_after={at}&next={first['next']}").json()
    assert len(first["objects"]) + len(rest["objects"]) == 27


@pytest.mark.parametrize("at", ["2300-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_added_after_the_far_future(live: Live, at: str) -> None:
    assert live.get(f"{OBJECTS}?added_after={at}").content == b"{}"


def test_match_type(live: Live) -> None:
    assert ids(live, "match[type]=malware") == [VERSIONED]


def test_comma_is_or(live: Live) -> None:
    assert ids(live, "match[type]=malware,ipv4-addr") == [VERSIONED, ADDRESS]
    assert ids(live, f"match[id]={ADDRESS},{VERSIONED}") == [VERSIONED, ADDRESS]


def test_spaces_around_a_comma_do_not_matter(live: Live) -> None:
    assert ids(live, "match[type]=malware,%20ipv4-addr") == [VERSIONED, ADDRESS]


def test_brackets_may_be_encoded(live: Live) -> None:
    assert ids(live, "match%5Btype%5D=malware") == [VERSIONED]


def test_fields_are_and(live: Live) -> None:
    assert ids(live, f"match[type]=malware&match[id]={VERSIONED}") == [VERSIONED]
    assert ids(live, f"match[type]=indicator&match[id]={VERSIONED}") == []


@pytest.mark.parametrize("value", ["x", "indicator--1", "'; DROP TABLE offers; --".replace(" ", ""), "*", "%25"])
def test_values_that_match_nothing(live: Live, value: str) -> None:
    assert ids(live, f"match[id]={value}") == []
    assert ids(live, f"match[type]={value}") == []


VERSIONS = {
    "the last by default": ("", ["03"]),
    "last": ("match[version]=last", ["03"]),
    "first": ("match[version]=first", ["01"]),
    "all": ("match[version]=all", ["01", "02", "03"]),
    "first and last": ("match[version]=first,last", ["01", "03"]),
    "one by its time": ("match[version]=2026-02-02T00:00:00.000Z", ["02"]),
    "one by its time in microseconds": ("match[version]=2026-02-02T00:00:00.000000Z", ["02"]),
    "a time and a word": ("match[version]=2026-02-02T00:00:00Z,first", ["01", "02"]),
    "a time that is none of its": ("match[version]=2020-01-01T00:00:00Z", []),
}


@pytest.mark.parametrize("case", VERSIONS.values(), ids=VERSIONS.keys())
def test_match_version(live: Live, case: tuple[str, list[str]]) -> None:
    query, days = case
    expected = [f"2026-02-{day}T00:00:00.000Z" for day in days]
    for path in (f"{ONE}?{query}", f"{OBJECTS}?match[id]={VERSIONED}&{query}"):
        objects = live.get(path).json().get("objects", [])
        assert [one["modified"] for one in objects] == expected


def test_what_has_no_modified_has_a_version_all_the_same(live: Live) -> None:
    record = live.get(f"{MANIFEST}?match[id]={ADDRESS}").json()["objects"][0]
    assert ids(live, f"match[id]={ADDRESS}&match[version]={record['version']}") == [ADDRESS]
    assert ids(live, f"match[id]={ADDRESS}&match[version]=first") == [ADDRESS]


def test_match_spec_version(live: Live) -> None:
    assert ids(live, "match[spec_version]=2.1") == ids(live, "")
    assert ids(live, "match[spec_version]=2.0") == []
    assert ids(live, "match[spec_version]=2.0,2.1") == ids(live, "")


# --- §3.5 pages -------------------------------------------------------------------------------------------------------


def walk(live: Live, path: str, query: str, limits: list[int]) -> list[str]:
    found: list[str] = []
    following = ""
    for limit in limits:
        answer = live.get(f"{path}?limit={limit}&{query}{following}").json()
        found += [one["id"] for one in answer.get("objects", [])]
        assert ("next" in answer) == answer.get("more", False)
        if not answer.get("more", False):
            return found
        following = f"&next={answer['next']}"
    raise AssertionError("no end")


@pytest.mark.parametrize("path", [OBJECTS, MANIFEST])
@pytest.mark.parametrize("limit", [2, 13, 26, 27, 28, 1000])
def test_pages_hold_everything_once(live: Live, path: str, limit: int) -> None:
    assert walk(live, path, "", [limit] * 30) == ids(live, "")


def test_limit_may_change_between_pages(live: Live) -> None:
    assert walk(live, OBJECTS, "", [3, 1, 10, 2, 500]) == ids(live, "")


def test_added_after_and_next_together(live: Live) -> None:
    at = live.get(MANIFEST).json()["objects"][4]["date_added"]
    assert walk(live, OBJECTS, f"added_after={at}", [5] * 9) == ids(live, f"added_after={at}")


def test_pages_by_added_after_alone(live: Live) -> None:
    """A client that knows no `next` walks by the header (§3.5)."""
    found: list[str] = []
    after = ""
    while True:
        answer = live.get(f"{OBJECTS}?limit=4{after}")
        found += [one["id"] for one in answer.json().get("objects", [])]
        if not answer.json().get("more", False):
            break
        after = f"&added_after={answer.headers['x-taxii-date-added-last']}"
    assert found == ids(live, "")


def test_a_filter_goes_through_all_pages(live: Live) -> None:
    assert walk(live, OBJECTS, "match[type]=indicator", [9] * 4) == live.indicators


def test_versions_page_too(live: Live) -> None:
    first = live.get(f"{ONE}versions/?limit=2").json()
    assert first["more"]
    rest = live.get(f"{ONE}versions/?limit=2&next={first['next']}").json()
    assert rest["more"] is False
    versions = first["versions"] + rest["versions"]
    assert versions == [f"2026-02-{day}T00:00:00.000Z" for day in ("01", "02", "03")]


MOVED = {
    "other filters": ("exchange", "bravo", "match[type]=malware"),
    "other dates": ("exchange", "bravo", "added_after=2026-01-01T00:00:00Z"),
    "another collection": ("empty", "bravo", ""),
    "another reader": ("exchange", "alfa", ""),
    "a user of the same party": ("exchange", "anna-token", ""),
}


@pytest.mark.parametrize("case", MOVED.values(), ids=MOVED.keys())
def test_a_cursor_opens_only_where_it_was_given(live: Live, case: tuple[str, str, str]) -> None:
    collection, who, query = case
    following = live.get(f"{OBJECTS}?limit=2").json()["next"]
    answer = live.get(f"/live/collections/{collection}/objects/?next={following}&{query}", who)
    assert answer.status_code == 400
    assert answer.json()["details"]["where"] == "next"


def test_a_changed_cursor_opens_nowhere(live: Live) -> None:
    following = live.get(f"{OBJECTS}?limit=2").json()["next"]
    for place in range(0, len(following), 7):
        other = "A" if following[place] != "A" else "B"
        changed = following[:place] + other + following[place + 1 :]
        assert live.get(f"{OBJECTS}?next={changed}").status_code == 400


@pytest.mark.parametrize("limit", ["1001", "999999999", "9" * 5000])
def test_a_limit_beyond_ours_is_capped(live: Live, limit: str) -> None:
    assert live.get(f"{OBJECTS}?limit={limit}").content == live.get(OBJECTS).content
