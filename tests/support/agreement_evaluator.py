"""What the agreements say, decided slowly and without Cedar, from the content of the documents.

Written from the rules in ``docs/adr`` for one purpose: to disagree with the gate if either is wrong. It shares no code
with it but the values that come in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.kernel.clock import Micros, parse_date

if TYPE_CHECKING:
    from support.agreement_strategies import Content, Paper, Reader, World
    from tocsin.agreements.compile import Condition
    from tocsin.agreements.model import Label
    from tocsin.parties.model import Party, User

__all__ = ["closed", "condition_holds", "permitting", "slow_verdict"]

TLPS = ["clear", "green", "amber", "amber+strict", "red"]
PAPS = ["clear", "green", "amber", "red"]
CLEARANCES = ["unclassified", "restricted", "confidential", "secret", "top-secret"]


def slow_verdict(world: World, reader: Reader, label: Label) -> tuple[bool, frozenset[str]]:
    """Return whether the reader may read, and the ids of all that permits (empty on a deny).

    A credential that chose no capacity acts in all of its party's but the supervisor's, if it has another one; what is
    forbidden to any of its capacities is forbidden, and only supervisors enforce.
    """
    has = world.parties[reader.party].capacities
    acts = {reader.capacity} & has if reader.capacity else (has - {"supervisor"} or has)
    if acts == has:
        return _verdict(world, reader, label)
    allowed, _ = _verdict(world, reader, label)
    in_part = msgspec.structs.replace(world.parties[reader.party], capacities=frozenset(acts))
    parties = {**world.parties, reader.party: in_part}
    some, reasons = _verdict(msgspec.structs.replace(world, parties=parties, members=world.parties), reader, label)
    own = label.owner == world.uri(reader.party)
    if not (allowed and some) or (reader.purpose == "enforce" and "supervisor" in has - acts and not own):
        return False, frozenset()
    return True, reasons


def condition_holds(
    world: World, clause: tuple[Paper, str], condition: Condition, reader: Reader, label: Label
) -> bool:
    """Return whether one condition of a clause is met, by the keys of the document that it stands for.

    ``clause`` is a paper and the clause's id. A reader who acts in part meets what is asked of its capacities in those
    in which it acts.
    """
    paper, clause_id = clause
    (terms,) = [one for one in paper.content["clauses"] if one["id"] == clause_id]
    has = world.parties[reader.party].capacities
    acts = {reader.capacity} & has if reader.capacity else (has - {"supervisor"} or has)
    in_part = msgspec.structs.replace(world.parties[reader.party], capacities=frozenset(acts))
    world = msgspec.structs.replace(
        world, parties={**world.parties, reader.party: in_part}, members=world.members or world.parties
    )
    address = None if reader.user is None else f"{reader.user.name}@{world.uri(reader.party)}"
    addressed = world.uri(reader.party) in label.recipients or address in label.recipients
    of_agreement = _of_agreement(world, paper, condition, reader, label, addressed=addressed)
    if of_agreement is not None:
        return of_agreement
    permit, of = "permit" in terms, terms.get("of", {})
    asked = terms["to"] if permit else terms.get("unless", {})
    if condition.about == "recipients":
        strict = "if it is amber+strict" in condition.says
        return _tlp_permits(label, of, addressed=addressed) if strict else addressed
    if condition.about == "tlp":
        return _label_meets(world, label, {"tlp": of["tlp"]}) if "tlp" in of else str(label.tlp) in TLPS[:3]
    if condition.about == "purpose":
        everyday = [one for one in paper.content["purposes"] if one != "enforce"]
        return reader.purpose in _listed(terms.get("for", everyday) if permit else asked["purpose"])
    end, _, about = condition.about.rpartition(".")
    key = "without" if "is not marked" in condition.says else _KEYS.get(about, about)
    if end == "reader":
        return _reader_meets(world, reader, label, {key: asked[key]}, addressed=addressed)
    return _label_meets(world, label, {key: of[key]})


def _of_agreement(
    world: World, paper: Paper, condition: Condition, reader: Reader, label: Label, *, addressed: bool
) -> bool | None:
    """Return whether a condition on a party's standing to the agreement is met; None: it is no such condition."""
    owner = next(name for name, party in world.parties.items() if party.uri == label.owner)
    end, _, about = condition.about.rpartition(".")
    name = reader.party if end == "reader" else owner
    if about == "member":
        return _member(world, paper, name)
    if about == "basis":
        return _basis_holds(paper, str(condition.basis), world.parties[name], world.at)
    if about == "signed":
        strict = str(label.tlp) == "amber+strict" and not addressed
        asks = strict if "amber+strict" in condition.says else reader.purpose == "enforce"
        return paper.amends is None or owner in paper.signed or not asks
    return None


_KEYS = {
    "party": "parties",
    "person": "persons",
    "capacities": "capacity",
    "roles": "role",
    "country": "countries",
    "party_kind": "kind",
    "categories": "category",
}


def _verdict(world: World, reader: Reader, label: Label) -> tuple[bool, frozenset[str]]:
    if closed(world, reader, label):
        return False, frozenset()
    party = world.parties[reader.party]
    own = party.uri == label.owner
    address = None if reader.user is None else f"{reader.user.name}@{party.uri}"
    addressed = party.uri in label.recipients or address in label.recipients
    found = permitting(world, reader, label, addressed=addressed) | ({"tocsin.owner"} if own else set())
    return bool(found), frozenset(found)


def closed(world: World, reader: Reader, label: Label) -> bool:
    """Return whether a floor or a forbid keeps the reader out, whatever permits."""
    party = world.parties[reader.party]
    own = party.uri == label.owner
    address = None if reader.user is None else f"{reader.user.name}@{party.uri}"
    addressed = party.uri in label.recipients or address in label.recipients
    if str(party.status) != "vetted" or (reader.user is not None and str(reader.user.status) != "active"):
        return True
    if label.unknown_marking and not own:
        return True
    if label.classification is not None:
        cleared = _cleared(party.clearance, party.clearance_until, world.at)
        if reader.user is not None:
            own_clearance = _cleared(reader.user.clearance, reader.user.clearance_until, world.at)
            cleared = min(cleared, own_clearance, key=CLEARANCES.index)
        if CLEARANCES.index(cleared) < CLEARANCES.index(label.classification):
            return True
    if label.tlp == "red" and (address is None or address not in label.recipients):
        return True
    if label.recipients and not (own or addressed):
        return True
    return _forbidden(world, reader, label, addressed=addressed)


def permitting(world: World, reader: Reader, label: Label, *, addressed: bool) -> set[str]:
    """Return the ids of the permits that apply."""
    found = set()
    for paper in world.papers:
        content = paper.content
        ends = [name for name, party in world.parties.items() if party.uri == label.owner]
        if str(paper.status) != "in-force" or not _in_force(content, world.at):
            continue
        if not all(_member(world, paper, name) for name in (reader.party, *ends)):
            continue
        for clause in content["clauses"]:
            if "permit" not in clause:
                continue
            purposes = _listed(clause["for"]) if "for" in clause else [p for p in content["purposes"] if p != "enforce"]
            if (
                reader.purpose in purposes
                and _reader_meets(world, reader, label, clause["to"], addressed=addressed)
                and _label_meets(world, label, clause.get("of", {}))
                and _tlp_permits(label, clause.get("of", {}), addressed=addressed)
                and all(_own_word(paper, clause, name, reader, label, addressed=addressed) for name in ends)
                and all(
                    _basis_holds(paper, basis, world.parties[name], world.at)
                    for basis in _listed(clause.get("rests_on", []))
                    for name in (reader.party, *ends)
                )
            ):
                found.add(f"{content['agreement']}/{content['version']}/{clause['id']}")
    return found


def _forbidden(world: World, reader: Reader, label: Label, *, addressed: bool) -> bool:
    for paper in world.papers:
        if not _in_force(paper.content, world.at):
            continue
        gone = {world.uri(name) for name, ends in paper.left.items() if name in paper.joined and ends <= world.at}
        bound = {world.uri(name) for name in paper.joined} - gone
        if str(paper.status) == "superseded":
            bound = set()
        survives = paper.content.get("withdrawal", {}).get("survives", [])
        for clause in paper.content["clauses"]:
            whom = bound | (gone if clause["id"] in survives else set())
            if "forbid" not in clause or not ({world.uri(reader.party), label.owner} & whom):
                continue
            spared = "unless" in clause and _reader_meets(world, reader, label, clause["unless"], addressed=addressed)
            if (
                not spared
                and _reader_meets(world, reader, label, clause.get("to", {}), addressed=addressed)
                and _label_meets(world, label, clause.get("of", {}))
            ):
                return True
    return False


def _in_force(content: Content, at: Micros) -> bool:
    until = content["in_force"]["until"]
    return parse_date(content["in_force"]["from"]) <= at and (until is None or at < parse_date(until))


def _member(world: World, paper: Paper, name: str) -> bool:
    # a party is a member by all that it is, however one of its readers acts
    party = (world.members or world.parties)[name]
    if name not in paper.joined or str(party.status) != "vetted":
        return False
    if name in paper.left and paper.left[name] <= world.at:
        return False
    for entry in paper.content["parties"]:
        if entry.get("name") == name:
            return True
        if "all" in entry and _party_meets(party, entry["all"], world.at):
            return True
    return False


def _party_meets(party: Party, terms: Content, at: Micros) -> bool:
    has: dict[str, Any] = {
        "capacity": party.capacities,
        "sectors": party.sectors,
        "countries": {party.country},
        "kind": {str(party.kind)},
        "communities": party.communities,
        "data_region": {party.data_region} - {None},
    }
    for key, wanted in terms.items():
        if key == "clearance":
            if CLEARANCES.index(_cleared(party.clearance, party.clearance_until, at)) < CLEARANCES.index(wanted):
                return False
        elif not set(_listed(wanted)) & set(has[key]):
            return False
    return True


def _reader_meets(world: World, reader: Reader, label: Label, terms: Content, *, addressed: bool) -> bool:
    party, user = world.parties[reader.party], reader.user
    clearance = _cleared(party.clearance, party.clearance_until, world.at)
    if user is not None:
        personal = _cleared(user.clearance, user.clearance_until, world.at)
        clearance = min(clearance, personal, key=CLEARANCES.index)
    for key, wanted in terms.items():
        if key == "parties":
            met = wanted == "all" or reader.party in wanted
        elif key == "clearance":
            met = CLEARANCES.index(clearance) >= CLEARANCES.index(wanted)
        elif key in {"role", "nationality", "persons"}:
            met = user is not None and bool(_of_person(user, reader.party)[key] & set(_listed(wanted)))
        elif key == "addressed":
            met = addressed
        elif key == "purpose":
            met = reader.purpose in _listed(wanted)
        else:
            met = _party_meets(party, {key: wanted}, world.at)
        if not met:
            return False
    return True


def _of_person(user: User, party: str) -> dict[str, set[str | None]]:
    return {
        "role": {str(role) for role in user.roles},
        "nationality": {user.nationality},
        "persons": {f"{user.name}@{party}"},
    }


def _label_meets(world: World, label: Label, terms: Content) -> bool:
    for key, wanted in terms.items():
        if key in ("tlp", "pap"):
            value, ladder = (label.tlp, TLPS) if key == "tlp" else (label.pap, PAPS)
            met = value is not None and str(value) in _levels(wanted, ladder)
        elif key == "type":
            met = label.type in _listed(wanted)
        elif key == "category":
            met = bool(label.categories & set(_listed(wanted)))
        elif key == "without":
            met = not label.categories & set(_listed(wanted))
        elif key == "residency":
            met = label.residency in _listed(wanted)
        elif key == "owner":
            met = label.owner in [world.uri(name) for name in wanted]
        else:
            met = bool({"sectors": label.sectors, "countries": label.countries}[key] & set(_listed(wanted)))
        if not met:
            return False
    return True


def _tlp_permits(label: Label, of: Content, *, addressed: bool) -> bool:
    """Return whether a permit lets this TLP out: silence covers amber, and amber+strict must be named."""
    if "tlp" not in of:
        return str(label.tlp) in TLPS[:3]
    said = of["tlp"]
    named = list(said.values()) if isinstance(said, dict) else _listed(said)
    return str(label.tlp) != "amber+strict" or "amber+strict" in named or addressed


def _levels(wanted: Any, ladder: list[str]) -> list[str]:  # noqa: ANN401  a word, a list or bounds, as documents have it
    if not isinstance(wanted, dict):
        return _listed(wanted)
    low = ladder.index(wanted.get("at_least", ladder[0]))
    high = ladder.index(wanted.get("at_most", ladder[-1]))
    return ladder[low : high + 1]


def _own_word(paper: Paper, clause: Content, owner: str, reader: Reader, label: Label, *, addressed: bool) -> bool:
    """Return whether an owner whom an amendment carried is spared what only its own signature opens."""
    if paper.amends is None or owner in paper.signed:
        return True
    return reader.purpose != "enforce" and (str(label.tlp) != "amber+strict" or addressed)


def _basis_holds(paper: Paper, basis: str, party: Party, at: Micros) -> bool:
    entries = paper.content["legal_bases"][basis]
    entry = entries.get(party.country) or entries.get(str(party.kind))
    if entry is None:
        return False
    begin, end = entry["valid"]
    if at < parse_date(begin):
        return False
    graces = [until for name, whom, until in paper.graces if name == basis and party.name in whom]
    return end is None or at < parse_date(end) or any(at < until for until in graces)


def _cleared(clearance: str, until: Micros | None, at: Micros) -> str:
    return clearance if until is None or at < until else CLEARANCES[0]


def _listed(value: Any) -> list[str]:  # noqa: ANN401  a word or a list, as documents have it
    return [value] if isinstance(value, str) else list(value)
