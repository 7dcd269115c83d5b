"""The operator's log: one line a record, in fields, and no field that could hold a secret.

What reaches it is named one by one: of a request the method, the route's template, the status, the time and a number
for the caller. Never a header, a path, a query, a body, an object's id, or the text of somebody else's exception.
Libraries log in sentences with values in them; of theirs the place is kept, and the sentence only where it is theirs
alone, word by word.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from tocsin.kernel.http.problems import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.kernel.http.edge import Answered
    from tocsin.kernel.ids import Entropy

__all__ = ["configure", "request_lines"]

# Sentences of uvicorn's that hold no value: every other is left out.
_SENTENCES: Final = frozenset(
    {
        "Invalid HTTP request received.",
        "Exception in ASGI application\n",
        "ASGI callable returned without completing response.",
        "ASGI callable returned without starting response.",
        "Cancel %s running task(s), timeout graceful shutdown exceeded",
        "Exception in 'lifespan' protocol\n",
        "Application startup failed. Exiting.",
        "Application shutdown failed. Exiting.",
    }
)
_CALLER_DIGITS: Final = 12

_log: Final = structlog.get_logger("tocsin.http")


def configure(stream: TextIO, *, level: str = "info", format_: str = "json") -> None:
    """Send every record of ours, and of the libraries, to ``stream``; ``level`` and ``format_`` as the settings say."""
    number = getattr(logging, level.upper())
    renderer: Any = (
        structlog.processors.JSONRenderer() if format_ == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Guarded)]:
        root.removeHandler(old)
    root.addHandler(_Guarded(level=max(number, logging.WARNING)))


def request_lines(entropy: Entropy) -> Callable[[Answered], None]:
    """Return what writes one line for each answer.

    A caller is a number that is the same as long as this process lives: enough to see that it is always the same one,
    and nothing to whoever reads the lines elsewhere. The hub's own log names every act.
    """
    key = entropy.bytes(32)

    def line(answer: Answered) -> None:
        caller = None
        if answer.caller is not None:
            caller = hmac.digest(key, answer.caller.encode(), hashlib.sha256).hex()[:_CALLER_DIGITS]
        _log.info(
            "request",
            method=answer.method,
            route=answer.route,
            status=answer.status,
            ms=round(answer.seconds * 1_000, 1),
            caller=caller,
            error_id=answer.error_id,
        )

    return line


class _Guarded(logging.Handler):
    """Takes the records of libraries, and hands on what of them is theirs alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record: where it comes from, its sentence where that is known, and of an exception its places."""
        sentence = record.msg if isinstance(record.msg, str) and record.msg in _SENTENCES else None
        error = record.exc_info[1] if record.exc_info else None
        log = structlog.get_logger(record.name)
        log.log(
            record.levelno,
            "library",
            logger=record.name,
            place=f"{record.module}:{record.lineno}",
            says=None if sentence is None else sentence.strip(),
            what=None if error is None else describe(error),
        )
