"""Server-sent events: the bytes of an event stream, as the HTML standard's §9.2.6 reads them. Pure."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["EVENT_STREAM", "HEARTBEAT", "beginning", "event", "failure", "notice"]

EVENT_STREAM: Final = "text/event-stream"  # always UTF-8 (§9.2.5); the type takes no charset that counts
# A comment: clients pass over it, and what sits between keeps the connection (§9.2.7).
HEARTBEAT: Final = b":\n\n"

# §9.2.5: each of these ends a line.
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
# What a field's value may hold and stay one line; NUL would make a client pass over an id (§9.2.6).
_WORD: Final = re.compile(r"[!-~]+", re.ASCII)


def event(name: str, data: bytes, *, id_: str) -> bytes:
    """Return one event. A client acts on it, and takes over its id, when it has all of it and not before.

    ``data`` is UTF-8 and may have lines; ``name`` and ``id_`` are printable ASCII without a space.
    """
    lines = b"".join(b"data: " + line + b"\n" for line in _LINE_END.split(data))
    return b"event: " + _word(name) + b"\nid: " + _word(id_) + b"\n" + lines + b"\n"


def failure(data: bytes) -> bytes:
    """Return the event of an error, after which the stream ends; it has no id: the client stands where it stood."""
    return notice("error", data)


def notice(name: str, data: bytes) -> bytes:
    """Return an event that moves nothing: it has no id, so that the client stands where it stood."""
    lines = b"".join(b"data: " + line + b"\n" for line in _LINE_END.split(data))
    return b"event: " + _word(name) + b"\n" + lines + b"\n"


def beginning(*, id_: str, retry: int) -> bytes:
    """Return what a stream begins with, which is no event.

    ``id_`` is where it stands, so that a client which is cut off before the first event comes back to this place;
    ``retry`` how many milliseconds it should wait before it does.
    """
    return b"retry: " + str(retry).encode() + b"\nid: " + _word(id_) + b"\n\n"


def _word(text: str) -> bytes:
    if _WORD.fullmatch(text) is None:
        raise ValueError("a name or id of an event is one printable word")
    return text.encode("ascii")
