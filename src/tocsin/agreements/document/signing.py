"""Signatures on an agreement: Ed25519 over the domain-separated RFC 8785 form of its document."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tocsin.errors import ForbiddenError, InputError

if TYPE_CHECKING:
    from tocsin.agreements.document.model import AgreementDocument

__all__ = ["DOMAIN", "document_digest", "public_key_of", "sign_document", "signing_bytes", "verify_signature"]

# Nothing else that a signatory's key signs begins with this line.
DOMAIN: Final = "tocsin/agreement/v1"

_KEY_BYTES = 32  # RFC 8032 §5.1.5
_SIGNATURE_BYTES = 64  # RFC 8032 §5.1.6


def signing_bytes(document: AgreementDocument) -> bytes:
    """Return what a signatory signs: the domain, a line feed, the canonical form."""
    return DOMAIN.encode() + b"\n" + document.canonical


def document_digest(document: AgreementDocument) -> bytes:
    """Return the SHA-256 of the signing bytes: what identifies the document in the log."""
    return hashlib.sha256(signing_bytes(document)).digest()


def sign_document(document: AgreementDocument, private_key: bytes) -> str:
    """Sign with a raw Ed25519 private key (32 bytes); the signature comes as base64.

    For the signatory's own side: the hub never sees a private key.

    Raises:
        InputError: it is no such key.
    """
    if len(private_key) != _KEY_BYTES:
        raise InputError(f"this signing key has {len(private_key)} bytes, not {_KEY_BYTES}")
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(private_key).sign(signing_bytes(document))).decode()


def public_key_of(private_key: bytes) -> str:
    """Return the base64 of the public key that belongs to a raw private key, as a party registers it.

    Raises:
        InputError: it is no such key.
    """
    if len(private_key) != _KEY_BYTES:
        raise InputError(f"this signing key has {len(private_key)} bytes, not {_KEY_BYTES}")
    public = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


def verify_signature(document: AgreementDocument, *, public_key: str, signature: str) -> None:
    """Refuse a signature that the holder of a public key did not make over this document. Both come as base64.

    Raises:
        InputError: the key or the signature is no base64 of the right length.
        ForbiddenError: the signature is another's, or over another document.
    """
    key = _decoded(public_key, _KEY_BYTES, "public key")
    made = _decoded(signature, _SIGNATURE_BYTES, "signature")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(made, signing_bytes(document))
    except (InvalidSignature, ValueError) as error:
        raise ForbiddenError(
            f"this is no signature of {document.name} version {document.version} by the registered key",
            todo="sign the document as it was proposed, with the key whose public half is registered",
        ) from error


def _decoded(text: str, length: int, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"this {what} is not base64") from error
    if len(raw) != length:
        raise InputError(f"this {what} has {len(raw)} bytes, not {length}")
    return raw
