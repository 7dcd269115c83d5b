"""TAXII 2.1 §1.6, §3.6, §4: negotiation, credentials, errors, discovery, API root."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest

from support.taxii import PASSWORD, Live, checked, envelope, indicator
from tocsin.exchange.taxii.http import MAX_CONTENT_LENGTH
from tocsin.exchange.taxii.wire import TAXII
from tocsin.kernel.clock import SECOND

OBJECTS = "/live/collections/exchange/objects/"

# --- §1.6.8 content negotiation ---------------------------------------------------------------------------------------

ACCEPTED = {
    "the exact words": TAXII,
    "a space after the semicolon": "application/taxii+json; version=2.1",
    "spaces on both sides": "application/taxii+json ; version=2.1",
    "no version": "application/taxii+json",
    "a quoted version": 'application/taxii+json;version="2.1"',
    "other case": "Application/TAXII+JSON;Version=2.1",
    "a charset": "application/taxii+json;version=2.1;charset=utf-8",
    "anything": "*/*",
    "any application": "application/*",
    "plain JSON, as OpenCTI asks": "application/json",
    "a list of both versions": "application/vnd.oasis.taxii+json; version=2.0, application/taxii+json; version=2.1",
    "a list with q": "application/taxii+json;version=2.0;q=0.9, application/taxii+json;version=2.1;q=0.5",
    "a browser's": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "an empty header": "",
    "a low q": "application/taxii+json;q=0.001",
    "what is no range, and then what is": "bogus, */*",
}
REFUSED = {
    "HTML": "text/html",
    "TAXII 2.0": "application/vnd.oasis.taxii+json; version=2.0",
    "another version": "application/taxii+json;version=2.0",
    "STIX": "application/stix+json;version=2.1",
    "excluded by q": "application/taxii+json;version=2.1;q=0, application/json;q=0, */*",
    "no media range": "bogus",
    "a q that is none": "application/taxii+json;q=high",
    "a broken parameter": "application/taxii+json;version",
}


@pytest.mark.parametrize("accept", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accept_is_taken(live: Live, accept: str) -> None:
    assert live.get("/taxii2/", headers={"accept": accept}).status_code == 200


@pytest.mark.parametrize("accept", REFUSED.values(), ids=REFUSED.keys())
def test_accept_is_refused(live: Live, accept: str) -> None:
    answer = live.get("/taxii2/", headers={"accept": accept})
    assert answer.status_code == 406
    assert answer.json()["details"] == {"where": "Accept", "todo": f"send Accept: {TAXII}"}


def test_accept_may_be_missing(live: Live) -> None:
    request = live.client().build_request("GET", "/taxii2/")
    assert "accept" not in request.headers
    assert checked(live.client().send(request)).status_code == 200


def test_accept_may_come_in_several_lines(live: Live) -> None:
    lines = [("accept", "text/html"), ("accept", "application/taxii+json")]
    assert checked(live.client().get("/taxii2/", headers=lines)).status_code == 200


# --- §1.6.9 authentication and authorisation --------------------------------------------------------------------------

KNOWN = {
    "a service's token, Basic": "bravo",
    "a user's password": "anna",
    "a user's token, Basic": "anna-token",
}
PATHS = (
    "/taxii2/",
    "/live/",
    "/live/collections/",
    "/live/collections/exchange/",
    OBJECTS,
    "/live/collections/exchange/manifest/",
    "/live/collections/exchange/objects/x/",
    "/live/collections/exchange/objects/x/versions/",
    "/live/status/x/",
)


@pytest.mark.parametrize("who", KNOWN.values(), ids=KNOWN.keys())
def test_known_callers_come_in(live: Live, who: str) -> None:
    assert live.get(OBJECTS, who).status_code == 200


def test_bearer_tokens_come_in(live: Live) -> None:
    bearer = {"authorization": f"Bearer {live.secrets['bravo'][1]}"}
    assert live.get(OBJECTS, None, headers=bearer).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_open_to_strangers(live: Live, path: str) -> None:
    assert live.get(path, None).status_code == 401


STRANGERS = {
    "a wrong password": ("anna@bravo", PASSWORD[:-1] + "x"),
    "nobody's name": ("nobody@bravo", PASSWORD),
    "no party": ("nobody@nowhere", PASSWORD),
    "a token that is none": ("bravo", "tocsin_" + "A" * 43),
    "an empty password": ("anna@bravo", ""),
    "a service with a password": ("bravo", PASSWORD),
}


@pytest.mark.parametrize("pair", STRANGERS.values(), ids=STRANGERS.keys())
def test_strangers_are_all_told_the_same(live: Live, pair: tuple[str, str]) -> None:
    with httpx.Client(base_url=live.url, auth=pair) as client:
        answer = checked(client.get("/taxii2/"))
    assert answer.status_code == 401
    assert answer.content == live.get("/taxii2/", None).content


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Bearer", "Digest x=1", "Basic " + "A" * 5000, "Bearer a b", "Basic bm9jb2xvbg=="]
)
def test_headers_that_are_no_credentials(live: Live, header: str) -> None:
    assert live.get("/taxii2/", None, headers={"authorization": header}).status_code == 401


def test_who_asks_is_found_out_before_what_they_accept(live: Live) -> None:
    assert live.get("/taxii2/", None, headers={"accept": "text/html"}).status_code == 401


FORBIDDEN = {
    "a reader's token submits": ("reader", "POST", "/live/collections/inbox/objects/"),
    "a reader's token deletes": ("reader", "DELETE", "/live/collections/inbox/objects/x/"),
    "a writer's token reads": ("writer", "GET", OBJECTS),
    "a writer's token reads the manifest": ("writer", "GET", "/live/collections/exchange/manifest/"),
    "a writer's token cannot read, so cannot delete": ("writer", "DELETE", "/live/collections/inbox/objects/x/"),
    "a lister's token reads": ("lister", "GET", OBJECTS),
    "a lister's token asks for a status": ("lister", "GET", "/live/status/x/"),
    "an eraser's token lists": ("eraser", "GET", "/live/collections/"),
    "a reader's token submits into what is not there": ("reader", "POST", "/live/collections/nowhere/objects/"),
}


@pytest.mark.parametrize("case", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_credentials_without_the_permission(live: Live, case: tuple[str, str, str]) -> None:
    who, method, path = case
    answer = live.ask(method, path, who, content=b"{}" if method == "POST" else None, headers={"content-type": TAXII})
    assert answer.status_code == 403
    assert "exchange:" in answer.json()["description"]


@pytest.mark.parametrize("who", ["lister", "eraser"])
def test_who_neither_reads_nor_writes_is_told_of_nothing_to_delete(live: Live, who: str) -> None:
    answer = live.ask("DELETE", f"{OBJECTS}{live.indicators[0]}/", who)
    assert answer.status_code == 404
    assert answer.content == live.ask("DELETE", f"{OBJECTS}x/", who).content


# --- §4.1, §4.2 -------------------------------------------------------------------------------------------------------


def test_discovery(live: Live) -> None:
    found = live.get("/taxii2/").json()
    assert found["title"]
    assert found["default"] in found["api_roots"]
    assert found["api_roots"] == ["/live/"]


def test_api_root(live: Live) -> None:
    found = live.get("/live/").json()
    assert found["versions"] == [TAXII]
    assert found["max_content_length"] == MAX_CONTENT_LENGTH
    assert found["title"]


@pytest.mark.parametrize("path", [path for path in PATHS if "/x" not in path])
def test_both_forms_of_a_path_without_a_redirect(live: Live, path: str) -> None:
    with_slash, without = live.get(path), live.get(path.rstrip("/"))
    assert with_slash.status_code == without.status_code == 200
    assert with_slash.content == without.content


# --- §3.6 errors, and HTTP --------------------------------------------------------------------------------------------

NOWHERE = {
    "another root": "/other/",
    "another root's collections": "/other/collections/",
    "the top": "/",
    "below a manifest": "/live/collections/exchange/manifest/x/",
    "something else's path": "/index.html",
    "an API document": "/schema/openapi.json",
    "path traversal": "/live/collections/../../../etc/passwd",
    "encoded traversal": "/live/collections/%2e%2e/%2e%2e/etc/passwd",
    "a slash in an id": "/live/collections/exchange%2Fobjects%2Fx%2Fy%2Fz/",
    "a collection that is not there": "/live/collections/nowhere/",
    "a UUID that is not there": "/live/collections/00000000-0000-4000-8000-000000000000/",
    "a NUL": "/live/collections/exchange%00/",
    "bytes that are no UTF-8": "/live/collections/%ff%fe/",
    "a line end": "/live/collections/exchange%0d%0aX-Evil:%201/",
    "an object that is not there": f"{OBJECTS}indicator--00000000-0000-4000-8000-000000000000/",
    "an object whose id has a NUL": "/live/collections/exchange/objects/a%00b/",
    "an object whose id is too long": f"/live/collections/exchange/objects/{'x' * 4000}/",
    "an object's versions": "/live/collections/exchange/objects/nothing/versions/",
    "a status": "/live/status/00000000-0000-4000-8000-000000000000/",
    "a status that is no UUID": "/live/status/%27%20OR%201=1/",
}


@pytest.mark.parametrize("path", NOWHERE.values(), ids=NOWHERE.keys())
def test_what_is_not_there(live: Live, path: str) -> None:
    answer = live.get(path)
    assert answer.status_code == 404
    assert "x-evil" not in answer.headers


METHODS = {
    "POST to discovery": ("POST", "/taxii2/", "GET, HEAD, OPTIONS"),
    "PUT an object": ("PUT", "/live/collections/exchange/objects/x/", "DELETE, GET, HEAD, OPTIONS"),
    "PATCH objects": ("PATCH", OBJECTS, "GET, HEAD, OPTIONS, POST"),
    "DELETE a collection": ("DELETE", "/live/collections/exchange/", "GET, HEAD, OPTIONS"),
    "POST a manifest": ("POST", "/live/collections/exchange/manifest/", "GET, HEAD, OPTIONS"),
    "TRACE": ("TRACE", OBJECTS, "GET, HEAD, OPTIONS, POST"),
}


@pytest.mark.parametrize("case", METHODS.values(), ids=METHODS.keys())
def test_methods_that_a_path_does_not_take(live: Live, case: tuple[str, str, str]) -> None:
    method, path, allow = case
    answer = live.ask(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow


def test_a_method_that_nobody_knows(live: Live) -> None:
    assert live.ask("BREW", OBJECTS).status_code == 501


def test_options_tell_the_methods(live: Live) -> None:
    answer = live.ask("OPTIONS", OBJECTS, None)
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("path", ["/taxii2/", OBJECTS, "/live/collections/nowhere/"])
def test_head_is_get_without_its_body(live: Live, path: str) -> None:
    plain = {"accept-encoding": "identity"}  # the length is that of what was sent
    got, headed = live.get(path, headers=plain), live.ask("HEAD", path, headers=plain)
    assert headed.status_code == got.status_code
    assert headed.headers["content-length"] == got.headers["content-length"] == str(len(got.content))


def test_answers_are_not_kept_on_the_way(live: Live) -> None:
    for who, status in (("bravo", 200), (None, 401)):
        answer = live.get("/taxii2/", who)
        assert answer.status_code == status
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


# --- the body of a POST -----------------------------------------------------------------------------------------------

TAKEN = {
    "the exact words": TAXII,
    "a space": "application/taxii+json; version=2.1",
    "no version": "application/taxii+json",
    "a charset": "application/taxii+json;version=2.1;charset=UTF-8",
}
NOT_TAKEN = {
    "nothing said": None,
    "plain JSON": "application/json",
    "STIX": "application/stix+json;version=2.1",
    "TAXII 2.0": "application/vnd.oasis.stix+json; version=2.0",
    "another version": "application/taxii+json;version=2.0",
    "a form": "application/x-www-form-urlencoded",
    "another charset": "application/taxii+json;version=2.1;charset=utf-16",
    "nonsense": ";;;",
}


@pytest.mark.parametrize("type_", TAKEN.values(), ids=TAKEN.keys())
def test_content_types_that_are_taken(live: Live, type_: str) -> None:
    assert live.post(envelope(indicator("typed")), type_=type_).status_code == 202


@pytest.mark.parametrize("type_", NOT_TAKEN.values(), ids=NOT_TAKEN.keys())
def test_content_types_that_are_not(live: Live, type_: str | None) -> None:
    answer = live.post(envelope(indicator("typed")), type_=type_)
    assert answer.status_code == 415
    assert answer.headers["accept"] == TAXII


def test_compressed_bodies_are_taken(live: Live) -> None:
    item = indicator("compressed")
    answer = live.post(gzip.compress(envelope(item)), headers={"content-encoding": "gzip"})
    assert answer.json()["success_count"] == 1
    assert live.get(f"/live/collections/inbox/objects/{item['id']}/", "alfa").json()["objects"] == [item]


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "compress", "none"])
def test_codings_that_we_do_not_take(live: Live, coding: str) -> None:
    answer = live.post(b"\x1f\x8b", headers={"content-encoding": coding})
    assert answer.status_code == 415
    assert answer.json()["details"]["where"] == "Content-Encoding"
    assert "gzip" in answer.headers["accept-encoding"]


def test_only_objects_are_compressed(live: Live) -> None:
    for path in (
        "/taxii2/",
        "/live/",
        "/live/collections/",
        "/live/collections/exchange/manifest/",
        f"{OBJECTS}?next=x",
    ):
        assert "content-encoding" not in live.get(path, headers={"accept-encoding": "gzip"}).headers
    assert live.get(OBJECTS, headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in live.get(OBJECTS, "bravo", headers={"accept-encoding": "identity"}).headers


def test_what_another_party_submits_makes_no_answer_shorter(live: Live) -> None:
    """BREACH: charlie guesses at what alfa shared, and measures what alfa fetches; a right guess tells nothing."""

    def length(name: str, guess: str) -> int:
        alias = f"{name}-{guess}"
        secret = indicator(f"secret {alias}") | {"name": "the pump at 192.0.2.77 is open to all"}
        live.world.clock.advance(SECOND)
        live.post(envelope(secret), "alfa")
        path = f"/live/collections/inbox/objects/?match[id]={secret['id']},{guessed(alias)['id']}"
        shared = guessed(alias) | {"name": guess}
        live.post(envelope(shared), "bravo")
        answer = live.get(path, "alfa", headers={"accept-encoding": "gzip"})
        assert len(answer.json()["objects"]) == 2
        return int(answer.headers["content-length"])

    def guessed(alias: str) -> dict[str, Any]:
        return indicator(f"guess {alias}")

    right = [length(f"right {number}", "the pump at 192.0.2.77 is open to all") for number in range(5)]
    wrong = [length(f"wrong {number}", "qne cuzc vk 386.1.3.88 xw lkwc ou fgg") for number in range(5)]
    # ids are random, so that lengths differ by some bytes; a match would save more than thirty
    assert abs(sum(right) - sum(wrong)) / 5 < 15
