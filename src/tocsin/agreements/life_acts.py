"""What becomes of a version once it was proposed, on the caller's connection: each act checks, writes, logs, counts.

What the partnership does to a version takes a mandate. What a party says of it for itself (it objects to an amendment,
it gives notice) is signed by its own signatory, as the version was.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements import store
from tocsin.agreements.acts import Entering, concerned_by, require_version, signing_key
from tocsin.agreements.document import Said, Signed, act_bytes, verify_bytes
from tocsin.agreements.facts import Facts, Grace, eligible
from tocsin.agreements.life import AgreementAct, AgreementStatus, next_status
from tocsin.agreements.membership import (
    StandingAct,
    Tally,
    carried_over,
    leaves_at,
    require_grace,
    require_objection,
    tally,
)
from tocsin.agreements.seals import require_seal
from tocsin.agreements.store import AgreementRow
from tocsin.agreements.wire import attaching_data, saying_data, version_data
from tocsin.errors import ConflictError, ForbiddenError, InputError, LimitError, TransitionError
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import Right
from tocsin.parties import store as parties
from tocsin.parties.model import Party, User, check_remark
from tocsin.parties.register import require_party, require_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin.kernel.mandate import Mandate

__all__ = ["MAX_ATTACHMENT", "MAX_ATTACHMENTS", "LifeActs", "kinds_of_members"]

# A detached signature with its chain has some ten kilobytes; the paper itself stays with its parties.
MAX_ATTACHMENT: Final = 65_536
# Each party may stamp and seal; they are read whole when a version is shown.
MAX_ATTACHMENTS: Final = 100

_ENTRIES: Final[Mapping[AgreementAct, tuple[str, Right]]] = {
    AgreementAct.SUSPEND: ("agreement.suspended", Right.AGREEMENT_SUSPEND),
    AgreementAct.RESUME: ("agreement.resumed", Right.AGREEMENT_RESUME),
    AgreementAct.TERMINATE: ("agreement.terminated", Right.AGREEMENT_TERMINATE),
    AgreementAct.DROP: ("agreement.dropped", Right.AGREEMENT_TERMINATE),
}


class _Word(msgspec.Struct, frozen=True, kw_only=True):
    """What a signatory says of a version, for their party."""

    row: AgreementRow
    party: Party
    user: User
    made: Signed
    reason: str
    at: Micros


class LifeActs(Entering):
    """The acts of one actor in one transaction."""

    # --- of the partnership ------------------------------------------------------------------------------------------

    def suspend(self, mandate: Mandate, name: str, version: int, reason: str) -> None:
        """Let a version permit nothing until it is resumed; what it forbids stays forbidden.

        Raises:
            ForbiddenError: the mandate is not for this.
            NotFoundError: there is no such version.
            TransitionError: it is not in force.
            InputError: there is no reason, or it is too long.
        """
        self._change(AgreementAct.SUSPEND, mandate, name, version, reason)

    def resume(self, mandate: Mandate, name: str, version: int, reason: str) -> None:
        """Let a suspended version permit again; errors are those of ``suspend``."""
        self._change(AgreementAct.RESUME, mandate, name, version, reason)

    def terminate(self, mandate: Mandate, name: str, version: int, reason: str) -> AgreementStatus:
        """End a version before its term, for good; one that was never in force is dropped. Returns where it stands.

        It permits nothing any more. What it forbids stays forbidden until its term is over, or all sign another
        version: nobody's termination opens what somebody's signature closed. Errors are those of ``suspend``.
        """
        row = require_version(self._connection, self._environment, name, version)
        draft = row.status in (AgreementStatus.PROPOSED, AgreementStatus.SIGNED)
        return self._change(AgreementAct.DROP if draft else AgreementAct.TERMINATE, mandate, name, version, reason)

    def _change(self, act: AgreementAct, mandate: Mandate, name: str, version: int, reason: str) -> AgreementStatus:
        kind, right = _ENTRIES[act]
        mandate.require(self._log.environment_name, right, f"{name}/{version}")
        row = require_version(self._connection, self._environment, name, version)
        status = next_status(row.status, act)
        reason = _reason(reason)
        at = self._log.now(self._connection)
        store.set_status(self._connection, row.agreement_id, status, at, reason=reason)
        self._record(kind, at, concerned_by(row), version_data(row.document) | {"reason": reason}, mandate=mandate)
        return status

    def adopt(self, mandate: Mandate, name: str, version: int) -> frozenset[str]:
        """Bring an amendment into force for all members who did not object; returns those whom it carries unsigned.

        Raises:
            ForbiddenError: the mandate is not for this.
            NotFoundError: there is no such version.
            TransitionError: it is no amendment of what is in force, its term has ended, too few signed, as many
                object, or members can still object.
        """
        mandate.require(self._log.environment_name, Right.AGREEMENT_ACTIVATE, f"{name}/{version}")
        row = require_version(self._connection, self._environment, name, version)
        at = self._log.now(self._connection)
        status = next_status(row.status, AgreementAct.ADOPT)
        if row.document.ends is not None and row.document.ends <= at:
            raise TransitionError(f"the term of {row.document.id} has ended", todo="propose a higher version")
        stands = self.tally(row, at)
        old = self._version_in_force(name)
        if stands.missing or old is None:
            raise TransitionError(f"{row.document.id} cannot be adopted", todo="; ".join(stands.missing))
        carried, leaving = carried_over(row.standing, old.standing, at)
        self._supersede_below(name, version, at)
        store.set_status(self._connection, row.agreement_id, status, at)
        for uri in sorted(carried):
            made = store.StandingRow(party=uri, act=StandingAct.ADOPT, at=at)
            store.add_standing(self._connection, self._environment, row.agreement_id, made)
        for uri, until in leaving.items():
            made = store.StandingRow(party=uri, act=StandingAct.WITHDRAW, at=at, until=until)
            store.add_standing(self._connection, self._environment, row.agreement_id, made)
        graces = self._bring_graces(require_version(self._connection, self._environment, name, version), old, at)
        told = {"amends": old.version, "carried": sorted(carried), "leaving": leaving}
        data = version_data(row.document) | told | graces
        concerned = concerned_by(row) | concerned_by(old)
        self._record("agreement.adopted", at, concerned, data, mandate=mandate)
        return carried

    def tally(self, row: AgreementRow, at: Micros) -> Tally:
        """Return how an amendment stands.

        Raises:
            TransitionError: it amends nothing that is in force.
        """
        old = self._version_in_force(row.name)
        everyone = {one.party.uri: one.party for one in parties.party_rows(self._connection, self._environment)}
        kinds = {} if old is None else kinds_of_members(old, everyone, at)
        return tally(row.standing, None if old is None else old.standing, kinds, at)

    def admit(self, mandate: Mandate, name: str, version: int, party: str, reason: str) -> None:
        """Let a party accede to a version in force whose accession takes a motion: its signatory still signs.

        Raises:
            ForbiddenError: the mandate is not for this, or the party does not meet the criteria.
            NotFoundError: there is no such version or party.
            TransitionError: it is not in force.
            ConflictError: the party was admitted, or has joined.
            InputError: there is no reason, or it is too long.
        """
        mandate.require(self._log.environment_name, Right.ACCESSION_ADMIT, f"{name}/{version}:{party}")
        row = require_version(self._connection, self._environment, name, version)
        found = require_party(self._connection, self._environment, party).party
        at = self._log.now(self._connection)
        next_status(row.status, AgreementAct.ADMIT)
        if not eligible(row.activated, found, at):
            raise ForbiddenError(f"{party} is neither named in {row.document.id} nor meets its criteria")
        if found.uri in row.who(StandingAct.ADMIT) | row.activated.joined:
            raise ConflictError(f"{party} was admitted to {row.document.id}, or has joined it, already")
        reason = _reason(reason)
        made = store.StandingRow(party=found.uri, act=StandingAct.ADMIT, at=at, reason=reason)
        store.add_standing(self._connection, self._environment, row.agreement_id, made)
        data = version_data(row.document) | {"party": found.uri, "reason": reason}
        self._record("agreement.admitted", at, concerned_by(row) | {found.uri}, data, mandate=mandate)

    def grace(
        self,
        mandate: Mandate,
        name: str,
        version: int,
        *,
        basis: str,
        parties_: Iterable[str],
        until: Micros,
        reason: str,
    ) -> Grace:
        """Let a legal basis that lapses count as valid for some parties, by short name, until an instant.

        Raises:
            ForbiddenError: the mandate is not for this, or a party is not bound by the version.
            NotFoundError: there is no such version or party.
            TransitionError: it is not in force.
            InputError: there is no such basis or no end of it, the end is past or beyond what a grace can be, nobody
                is named, or there is no reason.
        """
        mandate.require(self._log.environment_name, Right.LAPSE_GRACE, f"{name}/{version}:{basis}")
        row = require_version(self._connection, self._environment, name, version)
        at = self._log.now(self._connection)
        found = [require_party(self._connection, self._environment, one).party for one in sorted(set(parties_))]
        if not found:
            raise InputError("a grace is for somebody", where="parties", todo="name the parties")
        require_grace(row.standing, basis, found, until, at)
        reason = _reason(reason)
        uris = frozenset(one.uri for one in found)
        grace = Grace(basis=basis, parties=uris, until=until, number=len(row.graces) + 1)
        granted = store.GraceRow(grace=grace, at=at, reason=reason)
        store.add_grace(self._connection, self._environment, row.agreement_id, granted)
        data = version_data(row.document) | {
            "basis": basis,
            "parties": sorted(uris),
            "until": until,
            "reason": reason,
        }
        self._record("agreement.grace", at, concerned_by(row), data, mandate=mandate)
        return grace

    # --- of a party --------------------------------------------------------------------------------------------------

    def object(self, name: str, version: int, *, signatory: str, made: Signed, reason: str) -> None:
        """Enter a member's objection to an amendment: it is not bound by it, and counts against it.

        Raises:
            NotFoundError: there is no such version or user.
            ForbiddenError: the user does not sign for a party that the amended version binds, or the signature is not
                theirs.
            ConflictError: it signed or objected already.
            TransitionError: it amends nothing that is in force, or nobody can object any more.
            InputError: there is no reason, or a signature is none.
        """
        word = self._word(name, version, signatory, made, reason)
        old = self._version_in_force(name)
        require_objection(word.row.standing, None if old is None else old.standing, word.party, word.at)
        self._enter_word("agreement.objected", word, StandingAct.OBJECT, Said.OBJECT, until=None)

    def withdraw(self, name: str, version: int, *, signatory: str, made: Signed, reason: str) -> Micros:
        """Enter a party's notice; returns when it leaves. From then on only what survives binds it.

        Raises:
            NotFoundError: there is no such version or user.
            ForbiddenError: the user does not sign for a party that is bound, the document says nothing of withdrawal,
                or the signature is not theirs.
            ConflictError: it gave notice already.
            TransitionError: the version is not one that somebody leaves.
            InputError: there is no reason, or a signature is none.
        """
        word = self._word(name, version, signatory, made, reason)
        leaves = leaves_at(word.row.standing, word.party, word.at)
        self._enter_word("agreement.withdrawn", word, StandingAct.WITHDRAW, Said.WITHDRAW, until=leaves)
        return leaves

    def _word(self, name: str, version: int, signatory: str, made: Signed, reason: str) -> _Word:
        row = require_version(self._connection, self._environment, name, version)
        found, person = require_user(self._connection, self._environment, signatory)
        at = self._log.now(self._connection)
        return _Word(row=row, party=found.party, user=person.user, made=made, reason=_reason(reason), at=at)

    def _enter_word(self, kind: str, word: _Word, act: StandingAct, said: Said, *, until: Micros | None) -> None:
        document, party, user, made = word.row.document, word.party, word.user, word.made
        # a suspended party is kept in no more than any other
        key = signing_key(party, user, document.name, word.at, suspended_too=True)
        verify_bytes(
            act_bytes(document, said, party=party.uri, reason=word.reason),
            made,
            public_key=key,
            ml_dsa_key=user.ml_dsa_key,
            what=f"{'objection' if said is Said.OBJECT else 'notice'} of {party.name}",
        )
        entered = store.StandingRow(
            party=party.uri,
            act=act,
            at=word.at,
            until=until,
            reason=word.reason,
            signatory=user.name,
            key=key,
            signature=made.signature,
            ml_dsa_key=user.ml_dsa_key,
            ml_dsa_signature=made.ml_dsa_signature,
        )
        store.add_standing(self._connection, self._environment, word.row.agreement_id, entered)
        data = saying_data(
            document,
            party=party.uri,
            signatory=user.name,
            key=key,
            ml_dsa_key=user.ml_dsa_key,
            made=made,
            reason=word.reason,
            leaves=until,
        )
        self._record(kind, word.at, concerned_by(word.row) | {party.uri}, data)

    def attach(
        self, name: str, version: int, *, party: str, title: str, content: bytes, over: str, outcome: str
    ) -> str:
        """Enter a file beside a version: a detached signature or seal; returns the SHA-256 of its bytes.

        Args:
            name: of the agreement.
            version: of the agreement.
            party: whose it is, by short name.
            title: what it is called.
            content: the file.
            over: SHA-256 of what it is said to sign, hexadecimal.
            outcome: what checking it gave.

        Raises:
            NotFoundError: there is no such version or party.
            LimitError: it is too large, or the version has too many.
            ConflictError: the same file is there.
            InputError: it is no detached signature at all, or the title is no line of text.
        """
        row = require_version(self._connection, self._environment, name, version)
        owner = require_party(self._connection, self._environment, party).party
        if len(content) > MAX_ATTACHMENT:
            raise LimitError(f"an attachment has at most {MAX_ATTACHMENT} bytes", todo="attach the signature alone")
        require_seal(content)
        there = store.attachments(self._connection, row.agreement_id)
        if len(there) >= MAX_ATTACHMENTS:
            raise LimitError(f"a version has at most {MAX_ATTACHMENTS} attachments")
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 in {one.sha256 for one in there}:
            raise ConflictError("this file is attached already", where=row.document.id)
        at = self._log.now(self._connection)
        made = store.Attachment(
            sha256=sha256,
            party=owner.uri,
            title=check_remark(title, "title"),
            over=over,
            content=content,
            at=at,
            outcome=check_remark(outcome, "outcome"),
        )
        store.add_attachment(self._connection, self._environment, row.agreement_id, made)
        data = attaching_data(
            row.document,
            party=owner.uri,
            title=made.title,
            over=over,
            content=content,
            sha256=sha256,
            outcome=made.outcome,
        )
        self._record("agreement.attached", at, concerned_by(row) | {owner.uri}, data)
        return sha256


def kinds_of_members(row: AgreementRow, everyone: Mapping[str, Party], at: Micros) -> dict[str, str]:
    """Return the kind of each member that a version has now, by URI."""
    facts = Facts(at=at, parties=everyone, agreements=(row.activated,))
    return {uri: str(everyone[uri].kind) for uri in facts.members.get(row.document.id, ())}


def _reason(text: str) -> str:
    if not text.strip():
        raise InputError("this act takes a reason", where="reason", todo="say why, in a line")
    return check_remark(text, "reason")
