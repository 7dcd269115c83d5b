"""JSON of strangers as it stands: bounded, each key of an object once. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.errors import LimitError
from tocsin.map.formats.limits import MOST_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tocsin.map.formats.draft import Draft

    Path: TypeAlias = tuple[str | int, ...]

__all__ = ["read_json", "twice"]

_QUOTE: Final = ord('"')
_PLAIN: Final = bytes(byte for byte in range(256) if byte not in b'"[]{}')
_BOM: Final = b"\xef\xbb\xbf"
# a surrogate without its other half: no character (RFC 8259, section 8.2)
_HALF: Final = re.compile(
    rb"(?i)\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}"
)
_SHOWN: Final = 60


class _Twice(dict[str, object]):
    """An object in which keys stand twice; ``keys_twice``: which."""

    keys_twice: tuple[str, ...] = ()


def read_json(draft: Draft, name: str, data: bytes, place: Callable[[Path], str] | None = None) -> object:
    """Return JSON as it stands, or None with a fault. Raises ``LimitError`` where it is nested deeper than we take.

    A key that stands twice in one object is a fault; ``place`` says where an object is by the keys that lead there.
    """
    data = data.removeprefix(_BOM)  # RFC 8259, section 8.1: may be ignored
    depth = deepest = 0
    quoted = False
    # counted before it is parsed: a parser's recursion ends in the middle of things
    for byte in data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _PLAIN):
        if byte == _QUOTE:
            quoted = not quoted
        elif not quoted:
            depth += 1 if byte in b"[{" else -1
            deepest = max(deepest, depth)
            if deepest > MOST_DEPTH:
                raise LimitError("nested too deeply", where=name, todo=f"at most {MOST_DEPTH} deep")
    try:
        root = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        half = _HALF.search(data.replace(b"\\\\", b"__"))
        if half is not None:
            told = f"no JSON: half a character, {half[0].decode()} at byte {half.start():,}"
            draft.wrong(name, told, "both halves of a surrogate pair (RFC 8259, section 8.2)")
        else:
            draft.wrong(name, f"no JSON: {error}", "JSON in UTF-8 (RFC 8259)")
        return None
    for path, key in twice(data, root):
        where = place(path) if place is not None else f"{name}: {'.'.join(map(str, path))}" if path else name
        draft.wrong(where, f"the key {key[:_SHOWN]!r} stands twice", "each key of an object once")
    return root


def twice(data: bytes, root: object) -> list[tuple[Path, str]]:
    """Return each key that stands twice in one object of this text, with the path there; ``root``: what was read of it.

    A parser keeps one of the two, and so writes fewer quotes than it read: only then is the text read again, slowly.
    """
    if _quotes(data) == _quotes(msgspec.json.encode(root)):
        return []
    return list(_found(json.loads(data, object_pairs_hook=_pairs, parse_int=float), ()))


def _quotes(data: bytes) -> int:
    return data.replace(b"\\\\", b"").replace(b'\\"', b"").count(b'"')


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = _Twice(pairs)
    if len(found) < len(pairs):
        found.keys_twice = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return found


def _found(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, _Twice):
        yield from ((path, key) for key in value.keys_twice)
        for key, inner in value.items():
            yield from _found(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _found(inner, (*path, number))
