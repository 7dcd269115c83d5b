"""§1.6.8 and §3.1: media types asked for, and media types given; §3.6: errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tocsin.conformance import expect
from tocsin.conformance.client import TAXII
from tocsin.conformance.content import envelope, indicator
from tocsin.conformance.model import Chapter, Level, Need, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.conformance.target import Target

__all__ = ["CHAPTERS", "LAST"]

asking: Final = Chapter(section="1.6.8", title="Content negotiation")
giving: Final = Chapter(section="3.1", title="Endpoints and their media types")
errors: Final = Chapter(section="3.6", title="Errors")
CHAPTERS: Final = (asking, giving, errors)
# Judged after everything else, as in ``added``.
hostile: Final = Chapter(section="3.6", title="Errors")
LAST: Final = (hostile,)

ENDPOINTS: Final = {
    name: name
    for name in (
        "discovery",
        "API root",
        "status",
        "collections",
        "collection",
        "manifest",
        "objects",
        "object",
        "versions",
    )
}

# --- what is asked for ------------------------------------------------------------------------------------------------

DEFINED: Final = {
    "the exact media type": TAXII,
    "no version": "application/taxii+json",
    "a space before the version": "application/taxii+json; version=2.1",
    "a quoted version": 'application/taxii+json;version="2.1"',
    "other case": "Application/Taxii+JSON;Version=2.1",
    "a list with STIX, as §5.3 has it": "application/taxii+json;version=2.1,application/stix+json;version=2.1",
    "a list of TAXII 2.0 and 2.1": "application/vnd.oasis.taxii+json; version=2.0, application/taxii+json; version=2.1",
    "a list with q": "text/html;q=0.9, application/taxii+json;version=2.1;q=0.5",
}
FIELD: Final = {
    "plain JSON, as OpenCTI asks": "application/json",
    "anything": "*/*",
    "any application": "application/*",
    "a charset": "application/taxii+json;version=2.1;charset=utf-8",
    "nothing at all": None,
}
OTHER: Final = {
    "HTML": "text/html",
    "TAXII 2.0": "application/vnd.oasis.taxii+json; version=2.0",
    "a version that is none": "application/taxii+json;version=9.9",
    "STIX alone": "application/stix+json;version=2.1",
    "TAXII with q=0": "application/taxii+json;version=2.1;q=0, application/taxii+json;q=0",
    "no media range": "nonsense",
}


@asking.table("Accept: {} is served", DEFINED, Level.MUST, Need.READ)
def _defined(target: Target, accept: str) -> None:
    answer = target.get(target.objects + "?limit=1", accept=accept)
    expect.page(answer)
    expect.taxii_type(answer)


@asking.table("Accept: {} is served", FIELD, Level.FIELD, Need.READ)
def _field(target: Target, accept: str | None) -> None:
    answer = target.get(target.objects + "?limit=1", accept=accept)
    expect.page(answer)
    expect.taxii_type(answer)


@asking.table("Accept: {} is served as TAXII, or 406", OTHER, Level.MAY, Need.READ)
def _other(target: Target, accept: str) -> None:
    answer = target.get(target.objects + "?limit=1", accept=accept)
    expect.status(answer, 200, 406)
    expect.taxii_type(answer)
    answer.json()


# --- what is given ----------------------------------------------------------------------------------------------------


@giving.table("{} has the media type and version", ENDPOINTS, Level.MUST, Need.WRITE)
def _typed(target: Target, name: str) -> None:
    answer = target.get(target.endpoints()[name])
    expect.page(answer)
    expect.taxii_type(answer)


@giving.table("{} has the exact token that taxii2-client wants", ENDPOINTS, Level.FIELD, Need.WRITE)
def _exact(target: Target, name: str) -> None:
    answer = target.get(target.endpoints()[name])
    expect.status(answer, 200)
    expect.same(answer.header("content-type"), TAXII, "Content-Type")


@giving.table("{} without the slash is served and not redirected", ENDPOINTS, Level.FIELD, Need.WRITE)
def _slash(target: Target, name: str) -> None:
    # clients leave it out, and a redirect drops their credentials
    path = target.endpoints()[name]
    without = target.get(path.rstrip("/"))
    expect.same(without.status, 200, f"{path.rstrip('/')}: status")
    expect.same(without.json(), target.get(path).json(), "the answer without the slash")


@giving.case("an answer is UTF-8 JSON with every name once", Level.MUST, Need.READ)
def _ijson(target: Target) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        expect.same(len({name for name, _ in pairs}), len(pairs), "distinct names in an object (RFC 7493 §2.3)")
        return dict(pairs)

    answer = target.get(target.objects + "?limit=5")
    expect.status(answer, 200)
    json.loads(answer.body.decode("utf-8"), object_pairs_hook=once)


# --- errors -----------------------------------------------------------------------------------------------------------

_UNKNOWN: Final = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
ERRORS: Final[dict[str, tuple[str, str, Mapping[str, Any], tuple[int, ...]]]] = {
    "400, a bad parameter": ("GET", "{objects}?limit=0", {}, (400,)),
    "404, no such collection": ("GET", "{root}collections/" + _UNKNOWN + "/", {}, (404,)),
    "404, no such object": ("GET", "{objects}indicator--" + _UNKNOWN + "/", {}, (404,)),
    "404, no such status": ("GET", "{root}status/" + _UNKNOWN + "/", {}, (404,)),
    "404, no such endpoint": ("GET", "{root}nothing-here/", {}, (404,)),
    "405, a method that is none of the endpoint's": ("PUT", "{base}", {"body": b"{}"}, (405,)),
    "406, nothing acceptable": ("GET", "{objects}", {"accept": "text/html"}, (406,)),
    "415, a type that nobody takes": (
        *("POST", "{objects}"),
        {"headers": {"Content-Type": "text/html"}, "body": b"<p>"},
        (415,),
    ),
    "4xx, a body that is no JSON": (
        *("POST", "{objects}"),
        {"headers": {"Content-Type": TAXII}, "body": b"{"},
        (422, 400),
    ),
}


def _failed(target: Target, case: tuple[str, str, Mapping[str, Any], tuple[int, ...]]) -> Any:  # noqa: ANN401  an Answer
    method, template, more, codes = case
    path = template.format(root=target.root, base=target.base, objects=target.objects)
    answer = target.ask(method, path, **more)
    expect.status(answer, *codes)
    return answer


@errors.table("{}: has the media type and version", ERRORS, Level.MUST, Need.READ)
def _error_typed(target: Target, case: tuple[str, str, Mapping[str, Any], tuple[int, ...]]) -> None:
    expect.taxii_type(_failed(target, case))


@errors.table("{}: has an error message", ERRORS, Level.SHOULD, Need.READ)
def _error_message(target: Target, case: tuple[str, str, Mapping[str, Any], tuple[int, ...]]) -> None:
    answer = _failed(target, case)
    expect.error(answer, answer.status)


@errors.case("an error message has no property of a wrong type", Level.MUST, Need.READ)
def _properties(target: Target) -> None:
    found = target.get(f"{target.objects}?limit=0").json()
    for name in ("title", "description", "error_id", "error_code", "http_status", "external_details"):
        expect.that(isinstance(found.get(name, ""), str), f"{name} is no string")
    expect.that(isinstance(found.get("details", {}), dict), "details is no object")


@hostile.case("an error shows nothing of the server's insides", Level.FIELD, Need.WRITE)
def _insides(target: Target) -> None:
    asked = (
        target.get(f"{target.objects}?limit=%00"),
        target.get(f"{target.objects}?added_after=%27"),
        target.post(b"[" * 2000),
        target.post(envelope([indicator(target.uuid()) | {"id": 7}])),
        target.get(f"{target.objects}?next=%27", who=Role.MAIN),
    )
    for answer in asked:
        expect.no_crash(answer)
        expect.that(b"Traceback" not in answer.body, f"{answer.asked}: shows a traceback")
        expect.that(b'File "' not in answer.body, f"{answer.asked}: shows its files")
