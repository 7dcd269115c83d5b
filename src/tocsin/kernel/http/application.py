"""One application of several dialects: what no route answers is answered in the dialect of its place."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException

from tocsin.errors import UsageError
from tocsin.kernel.http.edge import GUARD
from tocsin.kernel.http.negotiation import names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

    from tocsin.kernel.http.edge import Edge
    from tocsin.kernel.http.problems import Dialect

__all__ = ["Application", "Lifespan", "application", "require_guarded"]

Lifespan: TypeAlias = "Callable[[Litestar], AbstractAsyncContextManager[None]]"


@dataclass(frozen=True, kw_only=True)
class Application:
    """What a server runs: the ASGI application, how it speaks where no path is known, and how it is told to stop.

    ``stop`` is called on the event loop when the server has been told to stop, before it waits for requests to end.
    """

    asgi: Litestar
    dialect: Dialect
    stop: Callable[[], None]


def application(edges: Sequence[Edge[Any]], *, lifespan: Sequence[Lifespan] = ()) -> Application:
    """Return the application of these edges, which share one guard, and of nothing else.

    Where no route and no prefix fits, the edge answers whose media type the client's ``Accept`` names, else the last.
    ``lifespan`` are functions that Litestar calls with the
    application and enters: what runs beside the requests, from before the first until after the last of them.

    Raises:
        UsageError: the edges have not one guard.
    """
    guards = {id(edge.guard): edge.guard for edge in edges}
    if len(guards) != 1:
        raise UsageError("the edges of an application share one guard")
    guard = next(iter(guards.values()))

    @contextlib.asynccontextmanager
    async def open_guard(_app: Litestar) -> AsyncIterator[None]:
        with guard.opened():
            yield

    def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        return _edge_of(edges, request).answer_http_error(request, error)

    def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        return _edge_of(edges, request).answer_error(request, error)

    def check(app: Litestar) -> None:
        require_guarded(app, edges)

    asgi = _Litestar(
        route_handlers=[handler for edge in edges for handler in edge.handlers()],
        # last in, first out: what runs beside the requests ends after the last of them
        lifespan=[*lifespan, open_guard],
        on_startup=[check],
        exception_handlers={HTTPException: on_http_error, Exception: on_error},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return Application(asgi=asgi, dialect=edges[-1].dialect, stop=guard.stopping.set)


class _Litestar(Litestar):
    """Litestar, with a method of HTTP that it does not know yet."""

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        """Answer QUERY (draft-ietf-httpbis-safe-method-w-body) as TRACE: no address of ours takes either of them."""
        if scope.get("method") == "QUERY":
            scope = cast("Scope", {**scope, "method": "TRACE"})
        await super().__call__(scope, receive, send)


def require_guarded(app: Litestar, edges: Sequence[Edge[Any]]) -> None:
    """Refuse an application in which anything but these edges answers.

    Raises:
        UsageError: a route was registered past them.
    """
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]
        for handler in handlers:
            edge = None if handler is None else handler.opt.get(GUARD)
            if not any(edge is one for one in edges):
                raise UsageError(f"{route.path} answers without asking who is there")


def _edge_of(edges: Sequence[Edge[Any]], request: Request[Any, Any, Any]) -> Edge[Any]:
    """Return the edge of the place, else the one whose own media type the client named, else the last."""
    first = f"/{request.scope['path'].lstrip('/').split('/', 1)[0]}"
    placed = next((edge for edge in edges if first in edge.prefixes), None)
    if placed is not None:
        return placed
    named = names(", ".join(request.headers.getall("accept", [])))
    return next((edge for edge in edges if edge.dialect.offered[0].name in named), edges[-1])
