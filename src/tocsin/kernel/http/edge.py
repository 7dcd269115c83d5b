"""The one way from HTTP to a use case and back.

Only an edge hands functions to the HTTP framework, and it always asks the guard first, so that no function can skip it;
an application in which anything else answers fails at its start (``application``). An edge speaks one dialect; those of
one application share the guard.

What happens to a request, in this order: path (404), framing (400), method (405), length of the query (414), who asks
(401), whether they may (403), what answer they take (406), what they send (415), how much (413); then the function
runs, in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Generic

import structlog
from litestar import HttpMethod, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from tocsin.errors import BrokenError, ForbiddenError, TocsinError
from tocsin.kernel.http.body import Incoming, has_body
from tocsin.kernel.http.coding import CODINGS, IDENTITY, decoded, encoded, is_taken
from tocsin.kernel.http.negotiation import accepts, chosen_coding, parse_media_type
from tocsin.kernel.http.problems import Dialect, HttpProblem, describe, problem_of, unexpected
from tocsin.kernel.http.routes import Body, Call, Endpoint, Method, P, Reply, Route, StreamCall, StreamEndpoint
from tocsin.kernel.http.streams import Flow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from tocsin.kernel.http.guard import Guard

__all__ = ["GUARD", "MAX_QUERY_BYTES", "Answered", "Edge", "nothing_here"]

# 200 identifiers of 80 characters, percent-encoded, with room: what the largest filter of ours can need.
MAX_QUERY_BYTES: Final = 32_768

# Under this name a handler carries the edge that made it.
GUARD: Final = "guard"
_METHODS: Final = tuple(HttpMethod)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1
# What we send is for the one who asked, under credentials, and is exactly what we say that it is.
_ALWAYS: Final = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
# Of an unknown path and of a method that is none, nothing that a client wrote may reach a log or a metric.
NO_ROUTE: Final = "(none)"
NO_METHOD: Final = "(other)"

_log: Final = structlog.get_logger("tocsin.http")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One answer, as it may be counted and logged: the route's template and never the path, nothing of the request.

    ``caller`` is the party of who asked, where the guard found out. ``seconds`` are from the head's arrival to the
    answer's being ready; for a stream, to its first byte.
    """

    method: str
    route: str
    status: int
    seconds: float
    caller: str | None = None
    error_id: str | None = None


def nothing_beside(_known: object) -> tuple[tuple[str, str], ...]:
    """Put no header beside an answer."""
    return ()


def nothing_here(_answered: Answered) -> None:
    """Observe nothing."""


@dataclass(eq=False)
class _Visit:
    """What is known of one request while it is being answered."""

    start: float = field(default_factory=perf_counter)
    caller: str | None = None
    error_id: str | None = None


@dataclass(kw_only=True, eq=False)
class Edge(Generic[P]):
    """Speaks one dialect at some paths: translates what comes in and what goes out, and asks the guard in between.

    ``prefixes`` are the first segments under which even an unknown path is answered in this dialect. ``beside`` gives
    headers that stand beside whatever a known caller is answered, from memory alone. ``new_id`` names a defect;
    ``observe`` is told of every answer, on the event loop, and must return at once.
    """

    dialect: Dialect
    guard: Guard[P]
    routes: Sequence[Route[P]]
    new_id: Callable[[], str]
    prefixes: tuple[str, ...] = ()
    beside: Callable[[P], tuple[tuple[str, str], ...]] = nothing_beside
    observe: Callable[[Answered], None] = nothing_here

    def handlers(self) -> list[HTTPRouteHandler]:
        """Return what the framework is handed: one guarded handler for each route."""
        return [self._handler(route) for route in self.routes]

    # --- the way in --------------------------------------------------------------------------------------------------

    def _handler(self, route: Route[P]) -> HTTPRouteHandler:
        async def answer(request: Request[Any, Any, Any]) -> ASGIResponse:
            visit = _Visit()
            response = await self._answer(route, request, visit)
            self._observe(visit, request.method, route.path, response.status_code)
            return response

        # one handler for every method: a method that is not in the table is answered here too
        return HTTPRouteHandler(route.path, http_method=list(_METHODS), opt={GUARD: self}, include_in_schema=False)(
            answer
        )

    async def _answer(self, route: Route[P], request: Request[Any, Any, Any], visit: _Visit) -> ASGIResponse:
        head = request.method == "HEAD"
        incoming = Incoming(request.receive, request.headers)
        endpoint = route.methods.get("GET" if head else request.method)
        read = False
        try:
            if "transfer-encoding" in request.headers and "content-length" in request.headers:
                # RFC 9112 §6.1: somebody on the way may have read another request than we, and hidden one in it
                return await self._refuse(_TWO_LENGTHS, request, incoming)
            if request.method == "OPTIONS" and endpoint is None:
                # tells no more than the protocol's specification does
                return self._write(Reply(body=b"", status=HTTPStatus.NO_CONTENT, headers=(("allow", route.allow),)))
            if endpoint is None:
                return await self._refuse(_not_allowed(route.allow), request, incoming)
            if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
                return await self._refuse(_TOO_LONG, request, incoming)
            known = await self.guard.admit(endpoint.access, request.headers.get("authorization"))
            visit.caller = None if known is None else known.party
            self._require_understood(endpoint, request)
            if isinstance(endpoint, StreamEndpoint):
                return await self._flow(endpoint, request, known)
            if endpoint.quick:
                reply = self._run(endpoint, request, known, b"")
            elif endpoint.safe or (endpoint.lane is None and endpoint.body is None and request.method in _SAFE):
                async with self.guard.share(known):
                    body = b"" if endpoint.body is None else await incoming.read(endpoint.body.limit)
                    read = endpoint.body is not None
                    reply = await self.guard.readers.run(partial(self._run, endpoint, request, known, body))
            elif endpoint.body is None:
                lane = endpoint.lane or self.guard.writers
                reply = await lane.run(partial(self._run, endpoint, request, known, b""))
            else:
                with self.guard.place(known):
                    body = await incoming.read(endpoint.body.limit)
                    read = True
                    reply = await self.guard.writers.run(partial(self._run, endpoint, request, known, body))
            return self._write(reply, head=head)
        except Exception as error:  # noqa: BLE001  any left over the framework answers, in its words and no dialect
            return await self._refuse(self._problem(error, request, visit, in_body=read), request, incoming)

    def _require_understood(self, endpoint: Method[P], request: Request[Any, Any, Any]) -> None:
        """Refuse a request of which anything but the body is out of order."""
        offered = endpoint.offered or self.dialect.offered
        # a header may come in several lines, which are one list (RFC 9110 §5.3)
        if not accepts(", ".join(request.headers.getall("accept", [])), offered):
            raise _HttpError(_not_acceptable(offered[0].spelt))
        if isinstance(endpoint, Endpoint) and endpoint.body is not None:
            _require_type(endpoint.body, request)

    def _run(self, endpoint: Endpoint[P], request: Request[Any, Any, Any], known: P | None, body: bytes) -> Reply:
        taken = body if endpoint.body is None else decoded(body, _body_coding(request), endpoint.body.limit)
        reply = endpoint.run(
            Call(
                known=known,
                path=_path(request),
                query=request.scope["query_string"],
                headers=_named(endpoint, request),
                body=taken,
            )
        )
        if known is not None and (headers := self.beside(known)):
            reply = replace(reply, headers=(*reply.headers, *headers))
        return reply if reply.pieces is None else _packed(reply, reply.pieces, request)

    async def _flow(
        self, endpoint: StreamEndpoint[P], request: Request[Any, Any, Any], known: P | None
    ) -> ASGIResponse:
        call = StreamCall(
            known=known,
            path=_path(request),
            query=request.scope["query_string"],
            headers=_named(endpoint, request),
            again=self._again(endpoint, request.headers.get("authorization"), known),
        )
        reply = await endpoint.open(call)

        def failed(error: Exception) -> None:
            # a refusal on purpose (credentials that were withdrawn) is no defect
            self._problem(error, request, _Visit())

        headers = [*_ALWAYS, *reply.headers]
        if request.method == "HEAD":
            await reply.chunks.aclose()
            return ASGIResponse(headers=[*headers, ("content-type", reply.media_type)], is_head_response=True)
        return Flow(reply, self.guard, headers=headers, failed=failed)

    def _again(
        self, endpoint: StreamEndpoint[P], authorization: str | None, first: P | None
    ) -> Callable[[], Awaitable[P]]:
        async def again() -> P:
            now = await self.guard.admit(endpoint.access, authorization)
            if now is None or now != first:
                raise ForbiddenError("these credentials are no longer the same caller's", todo="ask anew")
            return now

        return again

    # --- the way out -------------------------------------------------------------------------------------------------

    def _write(self, reply: Reply, *, head: bool = False, media_type: str | None = None) -> ASGIResponse:
        headers = [*_ALWAYS, *reply.headers]
        if reply.status is not HTTPStatus.NO_CONTENT:
            named = media_type or reply.media_type or self.dialect.media_type
            headers += [("content-type", named), ("content-length", str(len(reply.body)))]
        return ASGIResponse(
            body=b"" if head else reply.body, status_code=reply.status, headers=headers, is_head_response=head
        )

    async def _refuse(self, problem: HttpProblem, request: Request[Any, Any, Any], incoming: Incoming) -> ASGIResponse:
        headers = problem.headers
        if incoming.unread:
            # what is left of the body would be read as the next request
            headers = (*headers, ("connection", "close"))
            if "expect" not in request.headers:  # who waits for `100 Continue` has sent nothing yet (RFC 9110 §10.1.1)
                await incoming.drain()
        reply = Reply(body=self.dialect.problem(problem), status=problem.status, headers=headers)
        return self._write(reply, head=request.method == "HEAD", media_type=self.dialect.problem_type)

    def _problem(
        self, error: Exception, request: Request[Any, Any, Any], visit: _Visit, *, in_body: bool = False
    ) -> HttpProblem:
        if isinstance(error, _HttpError):
            return error.problem
        if isinstance(error, TocsinError) and not isinstance(error, BrokenError) and type(error) is not TocsinError:
            wrong = HTTPStatus.UNPROCESSABLE_ENTITY if in_body else HTTPStatus.BAD_REQUEST
            return problem_of(error, challenges=self.guard.challenges, input_status=wrong)
        visit.error_id = self.new_id()
        # the route's template, not the path: what a client wrote has no place in our log
        template = request.scope.get("path_template")
        _log.error("unexpected", error_id=visit.error_id, method=request.method, route=template, what=describe(error))
        return unexpected(visit.error_id)

    def _observe(self, visit: _Visit, method: str, route: str, status: int) -> None:
        self.observe(
            Answered(
                method=method if method in _METHODS else NO_METHOD,
                route=route,
                status=status,
                seconds=perf_counter() - visit.start,
                caller=visit.caller,
                error_id=visit.error_id,
            )
        )

    # --- what the framework refuses before a route of ours is reached ------------------------------------------------

    def answer_http_error(self, request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        """Answer what the framework refuses."""
        visit = _Visit()
        if isinstance(error, MethodNotAllowedException):
            # every method that HTTP has is answered by the handler: this one is none of them (RFC 9110 §15.6.2)
            problem = HttpProblem(status=HTTPStatus.NOT_IMPLEMENTED, what="this is no method that we know")
        elif error.status_code == HTTPStatus.NOT_FOUND:
            problem = HttpProblem(status=HTTPStatus.NOT_FOUND, what="there is nothing at this address")
        elif error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            problem = HttpProblem(status=HTTPStatus.BAD_REQUEST, what="this is no request that we understand")
        else:
            problem = self._problem(error, request, visit)
        return self._framework_refusal(problem, request, visit)

    def answer_error(self, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        """Answer a defect of the framework, or of ours around it."""
        visit = _Visit()
        return self._framework_refusal(self._problem(error, request, visit), request, visit)

    def _framework_refusal(
        self, problem: HttpProblem, request: Request[Any, Any, Any], visit: _Visit
    ) -> Response[bytes]:
        headers = dict((*_ALWAYS, *problem.headers)) | ({"connection": "close"} if has_body(request.headers) else {})
        self._observe(visit, request.method, NO_ROUTE, problem.status)
        return Response(
            content=self.dialect.problem(problem),
            status_code=problem.status,
            media_type=self.dialect.problem_type,
            headers=headers,
        )


class _HttpError(Exception):
    """A refusal that only HTTP knows of."""

    def __init__(self, problem: HttpProblem) -> None:
        super().__init__(problem.what)
        self.problem = problem


_TOO_LONG: Final = HttpProblem(
    status=HTTPStatus.REQUEST_URI_TOO_LONG,
    what=f"the query has more than the {MAX_QUERY_BYTES:,} bytes that we take",
    todo="ask in several requests",
)


_TWO_LENGTHS: Final = HttpProblem(
    status=HTTPStatus.BAD_REQUEST,
    what="the request gives two lengths of its body",
    where="Content-Length, Transfer-Encoding",
    todo="send one of them",
)


def _path(request: Request[Any, Any, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in request.path_params.items()}


def _named(endpoint: Method[P], request: Request[Any, Any, Any]) -> dict[str, str]:
    return {name: request.headers[name] for name in endpoint.headers if name in request.headers}


def _body_coding(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("content-encoding", IDENTITY).strip().lower() or IDENTITY


def _packed(reply: Reply, pieces: Callable[[], Iterable[bytes]], request: Request[Any, Any, Any]) -> Reply:
    """Return the reply in the coding that the client wants most."""
    asked = ", ".join(request.headers.getall("accept-encoding", []))
    coding = chosen_coding(asked, CODINGS, otherwise=IDENTITY)
    headers = (*reply.headers, ("vary", "accept-encoding"))
    if coding == IDENTITY:
        return replace(reply, headers=headers)
    return replace(reply, body=encoded(pieces(), coding), headers=(*headers, ("content-encoding", coding)))


def _not_acceptable(media_type: str) -> HttpProblem:
    return HttpProblem(
        status=HTTPStatus.NOT_ACCEPTABLE,
        what="we have no answer in a form that the request accepts",
        where="Accept",
        todo=f"send Accept: {media_type}",
    )


def _not_allowed(allow: str) -> HttpProblem:
    return HttpProblem(
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        what="this address does not take that method",
        todo=f"use one of {allow}",
        headers=(("allow", allow),),
    )


def _require_type(body: Body, request: Request[Any, Any, Any]) -> None:
    media = parse_media_type(request.headers.get("content-type", ""))
    coding = _body_coding(request)
    expected = body.types[0].spelt
    if media is not None:
        charset = media.parameter("charset")
        rest = tuple(pair for pair in media.parameters if pair[0] != "charset")
        fits = any(media.name == taken.name and set(rest) <= set(taken.parameters) for taken in body.types)
        if fits and (charset is None or charset.lower() in _UTF8) and is_taken(coding):
            return
    where = "Content-Type" if is_taken(coding) else "Content-Encoding"
    raise _HttpError(
        HttpProblem(
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            what="we do not take a body of this type",
            where=where,
            todo=f"send Content-Type: {expected}, in UTF-8; compressed by {' or '.join(CODINGS)}, or not",
            headers=(("accept", expected), ("accept-encoding", ", ".join((*CODINGS, IDENTITY)))),
        )
    )
