"""The one gate: whatever leaves, by whichever protocol, passes a verdict made here.

A *slice* is everything that verdicts about one party's readers rest on: the hub's own rules, the permits of the
agreements it is a member of, the forbids that bind it or an owner whose contributions it might read, the facts those
policies ask for, and the grants that it holds. Verdicts depend on profile, label and slice digest alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cedarpy
import msgspec

from tocsin.agreements.cedar import ACTION_READ, schema, uid
from tocsin.agreements.grants import held
from tocsin.agreements.ground import Ground, ground_for, turns_at
from tocsin.agreements.hub_rules import CLIENT, TWO_HATS
from tocsin.agreements.model import Effect, Label, Profile, Tlp, Verdict, user_address
from tocsin.errors import UsageError
from tocsin.kernel.canonical import digest
from tocsin.parties.model import Party, PartyStatus, User, UserStatus, effective_clearance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tocsin.agreements.cedar import Policy, Uid
    from tocsin.agreements.facts import Facts
    from tocsin.agreements.grants import Grant
    from tocsin.kernel.clock import Micros

__all__ = [
    "SUPERVISING",
    "Slice",
    "acting",
    "acting_in",
    "can_act",
    "decide",
    "entities_for",
    "profile_of",
    "profile_until",
    "request_for",
    "slice_for",
]

# Cedar clones the slice's entities for every batch and holds the batch in memory: this many labels hide the
# cost of the clone and keep a batch below a few megabytes.
_BATCH: Final = 2_000

_GRANTED_DOMAIN: Final = "tocsin/slice-with-grants/v1"
# TLP 2.0: what a recipient may pass on to its clients, AMBER on a need to know.
PASSED_ON: Final = frozenset({Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER})
# Capacities that a party puts on of its own accord: who has another one too does not act in these unasked.
SUPERVISING: Final = frozenset({"supervisor"})
_READER: Final = uid("Reader", "reader")
_LABEL: Final = uid("Label", "").type


@dataclass(frozen=True, kw_only=True)
class Slice:
    """What decides for the readers of one party, from one instant until before ``valid_until`` (None: for ever)."""

    party: str
    ground: Ground
    valid_until: Micros | None
    grants: frozenset[str] = frozenset()  # ids of those that stand for the party and the reader's purpose

    @functools.cached_property
    def digest(self) -> bytes:
        """Return the digest of policies and facts alone: two slices with the same give the same verdicts."""
        if not self.grants:
            return self.ground.digest
        return digest(_GRANTED_DOMAIN, {"ground": self.ground.digest.hex(), "grants": [*sorted(self.grants)]})

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Return every policy that may decide."""
        return self.ground.policies


def acting_in(capacities: frozenset[str], capacity: str | None) -> frozenset[str] | None:
    """Return in which of a party's capacities a credential of its acts; None: in all of them.

    ``capacity`` is what the credential chose. One that chose nothing does not act as a supervisor, unless the party is
    nothing else (docs/adr/0081).
    """
    acts = capacities & {capacity} if capacity is not None else (capacities - SUPERVISING) or capacities
    return None if acts == capacities else acts


def can_act(capacities: frozenset[str], acts_as: frozenset[str] | None) -> bool:
    """Return whether a credential of a party with these capacities may have read as a profile says.

    Before capacities were chosen every credential acted in all of them; one that chose what its party lacks now acts
    in none.
    """
    one_alone = [frozenset({one}) for one in capacities]
    return acts_as is None or acts_as in [frozenset(), acting_in(capacities, None), *one_alone]


def profile_of(
    party: Party,
    user: User | None,
    purpose: str,
    at: Micros,
    *,
    client: Party | None = None,
    capacity: str | None = None,
) -> Profile:
    """Return the release-relevant attributes of a reader at an instant; ``user`` None is the party's service.

    ``client`` is the party for which it reads, if for one that it serves; ``capacity`` the one that its credential
    chose, if it did.

    Raises:
        UsageError: the user is another party's, or the party does not serve such a client.
    """
    if user is not None and user.party != party.uri:
        raise UsageError(f"{user.name!r} is no user of {party.name!r}")
    if client is not None and client.uri not in party.clients:
        raise UsageError(
            f"{party.name} serves no such client", where=client.name, todo="`tocsin party show` names them"
        )
    return Profile(
        party=party.uri,
        party_kind=str(party.kind),
        user=user.name if user is not None else None,
        roles=frozenset(str(role) for role in user.roles) if user is not None else frozenset(),
        purpose=purpose,
        capacities=party.capacities,
        sectors=party.sectors,
        communities=party.communities,
        country=party.country,
        data_region=party.data_region,
        clearance=effective_clearance(party, user, at),
        nationality=user.nationality if user is not None else None,
        active=party.status is PartyStatus.VETTED and (user is None or user.status is UserStatus.ACTIVE),
        acts_as=acting_in(party.capacities, capacity),
        client=None if client is None else profile_of(client, None, purpose, at),
    )


def profile_until(party: Party, user: User | None, at: Micros, *, client: Party | None = None) -> Micros | None:
    """Return the next instant at which ``profile_of`` gives something else by itself: a clearance expires."""
    ends = [one.clearance_until for one in (party, user, client) if one is not None]
    return min((end for end in ends if end is not None and end > at), default=None)


def slice_for(profile: Profile, facts: Facts, *, until: Micros | None = None, grants: Iterable[Grant] = ()) -> Slice:
    """Return what decides for a reader at ``facts.at``.

    Args:
        profile: the reader, as ``profile_of`` made it at the same instant.
        facts: what is true at that instant.
        until: the profile's own end (``profile_until``); the slice's is no later.
        grants: those for the reader's party; others' do not count.
    """
    given = tuple(one for one in grants if one.party == profile.party and one.stands(facts.at))
    holds = held(given, purpose=profile.purpose, parties=facts.parties)
    beyond = frozenset(one.owner for one in given if one.uuid in holds)
    if profile.client is not None:
        beyond |= {profile.client.party}
    ends = (one.until for one in given)
    return Slice(
        party=profile.party,
        ground=ground_for(profile.party, facts, beyond=beyond),
        valid_until=facts.next_of((until, turns_at(profile.party, facts, beyond=beyond), *ends)),
        grants=holds,
    )


def decide(slice_: Slice, profile: Profile, labels: Sequence[Label]) -> list[Verdict]:
    """Return a verdict for each label, in their order.

    Any error of Cedar is a deny that carries it. An allow names all clauses that permit; a deny all that forbid, and
    nothing where no clause permits. Who reads for a client is judged twice: what it may not read itself, it reads for
    nobody; of the rest, for the client, what the marking lets a recipient pass on to clients (TLP 2.0: CLEAR, GREEN,
    AMBER), what no permitting clause keeps within the recipient's own organisation unless it is the reader's own, what
    was not granted to it alone, and what nothing forbids the client. Who acts in some of its capacities is judged twice
    as well: it reads what is permitted to these and forbidden to none that it has, so that nobody takes off a hat to
    pass a forbid.
    """
    if profile.client is not None:
        return _decide_for_client(slice_, profile, profile.client, labels)
    if profile.acts_as is not None:
        return _decide_in_part(slice_, profile, profile.acts_as, labels)
    verdicts: list[Verdict] = []
    for start in range(0, len(labels), _BATCH):
        verdicts += _decide_batch(slice_, profile, labels[start : start + _BATCH])
    return verdicts


def acting(profile: Profile) -> Profile:
    """Return a reader as permits see it: with the capacities in which it acts, and no others."""
    if profile.acts_as is None:
        return profile
    return msgspec.structs.replace(profile, capacities=profile.acts_as, acts_as=None)


def _decide_in_part(slice_: Slice, profile: Profile, acts_as: frozenset[str], labels: Sequence[Label]) -> list[Verdict]:
    whole = decide(slice_, msgspec.structs.replace(profile, acts_as=None), labels)
    two_hats = profile.purpose == "enforce" and not profile.capacities.isdisjoint(SUPERVISING - acts_as)
    verdicts = []
    for label, verdict in zip(labels, _narrowed(whole, labels, slice_, acting(profile)), strict=True):
        if two_hats and label.owner != profile.party:
            # a forbid like any other, so that it holds for whoever reads for this one as well
            forbidding = () if verdict.allows else verdict.reasons
            denied = msgspec.structs.replace(verdict, effect=Effect.DENY, reasons=(*forbidding, TWO_HATS))
            verdicts.append(denied)
        else:
            verdicts.append(verdict)
    return verdicts


def _narrowed(
    verdicts: Sequence[Verdict], labels: Sequence[Label], slice_: Slice, profile: Profile
) -> Iterator[Verdict]:
    """Yield verdicts, with those of another reader in the place of each that allows; of the rest nobody is asked."""
    asked = [label for label, verdict in zip(labels, verdicts, strict=True) if verdict.allows]
    others = iter(decide(slice_, profile, asked))
    yield from (next(others) if verdict.allows else verdict for verdict in verdicts)


def _decide_for_client(slice_: Slice, profile: Profile, client: Profile, labels: Sequence[Label]) -> list[Verdict]:
    own = decide(slice_, msgspec.structs.replace(profile, client=None), labels)
    # a recipient passes on what it may, to whom its owner did not address it too: no address keeps it from a client
    bare = [msgspec.structs.replace(label, recipients=frozenset(), grant=None) for label in labels]
    verdicts = []
    for label, mine, other in zip(labels, own, _narrowed(own, bare, slice_, client), strict=True):
        verdict = mine
        if mine.allows:
            # an owner is no recipient: what a clause asks of those binds it in nothing of its own
            inside = slice_.ground.inside if label.owner != profile.party else frozenset()
            kept = label.grant is not None or any(reason.policy_id in inside for reason in mine.reasons)
            if label.tlp not in PASSED_ON or kept:
                verdict = msgspec.structs.replace(mine, effect=Effect.DENY, reasons=(CLIENT,))
            elif other.errors or (not other.allows and other.reasons):
                verdict = other
        verdicts.append(verdict)
    return verdicts


def entities_for(
    slice_: Slice, profile: Profile, labels: Sequence[Label], *, among: cedarpy.Entities | None = None
) -> cedarpy.Entities:
    """Return a slice's entities with one reader and some labels beside them, checked against the schema.

    ``among`` are others to stand in the place of the slice's.

    Raises:
        ValueError: Cedar cannot hold one of them.
    """
    reader: dict[str, object] = {
        "uid": _READER,
        "attrs": _reader_attributes(profile),
        "parents": [uid("Party", profile.party), *(uid("Grant", one) for one in sorted(slice_.grants))],
    }
    records = [
        reader,
        *(
            {"uid": uid("Label", str(index)), "attrs": _label_attributes(label), "parents": ()}
            for index, label in enumerate(labels)
        ),
    ]
    entities = slice_.ground.entities if among is None else among
    return entities.with_added_json_str(_json(records), schema())


def request_for(index: int) -> dict[str, dict[str, str]]:
    """Return the question whether the reader of ``entities_for`` may read the label at an index."""
    return {
        "principal": {"type": _READER.type, "id": _READER.id},
        "action": {"type": ACTION_READ.type, "id": ACTION_READ.id},
        "resource": {"type": _LABEL, "id": str(index)},
    }


def _decide_batch(slice_: Slice, profile: Profile, labels: Sequence[Label]) -> list[Verdict]:
    try:
        entities = entities_for(slice_, profile, labels)
        requests = [request_for(index) for index in range(len(labels))]
        answers = cedarpy.is_authorized_batch(requests, slice_.ground.policy_set, entities)
    except (ValueError, UnicodeEncodeError) as error:
        if len(labels) == 1:
            return [_denied(slice_, (f"Cedar could not decide: {error}",))]
        # one label that Cedar cannot hold must not close the gate for the others
        return [verdict for label in labels for verdict in _decide_batch(slice_, profile, [label])]
    return [_verdict(slice_, answer) for answer in answers]


def _verdict(slice_: Slice, answer: cedarpy.AuthzResult) -> Verdict:
    errors = tuple(answer.diagnostics.errors)
    named = answer.diagnostics.id_annotations_by_reason
    reasons = [slice_.ground.reasons[name] for name in sorted(named.values()) if name in slice_.ground.reasons]
    if errors or answer.decision is cedarpy.Decision.NoDecision or len(reasons) != len(answer.diagnostics.reasons):
        return _denied(slice_, errors or ("Cedar named a policy that is not in the slice",))
    return Verdict(
        effect=Effect.ALLOW if answer.decision is cedarpy.Decision.Allow else Effect.DENY,
        reasons=tuple(reasons),
        slice_digest=slice_.digest,
        valid_until=slice_.valid_until,
    )


def _denied(slice_: Slice, errors: tuple[str, ...]) -> Verdict:
    return Verdict(
        effect=Effect.DENY,
        reasons=(),
        errors=errors,
        slice_digest=slice_.digest,
        valid_until=slice_.valid_until,
    )


def _reader_attributes(profile: Profile) -> dict[str, object]:
    attributes: dict[str, object] = {
        "party": _reference(profile.party),
        "party_kind": profile.party_kind,
        "addresses": profile.addresses,
        "roles": profile.roles,
        "purpose": profile.purpose,
        "capacities": profile.capacities,
        "sectors": profile.sectors,
        "communities": profile.communities,
        "country": profile.country,
        "clearance": profile.clearance,
        "active": profile.active,
    }
    if profile.user is not None:
        attributes["user_address"] = user_address(profile.user, profile.party)
    if profile.data_region is not None:
        attributes["data_region"] = profile.data_region
    if profile.nationality is not None:
        attributes["nationality"] = profile.nationality
    return attributes


def _label_attributes(label: Label) -> dict[str, object]:
    attributes: dict[str, object] = {
        "owner": _reference(label.owner),
        "type": label.type,
        "tlp": label.tlp,
        "categories": label.categories,
        "sectors": label.sectors,
        "countries": label.countries,
        "recipients": label.recipients,
        "unknown_marking": label.unknown_marking,
        "sealed": label.sealed,
    }
    if label.pap is not None:
        attributes["pap"] = label.pap
    if label.classification is not None:
        attributes["classification"] = label.classification
    if label.residency is not None:
        attributes["residency"] = label.residency
    if label.grant is not None:
        attributes["grant"] = {"__entity": uid("Grant", label.grant)}
    return attributes


def _reference(party: str) -> dict[str, Uid]:
    return {"__entity": uid("Party", party)}


def _json(records: object) -> str:
    return msgspec.json.encode(records).decode()
