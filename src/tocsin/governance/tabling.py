"""From what people write to the text of a motion: a body's or charter's document, or the terms of an act.

What is written goes through the same values as the act itself, so that an act which enters the same has the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.agreements.document.tree import read_tree
from tocsin.errors import InputError
from tocsin.governance import texts
from tocsin.governance.documents import read_body, read_charter
from tocsin.governance.model.disputes import Outcome
from tocsin.governance.texts import Terms, text_of
from tocsin.governance.wire import as_data
from tocsin.kernel.clock import format_instant, parse_date
from tocsin.kernel.mandate import Right
from tocsin.parties.model import Party, Permission, User, check_remark, clearance_rank, parse_reference
from tocsin.parties.register import no_party
from tocsin.parties.wire import party_data, party_from_data, user_data, user_from_data

if TYPE_CHECKING:
    from tocsin.governance.state import Register
    from tocsin.kernel.canonical import Json

__all__ = ["TERMS", "Term", "read_text", "require_there"]

# Rights whose subject is a party's short name, or user@party of one that is there.
_ON_A_PARTY: Final = frozenset(
    {
        Right.PARTY_CHANGE,
        Right.PARTY_CLEAR,
        Right.PARTY_SUSPEND,
        Right.PARTY_LEAVE,
        Right.VETTING_PROLONG,
        Right.WEBHOOK_ADD,
        Right.USER_ADD,
        Right.USER_CHANGE,
        Right.USER_DISABLE,
        Right.TOKEN_ISSUE,
        Right.DUTY_SET,
    }
)

# More than any number that a body votes on.
_DIGITS: Final = 13

Reader = Callable[[object, "Register"], Any]


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a motion on a right decides: how it is read, and whether it must be said."""

    read: Reader
    needed: bool = False


def _word(value: object, _register: Register) -> str:
    if not isinstance(value, str):
        raise InputError("this is no text", todo="quote it")
    return check_remark(value, "text")


def _key(value: object, _register: Register) -> str:
    if not isinstance(value, str):
        raise InputError("this is no key", todo="write its public half in base64")
    return value  # longer than a remark; the user's own check is next


def _clearance(value: object, register: Register) -> str:
    clearance_rank(word := _word(value, register))
    return word


def _one_of(*words: str) -> Reader:
    def read(value: object, register: Register) -> str:
        if (word := _word(value, register)) not in words:
            raise InputError(f"{word[:40]!r} is none of them", todo=f"write {', '.join(words)}")
        return word

    return read


def _whole(value: object, _register: Register) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**_DIGITS:
        raise InputError("this is no whole number", todo="write digits alone")
    return value


def _words(value: object, register: Register) -> list[str]:
    """Return a set of words, sorted: a list, or one text with commas."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise InputError("this is no list", todo="write [one, two]")
    return sorted({_word(one, register) for one in listed if one != ""})


def _day(value: object, register: Register) -> str:
    return format_instant(parse_date(_word(value, register)))


def _parties(value: object, register: Register) -> list[str]:
    """Return parties' URIs, from those or their short names."""
    uris: set[str] = set()
    for name in _words(value, register):
        party = register.party_of(name) if ":" in name else register.party(name)
        if party is None:
            raise InputError(f"there is no party {name[:80]!r}", todo="`tocsin party list` shows them")
        uris.add(party.uri)
    return sorted(uris)


def _party(value: object, register: Register) -> str:
    return _parties([value], register)[0]


def _permissions(value: object, register: Register) -> list[str]:
    known = list(Permission)
    if unknown := [one for one in _words(value, register) if one not in known]:
        raise InputError(f"{unknown[0][:40]!r} is no permission", todo=f"write {', '.join(known)}")
    return _words(value, register)


def _authority(value: object, register: Register) -> dict[str, Any]:
    known: dict[str, Reader] = {"agreements": _words, "until": lambda one, _: parse_date(str(one)), "evidence": _word}
    if not isinstance(value, dict) or not known.keys() >= value.keys():
        raise InputError("this is no authority to sign", todo=f"write it with {', '.join(known)}")
    given = {name: None if one is None else known[name](one, register) for name, one in value.items()}
    return {"agreements": [], "until": None, "evidence": None} | given


def _as_written(value: object, _register: Register) -> Any:  # noqa: ANN401  any JSON: the act is held to it as it stands
    return value


def _set(value: object, _register: Register) -> str:
    if value != "set":
        raise InputError("a password is nobody's to read", todo="write: password: set")
    return "set"


_PARTY: Final[Mapping[str, Term]] = {
    "title": Term(read=_word),
    "kind": Term(read=_word),
    "country": Term(read=_word),
    "capacities": Term(read=_words),
    "sectors": Term(read=_words),
    "communities": Term(read=_words),
    "clients": Term(read=_parties),
    "data_region": Term(read=_word),
}
_USER: Final[Mapping[str, Term]] = {
    "roles": Term(read=_words),
    "clearance": Term(read=_clearance),
    "clearance_until": Term(read=_day),
    "nationality": Term(read=_word),
    "purpose": Term(read=_word),
}
# What a motion on each right decides, by the names that its document has; a body and a charter are documents whole.
TERMS: Final[Mapping[Right, Mapping[str, Term]]] = {
    Right.PARTY_ADD: {
        **_PARTY,
        **{name: Term(read=_word, needed=True) for name in ("uri", "kind", "country")},
    },
    Right.PARTY_CHANGE: {**_PARTY, "uri": Term(read=_word)},
    Right.PARTY_CLEAR: {"clearance": Term(read=_clearance, needed=True), "until": Term(read=_day)},
    Right.USER_ADD: _USER,
    Right.USER_CHANGE: {
        **_USER,
        "signing_key": Term(read=_key),
        "ml_dsa_key": Term(read=_key),
        "authority": Term(read=_authority),
        "password": Term(read=_set),
    },
    Right.LAPSE_GRACE: {"for": Term(read=_parties, needed=True), "until": Term(read=_day, needed=True)},
    Right.DUTY_SET: {"from": Term(read=_day, needed=True), "until": Term(read=_day, needed=True)},
    Right.VETTING_PROLONG: {"until": Term(read=_day, needed=True)},
    Right.DISPUTE_DECIDE: {
        "outcome": Term(read=_one_of(*Outcome), needed=True),
        "reasons": Term(read=_word, needed=True),
        "remedy": Term(read=_word),
    },
    Right.TOKEN_ISSUE: {
        "purpose": Term(read=_word, needed=True),
        "allow": Term(read=_permissions, needed=True),
        "capacity": Term(read=_word),
    },
    Right.COLLECTION_ADD: {"title": Term(read=_word, needed=True), "description": Term(read=_word)},
    Right.HOLD_PLACE: {
        "party": Term(read=_party),
        "objects": Term(read=_words),
        "types": Term(read=_words),
        "since": Term(read=_day),
        "before": Term(read=_day),
        "until": Term(read=_day, needed=True),
    },
    Right.HOLD_RENEW: {"until": Term(read=_day, needed=True)},
    Right.RECALL_ORDER: {
        "objects": Term(read=_words, needed=True),
        "of": Term(read=_party, needed=True),
        "from": Term(read=_parties),
        "demand": Term(read=_one_of("destroy", "stop-using")),
        "by": Term(read=_day, needed=True),
    },
    Right.ROLLUP_PUBLISH: {
        name: Term(read=_whole, needed=True) for name in ("group", "colluding", "margin", "dominance", "least")
    },
    Right.CATALOGUE_IMPORT: {"sha256": Term(read=_word, needed=True)},
    Right.TARGET_SET: {
        "standing": Term(read=_one_of("partly", "met"), needed=True),
        "due": Term(read=_day, needed=True),
        "sectors": Term(read=_words),
        "confirmed": Term(read=_one_of("yes", "no"), needed=True),
        **{name: Term(read=_whole) for name in ("hours", "level", "share")},
    },
    Right.FUND_OPEN: {
        "title": Term(read=_word, needed=True),
        "currency": Term(read=_word, needed=True),
        "body": Term(read=_word),
    },
    Right.PORTFOLIO_DECIDE: {
        "projects": Term(read=_words, needed=True),
        "budget": Term(read=_as_written, needed=True),
        "calculation": Term(read=_word, needed=True),
    },
    Right.AWARD_MAKE: {
        **{name: Term(read=_word, needed=True) for name in ("kind", "baseline", "commitment")},
        **{name: Term(read=_party, needed=True) for name in ("payee", "assessor")},
        "tranches": Term(read=_as_written, needed=True),
        **{name: Term(read=_as_written) for name in ("samples", "horizon_h", "confidence", "attempts")},
    },
    Right.AWARD_CALL_BACK: {
        "amount": Term(read=_as_written, needed=True),
        "reason": Term(read=_word, needed=True),
    },
    Right.CLAIM_DECIDE: {
        "granted": Term(read=_as_written, needed=True),
        "reasons": Term(read=_word),
    },
    Right.WEBHOOK_ADD: {
        "url": Term(read=_word, needed=True),
        "purpose": Term(read=_word),
        "content": Term(read=_one_of("hint", "objects")),
        "types": Term(read=_words),
    },
}
# What is meant where a document says nothing, as the command that does it has it.
_MEANT: Final[Mapping[Right, Mapping[str, Json]]] = {
    Right.PARTY_CLEAR: {"until": None},
    Right.DISPUTE_DECIDE: {"remedy": ""},
    Right.COLLECTION_ADD: {"description": ""},
    Right.RECALL_ORDER: {"demand": "destroy"},
    Right.WEBHOOK_ADD: {"purpose": "detect", "content": "hint"},
    Right.FUND_OPEN: {"body": ""},
    Right.AWARD_MAKE: {"samples": 2_000, "horizon_h": 168.0, "confidence": 0.95, "attempts": 2},
    Right.CLAIM_DECIDE: {"reasons": ""},
}


def read_text(right: Right, subject: str, source: bytes, register: Register, *, where: str) -> str:
    """Read what a motion on a right over a subject is to decide; returns the text that the motion keeps.

    Of what changes a party or a person, what is not said stays as it is now.

    Raises:
        AgreementError, LimitError: it is no document that we take; says where.
        InputError: it is of another subject, lacks something, says what nobody can do, or the right takes no document.
    """
    if right in (Right.BODY_CONSTITUTE, Right.BODY_CHANGE):
        body = read_body(source, where=where)
        _require_subject(subject, body.name, where)
        return text_of(texts.body_terms({"body": as_data(body)}))
    if right is Right.CHARTER_ADOPT:
        charter = read_charter(source, where=where)
        _require_subject(subject, f"{charter.name}/{charter.version}", where)
        return text_of(texts.charter_terms({"document": charter.document}))
    known = TERMS.get(right)
    if known is None:
        raise InputError(f"a motion on {right} takes no document", where=where, todo="leave it out")
    given = _read(read_tree(source, where=where, document="document").json, known, register, where)
    try:
        return text_of(_terms(right, subject, given, register))
    except InputError as error:
        raise InputError(error.what, where=where, todo=error.todo) from error


def require_there(right: Right | None, subject: str, register: Register) -> None:
    """Refuse a motion on a party, or on one of its people, where there is no such party.

    Here and not where entries are held to their rules: logs of earlier versions have motions on whatever was written.
    The caller has seen that the mover's body holds the right: who decides about parties learns which there are.

    Raises:
        NotFoundError: there is none; says how to find it.
    """
    name = subject.rpartition("@")[2]
    if right in _ON_A_PARTY and register.party(name) is None:
        raise no_party(name)


def _require_subject(subject: str, found: str, where: str) -> None:
    if found != subject:
        raise InputError(f"this is the document of {found}", where=where, todo=f"table a motion on {found}")


def _read(document: object, known: Mapping[str, Term], register: Register, where: str) -> dict[str, Any]:
    """Return what a document says under the names that its right knows."""
    listed = ", ".join(known)
    if not isinstance(document, dict):
        raise InputError("this is no list of names and values", where=where, todo=f"write, each on its line: {listed}")
    if unknown := sorted(document.keys() - known.keys()):
        raise InputError(f"{unknown[0][:40]!r} is not decided here", where=where, todo=f"write {listed}")
    if missing := [name for name, term in known.items() if term.needed and document.get(name) is None]:
        raise InputError(f"it says nothing of {', '.join(missing)}", where=where, todo=f"write {listed}")
    given: dict[str, Any] = {}
    for name, value in document.items():
        try:
            given[name] = None if value is None else known[name].read(value, register)
        except InputError as error:
            raise InputError(error.what, where=f"{where}: {name}", todo=error.todo) from error
    return given


def _terms(right: Right, subject: str, given: dict[str, Any], register: Register) -> Terms:
    """Return the terms of an act that says what is given, as its entry would tell them."""
    if right in (Right.USER_ADD, Right.USER_CHANGE):
        return _user_terms(right, subject, given, register)
    if right in (Right.PARTY_ADD, Right.PARTY_CHANGE):
        return _party_terms(right, subject, given, register)
    said = {name: value for name, value in given.items() if value is not None and value != []}
    return {**_MEANT.get(right, {}), **said}


def _user_terms(right: Right, subject: str, given: dict[str, Any], register: Register) -> Terms:
    name, _, home = subject.rpartition("@")
    party, user = register.party(home), register.user(subject) if name else None
    if party is None or parse_reference(subject)[1] is None or (right is Right.USER_CHANGE and user is None):
        raise InputError(f"there is no {subject[:80]!r}", todo="write user@party")
    before = User(name=name, party=party.uri) if user is None or right is Right.USER_ADD else user
    if given.get("clearance") is not None:
        given = {"clearance_until": None} | given  # a clearance that is named without an end has none
    password = {"password": given.pop("password", None)}
    stays = {key: value for key, value in given.items() if value is not None or key not in _MAYBE_ABSENT}
    after = user_from_data({**user_data(before), **stays})
    return texts.user_terms({"user": user_data(after)} | password)


_MAYBE_ABSENT: Final = frozenset({"ml_dsa_key", "authority"})


def _party_terms(right: Right, subject: str, given: dict[str, Any], register: Register) -> Terms:
    before = register.party(subject)
    if right is Right.PARTY_ADD:
        named = {"name": subject, "title": given.get("title") or subject, "status": "candidate"}
        try:
            before = msgspec.convert({key: given[key] for key in ("uri", "kind", "country")} | named, Party)
        except msgspec.ValidationError as error:
            raise InputError(f"this is no party: {error}") from error
    if before is None:
        raise InputError(f"there is no party {subject[:80]!r}", todo="`tocsin party list` shows them")
    after = party_from_data({**party_data(before), **given})
    return texts.party_terms({"party": party_data(after)})
