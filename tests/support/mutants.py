"""A server that does one thing wrong: a layer between the suite and our application that changes answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MUTATIONS", "Exchange", "Mutant", "Wrong"]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    query: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sent: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def without(self, name: str) -> Exchange:
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] != name))

    def with_(self, name: str, value: str) -> Exchange:
        return replace(self, headers=(*self.without(name).headers, (name, value)))

    def json(self) -> Any:  # noqa: ANN401  whatever the server said
        return json.loads(self.body)

    def saying(self, value: object) -> Exchange:
        return replace(self, body=json.dumps(value).encode())

    def lists(self, name: str) -> bool:
        """Return whether the body is a resource with this list in it."""
        return self.status == 200 and self.body.startswith(b"{") and bool(self.json().get(name))


class Mutant:
    """Passes everything on, through whatever ``wrong`` is at the time."""

    def __init__(self) -> None:
        self.wrong: Callable[[Exchange], Exchange] | None = None
        self.ask: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def wrap(self, app: Any) -> Any:  # noqa: ANN401  an ASGI application, as it is
        async def answered(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's
            if scope["type"] != "http" or (self.wrong is None and self.ask is None):
                await app(scope, receive, send)
                return
            if self.ask is not None:
                scope = self.ask(dict(scope))
            said: list[Any] = []

            async def keep(message: Any) -> None:  # noqa: ANN401  ASGI's
                said.append(message)

            await app(scope, receive, keep)
            start = said[0]
            exchange = Exchange(
                method=scope["method"],
                path=scope["path"],
                query=scope["query_string"].decode(),
                status=start["status"],
                headers=tuple((key.decode().lower(), value.decode()) for key, value in start["headers"]),
                body=b"".join(message.get("body", b"") for message in said[1:]),
                sent={key.decode().lower(): value.decode("latin-1") for key, value in scope["headers"]},
            )
            if self.wrong is not None:
                exchange = self.wrong(exchange)
            headers = exchange.without("content-length").headers
            if exchange.status != 204 and exchange.method != "HEAD":
                headers = (*headers, ("content-length", str(len(exchange.body))))
            await send(
                start
                | {
                    "status": exchange.status,
                    "headers": [(key.encode(), value.encode()) for key, value in headers],
                }
            )
            await send({"type": "http.response.body", "body": exchange.body})

        return answered


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One thing wrong, in answers or in how requests are understood, and cases that have to notice."""

    cases: tuple[str, ...]
    answer: Callable[[Exchange], Exchange] | None = None
    ask: Callable[[dict[str, Any]], dict[str, Any]] | None = None


def _objects(change: Callable[[list[Any]], list[Any]]) -> Callable[[Exchange], Exchange]:
    def changed(exchange: Exchange) -> Exchange:
        if not exchange.lists("objects"):
            return exchange
        found = exchange.json()
        return exchange.saying(found | {"objects": change(found["objects"])})

    return changed


def _status(of: int, to: int, *, method: str = "", path: str = "") -> Callable[[Exchange], Exchange]:
    def changed(exchange: Exchange) -> Exchange:
        fits = exchange.status == of and method in {"", exchange.method} and path in exchange.path
        return replace(exchange, status=to) if fits else exchange

    return changed


def _query(pattern: str, becomes: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def changed(scope: dict[str, Any]) -> dict[str, Any]:
        return scope | {"query_string": re.sub(pattern, becomes, scope["query_string"].decode()).encode()}

    return changed


def _edit(name: str, change: Callable[[str], str]) -> Callable[[Exchange], Exchange]:
    def changed(exchange: Exchange) -> Exchange:
        found = exchange.header(name)
        return exchange if found is None else exchange.with_(name, change(found))

    return changed


def _resource(key: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Exchange], Exchange]:
    def changed(exchange: Exchange) -> Exchange:
        if exchange.status >= 300 or not exchange.body.startswith(b"{") or key not in exchange.json():
            return exchange
        return exchange.saying(change(exchange.json()))

    return changed


def _empty_lists(exchange: Exchange) -> Exchange:
    return exchange.saying({"objects": []}) if exchange.status == 200 and exchange.body == b"{}" else exchange


def _bundle(exchange: Exchange) -> Exchange:
    if exchange.lists("objects") and "manifest" not in exchange.path:
        return exchange.saying({"type": "bundle", "id": "bundle--x"} | exchange.json())
    return exchange


def _html(exchange: Exchange) -> Exchange:
    if exchange.status < 400:
        return exchange
    return replace(exchange.with_("content-type", "text/html"), body=b"<h1>no</h1>")


def _redirect(exchange: Exchange) -> Exchange:
    if exchange.path.endswith("/") or exchange.method != "GET":
        return exchange
    return replace(exchange, status=301, body=b"").with_("location", exchange.path + "/")


def _coarse(exchange: Exchange) -> Exchange:
    """Tell dates to the second, as a store without microseconds does."""
    text = re.sub(r'("date_added": ?"[^"]{19})\.\d{6}Z', r"\1.000000Z", exchange.body.decode())
    for name in ("first", "last"):
        exchange = _edit(f"x-taxii-date-added-{name}", lambda value: value[:19] + ".000000Z")(exchange)
    return replace(exchange, body=text.encode())


def _partial(exchange: Exchange) -> Exchange:
    return replace(exchange, status=206) if "range" in exchange.sent and exchange.status == 200 else exchange


MUTATIONS: dict[str, Wrong] = {
    "another content type": Wrong(
        cases=("3.1 objects has the media type and version", "1.6.8 Accept: the exact media type is served"),
        answer=lambda exchange: exchange.with_("content-type", "application/json"),
    ),
    "a space in the content type": Wrong(
        cases=("3.1 objects has the exact token that taxii2-client wants",),
        answer=lambda exchange: exchange.with_("content-type", "application/taxii+json; version=2.1"),
    ),
    "errors in HTML": Wrong(cases=("3.6 404, no such object: has an error message",), answer=_html),
    "errors without a title": Wrong(
        cases=("3.6 400, a bad parameter: has an error message",),
        answer=lambda exchange: exchange.saying({}) if exchange.status >= 400 else exchange,
    ),
    "another http_status": Wrong(
        cases=("3.6 404, no such status: has an error message",),
        answer=lambda exchange: replace(exchange, body=exchange.body.replace(b'"404"', b'"400"')),
    ),
    "a redirect for the slash": Wrong(
        cases=("3.1 objects without the slash is served and not redirected",), answer=_redirect
    ),
    "403 for what is not there": Wrong(
        cases=("5.2 an unknown one is 404", "5.6 an unknown one is 404"), answer=_status(404, 403)
    ),
    "200 for deleting what is not there": Wrong(
        cases=("5.7 an unknown object is 404",), answer=_status(404, 200, method="DELETE")
    ),
    "400 becomes 500": Wrong(cases=("3.4 a limit of nothing is 400",), answer=_status(400, 500)),
    "200 for a bad filter": Wrong(cases=("3.4 an added_after in words is 400",), answer=_status(400, 200)),
    "422 becomes 500": Wrong(cases=("5.5 a body that is no JSON is 422 or 400",), answer=_status(422, 500)),
    "413 for what is deep": Wrong(cases=("5.5 a body that is very deep is 422 or 400",), answer=_status(422, 413)),
    "200 for a submission": Wrong(cases=("5.5 is 202 with a status resource",), answer=_status(202, 200)),
    "401 without a challenge": Wrong(
        cases=("1.6.9 401 says how to authenticate (RFC 9110 §11.6.1)", "1.6.9 401 offers Basic"),
        answer=lambda exchange: exchange.without("www-authenticate"),
    ),
    "open to nobody's eyes": Wrong(
        cases=("1.6.9 objects: nobody gets 401 or 404", "1.6.9 nobody adds"), answer=_status(401, 200)
    ),
    "403 for who can do neither": Wrong(
        cases=("1.6.9 who can neither read nor write gets 404 for deleting (§5.7)",),
        answer=_status(404, 403, method="DELETE"),
    ),
    "no dates": Wrong(
        cases=("3.2 objects has both dates, as timestamps", "3.2 a page of one has the same date twice"),
        answer=lambda exchange: exchange.without("x-taxii-date-added-first").without("x-taxii-date-added-last"),
    ),
    "dates in milliseconds": Wrong(
        cases=("3.2 manifest has both dates, as timestamps",),
        answer=_edit("x-taxii-date-added-last", lambda value: value[:23] + "Z"),
    ),
    "the last date is the first": Wrong(
        cases=("3.2 objects: the dates are those of its first and last object",),
        answer=lambda exchange: exchange.with_(
            "x-taxii-date-added-last", exchange.header("x-taxii-date-added-first") or ""
        ),
    ),
    "dates to the second": Wrong(
        cases=("3.3 no two objects have the same date_added",),
        answer=_coarse,
    ),
    "newest first": Wrong(
        cases=("3.3 objects are in the order of being added", "3.3 date_added ascends"),
        answer=_objects(lambda objects: objects[::-1]),
    ),
    "sorted by modified": Wrong(
        cases=("3.3 the order is of being added, not of being modified",),
        answer=_objects(lambda objects: sorted(objects, key=lambda one: str(one.get("modified", "")))),
    ),
    "the last of a page is left out": Wrong(
        cases=("3.4.1 type: one", "3.5 objects by next, 5 at a time: everything once, in order"),
        answer=_objects(lambda objects: objects[:-1]),
    ),
    "the first of a page is there twice": Wrong(
        cases=(
            "3.5 objects by added_after, 3 at a time: everything once, in order",
            "5.4 an object comes back as it was posted",
        ),
        answer=_objects(lambda objects: [objects[0], *objects]),
    ),
    "added_after includes its instant": Wrong(
        cases=("3.4 added_after is strictly after", "3.4 added_after the newest gives nothing"),
        ask=_query(r"(added_after=[^&]*:\d\d)\.(\d{6})Z", r"\1.000000Z"),
    ),
    "added_after is ignored": Wrong(
        cases=("3.4 added_after is strictly after", "3.4 added_after the year 2200 gives nothing"),
        ask=_query(r"added_after=[^&]*", ""),
    ),
    "limit is ignored": Wrong(
        cases=("3.4 a limit of 5 is kept, and more says that there is more",),
        ask=_query(r"limit=[1-9]\d*", "limit=1000"),
    ),
    "match[type] is ignored": Wrong(
        cases=("3.4.1 type: one", "3.4.1 fields are and: id and another type"), ask=_query(r"match\[type\]=[^&]*", "")
    ),
    "match[version] is ignored": Wrong(
        cases=("3.4.1 version: first", "3.4.1 version: all"), ask=_query(r"match\[version\]=[^&]*", "")
    ),
    "match[spec_version] is ignored": Wrong(
        cases=("3.4.1 spec_version: 2.0",), ask=_query(r"match\[spec_version\]=[^&]*", "")
    ),
    "all versions by default": Wrong(
        cases=("3.4.1 version: the last by default",),
        ask=lambda scope: (
            scope
            if b"match[version]" in scope["query_string"] or scope["method"] != "GET" or "objects" not in scope["path"]
            else scope | {"query_string": scope["query_string"] + b"&match[version]=all"}
        ),
    ),
    "next is ignored": Wrong(
        cases=("3.5 objects by next, 5 at a time: everything once, in order",), ask=_query(r"&next=[^&]*", "")
    ),
    "more without next": Wrong(
        cases=("3.5 the manifest by next, 5 at a time: everything once, in order",),
        answer=_resource("more", lambda found: {key: value for key, value in found.items() if key != "next"}),
    ),
    "more is always false": Wrong(
        cases=("3.4 a limit of 5 is kept, and more says that there is more", "3.5 more is a boolean, next a text"),
        answer=_resource("more", lambda found: found | {"more": False}),
    ),
    "empty lists": Wrong(
        cases=("3.7 nothing is an envelope without objects", "5.3 nothing is an empty object"), answer=_empty_lists
    ),
    "bundles": Wrong(cases=("3.7 it is no bundle",), answer=_bundle),
    "custom properties are dropped": Wrong(
        cases=("5.4 custom properties come back as they were posted",),
        answer=_objects(lambda objects: [{k: v for k, v in one.items() if not k.startswith("x_")} for one in objects]),
    ),
    "versions in microseconds": Wrong(
        cases=(
            "5.8 writes a version as the object's modified is",
            "5.3 a version is written as the object's modified is",
        ),
        answer=lambda exchange: (
            exchange
            if "/objects/" in exchange.path and "versions" not in exchange.path
            else replace(exchange, body=re.sub(rb"\.(\d{3})Z", rb".\g<1>000Z", exchange.body))
        ),
    ),
    "counts that do not add up": Wrong(
        cases=("4.3 its counts add up to the total",),
        answer=_resource("success_count", lambda found: found | {"total_count": found["total_count"] + 1}),
    ),
    "a status that is not kept": Wrong(
        cases=("4.3 the status resource is the one that the submission answered with",),
        answer=lambda exchange: replace(exchange, status=404) if "/status/" in exchange.path else exchange,
    ),
    "no max_content_length": Wrong(
        cases=("4.2 max_content_length is a positive integer",),
        answer=_resource("max_content_length", lambda found: found | {"max_content_length": "a lot"}),
    ),
    "a default that is no API root": Wrong(
        cases=("4.1 the default is one of the API roots",),
        answer=_resource("api_roots", lambda found: found | {"default": "/elsewhere/"}),
    ),
    "collections without can_write": Wrong(
        cases=("5.1 each has its required properties, of their types",),
        answer=_resource(
            "collections",
            lambda found: {
                "collections": [{k: v for k, v in one.items() if k != "can_write"} for one in found["collections"]]
            },
        ),
    ),
    "405 without Allow": Wrong(
        cases=("HTTP methods PUT of objects is 405 with Allow (RFC 9110 §15.5.6)",),
        answer=lambda exchange: exchange.without("allow"),
    ),
    "HEAD is 405": Wrong(
        cases=("HTTP methods HEAD of objects is GET without its body (RFC 9110 §9.3.2)",),
        answer=lambda exchange: replace(exchange, status=405) if exchange.method == "HEAD" else exchange,
    ),
    "ranges are served": Wrong(
        cases=("HTTP connections Range: items, as TAXII 2.0 had it is passed over",), answer=_partial
    ),
    "deleting does nothing": Wrong(
        cases=("5.7 is 200, and the object is 404 from then on", "5.7 takes all versions"),
        ask=lambda scope: scope | {"method": "OPTIONS"} if scope["method"] == "DELETE" else scope,
    ),
}
