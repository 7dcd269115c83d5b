"""What a motion leaves open of each act that it can decide: the bodies of ``POST …/{motion}/execution``. Values.

The right and what it is used on are the motion's and stand in none of these. What makes a secret (a token, a password,
a webhook's key) is not here: secrets are made, and shown once, at the command line.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.exchange.api.parts import UUID
from tocsin.exchange.api.queries import MAX_INSTANT, Day, Name, Reference, Said, Text
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.taxii.filters import MAX_ID
from tocsin.governance.model.disputes import Outcome
from tocsin.parties.model import MAX_URI, MAX_VOCABULARY, Kind, Role

__all__ = [
    "Admitting",
    "Attributes",
    "Because",
    "Clearing",
    "Deciding",
    "Duty",
    "Grace",
    "Imposing",
    "Keys",
    "Longer",
    "NewCollection",
    "NewHold",
    "NewParty",
    "Nothing",
    "Personal",
    "Prolonging",
    "Proposal",
    "Seating",
    "Signing",
]

MAX_NAMED: Final = 100

_Names = Annotated[list[Name], msgspec.Meta(max_length=MAX_VOCABULARY)]
_Document = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_BYTES, description="The document, YAML 1.2.")]
_Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1.")]
_Level = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_INSTANT)]
_Objects = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)]], msgspec.Meta(max_length=MAX_NAMED)
]


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why; it is entered into the log."""

    reason: Said = ""


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing: the motion says all of it."""


class Attributes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party's attributes; of one that is there, those that are left out stay."""

    title: Text | None = None
    kind: Kind | None = None
    country: _Country | None = None
    capacities: _Names | None = None
    sectors: _Names | None = None
    communities: _Names | None = None
    clients: Annotated[_Names | None, msgspec.Meta(description="Whom it serves.")] = None
    data_region: Name | None = None


class NewParty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party that is admitted as a candidate."""

    uri: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_URI)]
    attributes: Attributes


class Clearing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facility clearance with which a party is vetted."""

    clearance: _Level
    until: Day | None = None
    reason: Said = ""


class Admitting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which application is granted, and until when."""

    application: Annotated[str, msgspec.Meta(pattern=f"^{UUID}$")]
    until: Day


class Prolonging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until when a party's vetting goes on, and why."""

    until: Day
    reason: Said


class Personal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's roles and attributes; of one who is there, those that are left out stay."""

    roles: Annotated[list[Role], msgspec.Meta(max_length=len(Role))] | None = None
    clearance: _Level | None = None
    until: Day | None = None
    nationality: _Country | None = None
    purpose: Name | None = None


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signatory's public keys, base64: Ed25519, and ML-DSA-44 beside it."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    ml_dsa_key: Annotated[str, msgspec.Meta(min_length=1, max_length=2_048)] | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version of an agreement that is laid before its parties; as an amendment, if it is one."""

    document: _Document
    amends: bool = False


class Grace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom a legal basis that lapses counts as valid, until when, and why."""

    parties: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=MAX_NAMED)]
    until: Day
    reason: Text


class Duty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When somebody is on duty."""

    starts: Day
    until: Day


class NewCollection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a collection is called to people."""

    title: Text
    description: Said = ""


class NewHold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a legal hold keeps, until when, and why: all that is given has to fit."""

    until: Day
    reason: Text
    party: Name | None = None
    objects: _Objects = []
    types: _Names = []
    since: Day | None = None
    before: Day | None = None


class Longer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until when a hold stands, and why."""

    until: Day
    reason: Text


class Imposing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose object is called back, by when and why; from those named, or from everybody who received it."""

    party: Name
    object: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)]
    by: Day
    reason: Text
    demand: Demand = Demand.DESTROY
    recipients: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=MAX_NAMED)] | None = None


class Seating(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document of a body, or of a charter."""

    document: _Document
    reason: Said = ""


class Deciding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dispute's outcome, why, and what is to be done."""

    outcome: Outcome
    reasons: Text
    remedy: Said = ""


class Signing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a signatory may sign, until when, and the SHA-256 of what shows it; all agreements if none is named."""

    agreements: _Names = []
    until: Day | None = None
    evidence: Reference | None = None
