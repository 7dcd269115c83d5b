"""What exactly an act decides, as a text that a body can vote on before it is done. Pure.

Each kind of act that leaves something to whoever enters it has its terms: a JSON object, read out of the entry's data,
in the words of the command that does it. A motion keeps the RFC 8785 form of what it is about; the act is held to it.
Terms are part of the log's history: whatever is added to an entry later is left out of them while it says nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.canonical import Json, canonical_json
from tocsin.kernel.clock import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MAX_MOTION_TEXT",
    "Terms",
    "award_terms",
    "body_terms",
    "call_back_terms",
    "charter_terms",
    "claim_terms",
    "clearance_terms",
    "collection_terms",
    "differing",
    "dispute_terms",
    "duty_terms",
    "fund_terms",
    "grace_terms",
    "hold_terms",
    "party_terms",
    "portfolio_terms",
    "prolonged_terms",
    "read_terms",
    "recall_terms",
    "renewal_terms",
    "text_digest",
    "text_of",
    "token_terms",
    "user_terms",
    "webhook_terms",
]

Terms: TypeAlias = dict[str, Json]

# The documents of bodies and charters have at most 64 KiB; escaped, and with each default written out, not thrice that.
MAX_MOTION_TEXT: Final = 192 * 1_024


def text_of(terms: Terms) -> str:
    """Return terms as the text that a motion keeps: their RFC 8785 form.

    Raises:
        InputError: they have none.
    """
    return canonical_json(terms).decode()


def text_digest(text: str) -> str:
    """Return the SHA-256 of a motion's text, in hexadecimal: what its ballots are signed over."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_terms(text: str) -> Terms:
    """Read a motion's text back.

    Raises:
        InputError: it is not what ``text_of`` returns.
    """
    try:
        terms = msgspec.json.decode(text, type=dict[str, Any])
        written = text_of(terms)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise InputError(f"this is no text of a motion: {error}") from error
    if len(text) > MAX_MOTION_TEXT or written != text:
        raise InputError(f"the text of a motion is an object in RFC 8785 form of at most {MAX_MOTION_TEXT} characters")
    return terms


def differing(one: Terms, other: Terms) -> list[str]:
    """Return the names under which two terms say something else, sorted."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def clearance_terms(data: Mapping[str, Any]) -> Terms:
    """Return the clearance that a party is given, and its end."""
    return {"clearance": data["party"]["clearance"], "until": data["party"]["clearance_until"]}


def party_terms(data: Mapping[str, Any]) -> Terms:
    """Return the attributes that a party will have; its standing is decided by other acts."""
    party = data["party"]
    return _said({key: value for key, value in party.items() if key not in _NOT_OF_A_PARTY})


def user_terms(data: Mapping[str, Any]) -> Terms:
    """Return the attributes that a person will have, keys and authority too, and whether a password is set."""
    user: dict[str, Any] = {key: value for key, value in data["user"].items() if key not in _NOT_OF_A_USER}
    if (authority := user.get("authority")) is not None:
        until = authority["until"]
        user["authority"] = _said(authority | {"until": None if until is None else format_instant(until)})
    return _said(user | {"password": data.get("password")})


def grace_terms(data: Mapping[str, Any]) -> Terms:
    """Return for which parties, by URI, a grace is, and until when."""
    return {"for": sorted(data["parties"]), "until": format_instant(data["until"])}


def prolonged_terms(data: Mapping[str, Any]) -> Terms:
    """Return until when a vetting is prolonged."""
    return {"until": format_instant(data["until"])}


def duty_terms(data: Mapping[str, Any]) -> Terms:
    """Return when a shift begins and ends."""
    return {"from": format_instant(data["starts"]), "until": format_instant(data["until"])}


def dispute_terms(data: Mapping[str, Any]) -> Terms:
    """Return how a dispute is decided, why, and with what remedy."""
    return {key: data[key] for key in ("outcome", "reasons", "remedy")}


def charter_terms(data: Mapping[str, Any]) -> Terms:
    """Return a charter, as it is written."""
    return {"document": data["document"]}


def body_terms(data: Mapping[str, Any]) -> Terms:
    """Return a body in the words of its document."""
    body = data["body"]
    rule = dict(body["rule"])
    sides = {side: rule.pop(side) for side in ("public", "private")}
    if rule["more_than"] is None:
        rule["more_than"] = sides
    seats: list[Json] = [_seat(seat) for seat in body["seats"]]
    return _said(
        {
            "body": body["name"],
            "kind": body["kind"],
            "title": body["title"],
            "rights": body["rights"],
            "chair": body["chair"],
            "until": None if body["ends"] is None else format_instant(body["ends"]),
            "decides": rule,
            "seats": seats,
        }
    )


def token_terms(data: Mapping[str, Any]) -> Terms:
    """Return what a token is for and what it allows; its days are counted from when it is made."""
    return _said({"purpose": data["purpose"], "allow": sorted(data["permissions"]), "capacity": data.get("capacity")})


def collection_terms(data: Mapping[str, Any]) -> Terms:
    """Return what a collection is called, and what is said of it."""
    return {"title": data["title"], "description": data["description"]}


def hold_terms(data: Mapping[str, Any]) -> Terms:
    """Return what a legal hold keeps, and until when."""
    scope = data["scope"]
    return _said(
        {
            "party": scope.get("owner"),
            "objects": sorted(scope.get("objects", ())),
            "types": sorted(scope.get("types", ())),
            "since": format_instant(scope["since"]) if "since" in scope else None,
            "before": format_instant(scope["until"]) if "until" in scope else None,
            "until": data["until"],
        }
    )


def renewal_terms(data: Mapping[str, Any]) -> Terms:
    """Return until when a legal hold is prolonged."""
    return {"until": data["until"]}


def recall_terms(data: Mapping[str, Any]) -> Terms:
    """Return which objects of whom are called back, from whom (else everybody), what is asked, and by when."""
    return _said(
        {
            "objects": sorted({object_id for object_id, _ in data["objects"]}),
            "of": data["owner"],
            "from": data.get("only"),
            "demand": data["demand"],
            "by": data["due"],
        }
    )


def webhook_terms(data: Mapping[str, Any]) -> Terms:
    """Return where a webhook is, what for, and what is sent to it of which types (else all)."""
    return _said({name: data[name] for name in ("url", "purpose", "content", "types")})


def rollup_terms(data: Mapping[str, Any]) -> Terms:
    """Return the rules under which figures are rolled up."""
    return dict(data["rules"])


def catalogue_terms(data: Mapping[str, Any]) -> Terms:
    """Return the digest of the file that a catalogue is read from."""
    return {"sha256": data["catalogue"]["sha256"]}


def target_terms(data: Mapping[str, Any]) -> Terms:
    """Return what a target asks, of which sectors (else of all), by when, and how soon service is to be back."""
    target = data["target"]
    return _said(
        {
            "standing": target["standing"],
            "due": format_instant(target["due"]),
            "sectors": sorted(target["sectors"]),
            "confirmed": "yes" if target["confirmed"] else "no",
            **(target["recovery"] or {}),
        }
    )


def fund_terms(data: Mapping[str, Any]) -> Terms:
    """Return what a fund is called, its currency, and the body that decides about it (none: who holds the rights)."""
    return {name: data[name] for name in ("title", "currency", "body")}


def portfolio_terms(data: Mapping[str, Any]) -> Terms:
    """Return which projects are chosen, within how many cents, and the digest of the calculation behind it."""
    return {name: data[name] for name in ("projects", "budget", "calculation")}


def award_terms(data: Mapping[str, Any]) -> Terms:
    """Return what is agreed of an award, all of it: whom it pays, what for, in which parts, and who measures how."""
    return dict(data["terms"])


def call_back_terms(data: Mapping[str, Any]) -> Terms:
    """Return how many cents are called back, and why."""
    return {name: data[name] for name in ("amount", "reason")}


def claim_terms(data: Mapping[str, Any]) -> Terms:
    """Return how many cents of a claim are granted, and why."""
    return {name: data[name] for name in ("granted", "reasons")}


_NOT_OF_A_PARTY: Final = frozenset({"name", "status", "clearance", "clearance_until"})
_NOT_OF_A_USER: Final = frozenset({"name", "party", "status"})


def _seat(seat: Mapping[str, Any]) -> Terms:
    return _said(
        {
            "seat": seat["name"],
            "side": seat["side"],
            "holder": seat["holder"],
            "deputies": seat["deputies"],
            "weight": seat["weight"],
            "from": format_instant(seat["starts"]) if seat["starts"] else None,
            "until": None if seat["ends"] is None else format_instant(seat["ends"]),
        }
    )


def _said(terms: Mapping[str, Any]) -> Terms:
    """Return terms without what says nothing."""
    return {key: value for key, value in terms.items() if value is not None and value != []}
