"""The self-test of what stands beside the offers: each column compared with the entry that it comes from.

Tokens, collections, labels and profiles, the contributions' own columns, and whom an
entry concerns. Not compared, because nothing else tells of them: passwords and the digests of tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select

from tocsin.agreements.acts import named_parties
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.interning import label_digest, profile_digest
from tocsin.agreements.model import Label, Profile
from tocsin.agreements.tables import LABELS, PROFILES
from tocsin.errors import StoreBrokenError
from tocsin.exchange.stix import RefusedObject, parse_object, times
from tocsin.exchange.tables import COLLECTIONS
from tocsin.governance import concerned as governance
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.parties import store as parties
from tocsin.parties.acts import token_data
from tocsin.parties.tables import HUBS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Row

    from tocsin.exchange.case import Case
    from tocsin.log.model import EntryPayload

__all__ = [
    "Concerned",
    "check_credentials",
    "check_labels",
    "check_opened",
    "check_profiles",
    "require_as_taken",
]

_LABEL: Final = msgspec.json.Decoder(Label)
_PROFILE: Final = msgspec.json.Decoder(Profile)


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str
    modified: Any = None


# --- whom an entry concerns ------------------------------------------------------------------------------------------


# Rooms whose entries each concern one party, and where these say which.
_OF_PARTY: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "hub": lambda data: data["hub"],
    "duty": lambda data: data["party"],
    "party": lambda data: data["party"]["uri"],
    "user": lambda data: data["user"]["party"],
    "token": lambda data: data["party"],
    "withdrawal": lambda data: data["party"],
    "webhook": lambda data: data["party"],
    "sanitised": lambda data: data["party"],
    "offering": lambda data: data["owner"],
    "application": lambda data: data["party"],
    "access": lambda data: data["party"],
    "purge": lambda data: data["owner"],
    "review": lambda data: data["owner"],
    "figures": lambda data: data["party"],
    "control": lambda data: data["party"],
}


def _readers(data: Mapping[str, Any]) -> set[str]:
    profile = data["profile"]
    return {profile["party"], data["owner"], *([profile["client"]["party"]] if "client" in profile else ())}


# And those whose entries concern nobody by name.
_OF_NOBODY: Final = frozenset({"collection", "ceiling", "hold", "scenario", "rollup", "catalogue", "target"})
# And those whose entries concern several.
_OF_SEVERAL: Final[dict[str, Callable[[Mapping[str, Any]], set[str]]]] = {
    "delegation": lambda data: {data["represented"], data["delegate"]},
    "submission": lambda data: {data["party"], *([data["delegate"]] if "delegate" in data else ())},
    "grant": lambda data: {data["owner"], data["party"]},
    "request": lambda data: {data["party"], data["owner"]},
    "release": _readers,
}


# By which a party comes to be concerned by a version.
_JOIN: Final = frozenset({"agreement.signed", "agreement.admitted", "agreement.objected", "agreement.withdrawn"})


class Concerned:
    """Derives whom each entry concerns, when told all of them in their order."""

    def __init__(self) -> None:
        self._uris: dict[str, str] = {}  # of parties, by name
        self._agreed: dict[tuple[str, int], set[str]] = {}  # who is named in a version, or signed it
        self._governed = governance.Concerned()
        self._owners: dict[str, str] = {}  # of what a notice is about

    def of(self, payload: EntryPayload) -> tuple[str, ...] | None:
        """Return the URIs; None when entries that tell it were purged, or the kind is not known here."""
        data, room = payload.data, payload.kind.partition(".")[0]
        if room == "party":
            self._uris[data["party"]["name"]] = data["party"]["uri"]
        if room in ("agreement", "annex"):
            return self._of_agreement(payload.kind, data)
        if room in governance.ROOMS:
            return self._governed.of(payload.kind, data, self._uris)
        if payload.kind == "inquiry":
            uri = (
                data["owner"]
                if data["verb"] in {"prove", "origin", "account"}
                else self._uris.get(data["asker"].rpartition("@")[2])
            )
            return None if uri is None else (uri,)
        if room in _OF_PARTY:
            return (_OF_PARTY[room](data),)
        if room in _OF_SEVERAL:
            return tuple(sorted(_OF_SEVERAL[room](data)))
        if room == "recall":
            return self._of_recall(payload.kind, data)
        return () if room in _OF_NOBODY else None

    def _of_recall(self, kind: str, data: Mapping[str, Any]) -> tuple[str, ...] | None:
        if kind == "recall.noticed":
            return (data["party"],)
        if kind != "recall.attested":
            self._owners.update({notice: data["owner"] for notice, _, _ in data["recipients"]})
            return (data["owner"],)
        owner = self._owners.get(data["notice"])
        return None if owner is None else tuple(sorted({data["party"], owner}))

    def _of_agreement(self, kind: str, data: Mapping[str, Any]) -> tuple[str, ...] | None:
        key = (data["agreement"], data["version"])
        if kind == "agreement.proposed":
            document = parse_agreement(data["document"].encode(), where=f"{key[0]}/{key[1]}").document
            self._agreed[key] = {data["names"][name] for name in named_parties(document)}
        whom = self._agreed.get(key)
        if whom is None:
            return None
        amended = self._agreed.get((data["agreement"], data.get("amends") or 0), set())
        if kind in _JOIN:
            whom.add(data["party"])
        if kind == "agreement.adopted":
            whom.update(data["carried"], data["leaving"])
        if kind in ("agreement.attached", "annex.called"):
            return tuple(sorted(whom | {data["party"]}))
        return tuple(sorted(whom | amended))


# --- credentials -----------------------------------------------------------------------------------------------------


def check_credentials(case: Case) -> str:
    """Tokens are those that the log tells, in everything but their digests; users are of their parties."""
    issued: dict[int, tuple[dict[str, Any], Micros]] = {}
    revoked: dict[int, Micros] = {}
    for index, payload in case.entries("hub.founded", "token.issued", "token.revoked"):
        data, at = payload.data, parse_instant(payload.at)
        if payload.kind == "hub.founded":
            _require_founding(case, (data["hub"], data["operator"], at), f"entry {index}")
        elif payload.kind == "token.issued":
            issued[data["token_id"]] = (data, at)
        else:
            revoked[data["token_id"]] = at
    tokens = {row.token.token_id: row for row in _stored_tokens(case)}
    if tokens.keys() != issued.keys():
        raise StoreBrokenError("tokens are stored that the log does not tell of, or the other way", where="tokens")
    for token_id, row in tokens.items():
        where = f"token {token_id}"
        if (token_data(row.token), row.token.created_at) != issued[token_id]:
            raise StoreBrokenError("it is another than the log tells", where=where)
        if row.token.revoked_at != revoked.get(token_id):
            raise StoreBrokenError("it is revoked, and the log tells otherwise, or the other way", where=where)
    return f"{len(issued)} tokens, {len(revoked)} of them revoked"


def _stored_tokens(case: Case) -> list[parties.TokenRow]:
    """Return every token, once it is certain that users stand with the parties that they name."""
    numbers = case.numbers()
    for user in parties.user_rows(case.connection, case.environment):
        if numbers.get(user.user.party) != user.party_id:
            raise StoreBrokenError("it stands with another party than it says", where=f"user {user.user.name}")
    tokens: list[parties.TokenRow] = []
    for party_id in numbers.values():
        tokens += parties.token_rows(case.connection, case.environment, party_id)
    for row in tokens:
        if row.user is not None and row.user.party != row.party.uri:
            raise StoreBrokenError("its user is another party's", where=f"token {row.token.token_id}")
    return tokens


def _require_founding(case: Case, told: tuple[str, str, Micros], where: str) -> None:
    row = case.connection.execute(
        select(HUBS.c.party, HUBS.c.operator, HUBS.c.founded_at).where(HUBS.c.environment == case.environment)
    ).first()
    if row is None or tuple(row) != told:
        raise StoreBrokenError("the stored hub was founded otherwise than it tells", where=where)


# --- collections, labels, profiles -----------------------------------------------------------------------------------


def check_opened(case: Case) -> None:
    """Each collection is as it was opened.

    Raises:
        StoreBrokenError: one is not, or is not there.
    """
    columns = (COLLECTIONS.c.alias, COLLECTIONS.c.title, COLLECTIONS.c.description, COLLECTIONS.c.created_at)
    for index, payload in case.entries("collection.added"):
        data = payload.data
        row = case.connection.execute(
            select(*columns).where(COLLECTIONS.c.environment == case.environment, COLLECTIONS.c.uuid == data["uuid"])
        ).first()
        told = (data["alias"], data["title"], data["description"], parse_instant(payload.at))
        if row is None or tuple(row) != told:
            raise StoreBrokenError("the stored collection is another than the entry tells", where=f"entry {index}")


def check_labels(case: Case) -> int:
    """Each label is as the log tells it, and kept under its own digest; returns how many there are.

    Raises:
        StoreBrokenError: one is not.
    """
    told = {
        int(label_id): (label, parse_instant(payload.at))
        for _, payload in case.entries("submission", "offering")
        for label_id, label in payload.data["labels"]
    }
    rows = case.connection.execute(select(LABELS).where(LABELS.c.environment == case.environment)).all()
    stored = {row.label_id: (msgspec.json.decode(row.body), row.first_at) for row in rows}
    for label_id in sorted(told.keys() | stored.keys()):
        if told.get(label_id) != stored.get(label_id):
            raise StoreBrokenError("it is another than the log tells", where=f"label {label_id}")
    for row in rows:
        label = _LABEL.decode(row.body)
        if (row.digest, row.owner, row.type) != (label_digest(label), label.owner, label.type):
            raise StoreBrokenError("it is kept as another than it is", where=f"label {row.label_id}")
    return len(rows)


def check_profiles(case: Case) -> int:
    """Each profile is kept under its own digest; returns how many there are.

    Raises:
        StoreBrokenError: one is not.
    """
    rows = case.connection.execute(select(PROFILES).where(PROFILES.c.environment == case.environment)).all()
    for row in rows:
        if profile_digest(_PROFILE.decode(row.body)) != row.digest:
            raise StoreBrokenError("it is kept as another than it is", where=f"profile {row.profile_id}")
    return len(rows)


# --- contributions ---------------------------------------------------------------------------------------------------


def require_as_taken(row: Row[Any], where: str) -> None:
    """Compare what a contribution's columns say of its content with the content; ``row`` has both.

    Raises:
        StoreBrokenError: they contradict each other, or say what no intake enters.
    """
    if (row.sealed, row.origin_hub, row.origin_entry) != (False, None, None):
        raise StoreBrokenError("its contribution claims a seal or an origin elsewhere", where=where)
    if row.bytes is None:
        return  # purged
    body = msgspec.json.decode(row.bytes, type=_Body)
    if (body.id, body.type) != (row.object_id, row.type):
        raise StoreBrokenError("its contribution is of another type or object than its content", where=where)
    if row.versioned != _versioned(body, row.bytes, row.version, versioned=row.versioned):
        raise StoreBrokenError("its content does not give the version that its contribution says", where=where)


def _versioned(body: _Body, data: bytes, version: Micros, *, versioned: bool) -> bool:
    """Return whether the content itself says its version: read anew in full only where its `modified` is in doubt."""
    if not versioned and body.modified is None:
        return False
    try:
        if versioned and times.micros(body.modified) == version:
            return True
    except (TypeError, ValueError):
        pass  # it is no timestamp: the reading in full says what that means
    parsed = parse_object(data)
    # what rules of a later release refuse says nothing about the column
    return versioned if isinstance(parsed, RefusedObject) else parsed.version is not None
