"""RFC 9110 §8.4 and §12.5.3: answers and submissions that are compressed."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Final

from tocsin.conformance import expect
from tocsin.conformance.content import envelope, indicator
from tocsin.conformance.model import Chapter, FailedError, Level, Need

if TYPE_CHECKING:
    from tocsin.conformance.client import Answer
    from tocsin.conformance.target import Target

__all__ = ["CHAPTERS"]

coding: Final = Chapter(section="HTTP coding", title="Compression")
CHAPTERS: Final = (coding,)

_GZIP: Final = 16 + zlib.MAX_WBITS
BOMB: Final = 160 * 1024 * 1024

ASKED: Final = {
    "gzip": "gzip",
    "gzip, deflate, as requests asks": "gzip, deflate",
    "gzip, deflate, br, zstd, as browsers ask": "gzip, deflate, br, zstd",
    "anything": "*",
    "gzip with q": "gzip;q=0.5, identity;q=0.1",
    "gzip in other case": "GZip",
}
IDENTITY: Final = {
    "identity": "identity",
    "nothing": "",
    "gzip with q=0": "gzip;q=0",
    "a coding that nobody knows": "nonsense",
    "a list that is none": ";;q=,",
}


def _read(answer: Answer) -> bytes:
    match (answer.header("content-encoding") or "identity").lower():
        case "identity":
            return answer.body
        case "gzip":
            try:
                return gzip.decompress(answer.body)
            except (OSError, EOFError, zlib.error) as error:
                raise FailedError(f"{answer.asked}: the body is no gzip: {error}") from error
        case "deflate":
            return zlib.decompress(answer.body)
        case "br" | "zstd":
            return b""  # given only where it was asked for, which the caller has held; to read it takes a library
        case other:
            raise FailedError(f"{answer.asked}: Content-Encoding {other!r} was not asked for")


@coding.table("Accept-Encoding: {}: the same content, in a coding that was asked for", ASKED, Level.MUST, Need.WRITE)
def _asked(target: Target, value: str) -> None:
    path = f"{target.objects}?{target.seeds.query}"
    plain = target.get(path)
    expect.status(plain, 200)
    answer = target.get(path, headers={"Accept-Encoding": value})
    expect.status(answer, 200)
    given = answer.header("content-encoding")
    expect.that(
        given is None or value == "*" or given.lower() in value.lower(), f"Content-Encoding {given!r} was not asked for"
    )
    read = _read(answer)
    if read:
        expect.same(read, plain.body, "the content")


@coding.table("Accept-Encoding: {}: not compressed, and no error", IDENTITY, Level.MUST, Need.WRITE)
def _identity(target: Target, value: str) -> None:
    path = f"{target.objects}?{target.seeds.query}"
    answer = target.get(path, headers={"Accept-Encoding": value})
    expect.same(answer.header("content-encoding"), None, "Content-Encoding")
    expect.same(len(expect.ids(expect.page(answer))), 14, "the number of objects")


@coding.case("a compressed answer varies by Accept-Encoding, and has its own length", Level.SHOULD, Need.WRITE)
def _vary(target: Target) -> None:
    answer = target.get(f"{target.objects}?{target.seeds.query}", headers={"Accept-Encoding": "gzip"})
    expect.status(answer, 200)
    if answer.header("content-encoding") is not None:
        expect.that("accept-encoding" in (answer.header("vary") or "").lower(), "Vary does not name Accept-Encoding")
        length = answer.header("content-length")
        expect.that(length is None or length == str(len(answer.body)), f"Content-Length {length} of {len(answer.body)}")


@coding.case("pages of objects are compressed where gzip is asked for", Level.FIELD, Need.WRITE)
def _compressed(target: Target) -> None:
    answer = target.get(f"{target.objects}?{target.seeds.query}", headers={"Accept-Encoding": "gzip"})
    expect.same(answer.header("content-encoding"), "gzip", "Content-Encoding")


@coding.case("a submission in gzip is taken, or 415", Level.FIELD, Need.WRITE)
def _gzip(target: Target) -> None:
    item = indicator(target.uuid())
    answer = target.post(gzip.compress(envelope([item])), headers={"Content-Encoding": "gzip"})
    expect.status(answer, 202, 415)
    if answer.status == 202:
        expect.same(expect.page(target.get(target.object(item["id"])))["objects"], [item], "the object")
    else:
        expect.status(target.get(target.object(item["id"])), 404)


@coding.case("a submission in a coding that nobody knows is 415", Level.FIELD, Need.WRITE)
def _unknown(target: Target) -> None:
    expect.status(target.post(envelope([indicator(target.uuid())]), headers={"Content-Encoding": "nonsense"}), 415)


SPOILT: Final = {"cut off": slice(None, -9), "without a head": slice(10, None), "a head alone": slice(None, 10)}


@coding.table("a submission in gzip that is spoilt ({}) is refused", SPOILT, Level.FIELD, Need.WRITE)
def _spoilt(target: Target, kept: slice) -> None:
    item = indicator(target.uuid())
    body = gzip.compress(envelope([item]))[kept]
    expect.status(target.post(body, headers={"Content-Encoding": "gzip"}), 400, 415, 422)
    expect.status(target.get(target.object(item["id"])), 404)


@coding.case("what follows the end of the gzip is refused, and no part of it stored", Level.FIELD, Need.WRITE)
def _after(target: Target) -> None:
    item = indicator(target.uuid())
    body = gzip.compress(envelope([item])) + b"more"
    expect.status(target.post(body, headers={"Content-Encoding": "gzip"}), 400, 415, 422)
    expect.status(target.get(target.object(item["id"])), 404)


@coding.case("a bomb is refused: decompressed bytes are what counts", Level.FIELD, Need.WRITE)
def _bomb(target: Target) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    piece = b" " * (1024 * 1024)
    body = b"".join([*(packer.compress(piece) for _ in range(BOMB // len(piece))), packer.flush()])
    expect.status(target.post(body, headers={"Content-Encoding": "gzip"}), 413, 415, 400, 422)
    expect.status(target.get(f"{target.objects}?limit=1"), 200)
