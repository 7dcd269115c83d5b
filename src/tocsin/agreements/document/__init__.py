"""Agreement documents: from YAML 1.2 to values, their canonical form, and signatures over it."""

from tocsin.agreements.document.checks import Note
from tocsin.agreements.document.model import (
    AgreementDocument,
    BasisEntry,
    Clause,
    LabelTerms,
    LegalBasis,
    PapTerm,
    PartyEntry,
    ReaderTerms,
    TlpTerm,
    Verb,
    names_of,
)
from tocsin.agreements.document.parse import Parsed, parse_agreement
from tocsin.agreements.document.signing import (
    document_digest,
    public_key_of,
    sign_document,
    signing_bytes,
    verify_signature,
)

__all__ = [
    "AgreementDocument",
    "BasisEntry",
    "Clause",
    "LabelTerms",
    "LegalBasis",
    "Note",
    "PapTerm",
    "Parsed",
    "PartyEntry",
    "ReaderTerms",
    "TlpTerm",
    "Verb",
    "document_digest",
    "names_of",
    "parse_agreement",
    "public_key_of",
    "sign_document",
    "signing_bytes",
    "verify_signature",
]
