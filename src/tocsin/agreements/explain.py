"""Why a verdict is what it is, in sentences.

Conditions are evaluated by Cedar, one little policy each; nothing here decides anything. What an asker may be told of
this ``told_to`` says: an explanation names every agreement that reader and owner share, or that binds either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cedarpy
import msgspec

from tocsin.agreements.carried import Term, carried
from tocsin.agreements.cedar import Policy, policy_text
from tocsin.agreements.compile import LEFT, Compiled, Condition, compile_clause, listed
from tocsin.agreements.document import Clause, Verb
from tocsin.agreements.facts import Activated, Facts, eligible
from tocsin.agreements.gate import Slice, acting, decide, entities_for, request_for, slice_for
from tocsin.agreements.grants import Grant
from tocsin.agreements.ground import truths_of
from tocsin.agreements.hub_rules import HUB_SENTENCES
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.model import Effect, Label, Profile, Reason, Verdict
from tocsin.kernel.clock import Micros, format_instant
from tocsin.parties.model import PartyStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


__all__ = ["BasisAccount", "ClauseAccount", "Explanation", "Remark", "explain", "told_to"]


class BasisAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says of a legal basis at one end. Without an entry, all but the first four are None."""

    name: str
    end: str  # "reader" or "owner"
    party: str  # short name, or URI of a party that is not the hub's
    holds: bool
    key: str | None = None  # country, or kind of party
    cite: str | None = None
    valid_from: Micros | None = None
    valid_until: Micros | None = None
    grace_until: Micros | None = None  # it lapsed, and counts as valid until then

    @property
    def sentence(self) -> str:
        """Return it as one sentence."""
        whose = f"legal basis {self.name} for the {self.end} ({self.party})"
        if self.key is None or self.valid_from is None:
            return f"{whose}: the agreement names none, so it does not hold"
        term = f"valid from {_day(self.valid_from)} {_end(self.valid_until)}"
        if self.grace_until is not None:
            term += f"; by grace it counts as valid until {format_instant(self.grace_until)}"
        return f"{whose}: {self.key}, {self.cite}, {term}{'' if self.holds else ': it does not hold now'}"


class ClauseAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One clause or rule of the hub: what it says, as people and as Cedar, what it rests on, what it lacked.

    ``failed`` of a permit are the conditions that were not met; of a forbid, what would have spared the reader.
    ``cedar`` is empty of a rule that is the gate's own and no policy.
    """

    effect: Effect
    agreement: str | None
    version: int | None
    clause: str
    sentence: str
    cedar: str
    bases: tuple[BasisAccount, ...] = ()
    failed: tuple[str, ...] = ()


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What no single clause says; ``agreement`` is the one that it speaks of, if it speaks of one."""

    text: str
    agreement: str | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict with the clauses that determined it, those that could have permitted, and what else matters."""

    verdict: Verdict
    reasons: tuple[ClauseAccount, ...]
    missing: tuple[ClauseAccount, ...] = ()  # of a deny: permits that did not apply
    remarks: tuple[Remark, ...] = ()
    terms: tuple[Term, ...] = ()  # of an allow: what goes with the object


def explain(profile: Profile, label: Label, facts: Facts, *, grants: Iterable[Grant] = ()) -> Explanation:
    """Return the verdict for one reader and label at ``facts.at``, and why; ``grants`` are those of the party."""
    given = tuple(grants)
    slice_ = slice_for(profile, facts, grants=given)
    over, label = label.over(facts.at), label.as_of(facts.at)
    (verdict,) = decide(slice_, profile, [label])
    if label.ends is not None and not over:
        until = label.ends if verdict.valid_until is None else min(label.ends, verdict.valid_until)
        verdict = msgspec.structs.replace(verdict, valid_until=until)
    for_client = not verdict.allows and _falls_to_the_client(slice_, profile, label)
    case = _Case(
        # what decides of a client is told of the client
        profile=acting(profile.client if for_client and profile.client is not None else profile),
        label=label,
        facts=facts,
        slice_=slice_,
        grants=given,
    )
    reasons = tuple(map(case.reason, verdict.reasons))
    if verdict.allows:
        terms = carried(label, facts, reader=profile.party, verdict=verdict)
        return Explanation(verdict=verdict, reasons=reasons, terms=terms)
    errors = tuple(Remark(text=f"an error, which is a deny: {error}") for error in verdict.errors)
    if for_client:
        return Explanation(verdict=verdict, reasons=reasons, remarks=(*errors, case.for_client(profile.party)))
    # what Cedar could not hold as a whole it cannot weigh condition by condition either
    missing = () if verdict.errors else tuple(case.missing())
    remarks = (*errors, *case.remarks())
    return Explanation(verdict=verdict, reasons=reasons, missing=missing, remarks=remarks)


def _falls_to_the_client(slice_: Slice, profile: Profile, label: Label) -> bool:
    """Return whether a reader could read what it does not read for its client."""
    if profile.client is None:
        return False
    (own,) = decide(slice_, msgspec.structs.replace(profile, client=None), [label])
    return own.allows


def told_to(party: str, told: Explanation, facts: Facts) -> Explanation:
    """Return what a party (URI) may be told of an explanation: nothing of a version that it is not party to.

    A party to a version joined it, or is named in it as a member. Who is only mentioned in a clause is not: such a
    clause may name persons, and whoever it reaches through the other end is told that there is one, not what it says.
    """
    known = (*facts.agreements, *facts.former)
    own = {one.id for one in known if party in one.joined or party in one.named}
    names = {one.partition("/")[0] for one in own}

    def open_to(one: ClauseAccount | Reason) -> bool:
        return one.agreement is None or f"{one.agreement}/{one.version}" in own

    reasons = tuple(filter(open_to, told.reasons))
    remarks = tuple(one for one in told.remarks if one.agreement is None or one.agreement in names)
    if len(reasons) < len(told.reasons):
        remarks = (*remarks, Remark(text="a clause of an agreement that you are not party to decides here"))
    return msgspec.structs.replace(
        told,
        verdict=msgspec.structs.replace(told.verdict, reasons=tuple(filter(open_to, told.verdict.reasons))),
        reasons=reasons,
        missing=tuple(filter(open_to, told.missing)),
        remarks=remarks,
        terms=tuple(one for one in told.terms if one.clause is None or one.clause.partition("#")[0] in own),
    )


def _clause_sentence(compiled: Compiled) -> str:
    """Return a clause as one sentence."""
    policy = compiled.policy
    conditions = "; ".join(condition.says for condition in compiled.when)
    if policy.effect is Effect.ALLOW:
        head = f"clause {policy.clause} of {policy.agreement} version {policy.version} permits to read, provided that"
        return f"{head} {conditions}"
    head = f"clause {policy.clause} of {policy.agreement} version {policy.version} forbids to read, where"
    spared = "; ".join(condition.says for condition in compiled.unless)
    return f"{head} {conditions}" + (f"; unless {spared}" if spared else "")


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    """One question: this reader, this label, these facts."""

    profile: Profile
    label: Label
    facts: Facts
    slice_: Slice
    grants: tuple[Grant, ...] = ()

    def missing(self) -> Iterator[ClauseAccount]:
        """Yield the permits that did not apply, of every agreement in force between both ends.

        Where there is none, those of the owner's agreements: what a stranger lacks is to be a member, and the slice
        holds nothing else of agreements that it has no part in.
        """
        both = [one for one in self.facts.in_force if self.concerns(one)]
        for one in both or [one for one in self.facts.in_force if one.binds(self.label.owner, self.facts.at)]:
            for clause in one.document.clauses:
                if clause.verb is Verb.PERMIT and clause.decides:
                    account = self.permit(one, clause) if both else self._stranger(one, clause)
                    if account.failed:
                        yield account

    def _stranger(self, one: Activated, clause: Clause) -> ClauseAccount:
        compiled = compile_clause(one.document, clause, one.names, amendment=one.amends is not None)
        lacks = next(condition for condition in compiled.when if condition.about == "reader.member")
        return self._account(one, compiled, (f"not so: {lacks.says} ({self._standing(one, self.profile.party)})",))

    def concerns(self, one: Activated) -> bool:
        """Return whether an agreement in force names, admits or binds both ends."""
        return all(self._touches(one, uri) for uri in (self.profile.party, self.label.owner))

    def _touches(self, one: Activated, uri: str) -> bool:
        party = self.facts.parties.get(uri)
        return uri in one.joined or (party is not None and eligible(one, party, self.facts.at))

    def reason(self, reason: Reason) -> ClauseAccount:
        """Return the account of what determined the verdict: a policy of the slice, or a rule of the gate's own."""
        policy = next((policy for policy in self.slice_.policies if policy.id == reason.policy_id), None)
        if policy is None or policy.agreement is None:
            sentence = self._grant_sentence() if reason.clause == "tocsin.grant" else HUB_SENTENCES[reason.clause]
            return ClauseAccount(
                effect=reason.effect,
                agreement=None,
                version=None,
                clause=reason.clause,
                sentence=sentence,
                cedar="" if policy is None else policy.text,
            )
        known = (*self.facts.agreements, *self.facts.former)
        one = next(one for one in known if policy.id.startswith(f"{one.id}/"))
        clause = one.document.clause(policy.clause)
        if clause is None:  # policies are compiled from the document's own clauses
            raise LookupError(policy.id)
        compiled = compile_clause(one.document, clause, one.names, amendment=one.amends is not None)
        account = self._account(one, compiled, self._failed(one, compiled.unless))
        if not policy.id.endswith(LEFT):
            return account
        return msgspec.structs.replace(
            account, sentence=f"{account.sentence}; it survives, and binds who left", cedar=policy.text
        )

    def _grant_sentence(self) -> str:
        """Return which grant it is, from when until when; the owner's reason with it."""
        grant = next((one for one in self.grants if one.uuid == self.label.grant), None)
        if grant is None:
            return HUB_SENTENCES["tocsin.grant"]
        why = f": {grant.reason}" if grant.reason else ""
        return (
            f"grant {grant.uuid}: its owner granted it to {self._name(grant.party)} from {_day(grant.given_at)} "
            f"until {format_instant(grant.until)}{why}"
        )

    def permit(self, one: Activated, clause: Clause) -> ClauseAccount:
        """Return the account of a permit, with the conditions that were not met."""
        compiled = compile_clause(one.document, clause, one.names, amendment=one.amends is not None)
        return self._account(one, compiled, self._failed(one, compiled.when))

    def _account(self, one: Activated, compiled: Compiled, failed: tuple[str, ...]) -> ClauseAccount:
        policy = compiled.policy
        return ClauseAccount(
            effect=policy.effect,
            agreement=policy.agreement,
            version=policy.version,
            clause=policy.clause,
            sentence=_clause_sentence(compiled),
            cedar=policy.text,
            bases=tuple(self._bases(one, compiled.clause)),
            failed=failed,
        )

    def _failed(self, one: Activated, conditions: tuple[Condition, ...]) -> tuple[str, ...]:
        """Return what Cedar finds not to hold, each with what is the case instead."""
        if not conditions:
            return ()
        policies = [
            policy_text(Policy(id=str(index), effect=Effect.ALLOW, clause="-", text=""), when=(condition.cedar,))
            for index, condition in enumerate(conditions)
        ]
        truths = truths_of(one, (self.profile.party, self.label.owner), self.facts)
        # every condition that holds is a permit that applies, and Cedar names all of those
        (answer,) = cedarpy.is_authorized_batch(
            [request_for(0)],
            cedarpy.PolicySet.from_str("\n".join(policies)),
            entities_for(self.slice_, self.profile, [self.label], among=truths),
        )
        held = set(answer.diagnostics.id_annotations_by_reason.values())
        return tuple(
            f"not so: {condition.says} ({self._instead(one, condition)})"
            for index, condition in enumerate(conditions)
            if str(index) not in held
        )

    def _instead(self, one: Activated, condition: Condition) -> str:
        """Return what is the case where a condition does not hold."""
        if condition.basis is not None:
            uri = self.profile.party if condition.about == "reader.basis" else self.label.owner
            return self._standing_of(one, condition.basis, uri)
        if condition.about == "reader.member":
            return self._standing(one, self.profile.party)
        if condition.about == "owner.member":
            return self._standing(one, self.label.owner)
        if condition.about == "reader.annex":
            return self._annex_stands(one)
        if condition.about == "owner.signed":
            return f"{self._name(self.label.owner)} is bound by it as an amendment"
        return _actual(condition.about, self.profile, self.label, self._name)

    def _standing(self, one: Activated, uri: str) -> str:
        """Return how a party stands to an agreement that it is not a member of."""
        party = self.facts.parties.get(uri)
        name = self._name(uri)
        ends = one.left.get(uri)
        if ends is not None and ends <= self.facts.at:
            return f"{name} withdrew, with effect of {_day(ends)}"
        if party is None:
            return f"{name} is no party of this hub"
        if not eligible(one, party, self.facts.at):
            signed = ", though it signed" if uri in one.joined else ""
            return f"{name} is neither named nor does it meet the criteria{signed}"
        if uri not in one.joined:
            named = any(one.names.get(entry.name or "") == uri for entry in one.document.parties)
            return f"{name} {'is named' if named else 'meets the criteria'} but has not signed"
        if party.status is not PartyStatus.VETTED:
            return f"{name} is {party.status}"
        return f"{name} is a member"

    def _annex_stands(self, one: Activated) -> str:
        ended = [each.last for each in one.annexes if each.last <= self.facts.at]
        return f"an activation ended at {format_instant(max(ended))}" if ended else "nobody has activated it"

    def _standing_of(self, one: Activated, basis: str, uri: str) -> str:
        account = self._basis(one, basis, uri, end="")
        if account.key is None or account.valid_from is None:
            return f"the agreement names none for {self._name(uri)}"
        if self.facts.at < account.valid_from:
            return f"for {account.key} it starts on {_day(account.valid_from)}"
        return f"for {account.key} it lapsed on {_day(account.valid_until or 0)}"

    def _bases(self, one: Activated, clause: Clause) -> Iterator[BasisAccount]:
        for name in clause.rests_on:
            yield self._basis(one, name, self.profile.party, end="reader")
            yield self._basis(one, name, self.label.owner, end="owner")

    def _basis(self, one: Activated, name: str, uri: str, *, end: str) -> BasisAccount:
        party, basis = self.facts.parties.get(uri), one.document.basis(name)
        entry = basis.entry_for(country=party.country, kind=party.kind) if party is not None and basis else None
        if entry is None:
            return BasisAccount(name=name, end=end, party=self._name(uri), holds=False)
        grace = None if basis is None else self.facts.grace(basis, uri, one.graces)
        return BasisAccount(
            name=name,
            end=end,
            party=self._name(uri),
            holds=entry.holds(self.facts.at) or grace is not None,
            key=entry.key,
            cite=entry.cite,
            valid_from=entry.valid_from,
            valid_until=entry.valid_until,
            grace_until=None if grace is None else grace.until,
        )

    def for_client(self, reader: str) -> Remark:
        """Return whose verdict it is, where a reader could read for itself."""
        client = self._name(self.profile.party)
        return Remark(text=f"{self._name(reader)} may read it itself, and not for its client {client}, the reader here")

    def remarks(self) -> Iterator[Remark]:
        """Yield which agreements there are, or could be, between reader and owner; and what ended."""
        if self.label.ends is not None and self.label.over(self.facts.at):
            ended = format_instant(self.label.ends)
            yield Remark(text=f"the policy on it ended at {ended}: since then it is for its owner alone")
        reader, owner = self.profile.party, self.label.owner
        if reader != owner and not any({reader, owner} <= members for members in self.facts.members.values()):
            yield Remark(text=f"no agreement in force joins {self._name(reader)} and {self._name(owner)}")
        for one in self.facts.agreements:
            if self.concerns(one):
                called = f"{one.document.name} version {one.document.version}"
                for text in self._stands(one, tuple(dict.fromkeys((reader, owner)))):
                    yield Remark(text=f"{called}: {text}", agreement=one.document.name)

    def _stands(self, one: Activated, ends: tuple[str, ...]) -> Iterator[str]:
        document = one.document
        if self.facts.at < document.starts:
            yield f"it is in force from {_day(document.starts)}"
        elif document.ends is not None and document.ends <= self.facts.at:
            yield f"it was in force until {_day(document.ends)}"
        elif one.status is not AgreementStatus.IN_FORCE:
            yield f"it is {one.status}: it permits nothing, and what it forbids stays forbidden"
        else:
            for uri in ends:
                if uri not in self.facts.members[one.id]:
                    yield self._standing(one, uri)

    def _name(self, uri: str) -> str:
        party = self.facts.parties.get(uri)
        return party.name if party is not None else uri


def _actual(about: str, profile: Profile, label: Label, name: Callable[[str], str]) -> str:
    """Return the value that a condition met instead."""

    def some(values: Iterable[str]) -> str:
        return f"there: {listed(sorted(values), last='and')}"

    def one(value: str | None) -> str:
        return "there is none" if value is None else f"it is {value}"

    actual: dict[str, Callable[[], str]] = {
        "bound": lambda: "neither is",
        "tlp": lambda: one(label.tlp),
        "pap": lambda: one(label.pap),
        "type": lambda: one(label.type),
        "categories": lambda: some(label.categories),
        "sectors": lambda: some(label.sectors),
        "countries": lambda: some(label.countries),
        "residency": lambda: one(label.residency),
        "owner": lambda: one(name(label.owner)),
        "recipients": lambda: "it is not",
        "purpose": lambda: one(profile.purpose),
        "reader.party": lambda: one(name(profile.party)),
        "reader.capacities": lambda: some(profile.capacities),
        "reader.roles": lambda: some(profile.roles),
        "reader.sectors": lambda: some(profile.sectors),
        "reader.country": lambda: one(profile.country),
        "reader.party_kind": lambda: one(profile.party_kind),
        "reader.communities": lambda: some(profile.communities),
        "reader.person": lambda: one(None if profile.user is None else f"{profile.user}@{name(profile.party)}"),
        "reader.nationality": lambda: one(profile.nationality),
        "reader.data_region": lambda: one(profile.data_region),
        "reader.clearance": lambda: one(profile.clearance),
    }
    return actual[about]()


def _day(at: Micros) -> str:
    return format_instant(at)[:10]


def _end(at: Micros | None) -> str:
    return "without end" if at is None else f"until {_day(at)}"
