"""Detached signatures and seals beside an agreement: CMS (RFC 5652), as eIDAS services make them (.p7s, CAdES). Pure.

What is checked: that each signer signed the instrument, or the document itself; that the signature is that of the
certificate's key; that the certificate leads to one of the trust anchors given. Not checked: revocation, timestamps,
and whether a certificate is a qualified one. What cannot be checked is said, and never counts as checked.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.kernel.clock import Micros

__all__ = ["Sealed", "check_seal", "read_anchors", "require_seal"]

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_DATA: Final = "1.2.840.113549.1.7.1"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
# PKCS #1 v1.5, named by the key or with its hash; ECDSA with SHA-256
_RSA: Final = frozenset({"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"})
_ECDSA: Final = frozenset({"1.2.840.10045.4.3.2", "1.2.840.10045.2.1"})
_SEQUENCE, _SET, _OID, _OCTETS, _INTEGER = 0x30, 0x31, 0x06, 0x04, 0x02
# How every SignedData begins after its outer header: its type's identifier, encoded (RFC 5652 §5.1)
_BEGINS: Final = bytes.fromhex("06092a864886f70d010702")
# A signature has some ten levels; deeper is made to exhaust us.
_MAX_SIGNERS: Final = 10
_LONG_FORM: Final = 0x80


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """What checking gave: over which hash, and one line for people. ``checked``: everything named above holds."""

    over: str  # SHA-256, hexadecimal; empty where it could not be read
    checked: bool
    outcome: str


class _BrokenError(ValueError):
    """It is no CMS signature as RFC 5652 has it."""


class _UnknownError(ValueError):
    """It is one that we cannot check; says why."""


class _HoldsError(_UnknownError):
    """It is not detached."""


class _Node(msgspec.Struct, frozen=True):
    tag: int
    body: bytes
    whole: bytes


def read_anchors(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM file.

    Raises:
        InputError: it holds none.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except (ValueError, x509.InvalidVersion) as error:
        raise InputError(
            "it holds no certificate in PEM", todo="name the trust anchors of the seal's issuer"
        ) from error


def require_seal(content: bytes, *, where: str | None = None) -> None:
    """Refuse a file that is no detached signature at all; one that is broken, or that we cannot check, is one.

    Raises:
        InputError: it is no CMS signature in DER or PEM, or it holds what it signs.
    """
    todo = "attach the signature that the signing service makes beside the file (.p7s, CAdES detached), in DER or PEM"
    try:
        der = _der(content)
    except ValueError:
        der = b""
    if not _is_signed_data(der):
        what = "it is empty" if not content.strip() else "it is no CMS (PKCS #7) signature, in DER or PEM"
        raise InputError(what, where=where, todo=todo)
    try:
        _signers(der)
    except _HoldsError as error:
        raise InputError(str(error), where=where, todo=todo) from error
    except (_UnknownError, _BrokenError, ValueError, LookupError):
        return  # what is wrong with it is said beside it


def _is_signed_data(der: bytes) -> bool:
    if len(der) < 2 or der[0] != _SEQUENCE:  # noqa: PLR2004  tag and length
        return False
    more = der[1] & ~_LONG_FORM if der[1] & _LONG_FORM else 0
    return der[2 + more :].startswith(_BEGINS)


def check_seal(content: bytes, wanted: Mapping[str, str], anchors: Sequence[x509.Certificate], at: Micros) -> Sealed:
    """Check a detached signature.

    Args:
        content: the file: DER or PEM.
        wanted: what it may sign: SHA-256 (hexadecimal) to what that is called.
        anchors: the certificates that are trusted; none: the chain cannot be checked.
        at: the instant at which certificates must be valid.
    """
    try:
        signers = _signers(_der(content))
        certificates = _certificates(content)
        over = {signer.digest for signer in signers}
        if len(over) != 1 or not over <= wanted.keys():
            return Sealed(over="", checked=False, outcome="not valid: it signs neither the instrument nor the document")
        (digest,) = over
        leaves = [_verify(signer, certificates) for signer in signers]
    except _UnknownError as error:
        return Sealed(over="", checked=False, outcome=f"not checked: {error}")
    # a value where another belongs has not the parts that we look for
    except (_BrokenError, ValueError, LookupError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        return Sealed(over="", checked=False, outcome=f"not valid: {str(error)[:200] or 'it cannot be read'}")
    names = "; ".join(leaf.subject.rfc4514_string()[:100] for leaf in leaves)
    what = f"{wanted[digest]} is signed by {names}"
    if not anchors:
        return Sealed(over=digest, checked=False, outcome=_line(f"not checked: {what}, but no trust anchor was given"))
    for leaf in leaves:
        reason = _distrusted(leaf, certificates, anchors, at)
        if reason is not None:
            return Sealed(over=digest, checked=False, outcome=_line(f"not trusted: {what}: {reason}"))
    return Sealed(over=digest, checked=True, outcome=_line(f"checked, but for revocation: {what}"))


class _Signer(msgspec.Struct, frozen=True, kw_only=True):
    serial: int
    issuer: bytes  # DER
    digest: str  # of what it signs
    algorithm: str
    attributes: bytes  # DER of the set that is signed
    signature: bytes


def _line(text: str) -> str:
    # names in certificates are the issuer's to write: nothing of them may change how a page is shown
    return "".join(character if character.isprintable() else "?" for character in text)[:500]


def _der(content: bytes) -> bytes:
    if not content.lstrip().startswith(b"-----BEGIN"):
        return content
    lines = [line for line in content.decode("ascii", "replace").splitlines() if line and "-----" not in line]
    return base64.b64decode("".join(lines), validate=True)


def _certificates(content: bytes) -> list[x509.Certificate]:
    load = pkcs7.load_pem_pkcs7_certificates if content.lstrip().startswith(b"-----") else None
    try:
        return (load or pkcs7.load_der_pkcs7_certificates)(content)
    except ValueError as error:
        raise _BrokenError("the certificates that it carries cannot be read") from error


def _signers(der: bytes) -> list[_Signer]:
    kind, wrapped = _some(_only(der, _SEQUENCE), 2)
    if _oid(kind) != _SIGNED_DATA:
        raise _BrokenError("it is no signature")
    parts = _nodes(_only(wrapped.body, _SEQUENCE))
    if len(_nodes(parts[2].body)) != 1:
        raise _HoldsError("it holds what it signs; a detached signature is needed")
    infos = _nodes(parts[-1].body)
    if parts[-1].tag != _SET or not 1 <= len(infos) <= _MAX_SIGNERS:
        raise _BrokenError(f"it has no signer, or more than {_MAX_SIGNERS}")
    return [_signer(info) for info in infos]


def _signer(info: _Node) -> _Signer:
    parts = _nodes(info.body)
    if len(parts) < 6 or parts[1].tag != _SEQUENCE or parts[3].tag != 0xA0:  # noqa: PLR2004  RFC 5652 §5.3
        raise _UnknownError("its signer is named by a key, or it signs no attributes")
    issuer, serial = _some(parts[1].body, 2)
    if _oid(_nodes(parts[2].body)[0]) != _SHA256:
        raise _UnknownError("its digest is not SHA-256")
    attributes = {_oid(kind): _nodes(values.body) for kind, values in (_some(a.body, 2) for a in _nodes(parts[3].body))}
    digests, types = attributes.get(_MESSAGE_DIGEST, []), attributes.get(_CONTENT_TYPE, [])
    if len(digests) != 1 or digests[0].tag != _OCTETS or len(types) != 1 or _oid(types[0]) != _DATA:
        raise _BrokenError("its signed attributes lack the digest or the type of what it signs")
    return _Signer(
        serial=int.from_bytes(serial.body, "big", signed=True),
        issuer=issuer.whole,
        digest=digests[0].body.hex(),
        algorithm=_oid(_nodes(parts[4].body)[0]),
        # RFC 5652 §5.4: signed is the explicit set, and not the implicitly tagged one that is sent
        attributes=bytes([_SET]) + parts[3].whole[1:],
        signature=parts[5].body,
    )


def _verify(signer: _Signer, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the certificate whose key made a signature."""
    for one in certificates:
        if one.serial_number != signer.serial or one.issuer.public_bytes() != signer.issuer:
            continue
        key = one.public_key()
        try:
            if isinstance(key, rsa.RSAPublicKey) and signer.algorithm in _RSA:
                key.verify(signer.signature, signer.attributes, padding.PKCS1v15(), hashes.SHA256())
            elif isinstance(key, ec.EllipticCurvePublicKey) and signer.algorithm in _ECDSA:
                key.verify(signer.signature, signer.attributes, ec.ECDSA(hashes.SHA256()))
            else:
                raise _UnknownError(f"its algorithm {signer.algorithm} is not one that we check")
        except InvalidSignature as error:
            raise _BrokenError("the signature is not the certificate's") from error
        return one
    raise _UnknownError("it does not carry its signer's certificate")


def _distrusted(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], at: Micros
) -> str | None:
    """Return why a certificate does not lead to an anchor, or None when it does."""
    when = datetime.fromtimestamp(at // 1_000_000, UTC)
    try:
        # a seal's certificate is no web server's: its own extensions are its issuer's business, authorities' are not
        builder = PolicyBuilder().store(Store(list(anchors))).time(when)
        policy = builder.extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
        )
        policy.build_client_verifier().verify(leaf, [one for one in others if one != leaf])
    except (VerificationError, ValueError) as error:
        return str(error)[:200]
    return None


# --- DER -------------------------------------------------------------------------------------------------------------


def _nodes(data: bytes) -> list[_Node]:
    """Read the values that stand one after the other (X.690 §8.1, definite lengths only)."""
    found: list[_Node] = []
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise _BrokenError("a value ends early")
        tag, length, start = data[at], data[at + 1], at + 2
        if length & _LONG_FORM:
            count = length & ~_LONG_FORM
            if not 1 <= count <= 4 or start + count > len(data):  # noqa: PLR2004  four bytes are more than we take
                raise _BrokenError("a value has no definite length")
            length, start = int.from_bytes(data[start : start + count], "big"), start + count
        if start + length > len(data):
            raise _BrokenError("a value ends early")
        found.append(_Node(tag, data[start : start + length], data[at : start + length]))
        at = start + length
    return found


def _some(data: bytes, count: int) -> list[_Node]:
    found = _nodes(data)
    if len(found) != count:
        raise _BrokenError("it is not laid out as RFC 5652 has it")
    return found


def _only(data: bytes, tag: int) -> bytes:
    (node,) = _some(data, 1)
    if node.tag != tag:
        raise _BrokenError("it is not laid out as RFC 5652 has it")
    return node.body


def _oid(node: _Node) -> str:
    if node.tag != _OID or not node.body:
        raise _BrokenError("an object identifier is none")
    numbers, value = [], 0
    for byte in node.body:
        value = value << 7 | byte & 0x7F
        if not byte & _LONG_FORM:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))
