"""Bytes to values and back: what a duty-holder signs, and what the log says of annexes and of who is on duty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.annexes.model import Activation, Asked
from tocsin.agreements.document import Signed, document_digest
from tocsin.kernel.canonical import Json, canonical_json
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin.agreements.document import AgreementDocument, AnnexTerms

__all__ = ["CALL_DOMAIN", "AnnexAct", "Calling", "Duty", "activations_data", "call_bytes", "decided_by"]

# Nothing else that anybody's key signs begins with this line.
CALL_DOMAIN: Final = "tocsin/annex-call/v1"


class Duty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when somebody is entered as being on duty for their party."""

    party: str  # URI
    user: str
    starts: Micros
    until: Micros


class AnnexAct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says of an annex: the act, and the activations that it made or changed, as they are after it.

    ``decided_by`` is what the agreement asks of the motion that activates or ratifies; other acts leave it out.
    """

    agreement: str
    version: int
    digest: str
    annex: str
    reason: str
    activations: list[Activation]
    decided_by: dict[str, object] | None = None


class Calling(AnnexAct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a duty-holder calls; key and signature are base64."""

    asked: Asked
    party: str  # URI
    kind: str  # of the party, then
    user: str
    said_at: Micros
    key: str
    signature: str
    ml_dsa_key: str | None = None
    ml_dsa_signature: str | None = None

    @property
    def made(self) -> Signed:
        """Return the signatures."""
        return Signed(signature=self.signature, ml_dsa_signature=self.ml_dsa_signature)


def call_bytes(
    document: AgreementDocument,
    *,
    annex: str,
    asked: Asked,
    hub: str,
    party: str,
    user: str,
    said_at: Micros,
    reason: str,
) -> bytes:
    """Return what a duty-holder signs: for this annex of this text, at this hub (its party's URI), at this instant."""
    content: dict[str, Json] = {
        "act": str(asked),
        "agreement": document.name,
        "version": document.version,
        "digest": document_digest(document).hex(),
        "annex": annex,
        "hub": hub,
        "party": party,
        "user": user,
        "said_at": str(said_at),  # a text, since RFC 8785 has no integers of this size
        "reason": reason,
    }
    return CALL_DOMAIN.encode() + b"\n" + canonical_json(content)


def activations_data(changed: Iterable[Activation]) -> list[dict[str, object]]:
    """Return activations as the log tells them."""
    return [msgspec.to_builtins(one) for one in changed]


def decided_by(terms: AnnexTerms) -> dict[str, object]:
    """Return what an agreement asks of the motion that activates or ratifies an annex, as the log tells it."""
    asked = terms.motion.more_than
    more_than = (
        {"all": str(asked.overall)} if asked.overall is not None else {kind: str(it) for kind, it in asked.by_kind}
    )
    quorum = None if terms.motion.quorum is None else str(terms.motion.quorum)
    return {"body": terms.motion.body, "quorum": quorum, "more_than": more_than}
