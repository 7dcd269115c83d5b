"""TAXII 2.1 §4.3 and §5: collections, objects in and out, statuses, and what nobody may learn from them."""

from __future__ import annotations

import msgspec
import pytest

from support.taxii import Live, address, bundle, envelope, indicator, malware, object_id, share
from tocsin.exchange.markings import TERMS_EXTENSION
from tocsin.exchange.recall.model import RECALLS
from tocsin.exchange.taxii.wire import STIX

EXCHANGE = "/live/collections/exchange/"
OBJECTS = f"{EXCHANGE}objects/"
INBOX = "/live/collections/inbox/"
HIDDEN = object_id("indicator", "hidden")
NOTHING = object_id("indicator", "never shared by anybody")

# --- §5.1, §5.2 -------------------------------------------------------------------------------------------------------

RIGHTS = {
    "everything": ("bravo", True, True),
    "a reader's token": ("reader", True, False),
    "a writer's token": ("writer", False, True),
    "a lister's token": ("lister", False, False),
    "an analyst": ("anna", True, True),
}


@pytest.mark.parametrize("case", RIGHTS.values(), ids=RIGHTS.keys())
def test_collections_say_what_the_asker_may_do(live: Live, case: tuple[str, bool, bool]) -> None:
    who, can_read, can_write = case
    found = live.get("/live/collections/", who).json()["collections"]
    assert {one["alias"]: one["id"] for one in found} == live.collections
    for one in found:
        # what the hub tells in a collection of its own nobody else writes there
        assert (one["can_read"], one["can_write"]) == (can_read, can_write and one["alias"] != RECALLS)
        assert one["media_types"] == [STIX]
        assert one["title"]
        assert live.get(f"/live/collections/{one['id']}/", who).json() == one
        assert live.get(f"/live/collections/{one['alias']}/", who).json() == one


def test_an_alias_stands_for_its_collection_everywhere(live: Live) -> None:
    for rest in (
        "",
        "objects/",
        "manifest/",
        f"objects/{live.indicators[0]}/",
        f"objects/{live.indicators[0]}/versions/",
    ):
        by_id = live.get(f"/live/collections/{live.collections['exchange']}/{rest}")
        assert by_id.status_code == 200
        assert by_id.content == live.get(f"{EXCHANGE}{rest}").content


# --- §5.3, §5.4, §5.6, §5.8 -------------------------------------------------------------------------------------------


def test_the_envelope(live: Live) -> None:
    answer = live.get(f"{OBJECTS}?limit=3").json()
    assert list(answer) == ["more", "next", "objects"]
    assert answer["objects"][0] == indicator("seed 0")


def test_the_manifest(live: Live) -> None:
    record = live.get(f"{EXCHANGE}manifest/?limit=1").json()["objects"][0]
    assert set(record) == {"id", "date_added", "version", "media_type"}
    assert record["id"] == live.indicators[0]
    assert record["version"] == "2026-01-01T00:00:00.000Z"
    assert record["media_type"] == STIX


def test_one_object(live: Live) -> None:
    answer = live.get(f"{OBJECTS}{live.indicators[3]}/").json()
    assert answer == {"more": False, "objects": [indicator("seed 3")]}


def test_versions_of_an_object(live: Live) -> None:
    answer = live.get(f"{OBJECTS}{object_id('malware', 'versions')}/versions/").json()
    assert answer == {"more": False, "versions": [f"2026-02-{day}T00:00:00.000Z" for day in ("01", "02", "03")]}


@pytest.mark.parametrize(
    "query", ["added_after=2200-01-01T00:00:00Z", "match[version]=2020-01-01T00:00:00Z", "match[spec_version]=2.0"]
)
def test_an_object_of_which_nothing_matches_is_still_there(live: Live, query: str) -> None:
    answer = live.get(f"{OBJECTS}{live.indicators[0]}/?{query}")
    assert (answer.status_code, answer.content) == (200, b"{}")


# --- what one may not see is what is not there ------------------------------------------------------------------------

SAME = {
    "the object": "objects/{}/",
    "its versions": "objects/{}/versions/",
    "the object, filtered": "objects/{}/?match[version]=all",
    "the object, later": "objects/{}/?added_after=2020-01-01T00:00:00Z",
    "among objects": "objects/?match[id]={}",
    "in the manifest": "manifest/?match[id]={}",
}


@pytest.mark.parametrize("rest", SAME.values(), ids=SAME.keys())
@pytest.mark.parametrize("who", ["bravo", "anna", "alfa"])
def test_the_invisible_answers_as_the_missing(live: Live, who: str, rest: str) -> None:
    hidden = live.get(EXCHANGE + rest.format(HIDDEN), who)
    missing = live.get(EXCHANGE + rest.format(NOTHING), who)
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert {name: value for name, value in hidden.headers.items() if name != "date"} == {
        name: value for name, value in missing.headers.items() if name != "date"
    }
    assert live.get(EXCHANGE + rest.format(HIDDEN), "charlie").content != hidden.content


def test_nobody_deletes_what_is_not_theirs(live: Live) -> None:
    for who in ("bravo", "alfa"):
        hidden = live.ask("DELETE", f"{OBJECTS}{HIDDEN}/", who)
        missing = live.ask("DELETE", f"{OBJECTS}{NOTHING}/", who)
        assert hidden.status_code == missing.status_code == 404
        assert hidden.content == missing.content
    # alfa's, which bravo sees: still not bravo's to take back
    assert live.ask("DELETE", f"{OBJECTS}{live.indicators[0]}/", "bravo").content == missing.content
    assert live.get(f"{OBJECTS}{live.indicators[0]}/").status_code == 200


def test_a_party_outside_the_agreement_gets_an_empty_envelope(live: Live) -> None:
    assert [one["id"] for one in live.get(OBJECTS, "charlie").json()["objects"]] == [HIDDEN]
    assert live.get(f"{OBJECTS}?match[type]=malware", "charlie").content == b"{}"


# --- §5.5, §4.3 -------------------------------------------------------------------------------------------------------


def test_an_envelope_goes_in_and_comes_out(live: Live) -> None:
    first, second = indicator("round trip"), malware("round trip")
    answer = live.post(envelope(first, second))
    assert answer.status_code == 202
    status = answer.json()
    assert status["status"] == "complete"
    assert status["request_timestamp"].endswith("Z")
    assert (status["total_count"], status["success_count"]) == (2, 2)
    assert (status["failure_count"], status["pending_count"]) == (0, 0)
    assert [one["id"] for one in status["successes"]] == [first["id"], second["id"]]
    for item in (first, second):
        assert live.get(f"{INBOX}objects/{item['id']}/").json()["objects"] == [item]


def test_unknown_properties_survive(live: Live) -> None:
    item = indicator("custom") | {"x_zone": {"deep": [1, 2.5, "ø", True]}}
    assert live.post(envelope(item)).json()["success_count"] == 1
    assert live.get(f"{INBOX}objects/{item['id']}/").json()["objects"] == [item]


def test_a_repeated_object_is_a_success(live: Live) -> None:
    item = indicator("repeated")
    first, second = live.post(envelope(item)).json(), live.post(envelope(item)).json()
    assert first["id"] != second["id"]
    assert second["success_count"] == second["total_count"] == 1
    assert second["successes"][0]["id"] == item["id"]
    assert live.get(f"{INBOX}objects/{item['id']}/versions/").json()["versions"] == ["2026-01-01T00:00:00.000Z"]


def test_whether_others_shared_it_makes_no_difference(live: Live) -> None:
    item = indicator("from two")
    for who in ("charlie", "alfa"):
        answer = live.post(envelope(item), who).json()
        assert answer["success_count"] == 1
        assert "message" not in answer["successes"][0]


def test_one_bad_object_does_not_sink_the_rest(live: Live) -> None:
    good, bad = indicator("good"), indicator("bad") | {"pattern": 7}
    status = live.post(envelope(bad, good, {"type": "indicator"})).json()
    assert (status["total_count"], status["success_count"], status["failure_count"]) == (3, 1, 2)
    assert status["successes"][0]["id"] == good["id"]
    failures = status["failures"]
    assert failures[0]["id"] == bad["id"]
    assert failures[0]["message"].startswith("objects[0].pattern: ")
    assert failures[1]["id"] == "objects[2]"
    assert all(one["version"].endswith("Z") for one in failures)
    assert live.get(f"{INBOX}objects/{bad['id']}/").status_code == 404


def test_other_content_under_the_same_version_is_a_failure(live: Live) -> None:
    assert live.post(envelope(indicator("clash"))).json()["success_count"] == 1
    changed = indicator("clash") | {"name": "other"}
    assert live.post(envelope(changed)).json()["failure_count"] == 1


def test_a_status_can_be_asked_for_again_by_its_submitter_only(live: Live) -> None:
    answer = live.post(envelope(indicator("status")))
    path = f"/live/status/{answer.json()['id']}/"
    assert live.get(path, "alfa").content == answer.content
    assert live.get(path, "writer").content == answer.content
    missing = live.get("/live/status/00000000-0000-4000-8000-000000000000/")
    for who in ("bravo", "charlie"):
        other = live.get(path, who)
        assert (other.status_code, other.content) == (404, missing.content)


def test_a_collection_that_is_not_there_takes_nothing(live: Live) -> None:
    missing = live.get("/live/collections/nowhere/objects/", "alfa")
    assert missing.status_code == 404
    posted = live.post(envelope(indicator("nowhere")), to="nowhere")
    deleted = live.ask("DELETE", "/live/collections/nowhere/objects/x/", "alfa")
    assert posted.content == deleted.content == missing.content


def test_an_empty_envelope_is_a_submission_of_nothing(live: Live) -> None:
    status = live.post(b"{}").json()
    assert (status["total_count"], status["success_count"], status["failure_count"]) == (0, 0, 0)


UNPROCESSABLE = {
    "nothing": (b"", None),
    "no JSON": (b"hello", None),
    "half of it": (envelope(indicator("half"))[:-40], None),
    "two of them": (b"{}{}", None),
    "a list": (b"[]", None),
    "a bundle": (bundle(indicator("bundled")), "type"),
    "objects that are no list": (b'{"objects":{}}', "objects"),
    "UTF-16": (envelope(indicator("wide")).decode().encode("utf-16"), None),
    "Latin-1": (b'{"objects":[{"type":"\xe9"}]}', None),
    "a byte order mark": (b"\xef\xbb\xbf{}", None),
    "NaN": (b'{"objects":[NaN]}', None),
    "a name twice": (b'{"objects":[],"objects":[]}', None),
    "a lone surrogate": (b'{"x":"\\ud800"}', None),
    "a NUL": (b'{"x":"\x00"}', None),
}


@pytest.mark.parametrize("case", UNPROCESSABLE.values(), ids=UNPROCESSABLE.keys())
def test_bodies_that_cannot_be_processed(live: Live, case: tuple[bytes, str | None]) -> None:
    body, where = case
    answer = live.post(body)
    assert answer.status_code == 422
    assert where is None or answer.json()["details"]["where"] == where


def test_a_name_twice_in_an_object_refuses_that_object(live: Live) -> None:
    twice = msgspec.json.encode(indicator("twice")).replace(b'"name":', b'"name":"a","name":', 1)
    status = live.post(b'{"objects":[' + twice + b"," + msgspec.json.encode(indicator("once")) + b"]}").json()
    assert (status["success_count"], status["failure_count"]) == (1, 1)


# --- §5.7 -------------------------------------------------------------------------------------------------------------


def versions(live: Live, item: str, who: str = "bravo") -> list[str]:
    """Return the days of the versions that a reader finds."""
    found = live.get(f"/live/collections/bulk/objects/{item}/versions/", who)
    return [one[:10] for one in found.json()["versions"]] if found.status_code == 200 else []


DELETED = {
    "all of it": ("", []),
    "all, said": ("?match[version]=all", []),
    "the last": ("?match[version]=last", ["2026-03-01", "2026-03-02"]),
    "the first": ("?match[version]=first", ["2026-03-02", "2026-03-03"]),
    "one by its time": ("?match[version]=2026-03-02T00:00:00Z", ["2026-03-01", "2026-03-03"]),
    "this version of STIX": ("?match[spec_version]=2.1", []),
}


@pytest.mark.parametrize("name", DELETED)
def test_delete(live: Live, name: str) -> None:
    query, left = DELETED[name]
    for day in ("01", "02", "03"):
        share(live, "alfa", malware(f"delete {name}", modified=f"2026-03-{day}T00:00:00.000Z"), collection="bulk")
    item = object_id("malware", f"delete {name}")
    assert len(versions(live, item)) == 3
    answer = live.ask("DELETE", f"/live/collections/bulk/objects/{item}/{query}", "alfa")
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert versions(live, item) == versions(live, item, "alfa") == left


@pytest.mark.parametrize("query", ["?match[spec_version]=2.0", "?match[version]=2001-01-01T00:00:00Z"])
def test_delete_of_what_does_not_match(live: Live, query: str) -> None:
    share(live, "alfa", malware(f"kept {query}"), collection="bulk")
    item = object_id("malware", f"kept {query}")
    assert live.ask("DELETE", f"/live/collections/bulk/objects/{item}/{query}", "alfa").status_code == 404
    assert len(versions(live, item)) == 1


def test_delete_twice(live: Live) -> None:
    share(live, "alfa", address("198.51.100.99"), collection="bulk")
    path = f"/live/collections/bulk/objects/{object_id('ipv4-addr', '198.51.100.99')}/"
    assert live.ask("DELETE", path, "alfa").status_code == 200
    assert live.ask("DELETE", path, "alfa").status_code == 404
    assert live.get(path, "alfa").status_code == 404


# --- the log ----------------------------------------------------------------------------------------------------------


def test_every_page_is_a_release_in_the_log(live: Live) -> None:
    live.get(f"{OBJECTS}?limit=5&match[type]=malware")
    live.world.hub.integrator.integrate()
    with live.world.hub.store.read() as connection:
        rows = [row for row in live.world.hub.log.rows(connection) if row.kind == "release"]
    payload = msgspec.json.decode(rows[-1].payload or b"")
    assert payload["data"]["collection"] == live.collections["exchange"]
    assert payload["data"]["filter"]["types"] == ["malware"]
    assert "bravo" in str(payload)


# --- recipients, by a marking of our own ------------------------------------------------------------------------------

RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
ADDRESSED = {
    "RED to a user": (RED, "anna@https://bravo.example", {"anna", "anna-token"}),
    "AMBER+STRICT to a party outside of every agreement": (STRICT, "https://charlie.example", set()),
    "AMBER+STRICT to a party": (STRICT, "https://bravo.example", {"anna", "anna-token", "bravo"}),
}


def addressed(name: str, tlp: str, recipient: str) -> tuple[dict[str, object], bytes]:
    """Return an indicator for a recipient, and its envelope."""
    terms = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": object_id("marking-definition", name),
        "created": "2026-01-01T00:00:00.000Z",
        "extensions": {TERMS_EXTENSION: {"extension_type": "property-extension", "recipients": [recipient]}},
    }
    item = indicator(f"addressed {name}") | {"object_marking_refs": [tlp, terms["id"]]}
    return item, envelope(terms, item)


@pytest.mark.parametrize("name", ADDRESSED)
def test_recipients_come_by_their_marking(live: Live, name: str) -> None:
    tlp, recipient, readers = ADDRESSED[name]
    item, body = addressed(name, tlp, recipient)
    assert live.post(body).json()["failure_count"] == 0
    path = f"{INBOX}objects/{item['id']}/"
    found = {who for who in ("anna", "anna-token", "bravo", "charlie") if live.get(path, who).status_code == 200}
    assert found == readers


def test_red_names_persons(live: Live) -> None:
    item, body = addressed("RED to a party", RED, "https://bravo.example")
    failures = live.post(body).json()["failures"]
    assert [one["id"] for one in failures] == [item["id"]]
    assert "name them" in failures[0]["message"]
