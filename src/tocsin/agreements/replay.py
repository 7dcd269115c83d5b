"""Agreements rebuilt from the payloads of the log alone.

What is read here comes from an export that somebody else may have made: every step that the rules of the house do not
allow is a broken log, named by its kind. Policies are compiled anew and must be those that the log tells of.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from tocsin.agreements.acts import signature_completes, signing_key
from tocsin.agreements.annexes.replay import ANNEX_KINDS, Emergencies
from tocsin.agreements.annexes.replay import step as annex_step
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import (
    Said,
    act_bytes,
    document_digest,
    names_of,
    parse_agreement,
    verify_bytes,
    verify_signature,
)
from tocsin.agreements.facts import Activated, Facts, Grace, eligible
from tocsin.agreements.life import AgreementAct, AgreementStatus, next_status
from tocsin.agreements.membership import (
    Standing,
    carried_over,
    current,
    going_on,
    heeded,
    leaves_at,
    require_accession,
    require_grace,
    require_objection,
    tally,
)
from tocsin.agreements.wire import (
    Activation,
    Admission,
    Adoption,
    Attaching,
    Change,
    Granting,
    Proposal,
    Saying,
    Signing,
    from_data,
    policies_text,
)
from tocsin.errors import ConflictError, ForbiddenError, InputError, LogBrokenError, NotFoundError, TransitionError

if TYPE_CHECKING:
    from tocsin.agreements.document import AgreementDocument
    from tocsin.kernel.clock import Micros
    from tocsin.parties.model import Party, User
    from tocsin.parties.replay import People

__all__ = ["KINDS", "Agreed", "apply", "facts_of"]

_Step: TypeAlias = "Callable[[Agreed, Mapping[str, object], People, Micros], Agreed]"
_Signatory: TypeAlias = "tuple[Party, User]"
_About: TypeAlias = "Activation | Admission | Adoption | Attaching | Change | Granting | Signing | _Named"


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    """The version that an entry is about."""

    agreement: str
    version: int
    digest: str


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """Every version by its id, ``name/version``; ``reasons`` is why it stands where it does, where somebody said."""

    versions: Mapping[str, Standing] = msgspec.field(default_factory=dict)
    reasons: Mapping[str, str] = msgspec.field(default_factory=dict)
    attached: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)  # SHA-256 of files beside it
    emergencies: Emergencies = Emergencies()

    def of(self, name: str) -> list[Standing]:
        """Return the versions of one agreement, lowest first."""
        found = [one for one in self.versions.values() if one.activated.document.name == name]
        return sorted(found, key=lambda one: one.activated.document.version)


def apply(
    agreed: Agreed, kind: str, data: Mapping[str, object], *, people: People, at: Micros, mandate: str | None
) -> Agreed:
    """Return what an entry makes of agreements; an entry of another room changes nothing.

    Args:
        agreed: what the entries before it made.
        kind: of the entry.
        data: of the entry.
        people: parties and users, as the entries before it made them.
        at: the instant of the entry.
        mandate: that it names.

    Raises:
        LogBrokenError: the payload is not one that this kind has, or tells of something that cannot have happened.
    """
    step = _STEPS.get(kind)
    if step is None and kind not in ANNEX_KINDS:
        return agreed
    try:
        if step is None:
            return _emergency(agreed, kind, data, people=people, at=at, mandate=mandate)
        return step(agreed, data, people, at)
    except (InputError, ForbiddenError, TransitionError, ConflictError, NotFoundError) as error:
        raise LogBrokenError(str(error), where=kind) from error
    except msgspec.ValidationError as error:
        raise LogBrokenError(f"it names no version: {error}", where=kind) from error


def facts_of(agreed: Agreed, people: People, at: Micros) -> Facts:
    """Return what verdicts rest on at an instant, as the gate takes it."""
    agreements, former = heeded(agreed.versions.values())
    return Facts(at=at, parties=dict(people.parties), agreements=agreements, former=former)


def _emergency(
    agreed: Agreed, kind: str, data: Mapping[str, object], *, people: People, at: Micros, mandate: str | None
) -> Agreed:
    standing = None
    if kind != "duty.set":
        about = msgspec.convert({key: data.get(key) for key in ("agreement", "version", "digest")}, _Named)
        standing = _known(agreed, about)
    version = None if standing is None else standing.activated
    told = annex_step(agreed.emergencies, kind, data, version, people=people, at=at, mandate=mandate)
    agreed = replace(agreed, emergencies=told)
    if standing is None or version is None:
        return agreed
    history = told.histories[version.document.name]
    return _put(agreed, _now(standing, replace(version, annexes=history.of(version.document.version))))


def _propose(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    proposal = from_data(data, Proposal)
    by_name = {party.name: party for party in people.parties.values()}
    where = f"{proposal.agreement}/{proposal.version}"
    document = parse_agreement(proposal.document.encode(), where=where, known_parties=by_name).document
    if (document.name, document.version, document_digest(document).hex()) != (
        proposal.agreement,
        proposal.version,
        proposal.digest,
    ):
        raise InputError("the document is another than the entry says", where=where)
    if where in agreed.versions:
        raise InputError("this version was proposed before", where=where)
    _check_term(document, at, where)
    names = {name: by_name[name].uri for name in names_of(document)}
    if names != proposal.names:
        raise InputError("its names mean other parties than the entry says", where=where)
    if proposal.amends is not None:
        old = current(agreed.of(document.name))
        if old is None or old.activated.document.version != proposal.amends or old.activated.document.amend_by is None:
            raise InputError("it amends a version that was not in force, or could not be amended", where=where)
        next_status(old.status, AgreementAct.ADMIT)  # what takes new members is in force
    amendment = proposal.amends is not None
    policies = compile_agreement(document, names, amendment=amendment)
    # annexes were no policies once; what a proposal of then does not tell of it has all the same
    without = compile_agreement(document, names, amendment=amendment, annexes=False)
    if proposal.policies not in (policies_text(policies), policies_text(without)):
        raise InputError("its policies are not those that this release compiles its document to", where=where)
    activated = Activated(
        document=document,
        names=names,
        signed=frozenset(),
        policies=policies,
        status=AgreementStatus.PROPOSED,
        amends=proposal.amends,
    )
    return _put(agreed, Standing(activated=activated, proposed_at=at))


def _sign(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    signing = from_data(data, Signing)
    standing = _known(agreed, signing)
    activated = standing.activated
    party, user = _signatory(people, signing, activated.document.name, at)
    if party.uri in activated.signed:
        raise InputError("this party had signed", where=activated.id)
    _check_term(activated.document, at, activated.id)
    require_accession(standing, party, at)
    verify_signature(activated.document, made=signing.made, public_key=signing.key, ml_dsa_key=user.ml_dsa_key)
    status = next_status(standing.status, AgreementAct.SIGN)
    signed = activated.signed | {party.uri}
    if status is AgreementStatus.PROPOSED and signature_completes(activated.document, activated.names, signed):
        status = next_status(status, AgreementAct.COMPLETE)
    return _put(agreed, _now(standing, replace(activated, status=status, signed=signed)))


def _signatory(
    people: People, signing: Signing, agreement: str, at: Micros, *, suspended_too: bool = False
) -> _Signatory:
    where = f"{signing.agreement}/{signing.version}, signature of {signing.party}"
    party, user = people.parties.get(signing.party), people.users.get((signing.party, signing.signatory))
    if party is None or user is None:
        raise InputError("party or signatory were never added", where=where)
    if signing_key(party, user, agreement, at, suspended_too=suspended_too) != signing.key:
        raise InputError("it is not by a signatory's registered key", where=where)
    if user.ml_dsa_key != signing.ml_dsa_key:
        raise InputError("it is not by the ML-DSA-44 key that was registered", where=where)
    return party, user


def _activate(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    activation = from_data(data, Activation)
    standing = _known(agreed, activation)
    status = next_status(standing.status, AgreementAct.ACTIVATE)
    _check_term(standing.activated.document, at, standing.activated.id)
    if standing.activated.amends is not None:
        raise InputError("an amendment comes into force by being adopted", where=standing.activated.id)
    graces = _graces_of(activation, standing.activated, current(agreed.of(activation.agreement)), people, at)
    agreed = _supersede_below(agreed, standing, activation.supersedes, at)
    standing = _now(standing, replace(standing.activated, status=status, graces=graces))
    return _put(agreed, replace(standing, activated_at=at))


def _graces_of(
    told: Activation | Adoption, new: Activated, old: Standing | None, people: People, at: Micros
) -> tuple[Grace, ...]:
    graces = tuple(going_on(new, None if old is None else old.activated, people.parties, at).values())
    if [(one.basis, one.parties, one.until) for one in graces] != [
        (one.basis, frozenset(one.parties), one.until) for one in told.graces
    ]:
        raise InputError("other graces go on than the entry says", where=new.id)
    return graces


def _supersede_below(agreed: Agreed, standing: Standing, supersedes: int | None, at: Micros) -> Agreed:
    document = standing.activated.document
    others = agreed.of(document.name)
    before = current(others)
    if (None if before is None else before.activated.document.version) != supersedes:
        raise InputError("it supersedes another version than the entry says", where=document.id)
    if supersedes is not None and supersedes > document.version:
        raise InputError("a higher version was in force", where=document.id)
    for one in others:
        ended = one.status in (AgreementStatus.SUPERSEDED, AgreementStatus.DROPPED)
        if one.activated.document.version < document.version and not ended:
            status = next_status(one.status, AgreementAct.SUPERSEDE)
            ended_at = at if one.ended_at is None else one.ended_at
            agreed = _put(agreed, replace(_now(one, replace(one.activated, status=status)), ended_at=ended_at))
    return agreed


def _adopt(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    adoption = from_data(data, Adoption)
    standing = _known(agreed, adoption)
    where = standing.activated.id
    status = next_status(standing.status, AgreementAct.ADOPT)
    _check_term(standing.activated.document, at, where)
    old = current(agreed.of(adoption.agreement))
    members = facts_of(agreed, people, at).members.get(f"{adoption.agreement}/{adoption.amends}", ())
    kinds = {uri: str(people.parties[uri].kind) for uri in members}
    missing = tally(standing, old, kinds, at).missing
    if missing or old is None:
        raise InputError(f"it could not be adopted: {'; '.join(missing)}", where=where)
    carried, leaving = carried_over(standing, old, at)
    if (sorted(carried), leaving, adoption.amends) != (adoption.carried, adoption.leaving, standing.activated.amends):
        raise InputError("it carries others than the entry says", where=where)
    agreed = _supersede_below(agreed, standing, adoption.amends, at)
    left = dict(standing.activated.left) | leaving
    adopted = replace(standing.activated, status=status, carried=carried, left=left)
    adopted = replace(adopted, graces=_graces_of(adoption, adopted, old, people, at))
    return _put(agreed, replace(standing, activated=adopted, activated_at=at))


def _change(act: AgreementAct) -> _Step:
    def step(agreed: Agreed, data: Mapping[str, object], _people: People, at: Micros) -> Agreed:
        change = from_data(data, Change)
        standing = _known(agreed, change)
        status = next_status(standing.status, act)
        ended_at = at if act in (AgreementAct.TERMINATE, AgreementAct.DROP) else standing.ended_at
        changed = _now(standing, replace(standing.activated, status=status))
        agreed = _put(agreed, replace(changed, ended_at=ended_at))
        return replace(agreed, reasons={**agreed.reasons, standing.activated.id: change.reason})

    return step


def _admit(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    admission = from_data(data, Admission)
    standing = _known(agreed, admission)
    next_status(standing.status, AgreementAct.ADMIT)
    party = people.parties.get(admission.party)
    if party is None or not eligible(standing.activated, party, at):
        raise InputError("a party was admitted that could not join", where=standing.activated.id)
    if party.uri in standing.admitted | standing.activated.joined:
        raise InputError("a party was admitted twice, or had joined", where=standing.activated.id)
    return _put(agreed, replace(standing, admitted=standing.admitted | {party.uri}))


def _grace(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    granting = from_data(data, Granting)
    standing = _known(agreed, granting)
    where = standing.activated.id
    unknown = [uri for uri in granting.parties if uri not in people.parties]
    if unknown or not granting.parties or granting.parties != sorted(set(granting.parties)):
        raise InputError("a grace is for nobody, for somebody twice, or for who was never added", where=where)
    require_grace(standing, granting.basis, [people.parties[uri] for uri in granting.parties], granting.until, at)
    graces = standing.activated.graces
    grace = Grace(
        basis=granting.basis, parties=frozenset(granting.parties), until=granting.until, number=len(graces) + 1
    )
    return _put(agreed, _now(standing, replace(standing.activated, graces=(*graces, grace))))


def _object(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    saying = from_data(data, Saying)
    standing = _known(agreed, saying)
    party, user = _signatory(people, saying, saying.agreement, at, suspended_too=True)
    require_objection(standing, current(agreed.of(saying.agreement)), party, at)
    _verify_word(standing, saying, user, Said.OBJECT)
    return _put(agreed, replace(standing, objections=standing.objections | {party.uri}))


def _withdraw(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    saying = from_data(data, Saying)
    standing = _known(agreed, saying)
    party, user = _signatory(people, saying, saying.agreement, at, suspended_too=True)
    if leaves_at(standing, party, at) != saying.leaves:
        raise InputError("it leaves at another instant than the document says", where=standing.activated.id)
    _verify_word(standing, saying, user, Said.WITHDRAW)
    left = {**standing.activated.left, party.uri: saying.leaves}
    return _put(agreed, _now(standing, replace(standing.activated, left=left)))


def _verify_word(standing: Standing, saying: Saying, user: User, said: Said) -> None:
    verify_bytes(
        act_bytes(standing.activated.document, said, party=saying.party, reason=saying.reason),
        saying.made,
        public_key=saying.key,
        ml_dsa_key=user.ml_dsa_key,
        what=f"word to {said}",
    )


def _attach(agreed: Agreed, data: Mapping[str, object], people: People, _at: Micros) -> Agreed:
    attaching = from_data(data, Attaching)
    where = _known(agreed, attaching).activated.id
    try:
        content = base64.b64decode(attaching.content, validate=True)
    except binascii.Error as error:
        raise InputError("an attachment is not base64", where=where) from error
    there = agreed.attached.get(where, frozenset())
    if hashlib.sha256(content).hexdigest() != attaching.sha256 or attaching.sha256 in there:
        raise InputError("an attachment is another than its hash says, or was there before", where=where)
    if attaching.party not in people.parties:
        raise InputError("an attachment is of a party that was never added", where=where)
    return replace(agreed, attached={**agreed.attached, where: there | {attaching.sha256}})


def _check_term(document: AgreementDocument, at: Micros, where: str) -> None:
    if document.ends is not None and document.ends <= at:
        raise InputError("its term had ended", where=where)


def _known(agreed: Agreed, entry: _About) -> Standing:
    standing = agreed.versions.get(f"{entry.agreement}/{entry.version}")
    if standing is None or document_digest(standing.activated.document).hex() != entry.digest:
        raise InputError(f"it is about a version that was never proposed: {entry.agreement[:80]}/{entry.version}")
    return standing


def _now(standing: Standing, activated: Activated) -> Standing:
    return replace(standing, activated=activated)


def _put(agreed: Agreed, standing: Standing) -> Agreed:
    return replace(agreed, versions={**agreed.versions, standing.activated.id: standing})


_STEPS: Final[dict[str, _Step]] = {
    "agreement.proposed": _propose,
    "agreement.signed": _sign,
    "agreement.activated": _activate,
    "agreement.adopted": _adopt,
    "agreement.suspended": _change(AgreementAct.SUSPEND),
    "agreement.resumed": _change(AgreementAct.RESUME),
    "agreement.terminated": _change(AgreementAct.TERMINATE),
    "agreement.dropped": _change(AgreementAct.DROP),
    "agreement.admitted": _admit,
    "agreement.grace": _grace,
    "agreement.objected": _object,
    "agreement.withdrawn": _withdraw,
    "agreement.attached": _attach,
}
KINDS: Final = frozenset(_STEPS) | ANNEX_KINDS
