"""§1.6.9: who asks, and what they may; the words of §5 on 401, 403 and 404."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from tocsin.conformance import expect
from tocsin.conformance.cases.negotiation import ENDPOINTS
from tocsin.conformance.content import envelope, indicator
from tocsin.conformance.model import Chapter, Level, Need, Role

if TYPE_CHECKING:
    from tocsin.conformance.client import Answer
    from tocsin.conformance.target import Target

__all__ = ["CHAPTERS"]

who: Final = Chapter(section="1.6.9", title="Authentication and authorization")
CHAPTERS: Final = (who,)

_OPEN: Final = {"discovery", "API root"}  # §5 binds the collections' endpoints; these may be open


@who.table("{}: nobody gets 401 or 404", ENDPOINTS, Level.MUST, Need.CREDENTIALS, Need.WRITE)
def _nobody(target: Target, name: str) -> None:
    answer = target.get(target.endpoints()[name], who=Role.NOBODY)
    expect.status(answer, 401, 404, *((200,) if name in _OPEN else ()))


@who.case("nobody adds", Level.MUST, Need.CREDENTIALS, Need.WRITE)
def _nobody_adds(target: Target) -> None:
    one = indicator(target.uuid())
    expect.status(target.post(envelope([one]), who=Role.NOBODY), 401, 404)
    expect.status(target.get(target.object(one["id"])), 404)


@who.case("nobody deletes", Level.MUST, Need.CREDENTIALS, Need.WRITE)
def _nobody_deletes(target: Target) -> None:
    one = indicator(target.uuid())
    target.stored(one)
    expect.status(target.ask("DELETE", target.object(one["id"]), who=Role.NOBODY), 401, 404)
    expect.status(target.get(target.object(one["id"])), 200)


def _refused(target: Target, authorization: str) -> Answer:
    return target.get(f"{target.root}collections/", who=Role.NOBODY, headers={"Authorization": authorization})


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@who.case("401 says how to authenticate (RFC 9110 §11.6.1)", Level.MUST, Need.CREDENTIALS)
def _challenge(target: Target) -> None:
    answer = target.get(f"{target.root}collections/", who=Role.NOBODY)
    if answer.status != 404:
        expect.status(answer, 401)
        expect.that(answer.header("www-authenticate"), "401 without WWW-Authenticate")


@who.case("401 offers Basic", Level.SHOULD, Need.BASIC)
def _offers_basic(target: Target) -> None:
    answer = target.get(f"{target.root}collections/", who=Role.NOBODY)
    if answer.status != 404:
        expect.that("basic" in (answer.header("www-authenticate") or "").lower(), "no challenge for Basic")


@who.case("401 has the media type and an error message", Level.SHOULD, Need.CREDENTIALS)
def _error(target: Target) -> None:
    expect.error(target.get(f"{target.root}collections/", who=Role.NOBODY), 401, 404)


@who.case("the name of the scheme is of any case (RFC 9110 §11.1)", Level.MUST, Need.CREDENTIALS)
def _scheme(target: Target) -> None:
    scheme, _, rest = target.credentials[Role.MAIN].header.partition(" ")
    expect.page(_refused(target, f"{scheme.upper()} {rest}"))
    expect.page(_refused(target, f"{scheme.lower()} {rest}"))


@who.case("a wrong password is refused", Level.MUST, Need.BASIC)
def _wrong(target: Target) -> None:
    known = target.credentials[Role.MAIN]
    expect.status(_refused(target, _basic(known.user, known.password + "x")), 401, 404)
    expect.status(_refused(target, _basic(known.user, "")), 401, 404)


@who.case("an unknown user is told what a wrong password is told", Level.FIELD, Need.BASIC)
def _enumeration(target: Target) -> None:
    wrong = _refused(target, _basic(target.credentials[Role.MAIN].user, "wrong"))
    unknown = _refused(target, _basic(f"nobody-{target.uuid()}", "wrong"))
    expect.status(wrong, 401, 404)
    expect.same((unknown.status, unknown.body), (wrong.status, wrong.body), "the answer to an unknown user")


HEADERS: Final = {
    "a scheme alone": "Basic",
    "no base64": "Basic !!!",
    "base64 of no pair": "Basic bm9jb2xvbg==",
    "base64 of no UTF-8": "Basic /////w==",
    "an unknown scheme": "Nonsense abc",
    "an empty value": "",
    "Bearer alone": "Bearer",
    "a token that is none": "Bearer " + "A" * 43,
    "very long": "Basic " + "QTpB" * 1000,
}


@who.table("Authorization: {} is refused", HEADERS, Level.MUST, Need.CREDENTIALS)
def _malformed(target: Target, value: str) -> None:
    # RFC 9110 leaves 400 for what is no credentials by its form
    expect.status(_refused(target, value), 401, 404, 400)


@who.case("credentials come before everything else", Level.FIELD, Need.CREDENTIALS)
def _first(target: Target) -> None:
    # who is unknown learns nothing of parameters, media types and what is there
    known = target.get(f"{target.objects}?limit=0", who=Role.NOBODY)
    expect.status(known, 401, 404)
    expect.status(target.get(target.objects, who=Role.NOBODY, accept="text/html"), 401, 404)
    unknown = target.get(f"{target.root}collections/{target.uuid()}/objects/?limit=0", who=Role.NOBODY)
    expect.same((unknown.status, unknown.body), (known.status, known.body), "the answer for a collection that is none")


# --- what they may (§5.3 to §5.8) -------------------------------------------------------------------------------------

_READS: Final = {name: name for name in ("manifest", "objects", "object", "versions")}


@who.table("{}: who cannot read gets 403 or 404", _READS, Level.MUST, Need.WRITER, Need.WRITE)
def _cannot_read(target: Target, name: str) -> None:
    expect.status(target.get(target.endpoints()[name], who=Role.WRITER), 403, 404)


@who.case("who cannot write gets 403 or 404 for adding", Level.MUST, Need.READER, Need.WRITE)
def _cannot_write(target: Target) -> None:
    one = indicator(target.uuid())
    expect.status(target.post(envelope([one]), who=Role.READER), 403, 404)
    expect.status(target.get(target.object(one["id"])), 404)


@who.case("can_read and can_write are the asker's own", Level.MUST, Need.READER, Need.WRITER)
def _rights(target: Target) -> None:
    for role, rights in ((Role.MAIN, (True, True)), (Role.READER, (True, False)), (Role.WRITER, (False, True))):
        found = expect.page(target.get(target.base, who=role))
        expect.same((found["can_read"], found["can_write"]), rights, f"can_read and can_write of the {role}")


@who.case("who can read and not write gets 403 for deleting (§5.7)", Level.MUST, Need.READER, Need.WRITE)
def _reader_deletes(target: Target) -> None:
    expect.status(target.ask("DELETE", target.object(target.seeds.indicators[0]), who=Role.READER), 403)


@who.case("who can write and not read gets 403 for deleting (§5.7)", Level.MUST, Need.WRITER, Need.WRITE)
def _writer_deletes(target: Target) -> None:
    expect.status(target.ask("DELETE", target.object(target.seeds.indicators[0]), who=Role.WRITER), 403)


@who.case("who can neither read nor write gets 404 for deleting (§5.7)", Level.MUST, Need.LISTER, Need.WRITE)
def _lister_deletes(target: Target) -> None:
    expect.status(target.ask("DELETE", target.object(target.seeds.indicators[0]), who=Role.LISTER), 404)


@who.case("another party's status answers as one that is not there", Level.FIELD, Need.SECOND, Need.WRITE)
def _others_status(target: Target) -> None:
    theirs = target.get(target.status_path(target.submission), who=Role.SECOND)
    missing = target.get(f"{target.root}status/{target.uuid()}/", who=Role.SECOND)
    expect.status(theirs, 404)
    expect.same(theirs.body, missing.body, "the answer for another's status")
