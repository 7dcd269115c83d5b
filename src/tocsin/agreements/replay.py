"""Agreements rebuilt from the payloads of the log alone.

What is read here comes from an export that somebody else may have made: every step that the rules of the house do not
allow is a broken log, named by its kind. Policies are compiled anew and must be those that the log tells of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.acts import signature_completes
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import document_digest, names_of, parse_agreement, verify_signature
from tocsin.agreements.facts import Activated, Facts, eligible
from tocsin.agreements.life import AgreementAct, AgreementStatus, next_status
from tocsin.agreements.wire import Activation, Proposal, Signing, from_data, policies_text
from tocsin.errors import ForbiddenError, InputError, LogBrokenError, TransitionError
from tocsin.parties.model import PartyStatus, Role, UserStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.agreements.document import AgreementDocument
    from tocsin.kernel.clock import Micros
    from tocsin.parties.replay import People

__all__ = ["KINDS", "Agreed", "Standing", "apply", "facts_of"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One version, as it stands."""

    activated: Activated
    status: AgreementStatus


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """Every version by its id, ``name/version``."""

    versions: Mapping[str, Standing] = msgspec.field(default_factory=dict)


def apply(agreed: Agreed, kind: str, data: Mapping[str, object], *, people: People, at: Micros) -> Agreed:
    """Return what an entry makes of agreements; an entry of another room changes nothing.

    Args:
        agreed: what the entries before it made.
        kind: of the entry.
        data: of the entry.
        people: parties and users, as the entries before it made them.
        at: the instant of the entry.

    Raises:
        LogBrokenError: the payload is not one that this kind has, or tells of something that cannot have happened.
    """
    step = _STEPS.get(kind)
    if step is None:
        return agreed
    try:
        return step(agreed, data, people, at)
    except (InputError, ForbiddenError, TransitionError) as error:
        raise LogBrokenError(str(error), where=kind) from error


def facts_of(agreed: Agreed, people: People, at: Micros) -> Facts:
    """Return what verdicts rest on at an instant, as the gate takes it."""
    return Facts(
        at=at,
        parties=dict(people.parties),
        agreements=tuple(
            standing.activated
            for _, standing in sorted(
                agreed.versions.items(),
                key=lambda item: (item[1].activated.document.name, item[1].activated.document.version),
            )
            if standing.status is AgreementStatus.IN_FORCE
        ),
    )


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
    policies = compile_agreement(document, names)
    if policies_text(policies) != proposal.policies:
        raise InputError("its policies are not those that this release compiles its document to", where=where)
    activated = Activated(document=document, names=names, signed=frozenset(), policies=policies)
    return _put(agreed, Standing(activated=activated, status=AgreementStatus.PROPOSED))


def _sign(agreed: Agreed, data: Mapping[str, object], people: People, at: Micros) -> Agreed:
    signing = from_data(data, Signing)
    standing = _known(agreed, signing)
    activated = standing.activated
    where = f"{activated.id}, signature of {signing.party}"
    party, user = people.parties.get(signing.party), people.users.get((signing.party, signing.signatory))
    if party is None or user is None:
        raise InputError("party or signatory were never added", where=where)
    if party.status is not PartyStatus.VETTED:
        raise InputError(f"a party signed that was {party.status}", where=where)
    if user.status is not UserStatus.ACTIVE:
        raise InputError(f"a user signed who was {user.status}", where=where)
    if Role.SIGNATORY not in user.roles or user.signing_key != signing.key:
        raise InputError("it is not by a signatory's registered key", where=where)
    if party.uri in activated.signed or not eligible(activated, party, at):
        raise InputError("this party could not sign", where=where)
    _check_term(activated.document, at, where)
    verify_signature(activated.document, public_key=signing.key, signature=signing.signature)
    status = next_status(standing.status, AgreementAct.SIGN)
    signed = activated.signed | {party.uri}
    if status is AgreementStatus.PROPOSED and signature_completes(activated.document, activated.names, signed):
        status = next_status(status, AgreementAct.COMPLETE)
    return _put(agreed, Standing(activated=msgspec.structs.replace(activated, signed=signed), status=status))


def _activate(agreed: Agreed, data: Mapping[str, object], _people: People, at: Micros) -> Agreed:
    activation = from_data(data, Activation)
    standing = _known(agreed, activation)
    status = next_status(standing.status, AgreementAct.ACTIVATE)
    _check_term(standing.activated.document, at, standing.activated.id)
    others = [
        one
        for one in agreed.versions.values()
        if one.activated.document.name == activation.agreement and one.status is not AgreementStatus.SUPERSEDED
    ]
    in_force = [one.activated.document.version for one in others if one.status is AgreementStatus.IN_FORCE]
    if in_force != ([] if activation.supersedes is None else [activation.supersedes]):
        raise InputError("it supersedes another version than the entry says", where=standing.activated.id)
    if any(version > activation.version for version in in_force):
        raise InputError("a higher version was in force", where=standing.activated.id)
    for one in others:
        if one.activated.document.version < activation.version:
            ended = next_status(one.status, AgreementAct.SUPERSEDE)
            agreed = _put(agreed, msgspec.structs.replace(one, status=ended))
    return _put(agreed, msgspec.structs.replace(standing, status=status))


def _check_term(document: AgreementDocument, at: Micros, where: str) -> None:
    if document.ends is not None and document.ends <= at:
        raise InputError("its term had ended", where=where)


def _known(agreed: Agreed, entry: Signing | Activation) -> Standing:
    standing = agreed.versions.get(f"{entry.agreement}/{entry.version}")
    if standing is None or document_digest(standing.activated.document).hex() != entry.digest:
        raise InputError(f"it is about a version that was never proposed: {entry.agreement[:80]}/{entry.version}")
    return standing


def _put(agreed: Agreed, standing: Standing) -> Agreed:
    return Agreed(versions={**agreed.versions, standing.activated.id: standing})


_STEPS: Final[dict[str, Callable[[Agreed, Mapping[str, object], People, Micros], Agreed]]] = {
    "agreement.proposed": _propose,
    "agreement.signed": _sign,
    "agreement.activated": _activate,
}
KINDS: Final = frozenset(_STEPS)
