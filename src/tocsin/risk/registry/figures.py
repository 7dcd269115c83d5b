"""Members' figures as bytes: what the log commits to, and what the store keeps, sealed under the hub's key.

The log holds a salted commitment, so that neither an export nor an auditor is shown a figure. A copy of the database
shows none either; who has the hub's keys as well has them all: the hub adds them up.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.errors import InputError, StoreBrokenError
from tocsin.log.commitment import SALT_BYTES, commit_content, content_text
from tocsin.map.rollup.model import MAX_FIGURE
from tocsin.parties.model import check_name
from tocsin.risk.registry.model import Unit

if TYPE_CHECKING:
    from tocsin.kernel.ids import Entropy

__all__ = ["MAX_LINES", "Figure", "Figures", "Seal"]

# A scenario each.
MAX_LINES: Final = 1_000
_NONCE_BYTES: Final = 12


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one scenario would cost a party in a sector, once: in money, in people-hours, or both."""

    scenario: str
    money: int | None = None
    people_hours: int | None = None

    def __post_init__(self) -> None:
        check_name(self.scenario, "scenario")
        given = [one for one in (self.money, self.people_hours) if one is not None]
        if not given or any(not 0 <= one <= MAX_FIGURE for one in given):
            raise InputError(
                "a figure is in money, in people-hours or both", where=self.scenario, todo="from 0 to 10^12"
            )

    def in_(self, unit: Unit) -> int | None:
        """Return it in a unit."""
        return self.money if unit is Unit.MONEY else self.people_hours


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One party's figures of one sector."""

    sector: str
    figures: tuple[Figure, ...]

    def __post_init__(self) -> None:
        check_name(self.sector, "sector")
        names = {one.scenario for one in self.figures}
        if not 1 <= len(self.figures) <= MAX_LINES or len(names) < len(self.figures):
            raise InputError(f"1 to {MAX_LINES} scenarios, each once", where=self.sector)


class Seal:
    """Seals and opens sheets of figures."""

    def __init__(self, *, key: bytes, environment: int, entropy: Entropy) -> None:
        # another text than those of tokens and webhooks under the same key
        self._cipher = AESGCM(hmac.digest(key, f"tocsin/figures/v1\n{environment}\n".encode(), hashlib.sha256))
        self._entropy = entropy

    def close(self, sheet: str, figures: Figures) -> tuple[str, bytes]:
        """Return the commitment to figures, in base64, and what is kept of them."""
        salt, nonce = self._entropy.bytes(SALT_BYTES), self._entropy.bytes(_NONCE_BYTES)
        body = msgspec.json.encode(figures)
        sealed = nonce + self._cipher.encrypt(nonce, salt + body, sheet.encode())
        return content_text(commit_content(salt=salt, body=body)), sealed

    def open(self, sheet: str, sealed: bytes, commitment: str) -> Figures:
        """Return the figures that a commitment is to.

        Raises:
            StoreBrokenError: they are others, or were changed.
        """
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], sheet.encode())
        except InvalidTag as error:
            raise StoreBrokenError(
                "these figures were changed, or sealed by another hub", where=f"sheet {sheet}"
            ) from error
        salt, body = opened[:SALT_BYTES], opened[SALT_BYTES:]
        if content_text(commit_content(salt=salt, body=body)) != commitment:
            raise StoreBrokenError("these figures are not those that the log commits to", where=f"sheet {sheet}")
        return msgspec.json.decode(body, type=Figures)
