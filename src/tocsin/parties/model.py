"""Parties, users, credentials: values and pure functions."""

from __future__ import annotations

import base64
import binascii
import enum
import re
from typing import Final

import msgspec

from tocsin.errors import InputError, LimitError, TransitionError
from tocsin.kernel.clock import Micros

__all__ = [
    "CLEARANCES",
    "COUNTRIES",
    "COUNTRY",
    "MAX_CLIENTS",
    "MAX_REMARK",
    "MAX_TITLE",
    "MAX_URI",
    "MAX_VOCABULARY",
    "NAME",
    "PARTY_TRANSITIONS",
    "PURPOSES",
    "ROLE_PERMISSIONS",
    "ROUTINE",
    "SPEAKERS",
    "USER_TRANSITIONS",
    "Authority",
    "Kind",
    "Party",
    "PartyAct",
    "PartyStatus",
    "Permission",
    "Principal",
    "PrincipalKind",
    "Role",
    "Token",
    "User",
    "UserAct",
    "UserStatus",
    "check_country",
    "check_name",
    "check_purpose",
    "check_remark",
    "check_uri",
    "clearance_rank",
    "country_meant",
    "effective_clearance",
    "next_status",
    "next_user_status",
    "parse_reference",
    "role_permissions",
]

# Short enough to type and to stand in a log line; no character that a shell, a URL or a policy text could misread.
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)  # the shape of ISO 3166-1 alpha-2
# ISO 3166-1 alpha-2, the 249 that are assigned; and XK, which the standard leaves to users: all of Europe's registers
# write Kosovo so.
_CODES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XK"
)
COUNTRIES: Final = frozenset(_CODES.split())
# The European Union's own codes for two of them, which people write in good faith.
_SPELT_OTHERWISE: Final = {"UK": "GB", "EL": "GR"}
# lowest first; a reader needs at least what a clause names
CLEARANCES: Final = ("unclassified", "restricted", "confidential", "secret", "top-secret")
# what a credential may be bound to; `enforce` is never implied
PURPOSES: Final = ("detect", "prevent", "respond", "analyse", "enforce")

# Room for any real identifier; every label, profile, signature and log entry repeats it.
MAX_URI: Final = 512
# The longest legal name of an organisation that we met has 140 characters.
MAX_TITLE: Final = 200
# A reason or note is a sentence or two; what needs more is a document of its own.
MAX_REMARK: Final = 500
# Each of capacities, sectors and communities: the longest register of sectors in use has 16 entries. Every verdict
# about the party carries them all.
MAX_VOCABULARY: Final = 64
# An MSSP serves hundreds; the list stands in every log entry about it.
MAX_CLIENTS: Final = 1_000
# 9999-12-31: the last day that RFC 3339 can write.
_LAST_INSTANT: Final[Micros] = 253_402_300_800_000_000
# Raw Ed25519 public keys have 32 bytes (RFC 8032 §5.1.5).
_KEY_BYTES: Final = 32
_ML_DSA_KEY_BYTES: Final = 1_312  # FIPS 204, table 2
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
# RFC 3986 §4.3 `absolute-URI`, narrowed so that one organisation has one spelling: scheme and authority in lower
# case, no user name in it, no IP literal, no fragment.
_URI: Final = re.compile(
    r"[a-z][a-z0-9+.-]*:"
    r"(?://[a-z0-9._~!$&'()*+,;=-]+(?::[0-9]{1,5})?(?=[/?]|\Z)|(?!//))"
    r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*",
    re.ASCII,
)
# What may be added to a URI and leaves it the same to every program that fetches it (RFC 3986 §6.2.3), in the order in
# which it is taken away. A second party with such a URI would look like the first.
_ADDED: Final = (
    re.compile(r"(\A[^:/?]*://[^/?]*:)0+(?=[0-9])", re.ASCII),  # zeros before the port
    re.compile(r"(?<=\Ahttp:)(//[^/?]*):80(?=[/?]|\Z)", re.ASCII),  # the port that the scheme implies
    re.compile(r"(?<=\Ahttps:)(//[^/?]*):443(?=[/?]|\Z)", re.ASCII),
    re.compile(r"(\A[^:/?]*://[^/?:]*[^/?:.])\.+(?=[:/?]|\Z)", re.ASCII),  # the dot of the DNS root
    re.compile(r"(\A[^?]*)\?\Z", re.ASCII),  # an empty query
    re.compile(r"(\A[^:/?]*://[^/?]*)/(?=\?|\Z)", re.ASCII),  # an empty path
)


class Kind(enum.StrEnum):
    """What sort of organisation a party is."""

    PUBLIC = "public"
    PRIVATE = "private"
    ACADEMIA = "academia"
    CIVIL_SOCIETY = "civil-society"
    INTERMEDIARY = "intermediary"


class PartyStatus(enum.StrEnum):
    """Where a party stands."""

    CANDIDATE = "candidate"
    VETTED = "vetted"
    SUSPENDED = "suspended"
    LEFT = "left"


class PartyAct(enum.StrEnum):
    """What moves a party from one status to another."""

    CLEAR = "clear"
    SUSPEND = "suspend"
    LEAVE = "leave"

    @property
    def after_can(self) -> str:
        """Return the act as it stands after "a party can" or "cannot"."""
        return _AFTER_CAN[self]


_AFTER_CAN: Final = {
    PartyAct.CLEAR: "be cleared",
    PartyAct.SUSPEND: "be suspended",
    PartyAct.LEAVE: "leave",
}


PARTY_TRANSITIONS: Final[dict[tuple[PartyStatus, PartyAct], PartyStatus]] = {
    (PartyStatus.CANDIDATE, PartyAct.CLEAR): PartyStatus.VETTED,
    (PartyStatus.VETTED, PartyAct.CLEAR): PartyStatus.VETTED,
    (PartyStatus.SUSPENDED, PartyAct.CLEAR): PartyStatus.VETTED,
    (PartyStatus.VETTED, PartyAct.SUSPEND): PartyStatus.SUSPENDED,
    (PartyStatus.CANDIDATE, PartyAct.LEAVE): PartyStatus.LEFT,
    (PartyStatus.VETTED, PartyAct.LEAVE): PartyStatus.LEFT,
    (PartyStatus.SUSPENDED, PartyAct.LEAVE): PartyStatus.LEFT,
}


def next_status(status: PartyStatus, act: PartyAct) -> PartyStatus:
    """Return the status that an act leads to.

    Raises:
        TransitionError: a party in this status cannot do or suffer that.
    """
    try:
        return PARTY_TRANSITIONS[status, act]
    except KeyError:
        allowed = sorted(str(done) for (state, done) in PARTY_TRANSITIONS if state == status)
        raise TransitionError(
            f"a party that is {status} cannot {act.after_can}",
            todo=f"possible from here: {', '.join(allowed) or 'nothing'}",
        ) from None


class Role(enum.StrEnum):
    """What a user does for their party."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    LIAISON = "liaison"
    SIGNATORY = "signatory"
    EXERCISE_DIRECTOR = "exercise-director"
    EVALUATOR = "evaluator"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class UserStatus(enum.StrEnum):
    """Whether a user may act."""

    ACTIVE = "active"
    DISABLED = "disabled"


class UserAct(enum.StrEnum):
    """What moves a user from one status to another."""

    DISABLE = "disable"


# Once disabled is disabled for good: a person who comes back gets a new name, and old entries keep their meaning.
USER_TRANSITIONS: Final[dict[tuple[UserStatus, UserAct], UserStatus]] = {
    (UserStatus.ACTIVE, UserAct.DISABLE): UserStatus.DISABLED,
}


def next_user_status(status: UserStatus, act: UserAct) -> UserStatus:
    """Return the status that an act leads to.

    Raises:
        TransitionError: a user in this status cannot suffer that.
    """
    try:
        return USER_TRANSITIONS[status, act]
    except KeyError:
        raise TransitionError(f"one cannot {act} a user who is {status}", todo="add a user of another name") from None


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation. ``uri`` identifies it in the world and never changes; ``name`` is its short name here.

    Raises:
        InputError: an attribute has not the shape that its kind demands; LimitError: there are too many.
    """

    uri: str
    name: str
    title: str
    kind: Kind
    country: str
    capacities: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    communities: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()  # URIs of the parties that it serves as an MSSP
    data_region: str | None = None
    clearance: str = "unclassified"  # facility clearance
    clearance_until: Micros | None = None
    status: PartyStatus = PartyStatus.CANDIDATE

    def __post_init__(self) -> None:
        check_uri(self.uri)
        check_name(self.name, "party")
        _check_title(self.title)
        check_country(self.country)
        for what, words in (
            ("capacity", self.capacities),
            ("sector", self.sectors),
            ("community", self.communities),
        ):
            _check_count(len(words), MAX_VOCABULARY, what)
            for word in words:
                check_name(word, what)
        _check_count(len(self.clients), MAX_CLIENTS, "client")
        for client in self.clients:
            check_uri(client)
        if self.uri in self.clients:
            raise InputError("a party is no client of itself", where=self.name, todo="name the parties that it serves")
        if self.data_region is not None:
            check_name(self.data_region, "data region")
        clearance_rank(self.clearance)
        _check_instant(self.clearance_until)


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """What a signatory may sign for their party: which agreements, until when, and what shows it.

    Raises:
        InputError: a name is none, there are too many, or the hash is no SHA-256.
    """

    agreements: frozenset[str] = frozenset()  # names; empty: all
    until: Micros | None = None  # exclusive; None: without end
    evidence: str | None = None  # SHA-256 of the power of attorney, hexadecimal

    def __post_init__(self) -> None:
        if len(self.agreements) > MAX_VOCABULARY:
            raise InputError(f"a signatory's authority names at most {MAX_VOCABULARY} agreements")
        for name in self.agreements:
            check_name(name, "agreement")
        _check_instant(self.until)
        if self.evidence is not None and _SHA256.fullmatch(self.evidence) is None:
            raise InputError(f"{self.evidence[:80]!r} is no SHA-256", todo="write 64 hexadecimal digits in lower case")

    def reaches(self, agreement: str, at: Micros) -> bool:
        """Return whether the signatory may sign an agreement of this name at an instant."""
        return (not self.agreements or agreement in self.agreements) and self.stands(at)

    def stands(self, at: Micros) -> bool:
        """Return whether the signatory may sign anything at an instant."""
        return self.until is None or at < self.until


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person of a party, written ``name@party``.

    Raises:
        InputError: an attribute has not the shape that its kind demands.
    """

    name: str
    party: str  # URI
    roles: frozenset[Role] = frozenset({Role.VIEWER})
    clearance: str = "unclassified"  # personnel clearance
    clearance_until: Micros | None = None
    nationality: str | None = None
    purpose: str = "detect"  # of a session signed in by password, which no token binds
    status: UserStatus = UserStatus.ACTIVE
    signing_key: str | None = None  # base64 of the raw Ed25519 public key of a signatory
    ml_dsa_key: str | None = None  # base64 of the raw ML-DSA-44 public key that signs beside it
    authority: Authority | None = None  # of a signatory; None: for every agreement, without end

    def __post_init__(self) -> None:
        check_name(self.name, "user")
        check_uri(self.party)
        if not self.roles:
            raise InputError("a user has at least one role", where=self.name, todo=f"give one of {', '.join(Role)}")
        clearance_rank(self.clearance)
        _check_instant(self.clearance_until)
        if self.nationality is not None:
            check_country(self.nationality)
        check_purpose(self.purpose)
        if self.signing_key is not None:
            _check_key(self.signing_key, _KEY_BYTES, "Ed25519")
        if self.ml_dsa_key is not None:
            _check_key(self.ml_dsa_key, _ML_DSA_KEY_BYTES, "ML-DSA-44")


class Permission(enum.StrEnum):
    """What a route or a credential allows: room, thing, verb."""

    COLLECTIONS_READ = "exchange:collections:read"
    OBJECTS_READ = "exchange:objects:read"
    OBJECTS_SUBMIT = "exchange:objects:submit"
    OBJECTS_DELETE = "exchange:objects:delete"
    PARTY_SPEAK = "parties:party:speak"  # decide, grant, answer and vote in the party's name
    MANDATE_USE = "governance:mandate:use"  # carry out what a body decided; of the party that runs the hub only
    HUB_WATCH = "serving:hub:watch"  # health and metrics; of the party that runs the hub only


_READ: Final = frozenset({Permission.COLLECTIONS_READ, Permission.OBJECTS_READ})
_CONTRIBUTE: Final = _READ | {Permission.OBJECTS_SUBMIT, Permission.OBJECTS_DELETE}
_SPEAK: Final = frozenset({Permission.PARTY_SPEAK})
# What a token has if nothing is said: a member's machine neither decides for anybody nor watches the hub.
ROUTINE: Final = frozenset(Permission) - {Permission.PARTY_SPEAK, Permission.MANDATE_USE, Permission.HUB_WATCH}

# What a person may ask for; what they then receive is the gate's to decide.
ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _READ,
    Role.ANALYST: _CONTRIBUTE,
    Role.LIAISON: _CONTRIBUTE | _SPEAK,
    Role.SIGNATORY: _READ | _SPEAK,
    Role.EXERCISE_DIRECTOR: _READ,
    Role.EVALUATOR: _READ,
    Role.AUDITOR: _READ | {Permission.HUB_WATCH},
    Role.OPERATOR: _READ | {Permission.HUB_WATCH, Permission.MANDATE_USE},
}


SPEAKERS: Final = frozenset(role for role, allows in ROLE_PERMISSIONS.items() if Permission.PARTY_SPEAK in allows)
"""The roles whose word is their party's: liaison and signatory (docs/adr/0094)."""


def role_permissions(roles: frozenset[Role]) -> frozenset[Permission]:
    """Return what the holder of these roles may ask for: the union."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))


class PrincipalKind(enum.StrEnum):
    """A person, or a party's machine."""

    USER = "user"
    SERVICE = "service"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, as far as a credential proves it."""

    kind: PrincipalKind
    party: str  # URI
    party_name: str
    user: str | None  # name within the party
    purpose: str
    permissions: frozenset[Permission]
    capacity: str | None = None  # that the credential chose to act in

    @property
    def id(self) -> str:
        """Return ``name@party`` for a person, ``party`` for a service."""
        return f"{self.user}@{self.party_name}" if self.user else self.party_name


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a token once its text is gone: whose it is, and what it is good for."""

    token_id: int
    party: str  # URI
    party_name: str
    user: str | None  # name within the party; None: the party's service
    purpose: str
    permissions: frozenset[Permission]
    note: str
    created_at: Micros
    expires_at: Micros | None
    revoked_at: Micros | None
    capacity: str | None = None  # in which it acts, if it was bound to one

    @property
    def subject(self) -> str:
        """Return ``name@party`` for a person's, ``party`` for a service's."""
        return f"{self.user}@{self.party_name}" if self.user else self.party_name

    def stands(self, at: Micros) -> bool:
        """Return whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def parse_reference(reference: str) -> tuple[str, str | None]:
    """Read ``party`` or ``user@party`` into the name of the party and that of the user.

    Raises:
        InputError: it is neither.
    """
    user, at, party = reference.rpartition("@")
    return check_name(party, "party"), check_name(user, "user") if at else None


def check_name(name: str, what: str) -> str:
    """Return the name if it is one.

    Raises:
        InputError: it has other characters, or is empty or longer than 64.
    """
    if NAME.fullmatch(name) is None:
        raise InputError(
            f"{name[:80]!r} is no name for a {what}",
            todo="use 1 to 64 of a-z, 0-9, '.', '_' and '-', with a letter or digit at both ends",
        )
    return name


def check_uri(uri: str) -> str:
    """Return the URI if it can identify a party (RFC 3986 §4.3, narrowed to one spelling for each).

    Raises:
        InputError: it is relative, longer than ``MAX_URI``, or spelt in a way that another could be mistaken for it.
    """
    if len(uri) > MAX_URI:
        raise LimitError(f"a party's URI has at most {MAX_URI} characters, this one {len(uri)}", where=f"{uri[:40]}…")
    if _URI.fullmatch(uri) is None or uri.endswith(":"):
        raise InputError(
            f"{uri[:80]!r} is no URI of a party",
            todo="write it absolute, like https://cert.example or urn:example:cert: scheme and host in lower case, "
            "no user name, no fragment, no space",
        )
    if (spelling := _plainest(uri)) != uri:
        raise InputError(f"{uri[:80]!r} could be mistaken for another party's URI", todo=f"write it {spelling[:80]}")
    return uri


def _plainest(uri: str) -> str:
    for added in _ADDED:
        uri = added.sub(r"\1", uri, count=1)
    return uri


def check_purpose(purpose: str) -> str:
    """Return the purpose if a credential can be bound to it.

    Raises:
        InputError: there is no such purpose.
    """
    if purpose not in PURPOSES:
        raise InputError(f"{purpose[:40]!r} is no purpose", todo=f"use one of {', '.join(PURPOSES)}")
    return purpose


def check_remark(remark: str, what: str) -> str:
    """Return a reason or note if it can stand in a log entry and on a terminal; it may be empty.

    Raises:
        InputError: it has more than ``MAX_REMARK`` characters, or one that cannot be printed.
    """
    # `isprintable` keeps out line ends, terminal escapes, bidirectional overrides and lone surrogates
    if len(remark) > MAX_REMARK or not remark.isprintable():
        raise InputError(f"this {what} cannot be recorded", todo=f"write up to {MAX_REMARK} printable characters")
    return remark


def _check_title(title: str) -> None:
    if not title.isprintable() or title != title.strip() or not 0 < len(title) <= MAX_TITLE:
        raise InputError(
            f"{title[:80]!r} is no title of a party",
            todo=f"write 1 to {MAX_TITLE} printable characters, without spaces around them",
        )


def check_country(country: str) -> str:
    """Return the country if ISO 3166-1 knows it.

    Raises:
        InputError: it does not.
    """
    if country not in COUNTRIES:
        meant = country_meant(country)
        todo = f"did you mean {meant}?" if meant else "write two capital letters (ISO 3166-1), like NO"
        raise InputError(f"{country[:40]!r} is no country", todo=todo)
    return country


def country_meant(written: str) -> str | None:
    """Return the country that was probably meant by what is none."""
    code = written[:3].upper()
    code = _SPELT_OTHERWISE.get(code, code)
    return code if code in COUNTRIES else None


def _check_count(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise LimitError(f"a party has at most {limit} of {what}, this one {count}", todo="name fewer")


def _check_instant(at: Micros | None) -> None:
    if at is not None and not 0 <= at < _LAST_INSTANT:
        raise InputError(f"{at} is no instant that can be written", todo="name one between 1970 and 9999")


def _check_key(key: str, length: int, kind: str) -> None:
    try:
        raw = base64.b64decode(key.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    # one key has one spelling: stray bits at the end of base64 would make two
    if len(raw) != length or base64.b64encode(raw).decode() != key:
        raise InputError(
            f"{key[:60]!r} is no {kind} public key", todo=f"write the {length} raw bytes in base64, with padding"
        )


def clearance_rank(clearance: str) -> int:
    """Return the place of a clearance among ``CLEARANCES``.

    Raises:
        InputError: there is no such clearance.
    """
    try:
        return CLEARANCES.index(clearance)
    except ValueError:
        raise InputError(f"{clearance[:40]!r} is no clearance", todo=f"use one of {', '.join(CLEARANCES)}") from None


def effective_clearance(party: Party, user: User | None, at: Micros) -> str:
    """Return the clearance that counts: no higher than the facility's nor the person's; an expired one is none."""

    def standing(clearance: str, until: Micros | None) -> int:
        return clearance_rank(clearance) if until is None or at < until else 0

    rank = standing(party.clearance, party.clearance_until)
    if user is not None:
        rank = min(rank, standing(user.clearance, user.clearance_until))
    return CLEARANCES[rank]
