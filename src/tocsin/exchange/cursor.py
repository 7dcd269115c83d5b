"""What a client carries from one page to the next: sealed, so that it tells nothing and cannot be changed.

The sealed text holds the place in the collection; environment, reader, collection and query are bound to it as
associated data, so that a cursor opens only where it was given. A number of an offer would tell a reader how many
objects lie between two that it may see: hence AES-GCM and not a signature.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.errors import InputError
from tocsin.kernel.canonical import Json, canonical_json

if TYPE_CHECKING:
    from tocsin.kernel.ids import Entropy

__all__ = ["Cursors"]

_NONCE: Final = 12  # bytes, NIST SP 800-38D §8.2
_PLACE: Final = 8  # a 64-bit sequence
_TAG: Final = 16
_TEXT_LIMIT: Final = 64  # characters; ours have 48


class Cursors:
    """Seals and opens places in a collection."""

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def seal(self, place: int, bound: Json) -> str:
        """Return the text that a client hands back for the next page."""
        nonce = self._entropy.bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, place.to_bytes(_PLACE, "big"), canonical_json(bound))
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, text: str, bound: Json) -> int:
        """Return the place that a text stands for.

        Raises:
            InputError: it was not given here, not for this query, or was changed.
        """
        problem = InputError(
            "this cursor was not given for this question",
            where="next",
            todo="repeat the same filters, or begin without it",
        )
        if len(text) > _TEXT_LIMIT:
            raise problem
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise problem from error
        if len(sealed) != _NONCE + _PLACE + _TAG:
            raise problem
        try:
            place = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], canonical_json(bound))
        except InvalidTag as error:
            raise problem from error
        return int.from_bytes(place, "big")
