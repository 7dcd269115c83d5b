"""The dialect of everything that is no protocol of its own: JSON, and problem details (RFC 9457) when it goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.kernel.http.negotiation import MediaType
from tocsin.kernel.http.problems import Dialect

if TYPE_CHECKING:
    from tocsin.kernel.http.problems import HttpProblem

__all__ = ["JSON", "JSON_DIALECT", "JSON_TYPE", "PROBLEM", "ProblemDetails"]

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
JSON_TYPE: Final = MediaType(type="application", subtype="json")

_encode: Final = msgspec.json.Encoder().encode


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong: the members of RFC 9457 §3.1, and three of ours (§3.2).

    There is no ``type``: it would be ``about:blank``, so that the title is the status's own (§4.2.1). ``where`` names
    the parameter or the place in the body, ``todo`` says what to do, ``error_id`` is for the hub's operator.
    """

    title: str
    status: int
    detail: str
    where: str | None = None
    todo: str | None = None
    error_id: str | None = None


def _write(problem: HttpProblem) -> bytes:
    return _encode(
        ProblemDetails(
            title=problem.title,
            status=int(problem.status),
            detail=problem.what,
            where=problem.where,
            todo=problem.todo,
            error_id=problem.error_id,
        )
    )


JSON_DIALECT: Final = Dialect(media_type=JSON, problem_type=PROBLEM, offered=(JSON_TYPE,), problem=_write)
