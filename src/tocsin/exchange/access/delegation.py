"""Delegations: one party shares on behalf of another, which signed for it, within bounds and until a day. Values.

What is shared so is the represented party's contribution, at the gate and everywhere; the log names both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import Signed, verify_bytes
from tocsin.agreements.model import Tlp
from tocsin.errors import ForbiddenError, InputError
from tocsin.kernel.canonical import Json, canonical_json
from tocsin.kernel.clock import DAY, Micros, format_instant, parse_instant
from tocsin.parties.model import check_name, check_uri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.agreements.model import Label
    from tocsin.parties.model import User

__all__ = [
    "DELEGABLE",
    "LONGEST",
    "Delegation",
    "covering",
    "delegation_data",
    "delegation_from_data",
    "may_delegate",
    "signing_bytes",
    "verify_delegation",
]

# Three years: as long as a contract with one who serves; then it is signed anew.
LONGEST: Final[Micros] = 3 * 366 * DAY
# AMBER+STRICT and RED stay between their owner and whom it names: no third party handles them (TLP 2.0).
DELEGABLE: Final = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)
MAX_TYPES: Final = 64  # STIX has 40 types
_DOMAIN: Final = b"tocsin/delegation/v1\n"


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """What a party lets another one share for it. ``types`` None: objects of every type. ``tlp`` is the strictest.

    Raises:
        InputError: it cannot be one.
    """

    uuid: str
    represented: str  # URI
    delegate: str  # URI
    types: frozenset[str] | None
    tlp: Tlp
    given_at: Micros
    until: Micros
    signatory: str  # name within the represented party
    key: str
    signature: str
    ml_dsa_key: str | None = None  # of a signatory who has a second key, with the second signature
    ml_dsa_signature: str | None = None
    revoked_at: Micros | None = None

    def __post_init__(self) -> None:
        check_uri(self.represented)
        check_uri(self.delegate)
        if self.represented == self.delegate:
            raise InputError("a party shares for itself without a delegation", where="to", todo="name another party")
        if self.tlp not in DELEGABLE:
            raise InputError(
                f"what is TLP:{self.tlp.upper()} is shared by its owner itself",
                where="tlp",
                todo=f"delegate up to {', '.join(DELEGABLE)}",
            )
        for type_ in self.types or ():
            check_name(type_, "type")
        if self.types is not None and not 0 < len(self.types) <= MAX_TYPES:
            raise InputError(f"a delegation names 1 to {MAX_TYPES} types, or none for all", where="types")
        if not self.given_at < self.until <= self.given_at + LONGEST:
            raise InputError(
                "a delegation ends after it is given, and within three years", where="until", todo="name another day"
            )

    def stands(self, at: Micros) -> bool:
        """Return whether it is neither revoked nor over."""
        return self.revoked_at is None and at < self.until

    def require(self, label: Label) -> None:
        """Refuse what is beyond its bounds.

        Raises:
            ForbiddenError: its type or marking is.
        """
        if self.types is not None and label.type not in self.types:
            raise ForbiddenError(f"no {label.type} is shared under this delegation ({self.uuid})", where="type")
        if label.tlp not in DELEGABLE[: DELEGABLE.index(self.tlp) + 1]:
            raise ForbiddenError(f"this delegation ({self.uuid}) reaches up to TLP:{self.tlp.upper()}")


def covering(standing: Sequence[Delegation], label: Label) -> Delegation:
    """Return the delegation under which an object goes: of those that stand, the first that covers its label.

    Args:
        standing: one at least, in the order in which they are preferred.
        label: what the object is marked with.

    Raises:
        ForbiddenError: none covers it; of one alone, it says which bound.
    """
    refusals: list[ForbiddenError] = []
    for one in standing:
        try:
            one.require(label)
        except ForbiddenError as error:
            refusals.append(error)
        else:
            return one
    if len(refusals) == 1:
        raise refusals[0]
    raise ForbiddenError(
        f"none of the {len(refusals)} delegations that stand covers a {label.type} at TLP:{label.tlp.upper()}",
        todo="`tocsin delegation list` shows what each covers",
    )


def signing_bytes(uuid: str, delegation: Mapping[str, Json]) -> bytes:
    """Return what the represented party's signatory signs: the terms, as ``delegation_data`` has them, and the id.

    The id makes each signature good for one delegation: a revoked one cannot be entered again.
    """
    terms = {name: delegation[name] for name in ("represented", "delegate", "types", "tlp", "until", "signatory")}
    return _DOMAIN + canonical_json({"delegation": uuid, **terms})


def delegation_data(delegation: Delegation) -> dict[str, Json]:
    """Return a delegation as the entry that gives it tells it."""
    return {
        "delegation": delegation.uuid,
        "represented": delegation.represented,
        "delegate": delegation.delegate,
        "types": None if delegation.types is None else [*sorted(delegation.types)],
        "tlp": str(delegation.tlp),
        "until": format_instant(delegation.until),
        "signatory": delegation.signatory,
        "key": delegation.key,
        "signature": delegation.signature,
        "ml_dsa_key": delegation.ml_dsa_key,
        "ml_dsa_signature": delegation.ml_dsa_signature,
    }


def delegation_from_data(data: Mapping[str, object], at: Micros) -> Delegation:
    """Return the delegation that an entry of an instant tells.

    Raises:
        InputError: it cannot be one; KeyError, TypeError, ValueError: it has not the form.
    """
    types = data["types"]
    if types is not None and not isinstance(types, list):
        raise TypeError("types")
    return Delegation(
        uuid=str(data["delegation"]),
        represented=str(data["represented"]),
        delegate=str(data["delegate"]),
        types=None if types is None else frozenset(map(str, types)),
        tlp=Tlp(str(data["tlp"])),
        given_at=at,
        until=parse_instant(str(data["until"])),
        signatory=str(data["signatory"]),
        key=str(data["key"]),
        signature=str(data["signature"]),
        ml_dsa_key=_optional(data.get("ml_dsa_key")),
        ml_dsa_signature=_optional(data.get("ml_dsa_signature")),
    )


def verify_delegation(one: Delegation) -> None:
    """Refuse a delegation that the holder of its keys did not sign, with both where there are two.

    Raises:
        InputError: a key or signature is no base64 of the right length; ForbiddenError: one is another's, or missing.
    """
    made = Signed(signature=one.signature, ml_dsa_signature=one.ml_dsa_signature)
    data = signing_bytes(one.uuid, delegation_data(one))
    verify_bytes(data, made, public_key=one.key, ml_dsa_key=one.ml_dsa_key, what="delegation")


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


def may_delegate(signatory: User, at: Micros) -> bool:
    """Return whether a signatory's authority reaches a delegation: one for some agreements only does not."""
    authority = signatory.authority
    return authority is None or (not authority.agreements and authority.stands(at))
