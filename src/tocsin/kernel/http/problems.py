"""From an error to what HTTP says of it: one table, and one value that every protocol writes in its own form."""

from __future__ import annotations

import contextlib
import traceback
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tocsin.kernel.http.negotiation import MediaType

__all__ = [
    "RETRY_AFTER",
    "STATUS",
    "Dialect",
    "HttpProblem",
    "describe",
    "problem_of",
    "status_of",
    "surviving",
    "title_of",
    "unexpected",
]

STATUS: Final[dict[type[errors.TocsinError], HTTPStatus]] = {
    errors.TocsinError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UsageError: HTTPStatus.BAD_REQUEST,
    errors.RefusedError: HTTPStatus.FORBIDDEN,
    errors.InputError: HTTPStatus.BAD_REQUEST,
    errors.AgreementError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.FaultsError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CatalogueError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.MapError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ProjectError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.LimitError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.AuthenticationError: HTTPStatus.UNAUTHORIZED,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.TransitionError: HTTPStatus.CONFLICT,
    errors.BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreAwayError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.BrokenError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StoreBrokenError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.LogBrokenError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

# Where Python's own phrase of a status is older than RFC 9110's.
_TITLES: Final = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
    HTTPStatus.REQUEST_URI_TOO_LONG: "URI Too Long",
}
# What is busy is so for some seconds: a writer's turn, a few runs of argon2.
RETRY_AFTER: Final = "5"


class HttpProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, as a client is told: what, where and what to do, and never how we are built inside."""

    status: HTTPStatus
    what: str
    where: str | None = None
    todo: str | None = None
    error_id: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """Return the name of the status (RFC 9110 §15)."""
        return title_of(self.status)


def title_of(status: HTTPStatus) -> str:
    """Return the name of a status (RFC 9110 §15)."""
    return _TITLES.get(status, status.phrase)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a protocol answers: in which media type, to which ``Accept``, and how and as what it writes a problem."""

    media_type: str
    problem_type: str
    offered: tuple[MediaType, ...]
    problem: Callable[[HttpProblem], bytes]


def status_of(error: errors.TocsinError) -> HTTPStatus:
    """Return the status of an error: its own class's, or the nearest class's above it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem_of(
    error: errors.TocsinError, *, challenges: tuple[str, ...] = (), input_status: HTTPStatus = HTTPStatus.BAD_REQUEST
) -> HttpProblem:
    """Return what a client is told of an error that was raised on purpose; not for what is broken on our side.

    ``challenges`` are the values of ``WWW-Authenticate``; ``input_status`` is the status of an ``InputError`` where
    the input is the request's content and not its address.
    """
    status = status_of(error)
    headers: tuple[tuple[str, str], ...] = ()
    if status is HTTPStatus.UNAUTHORIZED:
        headers = tuple(("www-authenticate", challenge) for challenge in challenges)
    elif status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers = (("retry-after", RETRY_AFTER),)
    elif status is HTTPStatus.BAD_REQUEST and isinstance(error, errors.InputError):
        status = input_status
    if isinstance(error, errors.StoreAwayError):
        # what helps is for who runs the hub, who has it in the log
        return HttpProblem(status=status, what="the hub cannot reach its store", todo="try again", headers=headers)
    return HttpProblem(status=status, what=error.what, where=error.where, todo=error.todo, headers=headers)


def unexpected(error_id: str) -> HttpProblem:
    """Return what a client is told of a defect of ours: nothing, but the number under which the log has it."""
    return HttpProblem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        what="something went wrong on our side",
        todo="tell the hub's operator the error_id",
        error_id=error_id,
    )


def describe(error: BaseException) -> str:
    """Return an exception and its causes for the operator's log: types and places, and words of our own errors only.

    Messages of other people's exceptions may quote what was sent, or a statement's parameters: credentials among them.
    """
    return "\ncaused by ".join(_lines(error))


@contextlib.contextmanager
def surviving(tell: Callable[[str], None]) -> Iterator[None]:
    """Let what nobody awaits outlive a fault of any kind: ``tell`` is given its description for the operator's log.

    That the store is away is not told: it says so itself, once for all who ask it.
    """
    try:
        yield
    except errors.StoreAwayError:
        pass
    except Exception as error:  # noqa: BLE001  work in the background that any fault ends is never done again, unseen
        tell(describe(error))


def _lines(error: BaseException | None) -> Iterator[str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        words = f": {error}" if isinstance(error, errors.TocsinError) else ""
        places = "".join(traceback.format_tb(error.__traceback__))
        yield f"{type(error).__module__}.{type(error).__qualname__}{words}\n{places}".rstrip()
        error = error.__cause__ or error.__context__
