"""Signatures on agreements: Ed25519, and ML-DSA-44 beside it, over domain-separated RFC 8785 forms.

A signatory has an Ed25519 key and may have one of ML-DSA-44 (FIPS 204) as well. Whoever has both signs with both, and
both are checked: an attacker who can break one of them has gained nothing, and a signature from which the second was
taken away is none.
"""

from __future__ import annotations

import base64
import enum
import hashlib
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from tocsin.errors import ForbiddenError, InputError
from tocsin.kernel.canonical import Json, canonical_json
from tocsin.kernel.encoded import from_base64

if TYPE_CHECKING:
    from tocsin.agreements.document.model import AgreementDocument

__all__ = [
    "ACT_DOMAIN",
    "DOMAIN",
    "Said",
    "Signed",
    "act_bytes",
    "document_digest",
    "ml_dsa_public_key_of",
    "public_key_of",
    "sign_bytes",
    "sign_document",
    "signing_bytes",
    "verify_bytes",
    "verify_signature",
]

# Nothing else that a signatory's key signs begins with one of these lines.
DOMAIN: Final = "tocsin/agreement/v1"
ACT_DOMAIN: Final = "tocsin/agreement-act/v1"

_KEY_BYTES = 32  # RFC 8032 §5.1.5; FIPS 204's seed is as long
_SIGNATURE_BYTES = 64  # RFC 8032 §5.1.6
_ML_DSA_KEY_BYTES = 1_312  # FIPS 204, table 2
_ML_DSA_SIGNATURE_BYTES = 2_420


class Said(enum.StrEnum):
    """What a signatory can say of a version besides signing it."""

    OBJECT = "object"
    WITHDRAW = "withdraw"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Signatures of one person over the same bytes, base64; the second where they have the second key."""

    signature: str
    ml_dsa_signature: str | None = None


def signing_bytes(document: AgreementDocument) -> bytes:
    """Return what a signatory signs: the domain, a line feed, the canonical form."""
    return DOMAIN.encode() + b"\n" + document.canonical


def act_bytes(document: AgreementDocument, said: Said, *, party: str, reason: str) -> bytes:
    """Return what a signatory signs who says something of a version for a party (its URI)."""
    content: dict[str, Json] = {
        "act": str(said),
        "agreement": document.name,
        "version": document.version,
        "digest": document_digest(document).hex(),
        "party": party,
        "reason": reason,
    }
    return ACT_DOMAIN.encode() + b"\n" + canonical_json(content)


def document_digest(document: AgreementDocument) -> bytes:
    """Return the SHA-256 of the signing bytes: what identifies the document in the log."""
    return hashlib.sha256(signing_bytes(document)).digest()


def sign_bytes(data: bytes, private_key: bytes, ml_dsa_seed: bytes | None = None) -> Signed:
    """Sign with a raw Ed25519 private key, and with an ML-DSA-44 key from its seed if there is one (32 bytes each).

    For the signatory's own side: the hub never sees a private key.

    Raises:
        InputError: it is no such key.
    """
    for key in (private_key, ml_dsa_seed):
        if key is not None and len(key) != _KEY_BYTES:
            raise InputError(f"this signing key has {len(key)} bytes, not {_KEY_BYTES}")
    first = Ed25519PrivateKey.from_private_bytes(private_key).sign(data)
    second = None if ml_dsa_seed is None else MLDSA44PrivateKey.from_seed_bytes(ml_dsa_seed).sign(data)
    return Signed(
        signature=base64.b64encode(first).decode(),
        ml_dsa_signature=None if second is None else base64.b64encode(second).decode(),
    )


def sign_document(document: AgreementDocument, private_key: bytes) -> str:
    """Sign with a raw Ed25519 private key (32 bytes); the signature comes as base64.

    Raises:
        InputError: it is no such key.
    """
    return sign_bytes(signing_bytes(document), private_key).signature


def public_key_of(private_key: bytes) -> str:
    """Return the base64 of the public key that belongs to a raw private key, as a party registers it.

    Raises:
        InputError: it is no such key.
    """
    if len(private_key) != _KEY_BYTES:
        raise InputError(f"this signing key has {len(private_key)} bytes, not {_KEY_BYTES}")
    public = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


def ml_dsa_public_key_of(seed: bytes) -> str:
    """Return the base64 of the ML-DSA-44 public key that belongs to a seed, as a party registers it.

    Raises:
        InputError: it is no such seed.
    """
    if len(seed) != _KEY_BYTES:
        raise InputError(f"this signing key has {len(seed)} bytes, not {_KEY_BYTES}")
    public = MLDSA44PrivateKey.from_seed_bytes(seed).public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


def verify_signature(
    document: AgreementDocument, *, made: Signed, public_key: str, ml_dsa_key: str | None = None
) -> None:
    """Refuse signatures that the holder of public keys did not make over this document. Keys come as base64.

    Raises:
        InputError: a key or signature is no base64 of the right length.
        ForbiddenError: a signature is another's, over another document, or one of two is missing.
    """
    what = f"signature of {document.name} version {document.version}"
    verify_bytes(signing_bytes(document), made, public_key=public_key, ml_dsa_key=ml_dsa_key, what=what)


def verify_bytes(data: bytes, made: Signed, *, public_key: str, ml_dsa_key: str | None, what: str) -> None:
    """Refuse signatures that the holder of these keys did not make over these bytes; ``what`` names what they sign.

    INVARIANT: with a second key there is a second signature, and both verify; without, there is none.

    Raises:
        InputError: a key or signature is no base64 of the right length.
        ForbiddenError: a signature is another's, over something else, or one of two is missing.
    """
    if (ml_dsa_key is None) != (made.ml_dsa_signature is None):
        missing = made.ml_dsa_signature is None
        raise ForbiddenError(
            f"this {what} has {'no' if missing else 'an'} ML-DSA-44 signature",
            todo="sign with both keys, since both are registered"
            if missing
            else "register the ML-DSA-44 key, or sign with the Ed25519 key alone",
        )
    refused = ForbiddenError(
        f"this is no {what} by the registered key",
        todo="sign exactly what is asked for, with the key whose public half is registered",
    )
    key = from_base64(public_key, _KEY_BYTES, "public key")
    first = from_base64(made.signature, _SIGNATURE_BYTES, "signature")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(first, data)
    except (InvalidSignature, ValueError) as error:
        raise refused from error
    if ml_dsa_key is None or made.ml_dsa_signature is None:
        return
    second_key = from_base64(ml_dsa_key, _ML_DSA_KEY_BYTES, "ML-DSA-44 public key")
    second = from_base64(made.ml_dsa_signature, _ML_DSA_SIGNATURE_BYTES, "ML-DSA-44 signature")
    try:
        MLDSA44PublicKey.from_public_bytes(second_key).verify(second, data)
    except (InvalidSignature, ValueError) as error:
        raise refused from error
