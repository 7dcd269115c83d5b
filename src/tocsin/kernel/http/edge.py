"""The one way from HTTP to a use case and back.

A route is a path and a table of methods; each method names who may use it, and there is no default. What stands in the
table is a plain function from a ``Call`` to a ``Reply``. Only the edge hands functions to the HTTP framework, and it
always asks who is calling first, so that no function can skip it; an application in which anything else answers fails
at its start.

What happens to a request, in this order: path (404), framing (400), method (405), length of the query (414), who asks
(401), whether they may (403), what answer they take (406), what they send (415), how much (413); then the function
runs, in a thread. Each kind of work has threads of its own, and what finds too many waiting is told to come back (503).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import structlog
from litestar import HttpMethod, Litestar, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from tocsin.errors import AuthenticationError, BrokenError, BusyError, ForbiddenError, TocsinError, UsageError
from tocsin.kernel.http.body import Incoming, has_body
from tocsin.kernel.http.lanes import Lane
from tocsin.kernel.http.negotiation import MediaType, accepts, parse_media_type
from tocsin.kernel.http.problems import Dialect, HttpProblem, describe, problem_of, unexpected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

__all__ = [
    "ANYONE",
    "BODIES_AT_ONCE",
    "BODIES_OF_ONE",
    "KNOWN",
    "MAX_QUERY_BYTES",
    "Access",
    "Body",
    "Call",
    "Caller",
    "Edge",
    "Endpoint",
    "Reply",
    "Route",
    "needs",
    "require_guarded",
]

# 200 identifiers of 80 characters, percent-encoded, with room: what the largest filter of ours can need.
MAX_QUERY_BYTES: Final = 32_768
# Each may hold as many bytes as its route takes, and a parsed copy of them; it counts until it is answered.
BODIES_AT_ONCE: Final = 16
# Of one party: fewer than the writers, so that a party which sends all it may leaves room for another.
BODIES_OF_ONE: Final = 3
# Finding a token or a remembered password takes some milliseconds: a queue that is full is through in two seconds.
SIGN_INS: Final = 2
SIGN_INS_WAITING: Final = 256
# A page takes some ten milliseconds, more while it waits for the writer; the last of so many has it within seconds.
READERS: Final = 8
READERS_WAITING: Final = 256
# There is one writer, and what comes before its turn (parsing, checking) keeps a small machine's processors busy.
WRITERS: Final = 4
WRITERS_WAITING: Final = 32

_GUARD: Final = "guard"
_METHODS: Final = tuple(HttpMethod)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1
# What we send is for the one who asked, under credentials, and is exactly what we say that it is.
_ALWAYS: Final = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})

_log: Final = structlog.get_logger("tocsin.http")


class Caller(Protocol):
    """Who is asking, as far as the guard looks at it."""

    @property
    def party(self) -> str:
        """Return whom they belong to: what is bounded is bounded for each party."""
        ...

    @property
    def permissions(self) -> Collection[str]:
        """Return what the caller may ask for."""
        ...


P = TypeVar("P", bound=Caller)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may use an endpoint: anyone at all, or who is known and has every one of these permissions."""

    anyone: bool = False
    permissions: frozenset[str] = frozenset()


ANYONE: Final = Access(anyone=True)
KNOWN: Final = Access()


def needs(first: str, *more: str) -> Access:
    """Return the access of those who have all of these permissions."""
    return Access(permissions=frozenset({first, *more}))


@dataclass(frozen=True, kw_only=True)
class Body:
    """What an endpoint takes: which media types, and how many bytes."""

    types: tuple[MediaType, ...]
    limit: int


@dataclass(frozen=True, kw_only=True)
class Call(Generic[P]):
    """One request, after the guard. ``path`` holds the decoded parameters of the route, ``query`` the raw query."""

    known: P | None
    path: Mapping[str, str]
    query: bytes
    body: bytes = b""

    @property
    def principal(self) -> P:
        """Return who is calling.

        Raises:
            AuthenticationError: this endpoint is open to anyone, and the caller did not say.
        """
        if self.known is None:
            raise AuthenticationError("we do not know who is asking")
        return self.known


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer, in the dialect's media type. ``headers`` hold only what we made: no part of a request."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Endpoint(Generic[P]):
    """What one method of a route does, and who may use it."""

    access: Access
    run: Callable[[Call[P]], Reply]
    body: Body | None = None


@dataclass(frozen=True, kw_only=True)
class Route(Generic[P]):
    """A path, as Litestar writes them, and what each of its methods does; HEAD and OPTIONS come of themselves."""

    path: str
    methods: Mapping[str, Endpoint[P]]

    @property
    def allow(self) -> str:
        """Return the value of ``Allow`` (RFC 9110 §10.2.1)."""
        return ", ".join(sorted({*self.methods, *({"HEAD"} if "GET" in self.methods else ()), "OPTIONS"}))


@dataclass(kw_only=True, eq=False)
class Edge(Generic[P]):
    """Guards, bounds and translates. ``new_id`` names a defect.

    ``recognise`` gets the ``Authorization`` header, and quickly says who is asking, raises, or returns None where that
    takes a dear proof; ``authenticate`` then gives the proof, in the lane ``proving``.
    """

    dialect: Dialect
    recognise: Callable[[str | None], P | None]
    authenticate: Callable[[str | None], P]
    proving: Lane
    challenges: tuple[str, ...]
    new_id: Callable[[], str]
    _signing_in: Lane = field(init=False, default_factory=lambda: _lane("sign-in", SIGN_INS, SIGN_INS_WAITING))
    _readers: Lane = field(init=False, default_factory=lambda: _lane("reader", READERS, READERS_WAITING))
    _writers: Lane = field(init=False, default_factory=lambda: _lane("writer", WRITERS, WRITERS_WAITING))
    _bodies: Counter[str | None] = field(init=False, default_factory=Counter)  # by party; on the event loop only

    def app(
        self,
        routes: Sequence[Route[P]],
        *,
        lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
    ) -> Litestar:
        """Return the application of these routes and nothing else.

        ``lifespan`` are functions that Litestar calls with the application and enters: what runs beside the requests.
        """
        guarded = [self._handler(route) for route in routes]
        return Litestar(
            route_handlers=guarded,
            # last in, first out: what runs beside the requests ends after the last of them
            lifespan=[*lifespan, self._lanes],
            on_startup=[self._require_guarded],
            exception_handlers={HTTPException: self._on_http_error, Exception: self._on_error},
            openapi_config=None,
            logging_config=None,
            debug=False,
        )

    def _require_guarded(self, app: Litestar) -> None:
        require_guarded(app, self)

    @contextlib.asynccontextmanager
    async def _lanes(self, _app: Litestar) -> AsyncIterator[None]:
        with self._signing_in.opened(), self.proving.opened(), self._readers.opened(), self._writers.opened():
            yield

    # --- the way in --------------------------------------------------------------------------------------------------

    def _handler(self, route: Route[P]) -> HTTPRouteHandler:
        async def answer(request: Request[Any, Any, Any]) -> ASGIResponse:
            return await self._answer(route, request)

        # one handler for every method: a method that is not in the table is answered here too
        return HTTPRouteHandler(route.path, http_method=list(_METHODS), opt={_GUARD: self}, include_in_schema=False)(
            answer
        )

    async def _answer(self, route: Route[P], request: Request[Any, Any, Any]) -> ASGIResponse:
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
            known = await self._known(endpoint.access, request)
            self._admit(endpoint, request, known)
            if endpoint.body is None:
                lane = self._readers if request.method in _SAFE else self._writers
                reply = await lane.run(partial(self._run, endpoint, request, known, b""))
            else:
                with self._place(known):
                    body = await incoming.read(endpoint.body.limit)
                    read = True
                    reply = await self._writers.run(partial(self._run, endpoint, request, known, body))
            return self._write(reply, head=head)
        except Exception as error:  # noqa: BLE001  whatever a function raises is answered here, in the dialect
            return await self._refuse(self._problem(error, request, in_body=read), request, incoming)

    async def _known(self, access: Access, request: Request[Any, Any, Any]) -> P | None:
        if access.anyone:
            return None
        authorization = request.headers.get("authorization")
        known = await self._signing_in.run(partial(self.recognise, authorization))
        return known if known is not None else await self.proving.run(partial(self.authenticate, authorization))

    def _admit(self, endpoint: Endpoint[P], request: Request[Any, Any, Any], known: P | None) -> None:
        """Refuse a request of which anything but the body is out of order."""
        access = endpoint.access
        if known is not None and not access.permissions <= set(known.permissions):
            missing = ", ".join(sorted(access.permissions - set(known.permissions)))
            raise ForbiddenError(f"this takes a permission that these credentials lack: {missing}")
        # a header may come in several lines, which are one list (RFC 9110 §5.3)
        if not accepts(", ".join(request.headers.getall("accept", [])), self.dialect.offered):
            raise _HttpError(_not_acceptable(self.dialect.media_type))
        if endpoint.body is not None:
            _require_type(endpoint.body, request)

    def _run(self, endpoint: Endpoint[P], request: Request[Any, Any, Any], known: P | None, body: bytes) -> Reply:
        path = {name: str(value) for name, value in request.path_params.items()}
        return endpoint.run(Call(known=known, path=path, query=request.scope["query_string"], body=body))

    @contextlib.contextmanager
    def _place(self, known: P | None) -> Iterator[None]:
        """Keep one of the places for bodies while the ``with`` lasts.

        Raises:
            BusyError: all are taken, or all that this party may take.
        """
        party = None if known is None else known.party
        if self._bodies.total() >= BODIES_AT_ONCE:
            raise BusyError("too many submissions are under way", todo="try again in a few seconds")
        if self._bodies[party] >= BODIES_OF_ONE:
            raise BusyError(
                f"{BODIES_OF_ONE} submissions of yours are under way", todo="send the next when one is answered"
            )
        self._bodies[party] += 1
        try:
            yield
        finally:
            self._bodies[party] -= 1
            if not self._bodies[party]:
                del self._bodies[party]

    # --- the way out -------------------------------------------------------------------------------------------------

    def _write(self, reply: Reply, *, head: bool = False) -> ASGIResponse:
        headers = [*_ALWAYS, *reply.headers]
        if reply.status is not HTTPStatus.NO_CONTENT:
            headers += [("content-type", self.dialect.media_type), ("content-length", str(len(reply.body)))]
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
        return self._write(reply, head=request.method == "HEAD")

    def _problem(self, error: Exception, request: Request[Any, Any, Any], *, in_body: bool = False) -> HttpProblem:
        if isinstance(error, _HttpError):
            return error.problem
        if isinstance(error, TocsinError) and not isinstance(error, BrokenError) and type(error) is not TocsinError:
            wrong = HTTPStatus.UNPROCESSABLE_ENTITY if in_body else HTTPStatus.BAD_REQUEST
            return problem_of(error, challenges=self.challenges, input_status=wrong)
        error_id = self.new_id()
        # the route's template, not the path: what a client wrote has no place in our log
        template = request.scope.get("path_template")
        _log.error("unexpected", error_id=error_id, method=request.method, route=template, what=describe(error))
        return unexpected(error_id)

    def _on_http_error(self, request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        """Answer what the framework refuses before a route of ours is reached."""
        if isinstance(error, MethodNotAllowedException):
            # every method that HTTP has is answered by the handler: this one is none of them (RFC 9110 §15.6.2)
            problem = HttpProblem(status=HTTPStatus.NOT_IMPLEMENTED, what="this is no method that we know")
        elif error.status_code == HTTPStatus.NOT_FOUND:
            problem = HttpProblem(status=HTTPStatus.NOT_FOUND, what="there is nothing at this address")
        elif error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            problem = HttpProblem(status=HTTPStatus.BAD_REQUEST, what="this is no request that we understand")
        else:
            problem = self._problem(error, request)
        return self._framework_refusal(problem, request)

    def _on_error(self, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        return self._framework_refusal(self._problem(error, request), request)

    def _framework_refusal(self, problem: HttpProblem, request: Request[Any, Any, Any]) -> Response[bytes]:
        headers = dict((*_ALWAYS, *problem.headers)) | ({"connection": "close"} if has_body(request.headers) else {})
        return Response(
            content=self.dialect.problem(problem),
            status_code=problem.status,
            media_type=self.dialect.media_type,
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


def _lane(name: str, threads: int, waiting: int) -> Lane:
    return Lane(name, threads=threads, waiting=waiting)


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
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    named = body.types[0]
    expected = f"{named.name}{''.join(f';{name}={value}' for name, value in named.parameters)}"
    if media is not None:
        charset = media.parameter("charset")
        rest = tuple(pair for pair in media.parameters if pair[0] != "charset")
        fits = any(media.name == taken.name and set(rest) <= set(taken.parameters) for taken in body.types)
        if fits and (charset is None or charset.lower() in _UTF8) and coding == "identity":
            return
    where = "Content-Type" if coding == "identity" else "Content-Encoding"
    raise _HttpError(
        HttpProblem(
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            what="we do not take a body of this type",
            where=where,
            todo=f"send Content-Type: {expected}, in UTF-8, not compressed",
            headers=(("accept", expected), ("accept-encoding", "identity")),
        )
    )


def require_guarded(app: Litestar, edge: Edge[Any]) -> None:
    """Refuse an application in which anything but the edge answers.

    Raises:
        UsageError: a route was registered past it.
    """
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]
        for handler in handlers:
            if handler is None or handler.opt.get(_GUARD) is not edge:
                raise UsageError(f"{route.path} answers without asking who is there")
