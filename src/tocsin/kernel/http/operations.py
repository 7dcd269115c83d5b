"""A method of a route together with what its documents say: one table, for the routes and for OpenAPI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

import msgspec

from tocsin.kernel.http.problem_details import JSON
from tocsin.kernel.http.routes import P, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from http import HTTPStatus

    from tocsin.kernel.http.routes import Method

__all__ = ["Answer", "NoQuery", "Operation", "Part", "routes_of"]


class NoQuery(msgspec.Struct, frozen=True, kw_only=True):
    """An address that takes no parameters."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One segment of a path that the client fills in: what it is, and an example."""

    says: str
    example: str
    pattern: str | None = None
    longest: int | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer that is no problem: its type (None: text, or another form than JSON), and its headers."""

    says: str
    type: type[msgspec.Struct] | None = None
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)  # name: what it says


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[P]):
    """One method of one path. ``path`` is as in RFC 6570: ``/collections/{collection}``.

    ``problems`` are the refusals that this operation alone gives, by status; those that follow from its access, query
    and body are added by whoever writes the documents.
    """

    id: str
    tag: str
    method: str
    path: str
    does: Method[P]
    summary: str
    says: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict)
    query: type[msgspec.Struct] = NoQuery
    takes: type[msgspec.Struct] | None = None  # the body
    answers: Mapping[HTTPStatus, Answer] = field(default_factory=dict)
    problems: Mapping[HTTPStatus, str] = field(default_factory=dict)


def routes_of(operations: Iterable[Operation[P]]) -> list[Route[P]]:
    """Return the routes that these operations are the methods of."""
    by_path: dict[str, dict[str, Method[P]]] = {}
    for one in operations:
        by_path.setdefault(one.path, {})[one.method] = one.does
    return [Route(path=_template(path), methods=methods) for path, methods in by_path.items()]


def _template(path: str) -> str:
    """Return a path as Litestar writes it: every part is one segment of text."""
    return path.replace("}", ":str}")
