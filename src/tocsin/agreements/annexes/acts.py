"""What can be done to emergency annexes, on the caller's connection: each act checks, writes, logs, counts.

A motion's mandate activates, ratifies, ends and reviews. Duty-holders call, each with their own key: the call that
completes what the agreement asks for activates the annex, or ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.acts import Entering, concerned_by, require_version, signing_key
from tocsin.agreements.annexes import model, store
from tocsin.agreements.annexes.callers import still_calls
from tocsin.agreements.annexes.model import (
    Activation,
    Asked,
    Call,
    History,
    Shift,
    annex_terms,
    check_shift,
    may_call,
)
from tocsin.agreements.annexes.wire import activations_data, call_bytes, decided_by
from tocsin.agreements.document import verify_bytes
from tocsin.agreements.facts import Facts
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.wire import version_data
from tocsin.errors import ForbiddenError, InputError, TransitionError
from tocsin.kernel.mandate import MandateBasis, Right
from tocsin.parties import store as parties
from tocsin.parties.model import Role, UserStatus, check_remark
from tocsin.parties.register import require_user

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tocsin.agreements.document import Signed
    from tocsin.agreements.store import AgreementRow
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.mandate import Mandate

__all__ = ["AnnexActs"]


class AnnexActs(Entering):
    """The acts of one actor in one transaction. Of each, ``reason`` is entered into the log."""

    def set_duty(self, mandate: Mandate, reference: str, *, starts: Micros, until: Micros) -> Shift:
        """Enter when somebody, ``user@party``, is on duty for their party; the last that is entered counts.

        Raises:
            ForbiddenError: the mandate is not for this.
            NotFoundError: there is no such user.
            InputError: it is no shift, or too long a one; or the user could sign nothing.
        """
        mandate.require(self._log.environment_name, Right.DUTY_SET, reference)
        found, person = require_user(self._connection, self._environment, reference)
        user = person.user
        if user.status is not UserStatus.ACTIVE or Role.SIGNATORY not in user.roles or user.signing_key is None:
            raise InputError(
                "on duty is an active signatory whose key is registered",
                where=reference,
                todo=f"tocsin user key {reference}",
            )
        shift = check_shift(Shift(party=found.party.uri, user=user.name, starts=starts, until=until))
        at = self._log.now(self._connection)
        store.put_shift(self._connection, self._environment, shift)
        self._record("duty.set", at, frozenset({shift.party}), dict(msgspec.structs.asdict(shift)), mandate=mandate)
        return shift

    def activate(self, mandate: Mandate, name: str, version: int, annex: str, reason: str) -> Activation:
        """Bring an annex into force, or prolong it, as a motion decided; or under the founding mandate, for half a day.

        Raises:
            ForbiddenError: the mandate is not for this, or is not of the body that the agreement names.
            NotFoundError: there is no such version or annex.
            TransitionError: the version is not in force.
            ConflictError: it is active, and no motion prolongs it; or it was opened before without one, and none has
                answered for that.
            InputError: there is no reason, or it is too long.
        """
        row, history = self._begin(mandate, Right.ANNEX_ACTIVATE, name, version, annex)
        at = self._require_in_force(row)
        terms = annex_terms(row.document, annex)
        number = len(history.activations) + 1
        if mandate.basis is MandateBasis.MOTION:
            made = model.by_motion(terms, annex=annex, version=version, at=at, number=number)
        else:
            made = model.by_founding(terms, history.activations, annex=annex, version=version, at=at, number=number)
            model.require_unused(history.activations, annex)
        self._enter(
            "annex.activated",
            row,
            annex,
            [made],
            reason,
            mandate=mandate,
            at=at,
            known=number - 1,
            by=decided_by(terms),
        )
        return made

    def ratify(self, mandate: Mandate, name: str, version: int, annex: str, reason: str) -> Activation:
        """Let what no body activated last as if a motion had; errors are those of ``end``.

        Only a motion does: under the founding mandate whoever runs the hub would prolong it alone.
        """
        row, history = self._begin(mandate, Right.ANNEX_ACTIVATE, name, version, annex)
        at = self._require_in_force(row)
        terms = annex_terms(row.document, annex)
        waiting = [one for one in history.active(annex, version, at) if not one.answered]
        if not waiting:
            raise TransitionError(f"the activation of {annex} needs no ratification")
        model.require_motion(annex, by_motion=mandate.basis is MandateBasis.MOTION)
        made = model.ratify(waiting[-1], terms, at=at)
        self._enter("annex.ratified", row, annex, [made], reason, mandate=mandate, at=at, by=decided_by(terms))
        return made

    def end(self, mandate: Mandate, name: str, version: int, annex: str, reason: str) -> None:
        """End an annex before its time.

        Raises:
            ForbiddenError: the mandate is not for this.
            NotFoundError: there is no such version or annex.
            TransitionError: it is not active, or the version is not in force where that matters.
            InputError: there is no reason, or it is too long.
        """
        row, history = self._begin(mandate, Right.ANNEX_END, name, version, annex)
        at = self._log.now(self._connection)
        ended = [model.end(one, at=at) for one in history.active(annex, version, at)]
        self._enter("annex.ended", row, annex, ended, reason, mandate=mandate, at=at)

    def review(self, mandate: Mandate, name: str, version: int, annex: str, reason: str) -> None:
        """Close the reviews of all activations of an annex that are over; ``reason`` is what was found.

        Under a motion that answers for them, so that people on duty may open the annex again. One that was closed
        before, but not under a motion, a motion closes too.

        Raises:
            ForbiddenError: the mandate is not for this.
            NotFoundError: there is no such version or annex.
            TransitionError: it is still active, or there is nothing to review.
            InputError: nothing is said, or it is too long.
        """
        row, history = self._begin(mandate, Right.ANNEX_REVIEW, name, version, annex)
        at = self._log.now(self._connection)
        open_ = model.reviewable(history, annex, version, by=mandate.basis)
        if row.status is AgreementStatus.SUSPENDED and any(one.active(at) for one in open_):
            raise TransitionError(
                f"{annex} goes on if {row.document.id}, which is suspended, is resumed",
                todo=f"end it first: tocsin crisis end {name} {annex}",
            )
        self._enter(
            "annex.reviewed",
            row,
            annex,
            [model.review(one, at=at, by=mandate.basis) for one in open_],
            reason,
            mandate=mandate,
            at=at,
        )

    def cease(self, name: str, version: int, annex: str, reason: str) -> tuple[Activation, ...]:
        """End what is active of an annex whose version opens nothing any more: the hub itself does.

        It takes no mandate: the act that superseded or terminated the version had one, and it closed the annex.

        Raises:
            NotFoundError: there is no such version or annex.
            TransitionError: it is not active, or the version may still open it.
        """
        row = require_version(self._connection, self._environment, name, version)
        at = self._log.now(self._connection)
        ended = model.cease(self._history(name), version, annex, status=row.status, document=row.document, at=at)
        self._enter("annex.ceased", row, annex, ended, reason, at=at)
        return ended

    def settle(self, name: str, version: int, annex: str, reason: str) -> tuple[Activation, ...]:
        """Note that what follows the end of an annex was carried out; the hub itself does, when it is over.

        It takes no mandate: what follows is what was agreed, and who carries it out decides nothing.

        Raises:
            NotFoundError: there is no such version or annex.
            TransitionError: it is active, or there is nothing that was not carried out.
        """
        row = require_version(self._connection, self._environment, name, version)
        at = self._log.now(self._connection)
        settled = model.settle(self._history(name), annex=annex, version=version, at=at)
        self._enter("annex.settled", row, annex, settled, reason, at=at)
        return settled

    def call(
        self,
        name: str,
        version: int,
        annex: str,
        *,
        caller: str,
        asked: Asked,
        said_at: Micros,
        made: Signed,
        reason: str,
    ) -> tuple[Activation, ...]:
        """Enter a duty-holder's call; returns what it activated or ended, if it was the last that was missing.

        Args:
            name: of the agreement.
            version: of the agreement, which is in force; for an end it may be suspended.
            annex: its name.
            caller: ``user@party``.
            asked: that the annex be activated, or ended.
            said_at: when it was signed, by the signer's clock.
            made: signatures over ``call_bytes``.
            reason: why.

        Raises:
            NotFoundError: there is no such version, annex or user.
            ForbiddenError: the caller is not on duty for a member, the signature is not theirs or not of now, or the
                annex is for a motion only.
            ConflictError: an annex is active that would be activated, or nobody answered for the last time.
            TransitionError: the version is not in force, or the annex not active that would be ended.
            InputError: there is no reason, or a signature is none.
        """
        row = require_version(self._connection, self._environment, name, version)
        terms = annex_terms(row.document, annex)
        at = self._require_in_force(row, asked)
        found, person = require_user(self._connection, self._environment, caller)
        party, user = found.party, person.user
        key = signing_key(party, user, name, at)
        members = self._require_on_duty(row, party.uri, user.name, at)
        call = Call(
            annex=annex,
            party=party.uri,
            kind=str(party.kind),
            user=user.name,
            at=at,
            asked=asked,
            said_at=said_at,
            key=key,
        )
        history = self._history(name)
        model.require_fresh(history, call)
        reason = _reason(reason)
        data = call_bytes(
            row.document,
            annex=annex,
            asked=asked,
            hub=parties.read_hub(self._connection, self._environment) or "",
            party=party.uri,
            user=user.name,
            said_at=said_at,
            reason=reason,
        )
        verify_bytes(data, made, public_key=key, ml_dsa_key=user.ml_dsa_key, what=f"call of {caller}")
        still = self._still(name, members, at)
        _, changed = model.called(terms, history, call, version=version, still=still)
        entered = store.CallRow(
            agreement=name,
            version=version,
            number=len(history.calls) + 1,
            call=call,
            reason=reason,
            signature=made.signature,
            ml_dsa_key=user.ml_dsa_key,
            ml_dsa_signature=made.ml_dsa_signature,
        )
        store.add_call(self._connection, self._environment, row.agreement_id, entered)
        second = {"ml_dsa_key": user.ml_dsa_key, "ml_dsa_signature": made.ml_dsa_signature}
        said: dict[str, object] = {
            "asked": str(asked),
            "party": party.uri,
            "kind": call.kind,
            "user": user.name,
            "said_at": said_at,
            "key": key,
            "signature": made.signature,
        } | (second if user.ml_dsa_key is not None else {})
        self._enter("annex.called", row, annex, changed, reason, at=at, known=len(history.activations), said=said)
        return changed

    def _begin(
        self, mandate: Mandate, right: Right, name: str, version: int, annex: str
    ) -> tuple[AgreementRow, History]:
        mandate.require(self._log.environment_name, right, f"{name}/{version}#{annex}")
        row = require_version(self._connection, self._environment, name, version)
        annex_terms(row.document, annex)
        return row, self._history(name)

    def _history(self, name: str) -> History:
        activations = store.read_activations(self._connection, self._environment).get(name, ())
        calls = store.read_calls(self._connection, self._environment, name)
        return History(activations=tuple(activations), calls=tuple(one.call for one in calls))

    def _require_in_force(self, row: AgreementRow, asked: Asked = Asked.ACTIVATE) -> Micros:
        at = self._log.now(self._connection)
        if not may_call(row.status, asked) or not row.document.in_term(at):
            raise TransitionError(f"{row.document.id} is not in force", todo="an annex is of a version in force")
        return at

    def _require_on_duty(self, row: AgreementRow, party: str, user: str, at: Micros) -> frozenset[str]:
        """Return the members of a version, one of whom a caller on duty is."""
        everyone = {one.party.uri: one.party for one in parties.party_rows(self._connection, self._environment)}
        # while it is suspended its members are whoever would be
        version = msgspec.structs.replace(row.activated, status=AgreementStatus.IN_FORCE)
        facts = Facts(at=at, parties=everyone, agreements=(version,))
        if party not in facts.members[row.document.id]:
            raise ForbiddenError(f"only members of {row.document.id} call for its annexes")
        shifts = store.read_shifts(self._connection, self._environment)
        members = frozenset(facts.members[row.document.id])
        running = [one for one in shifts if one.runs(at) and one.party in members]
        if (party, user) not in {(one.party, one.user) for one in running}:
            who = f"{user}@{everyone[party].name}"
            others = sorted(f"{one.user}@{everyone[one.party].name}" for one in running)
            raise ForbiddenError(
                f"{who} is not on duty now; {', '.join(others) if others else 'nobody'} of the members is",
                where=row.document.id,
                todo=f"a shift is entered before, under a mandate for {Right.DUTY_SET}: "
                f"tocsin crisis duty {who} --until TIME",
            )
        return members

    def _still(self, agreement: str, members: frozenset[str], at: Micros) -> Callable[[Call], bool]:
        shifts = {(one.party, one.user): one for one in store.read_shifts(self._connection, self._environment)}

        def still(call: Call) -> bool:
            found = parties.party_by_uri(self._connection, self._environment, call.party)
            person = None if found is None else parties.user_by_name(self._connection, found.party_id, call.user)
            return still_calls(
                call,
                None if found is None else found.party,
                None if person is None else person.user,
                shifts.get((call.party, call.user)),
                members=members,
                agreement=agreement,
                at=at,
            )

        return still

    def _enter(
        self,
        kind: str,
        row: AgreementRow,
        annex: str,
        changed: Sequence[Activation],
        reason: str,
        *,
        at: Micros,
        mandate: Mandate | None = None,
        known: int | None = None,
        by: dict[str, object] | None = None,
        said: dict[str, object] | None = None,
    ) -> None:
        store.put_activations(
            self._connection,
            self._environment,
            row.agreement_id,
            changed,
            known=known if known is not None else max((one.number for one in changed), default=0),
        )
        data = version_data(row.document) | {
            "annex": annex,
            "reason": _reason(reason),
            "activations": activations_data(changed),
        }
        concerned = concerned_by(row)
        if by is not None:
            data["decided_by"] = by
        if said is not None:
            data |= said
            concerned |= {str(said["party"])}
        self._record(kind, at, concerned, data, mandate=mandate)


def _reason(text: str) -> str:
    if not text.strip():
        raise InputError("this act takes a reason", where="reason", todo="say why, in a line")
    return check_remark(text, "reason")
