"""The resources of ``/api/v1``. Pure. Instants are RFC 3339 with microseconds and ``Z``, in the hub's time."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from tocsin.agreements.carried import TermKind
from tocsin.agreements.model import Effect, Pap, Tlp
from tocsin.exchange.model import Outcome
from tocsin.kernel.clock import Micros, format_instant
from tocsin.kernel.http.routes import Reply
from tocsin.kernel.http.shapes import broken_json, fault_of

__all__ = [
    "AgreementResource",
    "Agreements",
    "Bundle",
    "ClauseResource",
    "CollectionResource",
    "Collections",
    "Document",
    "Item",
    "LegalBasisResource",
    "MarkingResource",
    "Me",
    "Next",
    "ObjectsPage",
    "Parties",
    "PartyResource",
    "ReceiptResource",
    "ReceivedResource",
    "ResultResource",
    "SignatureResource",
    "StandingResource",
    "StatementResource",
    "TermResource",
    "VerdictResource",
    "Verdicts",
    "WhoReceived",
    "Withdrawn",
    "instant",
    "read_body",
    "reply",
]

Next = Annotated[
    str | None,
    msgspec.Meta(description="The `cursor` of the next page, with the same filters; null: this is the last."),
]

BUNDLE_ID: Final = "^bundle--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

_encode: Final = msgspec.json.Encoder().encode

T = TypeVar("T", bound=msgspec.Struct)


def read_body(data: bytes, shape: type[T]) -> T:
    """Read a request's body.

    Raises:
        InputError: it is no JSON, or not of its form; ``where`` names the field, and nothing that was sent is quoted.
    """
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise fault_of(error, shape) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise broken_json(error) from error


def reply(
    resource: msgspec.Struct, *, status: HTTPStatus = HTTPStatus.OK, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """Return a resource as an answer."""
    return Reply(body=_encode(resource), status=status, headers=headers)


def instant(at: Micros | None) -> str | None:
    """Return an instant as it is written, or null for none."""
    return None if at is None else format_instant(at)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenAPI document, of which this names what a client looks for first; the specification has the rest."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A STIX 2.1 bundle (§8): its objects are validated one by one, and what STIX says of them is not repeated here."""

    type: Literal["bundle"]
    id: Annotated[str, msgspec.Meta(pattern=BUNDLE_ID)]
    objects: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1)]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who these credentials say is asking."""

    id: str  # `user@party`, or `party` for a service
    party: str
    party_uri: str
    user: str | None
    purpose: str
    permissions: list[str]


class CollectionResource(msgspec.Struct, frozen=True, kw_only=True):
    """A collection; it is addressed by either id or alias."""

    id: str
    alias: str
    title: str
    description: str


class Collections(msgspec.Struct, frozen=True, kw_only=True):
    """The collections that the asker may know of."""

    collections: list[CollectionResource]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an object that the asker may read; ``object`` is as it was taken in, byte for byte."""

    id: str
    version: str
    added: str
    tlp: Tlp
    object: msgspec.Raw


class ObjectsPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page, in the order of being added. ``next``: the cursor of the page after it, null when there is none.

    ``release`` is the id under which the log knows that this page left the hub; null when there is nothing on it.
    """

    items: list[Item]
    next: str | None
    release: str | None


class ResultResource(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one object of a submission; ``repeated``: its submitter had shared exactly this before."""

    index: int
    id: str | None
    version: str | None
    outcome: Outcome
    reason: str | None
    where: str | None
    section: str | None
    todo: str | None
    notes: list[str]


class ReceiptResource(msgspec.Struct, frozen=True, kw_only=True):
    """What a submitter gets back. ``id`` null: every object was refused, and nothing was stored."""

    id: str | None
    collection: str
    received_at: str
    accepted: int
    repeated: int
    refused: int
    results: list[ResultResource]


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the asker's own versions are no longer offered. What was released stays released."""

    withdrawn: int


class LegalBasisResource(msgspec.Struct, frozen=True, kw_only=True):
    """A legal basis that a clause rests on, for one of its ends."""

    name: str
    end: str
    party: str
    holds: bool
    key: str | None  # the country, or the kind of party, that it is cited for
    cite: str | None
    valid_from: str | None
    valid_until: str | None


class ClauseResource(msgspec.Struct, frozen=True, kw_only=True):
    """A clause that decides, or would have. ``agreement`` null: a rule of the hub's own."""

    effect: Effect
    agreement: str | None
    version: int | None
    clause: str
    sentence: str
    failed: list[str]
    legal_bases: list[LegalBasisResource]
    cedar: str


class StatementResource(msgspec.Struct, frozen=True, kw_only=True):
    """What a marking-definition states."""

    statement: str


class MarkingResource(msgspec.Struct, frozen=True, kw_only=True):
    """A STIX 2.1 marking-definition of the type ``statement``; its id follows from what it states."""

    type: Literal["marking-definition"]
    spec_version: Literal["2.1"]
    id: str
    created: str
    definition_type: Literal["statement"]
    definition: StatementResource


class TermResource(msgspec.Struct, frozen=True, kw_only=True):
    """One term on which a reader has an object: a sentence, the clause that says it, and its marking-definition.

    ``clause`` is ``agreement/version#clause``; null where it is the object's own marking, or the hub's default.
    """

    kind: TermKind
    says: str
    clause: str | None
    marking: MarkingResource


class VerdictResource(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one version of an object for one reader, and the account of it."""

    id: str
    version: str
    owner: str
    reader: str
    purpose: str
    tlp: Tlp
    pap: Pap | None
    verdict: Effect
    valid_until: str | None
    reasons: list[ClauseResource]
    missing: list[ClauseResource]
    remarks: list[str]
    terms: list[TermResource]


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict for each version that the asker may know of, the newest first."""

    verdicts: list[VerdictResource]


class ReceivedResource(msgspec.Struct, frozen=True, kw_only=True):
    """One release that held the object.

    ``log_entry`` is for auditors and operators of the hub: to them, null says that it is in the log within a second.
    An owner gets null always: the places of two entries count what all others did between them. ``clause`` is that by
    which a total was told that counted the object; null: it was no total.
    """

    release: str
    at: str
    party: str
    actor: str
    on_behalf_of: str | None
    purpose: str
    kind: str
    version: str
    log_entry: int | None
    clause: str | None


class StandingResource(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a party could read a version now: for which purposes, and if for none, what is missing."""

    reader: str
    version: str
    purposes: list[str]
    reasons: list[ClauseResource]
    missing: list[ClauseResource]
    remarks: list[str]


class WhoReceived(msgspec.Struct, frozen=True, kw_only=True):
    """Who received an object, and who may."""

    id: str
    owners: list[str]
    received: list[ReceivedResource]
    standings: list[StandingResource]


class PartyResource(msgspec.Struct, frozen=True, kw_only=True):
    """A vetted party, as far as members know each other."""

    name: str
    uri: str
    title: str
    kind: str
    country: str
    capacities: list[str]
    sectors: list[str]
    communities: list[str]


class Parties(msgspec.Struct, frozen=True, kw_only=True):
    """The vetted parties, in the order in which they were added."""

    parties: list[PartyResource]
    next: Next


class SignatureResource(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed a version for a party, and when."""

    party: str
    signatory: str
    signed_at: str


class AgreementResource(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an agreement that the asker's party is named in, signed or is a member of.

    ``document`` is the source, YAML, as it was proposed; ``digest`` is what the signatures are over, in hexadecimal.
    """

    name: str
    version: int
    title: str
    status: str
    in_term: bool
    starts: str
    ends: str | None
    digest: str
    members: list[str]
    to_sign: list[str]
    signatures: list[SignatureResource]
    document: str


class Agreements(msgspec.Struct, frozen=True, kw_only=True):
    """The asker's agreements, every version, in the order of being proposed."""

    agreements: list[AgreementResource]
    next: Next
