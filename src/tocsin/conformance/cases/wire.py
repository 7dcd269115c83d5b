"""RFC 9110: methods, HEAD, OPTIONS, ranges, conditions, connections."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from tocsin.conformance import expect
from tocsin.conformance.cases.negotiation import ENDPOINTS
from tocsin.conformance.content import envelope, indicator
from tocsin.conformance.model import Chapter, FailedError, Level, Need

if TYPE_CHECKING:
    from tocsin.conformance.target import Target

__all__ = ["CHAPTERS"]

methods: Final = Chapter(section="HTTP methods", title="Methods")
connections: Final = Chapter(section="HTTP connections", title="Ranges, conditions, connections")
CHAPTERS: Final = (methods, connections)

READERS: Final = 8


@methods.table("HEAD of {} is GET without its body (RFC 9110 §9.3.2)", ENDPOINTS, Level.MUST, Need.WRITE)
def _head(target: Target, name: str) -> None:
    path = target.endpoints()[name]
    got, head = target.get(path), target.ask("HEAD", path)
    expect.status(got, 200)
    expect.same(head.status, got.status, f"HEAD {path}: status")
    expect.same(head.body, b"", f"HEAD {path}: body")
    expect.same(head.header("content-type"), got.header("content-type"), f"HEAD {path}: Content-Type")


@methods.table("OPTIONS of {} says what is allowed", ENDPOINTS, Level.FIELD, Need.WRITE)
def _options(target: Target, name: str) -> None:
    answer = target.ask("OPTIONS", target.endpoints()[name])
    expect.status(answer, 200, 204)
    expect.that("GET" in (answer.header("allow") or ""), f"Allow: {answer.header('allow')!r} does not name GET")


WRONG: Final = {
    "POST of discovery": ("POST", "discovery"),
    "DELETE of the API root": ("DELETE", "API root"),
    "PUT of a status": ("PUT", "status"),
    "POST of collections": ("POST", "collections"),
    "PUT of a collection": ("PUT", "collection"),
    "DELETE of a collection": ("DELETE", "collection"),
    "POST of the manifest": ("POST", "manifest"),
    "PUT of objects": ("PUT", "objects"),
    "DELETE of objects": ("DELETE", "objects"),
    "POST of an object": ("POST", "object"),
    "PATCH of an object": ("PATCH", "object"),
    "DELETE of versions": ("DELETE", "versions"),
}


@methods.table("{} is 405 with Allow (RFC 9110 §15.5.6)", WRONG, Level.MUST, Need.WRITE)
def _wrong(target: Target, case: tuple[str, str]) -> None:
    method, name = case
    answer = target.ask(method, target.endpoints()[name], body=b"{}")
    expect.status(answer, 405)
    expect.that("GET" in (answer.header("allow") or ""), f"Allow: {answer.header('allow')!r} does not name GET")


@methods.case("HEAD of what is not there is 404 without a body", Level.MUST, Need.READ)
def _head_missing(target: Target) -> None:
    answer = target.ask("HEAD", target.object(f"indicator--{target.uuid()}"))
    expect.status(answer, 404)
    expect.same(answer.body, b"", "the body")


@methods.case("a method that nobody knows is 405 or 501", Level.FIELD, Need.READ)
def _unknown(target: Target) -> None:
    expect.status(target.ask("NONSENSE", target.objects), 405, 501, 400)


@methods.case("a method is not overridden by a header", Level.FIELD, Need.WRITE)
def _override(target: Target) -> None:
    item = indicator(target.uuid())
    target.stored(item)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        target.get(target.object(item["id"]), headers={name: "DELETE"})
    expect.status(target.get(target.object(item["id"])), 200)


RANGES: Final = {
    "items, as TAXII 2.0 had it": "items 0-3",
    "items with an equals sign": "items=0-3",
    "bytes": "bytes=0-10",
}


@connections.table("Range: {} is passed over", RANGES, Level.FIELD, Need.WRITE)
def _range(target: Target, value: str) -> None:
    # §1.7.1: item-based pagination was removed
    path = f"{target.objects}?{target.seeds.query}"
    answer = target.get(path, headers={"Range": value})
    expect.same(len(expect.ids(expect.page(answer))), 14, "the number of objects")


@connections.case("an answer has its length, or is chunked", Level.MUST, Need.READ)
def _length(target: Target) -> None:
    answer = target.get(f"{target.objects}?limit=1")
    expect.status(answer, 200)
    length, coding = answer.header("content-length"), answer.header("transfer-encoding")
    expect.that(coding is not None or length == str(len(answer.body)), f"Content-Length {length} of {len(answer.body)}")


@connections.case("answers are not for caches that others share", Level.FIELD, Need.CREDENTIALS, Need.READ)
def _caches(target: Target) -> None:
    # RFC 9111 §3.5 keeps shared caches off what carries Authorization; some were told otherwise
    answer = target.get(f"{target.objects}?limit=1")
    expect.status(answer, 200)
    found = (answer.header("cache-control") or "").lower()
    expect.that("public" not in found and "s-maxage" not in found, f"Cache-Control: {found}")


@connections.case("a query of 60,000 characters is refused, and no defect", Level.FIELD, Need.READ)
def _long(target: Target) -> None:
    expect.status(target.get(f"{target.objects}?x={'a' * 60_000}"), 200, 400, 414, 431)


@connections.case("a request in a body of pieces is taken", Level.MUST, Need.WRITE)
def _chunked(target: Target) -> None:
    item = indicator(target.uuid())
    body = envelope([item])
    expect.status(target.post([body[:10], body[10:50], body[50:]]), 202)


@connections.case("eight readers at once get the same page", Level.MUST, Need.WRITE)
def _together(target: Target) -> None:
    path = f"{target.objects}?{target.seeds.query}"
    wanted = expect.ids(expect.page(target.get(path)))
    found: list[list[str]] = []
    problems: list[FailedError] = []

    def read() -> None:
        try:
            found.append(expect.ids(expect.page(target.get(path))))
        except FailedError as error:
            problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    if problems:
        raise problems[0]
    expect.same(found, [wanted] * READERS, "the pages")
