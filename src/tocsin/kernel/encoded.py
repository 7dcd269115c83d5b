"""Keys and signatures as people pass them on: base64 of so many bytes."""

from __future__ import annotations

import base64
import binascii

from tocsin.errors import InputError

__all__ = ["from_base64"]


def from_base64(text: str, length: int, what: str) -> bytes:
    """Return the bytes of ``what``.

    Raises:
        InputError: it is not base64, or of another length.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"this {what} is not base64") from error
    if len(raw) != length:
        raise InputError(f"this {what} has {len(raw)} bytes, not {length}")
    return raw
