"""Detached signatures beside an agreement: what is checked, what is not, and what is said of it."""

from __future__ import annotations

import base64
import functools
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.agreements.seals import check_seal, read_anchors, require_seal
from tocsin.errors import InputError
from tocsin.kernel.clock import parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable

AT: Final = parse_instant("2026-06-01T08:00:00Z")
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
PAPER: Final = b"%PDF the instrument"
WANTED: Final = {hashlib.sha256(PAPER).hexdigest(): "the instrument"}


@functools.cache
def key(name: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1()) if name != "rsa" else rsa.generate_private_key(65537, 2048)


@functools.cache
def certificate(name: str, issuer: str, *, days: int = 365) -> x509.Certificate:
    def called(who: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)])

    authority = name == issuer
    public = key(name).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(called(name))
        .issuer_name(called(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key(issuer).public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not authority,
                content_commitment=not authority,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=authority,
                crl_sign=authority,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    return builder.sign(key(issuer), hashes.SHA256())


def seal(
    name: str = "registry",
    issuer: str = "root",
    *,
    data: bytes = PAPER,
    encoding: Encoding = Encoding.DER,
    detached: bool = True,
    hash_: hashes.HashAlgorithm | None = None,
    days: int = 365,
) -> bytes:
    options = [pkcs7.PKCS7Options.Binary, *([pkcs7.PKCS7Options.DetachedSignature] if detached else [])]
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
    signed = builder.add_signer(certificate(name, issuer, days=days), key(name), hash_ or hashes.SHA256())  # type: ignore[arg-type]
    return signed.sign(encoding, options)


def anchors(*names: str) -> list[x509.Certificate]:
    return [certificate(name, name) for name in names]


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
@pytest.mark.parametrize("name", ["registry", "rsa"])
def test_a_seal_that_leads_to_an_anchor_is_checked(name: str, encoding: Encoding) -> None:
    found = check_seal(seal(name, encoding=encoding), WANTED, anchors("root"), AT)
    assert (found.checked, found.over) == (True, next(iter(WANTED)))
    assert found.outcome == f"checked, but for revocation: the instrument is signed by CN={name}"


NOT_CHECKED: Final[dict[str, tuple[Callable[[], bytes], tuple[str, ...], str]]] = {
    "without an anchor": (seal, (), "no trust anchor was given"),
    "of another authority": (seal, ("stranger",), "not trusted"),
    "by an expired certificate": (lambda: seal(days=30), ("root",), "not trusted"),
    "over another paper": (lambda: seal(data=b"another"), ("root",), "neither the instrument nor the document"),
    "that holds what it signs": (lambda: seal(detached=False), ("root",), "a detached signature is needed"),
    "of another hash": (lambda: seal(hash_=hashes.SHA512()), ("root",), "not SHA-256"),
    "that is none": (lambda: b"nothing", ("root",), "not valid"),
    "of nothing": (lambda: b"", ("root",), "not valid"),
    "in broken PEM": (lambda: b"-----BEGIN PKCS7-----\n?\n-----END PKCS7-----\n", ("root",), "not valid"),
}


@pytest.mark.parametrize("name", NOT_CHECKED)
def test_what_is_not_checked_says_why(name: str) -> None:
    make, trusted, said = NOT_CHECKED[name]
    found = check_seal(make(), WANTED, anchors(*trusted), AT)
    assert not found.checked
    assert said in found.outcome


WHOLE: Final = seal()  # a signature has another length each time
NONE_AT_ALL: Final[dict[str, tuple[bytes, str]]] = {
    "empty": (b"", "it is empty"),
    "random": (bytes(range(7, 207)), "no CMS"),
    "a text": (b"agreed by all of us", "no CMS"),
    "broken PEM": (b"-----BEGIN PKCS7-----\n?\n-----END PKCS7-----\n", "no CMS"),
    "a certificate": (certificate("root", "root").public_bytes(Encoding.DER), "no CMS"),
    "its own content": (seal(detached=False), "a detached signature is needed"),
}


@pytest.mark.parametrize("name", NONE_AT_ALL)
def test_what_is_no_detached_signature_at_all_is_refused(name: str) -> None:
    content, said = NONE_AT_ALL[name]
    with pytest.raises(InputError, match=said) as refused:
        require_seal(content, where="seal.p7s")
    assert refused.value.where == "seal.p7s"
    assert "detached" in (refused.value.todo or "")


def test_a_signature_that_does_not_verify_is_one() -> None:
    for content in (
        seal(),
        seal(encoding=Encoding.PEM),
        seal(data=b"another"),
        seal(hash_=hashes.SHA512()),
        WHOLE[:300],
    ):
        require_seal(content)
    cut = WHOLE[:300]
    assert check_seal(cut, WANTED, anchors("root"), AT).outcome == "not valid: a value ends early"
    indefinite = b"\x30\x80" + WHOLE[4:]
    require_seal(indefinite)  # BER, as some services write it: stored, and not checked
    assert "no definite length" in check_seal(indefinite, WANTED, anchors("root"), AT).outcome


def test_a_signature_that_was_changed_is_none() -> None:
    whole = seal()
    for place in range(len(whole) - 40, len(whole)):
        bent = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        assert not check_seal(bent, WANTED, anchors("root"), AT).checked


def test_a_certificate_of_a_version_that_there_is_not_is_none() -> None:
    whole = seal()
    version = whole.index(bytes.fromhex("a003020102")) + 4  # [0] EXPLICIT INTEGER 2 is version 3 (RFC 5280 §4.1)
    bent = whole[:version] + b"\x30" + whole[version + 1 :]
    assert check_seal(bent, WANTED, anchors("root"), AT).outcome.startswith("not valid")
    pem = (
        certificate("root", "root")
        .public_bytes(Encoding.DER)
        .replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020130"), 1)
    )
    text = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(pem) + b"-----END CERTIFICATE-----\n"
    with pytest.raises(InputError):
        read_anchors(text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_comes_in_something_is_said_of_it(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    found = check_seal(cut, WANTED, anchors("root"), AT)
    assert found.outcome.isprintable()
    # what was changed outside of what is signed may leave the signature whole, and whose it is
    assert not found.checked or found.outcome.endswith("is signed by CN=registry")


def test_anchors_are_certificates() -> None:
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in anchors("root", "stranger"))
    assert read_anchors(pem) == anchors("root", "stranger")
    with pytest.raises(InputError, match="no certificate"):
        read_anchors(b"x")
