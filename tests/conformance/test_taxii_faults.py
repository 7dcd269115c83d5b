"""What is no TAXII, no HTTP, or no end: always a clear refusal, and never a changed store."""

from __future__ import annotations

import base64
import random
import socket
from typing import TYPE_CHECKING

import pytest

from support.taxii import Live, envelope, indicator, object_id
from tocsin.exchange.taxii.http import MAX_CONTENT_LENGTH
from tocsin.exchange.taxii.wire import TAXII

if TYPE_CHECKING:
    from collections.abc import Iterator

INBOX = "/live/collections/inbox/objects/"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def unchanged(live: Live) -> Iterator[None]:
    """Hold that nothing of a test arrived, and that the server still answers."""
    before = live.get("/live/collections/inbox/manifest/", "alfa").content
    yield
    assert live.get("/live/collections/inbox/manifest/", "alfa").content == before


def speak(live: Live, *parts: bytes, end: bool = False) -> bytes:
    """Send bytes as they are, and return all that comes back until the server hangs up."""
    host, _, port = live.url.removeprefix("http://").partition(":")
    heard = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        if end:
            connection.shutdown(socket.SHUT_WR)
        while chunk := connection.recv(65_536):
            heard += chunk
    return heard


def post_head(live: Live, *lines: str) -> bytes:
    """Return the head of a POST by alfa."""
    user, token = live.secrets["alfa"]
    basic = base64.b64encode(f"{user}:{token}".encode()).decode()
    head = [f"POST {INBOX} HTTP/1.1", "Host: localhost", f"Authorization: Basic {basic}", f"Content-Type: {TAXII}"]
    return "\r\n".join([*head, *lines, "", ""]).encode()


# --- too much ---------------------------------------------------------------------------------------------------------


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // MIB):
        yield b" " * MIB


def test_a_hundred_megabytes_in_chunks(live: Live) -> None:
    answer = live.post(chunks(100 * MIB))
    assert answer.status_code == 413
    assert f"{MAX_CONTENT_LENGTH:,}" in answer.json()["description"]


def test_a_hundred_megabytes_announced(live: Live) -> None:
    assert live.post(b" " * (100 * MIB)).status_code == 413


def test_strangers_are_refused_before_their_body_is_looked_at(live: Live) -> None:
    assert live.post(chunks(20 * MIB), None).status_code == 401


def test_who_waits_for_continue_is_refused_at_once(live: Live) -> None:
    heard = speak(live, post_head(live, f"Content-Length: {100 * MIB}", "Expect: 100-continue"))
    assert heard.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in heard


def test_who_waits_for_continue_may_go_on(live: Live) -> None:
    heard = speak(live, post_head(live, "Content-Length: 2", "Expect: 100-continue", "Connection: close"), b"[]")
    assert heard.startswith(b"HTTP/1.1 100 Continue")
    assert b"HTTP/1.1 422 " in heard


@pytest.mark.parametrize("length", ["9" * 30, "00000000000000000000068000000"])
def test_lengths_beyond_all_numbers(live: Live, length: str) -> None:
    heard = speak(live, post_head(live, f"Content-Length: {length}", "Expect: 100-continue"))
    assert heard.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))
    # uvicorn finds some of them to be no HTTP
    assert TAXII.encode() in heard or b"application/problem+json" in heard


DEEP = {
    "lists": b'{"objects":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "objects": b'{"objects":[' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"]}",
    "lists without an end": b'{"objects":' + b"[" * 100_000,
    "many small ones": b'{"objects":[' + b"[]," * 5_000_001 + b"[]]}",
}


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP.keys())
def test_bombs(live: Live, body: bytes) -> None:
    # fewer bytes than max_content_length: 413 is not theirs (§4.2.1)
    assert live.post(body).status_code == 422


# --- cut off ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_body_cut_off_stores_nothing(live: Live, share: float) -> None:
    body = envelope(indicator("cut off"))
    part = body[: int(len(body) * share)]
    assert speak(live, post_head(live, f"Content-Length: {len(body)}"), part, end=True) == b""
    assert live.get(f"{INBOX}{object_id('indicator', 'cut off')}/", "alfa").status_code == 404


def test_chunks_cut_off_store_nothing(live: Live) -> None:
    body = envelope(indicator("cut off"))
    part = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    assert speak(live, post_head(live, "Transfer-Encoding: chunked"), part, end=True) == b""
    assert live.get(f"{INBOX}{object_id('indicator', 'cut off')}/", "alfa").status_code == 404


# --- no HTTP ----------------------------------------------------------------------------------------------------------

NO_HTTP = {
    "words": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
    "a header without a name": b"GET /taxii2/ HTTP/1.1\r\n: x\r\n\r\n",
    "no host": b"GET /taxii2/ HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /taxii2/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two lengths": b"POST /taxii2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length in words": b"POST /taxii2/ HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    "a negative length": b"POST /taxii2/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "an unknown coding": b"POST /taxii2/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a NUL in a header": b"GET /taxii2/ HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    "a space in the path": b"GET /taxii2/ x HTTP/1.1\r\nHost: a\r\n\r\n",
    "another version": b"GET /taxii2/ HTTP/9.9\r\nHost: a\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_what_is_no_http_gets_an_answer_of_ours(live: Live, sent: bytes) -> None:
    heard = speak(live, sent)
    head, _, body = heard.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ")), heard
    # what is no HTTP has no address, so that it is nobody's dialect: one of ours it is
    assert f"content-type: {TAXII}".encode() in head or b"content-type: application/problem+json" in head
    assert b'"http_status":"40' in body or b'"status":40' in body
    assert b"Traceback" not in heard


ENDLESS = {
    "a header": b"GET /taxii2/ HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 500_000,
    "a path": b"GET /" + b"x" * 500_000,
    "headers": b"GET /taxii2/ HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * 100_000,
}


@pytest.mark.parametrize("sent", ENDLESS.values(), ids=ENDLESS.keys())
def test_what_does_not_end_is_hung_up_on(live: Live, sent: bytes) -> None:
    try:
        heard = speak(live, sent)
    except (ConnectionResetError, BrokenPipeError):
        return  # we hung up while it was still talking
    assert heard.startswith(b"HTTP/1.1 400 ")


def test_a_bad_chunk_in_the_middle(live: Live) -> None:
    heard = speak(live, post_head(live, "Transfer-Encoding: chunked"), b"5\r\nhello\r\nZZZ\r\n")
    assert heard == b"" or heard.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["localhost/../evil", "evil.example\\", "[", "a b"])
def test_hosts_that_are_none(live: Live, host: str) -> None:
    heard = speak(live, f"GET /taxii2/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert heard.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))
    assert f"content-type: {TAXII}".encode() in heard or b"content-type: application/problem+json" in heard
    assert b"evil" not in heard


# --- mutations --------------------------------------------------------------------------------------------------------


def test_random_mutations_of_an_envelope(live: Live) -> None:
    """Whatever a byte more, less or other makes of it: refused as a whole, or object by object."""
    chooser = random.Random(20260601)
    whole = envelope(indicator("mutant") | {"id": "indicator--not-a-uuid"})
    for _ in range(100):
        body = bytearray(whole)
        for _ in range(chooser.randint(1, 4)):
            place = chooser.randrange(len(body))
            body[place : place + chooser.randint(0, 3)] = chooser.randbytes(chooser.randint(0, 3))
        answer = live.post(bytes(body))
        assert answer.status_code in {202, 422}
        if answer.status_code == 202:
            assert answer.json()["success_count"] == 0
