"""Bytes to values: an agreement's policies as one text, and what the log says of agreements."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tocsin.agreements.document import Signed, document_digest
from tocsin.errors import InputError
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin.agreements.cedar import Policy
    from tocsin.agreements.document import AgreementDocument
    from tocsin.agreements.facts import Grace

__all__ = [
    "Activation",
    "Admission",
    "Adoption",
    "Attaching",
    "Change",
    "Going",
    "Granting",
    "Proposal",
    "Saying",
    "Signing",
    "activation_data",
    "attaching_data",
    "from_data",
    "going_data",
    "policies_text",
    "proposal_data",
    "saying_data",
    "signing_data",
    "version_data",
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
    amends: int | None = None  # left out of entries that propose no amendment


class Signing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a party signs; key and signature are base64."""

    agreement: str
    version: int
    digest: str
    party: str  # URI
    signatory: str  # name of the user
    key: str
    signature: str
    ml_dsa_key: str | None = None  # both left out where there is one key
    ml_dsa_signature: str | None = None

    @property
    def made(self) -> Signed:
        """Return the signatures."""
        return Signed(signature=self.signature, ml_dsa_signature=self.ml_dsa_signature)


class Saying(Signing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a party objects to an amendment, or gives notice (then with when it leaves)."""

    reason: str
    leaves: Micros | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a version is suspended, resumed, terminated or dropped."""

    agreement: str
    version: int
    digest: str
    reason: str


class Admission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a party is admitted that may then accede."""

    agreement: str
    version: int
    digest: str
    party: str
    reason: str


class Adoption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when an amendment comes into force: whom it carries, and who of them leaves when."""

    agreement: str
    version: int
    digest: str
    amends: int
    carried: list[str]
    leaving: dict[str, Micros]
    graces: list[Going] = []  # left out where none goes on


class Granting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a legal basis is to count as valid, though it lapses."""

    agreement: str
    version: int
    digest: str
    basis: str
    parties: list[str]
    until: Micros
    reason: str


class Attaching(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says of a file beside a version; ``content`` is base64."""

    agreement: str
    version: int
    digest: str
    party: str
    sha256: str
    title: str
    over: str
    content: str
    outcome: str


class Going(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A grace of the version before that goes on with the one that supersedes it."""

    basis: str
    parties: list[str]
    until: Micros
    reason: str


class Activation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log says when a version is activated, and which version it supersedes."""

    agreement: str
    version: int
    digest: str
    supersedes: int | None
    graces: list[Going] = []  # left out where none goes on


def policies_text(policies: tuple[Policy, ...]) -> str:
    """Return policies as one Cedar text."""
    return "\n".join(policy.text for policy in policies)


def proposal_data(
    source: bytes,
    document: AgreementDocument,
    names: Mapping[str, str],
    policies: tuple[Policy, ...],
    *,
    amends: int | None = None,
) -> dict[str, object]:
    """Return what the log says of a proposal."""
    said: dict[str, object] = {} if amends is None else {"amends": amends}
    return (
        version_data(document)
        | {"document": source.decode(), "names": dict(names), "policies": policies_text(policies)}
        | said
    )


def signing_data(
    document: AgreementDocument, *, party: str, signatory: str, key: str, ml_dsa_key: str | None, made: Signed
) -> dict[str, object]:
    """Return what the log says of a signature."""
    data = version_data(document) | {"party": party, "signatory": signatory, "key": key, "signature": made.signature}
    if ml_dsa_key is None:
        return data
    return data | {"ml_dsa_key": ml_dsa_key, "ml_dsa_signature": made.ml_dsa_signature}


def saying_data(
    document: AgreementDocument,
    *,
    party: str,
    signatory: str,
    key: str,
    ml_dsa_key: str | None,
    made: Signed,
    reason: str,
    leaves: Micros | None = None,
) -> dict[str, object]:
    """Return what the log says of an objection, or of a notice (then with when the party leaves)."""
    data = signing_data(document, party=party, signatory=signatory, key=key, ml_dsa_key=ml_dsa_key, made=made)
    return data | {"reason": reason} | ({} if leaves is None else {"leaves": leaves})


def attaching_data(
    document: AgreementDocument, *, party: str, title: str, over: str, content: bytes, sha256: str, outcome: str
) -> dict[str, object]:
    """Return what the log says of a file beside a version."""
    return version_data(document) | {
        "party": party,
        "sha256": sha256,
        "title": title,
        "over": over,
        "content": base64.b64encode(content).decode(),
        "outcome": outcome,
    }


def activation_data(document: AgreementDocument, *, supersedes: int | None) -> dict[str, object]:
    """Return what the log says of an activation."""
    return version_data(document) | {"supersedes": supersedes}


def going_data(graces: Iterable[tuple[Grace, str]]) -> dict[str, object]:
    """Return what an entry says of the graces that go on, each with the reason for which it was given, if any do."""
    told = [
        {"basis": one.basis, "parties": sorted(one.parties), "until": one.until, "reason": reason}
        for one, reason in graces
    ]
    return {"graces": told} if told else {}


def version_data(document: AgreementDocument) -> dict[str, object]:
    """Return what every entry says of the version that it is about."""
    return {
        "agreement": document.name,
        "version": document.version,
        "digest": document_digest(document).hex(),
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
