"""One application of several dialects: each place answers in its own, and all of it behind one guard."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from support.taxii import living
from tocsin.exchange.taxii.wire import TAXII
from tocsin.kernel.http.problem_details import JSON, PROBLEM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.taxii import Live


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    serving = living(tmp_path_factory.mktemp("served") / "hub")
    yield next(serving)
    serving.close()


# path, Accept, what it is answered in
NOWHERE = {
    "the top": ("/", None, PROBLEM),
    "beneath the API": ("/api/v1/nothing", None, PROBLEM),
    "another version of the API": ("/api/v2", "application/json", PROBLEM),
    "beneath TAXII's root": ("/live/nothing/", None, TAXII),
    "beneath TAXII's root, as JSON": ("/live/nothing/", "application/json", TAXII),
    "beneath discovery": ("/taxii2/nothing", None, TAXII),
    "a root of TAXII that is none": ("/exercise/", TAXII, TAXII),
    "a browser": ("/favicon.ico", "text/html,*/*;q=0.8", PROBLEM),
    "an Accept of nonsense": ("/nothing", ";;,taxii+json", PROBLEM),
}


@pytest.mark.parametrize("case", NOWHERE.values(), ids=NOWHERE.keys())
def test_what_is_not_there_is_answered_in_its_place_s_dialect(live: Live, case: tuple[str, str | None, str]) -> None:
    path, accept, expected = case
    with httpx.Client(base_url=live.url) as client:
        del client.headers["accept"]
        answer = client.get(path, headers={} if accept is None else {"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == expected
    assert "title" in answer.json()


def test_a_problem_has_the_members_of_its_specification(live: Live) -> None:
    answer = httpx.get(f"{live.url}/api/v1/collections", params={"x": "canary"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    assert len(answer.headers.get_list("www-authenticate")) == 2
    body = answer.json()
    assert (body["title"], body["status"]) == ("Unauthorized", 401)
    assert body["detail"]
    assert "canary" not in answer.text


def test_the_api_answers_in_json(live: Live) -> None:
    answer = httpx.get(f"{live.url}/api/v1/collections", auth=live.secrets["bravo"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == JSON
    found = {one["alias"]: one["id"] for one in answer.json()["collections"]}
    assert found == live.collections


def test_what_is_no_http_is_told_so_in_json(live: Live) -> None:
    host, port = live.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answered = b""
        while more := connection.recv(65_536):
            answered += more
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert PROBLEM.encode() in answered
