"""Content codings (RFC 9110 §8.4): bodies that come compressed, and answers that leave so. Pure.

Bytes of several authors compressed together tell a listener how much they have in common (CRIME, BREACH): whoever
submits guesses, and watches the length of what somebody else fetches. So an answer is compressed in pieces, one for
each author's bytes at most, and nothing in one piece is ever expressed by another (docs/adr/0049).
"""

from __future__ import annotations

import importlib
import zlib
from typing import TYPE_CHECKING, Any, Final

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CODINGS", "GZIP", "IDENTITY", "ZSTD", "decoded", "encoded", "is_taken"]

IDENTITY: Final = "identity"
GZIP: Final = "gzip"
ZSTD: Final = "zstd"

_GZIP_FRAME: Final = 16 + zlib.MAX_WBITS
# A page of a thousand objects takes 24 ms so, and 30 ms at the usual level for 3 % less: pieces are short.
_GZIP_LEVEL: Final = 1
_ZSTD_LEVEL: Final = 1
# RFC 9659: a decoder of the web has to take windows of 8 MiB, and larger ones are a way to take its memory.
_ZSTD_WINDOW_LOG: Final = 23


def _find_zstd() -> Any:  # noqa: ANN401  a module that has no type where it is not installed
    """Return the module that Python has from 3.14 on, or its twin for older ones, or None."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


_zstd: Final = _find_zstd()
# What we take and give, the better one first.
CODINGS: Final[tuple[str, ...]] = (GZIP,) if _zstd is None else (ZSTD, GZIP)


def is_taken(coding: str) -> bool:
    """Return whether we take a body in this coding; names are in lower case."""
    return coding == IDENTITY or coding in CODINGS


def encoded(pieces: Iterable[bytes], coding: str) -> bytes:
    """Return pieces as one body of a coding, each compressed as if there were no other."""
    if coding == ZSTD:
        compressor = _zstd.ZstdCompressor(level=_ZSTD_LEVEL)
        # RFC 8878 §3: a body is one frame or several, and a frame knows nothing of another
        return b"".join([compressor.compress(piece, compressor.FLUSH_FRAME) for piece in pieces])
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_FRAME)
    found: list[bytes] = []
    for piece in pieces:
        # a full flush forgets everything that was seen; one member, since some clients read no further than the first
        found += (packer.compress(piece), packer.flush(zlib.Z_FULL_FLUSH))
    found.append(packer.flush())
    return b"".join(found)


def decoded(body: bytes, coding: str, limit: int) -> bytes:
    """Return what was compressed; at most ``limit`` bytes of it are ever held, and one more.

    Raises:
        LimitError: there are more.
        InputError: it is not of this coding, is cut off, or something follows its end.
    """
    if coding == IDENTITY:
        return body
    unpacker: Any
    if coding == ZSTD:
        unpacker = _zstd.ZstdDecompressor(options={_zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})
        broken: tuple[type[Exception], ...] = (_zstd.ZstdError, EOFError)
    else:
        unpacker = zlib.decompressobj(_GZIP_FRAME)
        broken = (zlib.error,)
    try:
        found: bytes = unpacker.decompress(body, limit + 1)
    except broken as error:
        raise InputError(
            f"the body is not {coding}", where="Content-Encoding", todo="name the coding that it has, or none"
        ) from error
    if len(found) > limit:
        raise LimitError(
            f"the body has more than the {limit:,} bytes that we take", todo="split it into several requests"
        )
    if not unpacker.eof:
        raise InputError(f"the body ends before its {coding} does", todo="send all of it")
    if unpacker.unused_data:
        # members one after the other are legal gzip, and a way to keep us busy: twenty bytes are an empty one
        raise InputError(
            f"something follows the end of the {coding}", todo="send one member or frame, and nothing else"
        )
    return found
