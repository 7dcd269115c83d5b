"""I-JSON (RFC 7493), as STIX demands of every document (STIX 2.1 §1.5, §2.10): checked on the raw bytes.

Two paths. The fast one costs a few passes at memory speed: it reduces the document to its quotes, brackets and commas
outside of strings, bounds depth and number of values from that, and counts the quotes. A parser that keeps one of two
equal names drops at least the other name's quotes, and re-encoding adds none; so a document has duplicate names exactly
if the re-encoded form has fewer quotes. The slow path, run only on what the fast one (or the parser) found wanting,
says where.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.exchange.stix.limits import Limits

__all__ = ["Flaw", "Outline", "check_text", "not_json", "outline", "position", "quotes", "scan"]

MAX_INTEGER: Final = 2**53 - 1
"""RFC 7493 §2.2 and STIX 2.1 §2.10: beyond it, a reader that holds numbers as doubles sees another number."""

SCAN_BYTES: Final = 4 * 1024 * 1024
"""The slow scan reads about 2 MB/s: beyond this, a refusal without a position is better than a busy hub."""

_OUTSIDE: Final = b'[]{},"'
_DROPPED: Final = bytes(byte for byte in range(256) if byte not in _OUTSIDE)
_ONE_BRACKET: Final = bytes.maketrans(b"{}", b"[]")
_DENSE_ESCAPES: Final = 64
_WRITE: Final = "send one JSON document in UTF-8"
"""One escape in fewer bytes than this, and replacing costs less than splitting."""


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What the fast pass learned of a document.

    `quotes`: how many quotes it has that are not escaped. `maybe_empty`: whether it may hold an empty list or
    dictionary (a `False` is certain, a `True` is not).
    """

    quotes: int
    maybe_empty: bool


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """One breach of I-JSON: what, where as a JSON path, and at which byte of the scanned text."""

    what: str
    where: str
    offset: int
    section: str


def position(data: bytes, offset: int) -> str:
    """Say where in a text a byte is: its number, and the line and column (both from 1, columns in bytes)."""
    line = data.count(b"\n", 0, offset) + 1
    column = offset - (data.rfind(b"\n", 0, offset) + 1) + 1
    return f"byte {offset}, line {line}, column {column}"


def check_text(data: bytes, limits: Limits) -> None:
    """Check size and encoding.

    Raises:
        LimitError: more bytes than allowed.
        InputError: a byte order mark, or not UTF-8 (RFC 7493 §2.1).
    """
    if len(data) > limits.max_bytes:
        raise LimitError(
            f"the document has {len(data):,} bytes, more than the {limits.max_bytes:,} that one submission may have",
            todo="split it into several bundles",
        )
    if data[:3] == b"\xef\xbb\xbf" or data[:2] in {b"\xfe\xff", b"\xff\xfe"}:
        raise InputError(
            "the document begins with a byte order mark",
            where="byte 0",
            todo="write JSON as UTF-8 without a byte order mark (RFC 8259 §8.1)",
        )
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                "the document is not UTF-8",
                where=position(data, error.start),
                todo="write JSON as UTF-8, without surrogates (RFC 7493 §2.1)",
            ) from error


def outline(data: bytes, limits: Limits) -> Outline:
    """Bound depth and number of values, before any parser recurses or allocates; see the module's first words.

    The text need not be JSON; of a text that is, the numbers are exact.

    Raises:
        LimitError: deeper or more than allowed.
    """
    marks = _marks(data)
    count = marks.count(b'"')
    # A bracket is inside of a string exactly if an odd number of quotes precedes it: dropping pairs keeps that.
    bare = b"".join(marks.replace(b'""', b"").split(b'"')[::2])
    values = len(bare) - bare.count(b"]") - bare.count(b"}")
    if values > limits.max_values:
        raise LimitError(
            f"the document has {values:,} lists, dictionaries and members, more than the {limits.max_values:,} we take",
            todo="split it into several bundles",
        )
    _check_depth(bare.translate(_ONE_BRACKET, b","), limits.max_depth)
    return Outline(quotes=count, maybe_empty=b"[]" in marks or b"{}" in marks)


def quotes(data: bytes) -> int:
    """Count the quotes of a JSON text that are not escaped: twice the number of its strings and names."""
    return data.count(b'"') - sum(part.startswith(b'"') for part in _escaped(data))


def _escaped(data: bytes) -> Iterator[bytes]:
    """Give the text after each backslash that begins an escape sequence, up to the next one."""
    if b"\\" not in data:
        return
    parts = iter(data.split(b"\\"))
    next(parts)
    for part in parts:
        yield part
        if not part:
            # An escaped backslash: what comes after the second one is plain text.
            next(parts, None)


def _marks(data: bytes) -> bytes:
    """Reduce a text to its brackets, commas and quotes, those quotes left out that are escaped."""
    if b"\\" not in data:
        return data.translate(None, _DROPPED)
    if data.count(b"\\") * _DENSE_ESCAPES > len(data):
        return data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _DROPPED)
    parts = iter(data.split(b"\\"))
    kept = [next(parts).translate(None, _DROPPED)]
    for part in parts:
        marks = part.translate(None, _DROPPED)
        kept.append(marks[1:] if part.startswith(b'"') else marks)
        if not part:
            kept.append(next(parts, b"").translate(None, _DROPPED))
    return b"".join(kept)


def _check_depth(brackets: bytes, limit: int) -> None:
    """Peel innermost pairs off, one layer a pass: as many passes as there are layers."""
    for _ in range(limit):
        if not brackets:
            return
        peeled = brackets.replace(b"[]", b"")
        if len(peeled) == len(brackets):
            break
        brackets = peeled
    # What has no pair left is unbalanced: no JSON, but a parser would still recurse into it.
    if brackets.count(b"[") > 0 and (b"[]" in brackets or b"[" * (limit + 1) in brackets):
        raise LimitError(
            f"the document nests deeper than {limit} levels",
            todo="no STIX object needs that: look for a defect in what produced it",
        )


# --- the slow path ---------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(
    rb"[ \t\n\r]*+(?:"
    rb'(?P<string>"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+")'
    rb"|(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"
    rb"|(?P<word>true|false|null)"
    rb"|(?P<mark>[\[\]{}:,])"
    rb")"
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_NOT_NUMBERS: Final = re.compile(rb"[ \t\n\r]*-?(NaN|Infinity)")


class _Level:
    """One open list or dictionary of the scan."""

    __slots__ = ("index", "key", "names")

    def __init__(self, *, is_object: bool) -> None:
        self.names: set[str] | None = set() if is_object else None
        self.key = ""
        self.index = 0


def scan(data: bytes, *, most: int = 100) -> list[Flaw]:
    """Read a text token by token and give its breaches of I-JSON, at most `most` of them, in order.

    Duplicate names, lone surrogates, integers beyond ±(2^53-1), numbers that no double holds, NaN and Infinity. What is
    no token of JSON ends the scan; the order of tokens is the parser's business. Does not recurse. The text is UTF-8.
    """
    flaws: list[Flaw] = []
    stack: list[_Level] = []
    offset = 0
    awaits_name = False
    while len(flaws) < most:
        match = _TOKEN.match(data, offset)
        if match is None:
            if data[offset:].strip():
                flaws.append(_broken(data, offset, stack))
            return flaws
        kind = match.lastgroup or ""
        text = match[kind]
        start, offset = match.start(kind), match.end()
        if kind == "mark":
            awaits_name = _step(text, stack)
        elif awaits_name and kind == "string" and stack:
            awaits_name = False
            flaws += _name(text, start, stack)
        else:
            flaws += _scalar(kind, text, start, stack)
    return flaws


def _step(mark: bytes, stack: list[_Level]) -> bool:
    """Follow one structural byte; whether a name comes next."""
    if mark in b"[{":
        stack.append(_Level(is_object=mark == b"{"))
        return mark == b"{"
    if mark in b"]}":
        if stack:
            stack.pop()
        return False
    if mark == b"," and stack:
        stack[-1].index += 1
        return stack[-1].names is not None
    return False


def _path(stack: list[_Level]) -> str:
    path = ""
    for level in stack:
        path += f"[{level.index}]" if level.names is None else f".{level.key}"
    return path.removeprefix(".")


def _decode(text: bytes) -> str:
    """Decode one string token; surrogates that are not pairs stay as they are."""
    plain = text[1:-1].decode("utf-8", "replace")
    if "\\" not in plain:
        return plain
    short = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
    decoded = re.sub(
        r"\\(?:u([0-9a-fA-F]{4})|(.))",
        lambda found: chr(int(found[1], 16)) if found[1] else short.get(found[2], found[2]),
        plain,
    )
    return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _name(text: bytes, start: int, stack: list[_Level]) -> list[Flaw]:
    name = _decode(text)
    level = stack[-1]
    level.key = name if len(name) <= 256 else name[:256] + "…"  # noqa: PLR2004 - the longest name that STIX allows, and a margin
    where = _path(stack)
    names = level.names if level.names is not None else set()
    if _SURROGATE.search(name):
        what = "a name holds a lone surrogate, which is no character"
        return [Flaw(what=what, where=where, offset=start, section="RFC 7493 §2.1")]
    if name in names:
        what = f"the name {level.key!r} appears twice in one object"
        return [Flaw(what=what, where=where, offset=start, section="RFC 7493 §2.3")]
    names.add(name)
    return []


def _scalar(kind: str, text: bytes, start: int, stack: list[_Level]) -> list[Flaw]:
    what, section = "", "RFC 7493 §2.2"
    if kind == "string":
        if b"\\u" in text and _SURROGATE.search(_decode(text)):
            what, section = "a string holds a lone surrogate, which is no character", "RFC 7493 §2.1"
    elif kind == "number":
        if not re.search(rb"[.eE]", text):
            # Longer than any allowed integer decides by itself: converting a million digits would take its time.
            if len(text) > len(str(MAX_INTEGER)) + 1 or abs(int(text)) > MAX_INTEGER:
                what = "an integer beyond ±(2^53-1), which a double cannot hold"
        elif abs(float(text)) == float("inf"):
            what = "a number that no double can hold"
    return [Flaw(what=what, where=_path(stack), offset=start, section=section)] if what else []


def _broken(data: bytes, offset: int, stack: list[_Level]) -> Flaw:
    found = _NOT_NUMBERS.match(data, offset)
    if found is not None:
        what = f"{found[1].decode()} is no JSON number"
        return Flaw(what=what, where=_path(stack), offset=found.start(1), section="RFC 8259 §6")
    return Flaw(what="here it stops being JSON", where=_path(stack), offset=offset, section="RFC 8259 §2")


def not_json(data: bytes, error: Exception) -> InputError:
    """Explain why the parser would not take a text, with the place where that can be told."""
    if len(data) <= SCAN_BYTES:
        for flaw in scan(data, most=1):
            return InputError(
                f"the document is not I-JSON: {flaw.what} ({flaw.section})",
                where=f"{flaw.where or 'the top level'} ({position(data, flaw.offset)})",
                todo=_WRITE,
            )
    found = re.search(r"\(byte (\d+)\)", str(error))
    reason = re.sub(r"^JSON is malformed: | \(byte \d+\)$", "", str(error))
    if reason == "Input data was truncated":
        reason = "it ends before it is complete"
    return InputError(
        f"the document is not JSON: {reason}",
        where=position(data, min(int(found[1]), len(data))) if found else None,
        todo=_WRITE,
    )
