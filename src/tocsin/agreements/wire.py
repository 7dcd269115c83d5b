"""Bytes to values: an agreement's policies as one text, and what the log says of agreements."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from tocsin.agreements.document import document_digest
from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.agreements.cedar import Policy
    from tocsin.agreements.document import AgreementDocument

__all__ = [
    "Activation",
    "Proposal",
    "Signing",
    "activation_data",
    "from_data",
    "policies_text",
    "proposal_data",
    "signing_data",
]

_Value = TypeVar("_Value")


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a version is proposed: all that follows from it can be rebuilt from this."""

    agreement: str
    version: int
    digest: str  # SHA-256 of the signing bytes, hexadecimal
    document: str  # the file
    names: dict[str, str]
    policies: str


class Signing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a party signs; key and signature are base64."""

    agreement: str
    version: int
    digest: str
    party: str  # URI
    signatory: str  # name of the user
    key: str
    signature: str


class Activation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a version is activated, and which version it supersedes."""

    agreement: str
    version: int
    digest: str
    supersedes: int | None


def policies_text(policies: tuple[Policy, ...]) -> str:
    """Return policies as one Cedar text."""
    return "\n".join(policy.text for policy in policies)


def proposal_data(
    source: bytes, document: AgreementDocument, names: Mapping[str, str], policies: tuple[Policy, ...]
) -> dict[str, object]:
    """Return what the log says of a proposal."""
    return {
        "agreement": document.name,
        "version": document.version,
        "digest": document_digest(document).hex(),
        "document": source.decode(),
        "names": dict(names),
        "policies": policies_text(policies),
    }


def signing_data(
    document: AgreementDocument, *, party: str, signatory: str, key: str, signature: str
) -> dict[str, object]:
    """Return what the log says of a signature."""
    return {
        "agreement": document.name,
        "version": document.version,
        "digest": document_digest(document).hex(),
        "party": party,
        "signatory": signatory,
        "key": key,
        "signature": signature,
    }


def activation_data(document: AgreementDocument, *, supersedes: int | None) -> dict[str, object]:
    """Return what the log says of an activation."""
    return {
        "agreement": document.name,
        "version": document.version,
        "digest": document_digest(document).hex(),
        "supersedes": supersedes,
    }


def from_data(data: Mapping[str, object], kind: type[_Value]) -> _Value:
    """Read back what the log says.

    Raises:
        InputError: it is not of that form.
    """
    try:
        return msgspec.convert(dict(data), kind)
    except msgspec.ValidationError as error:
        raise InputError(f"it is not what the log says of this act: {error}") from error
