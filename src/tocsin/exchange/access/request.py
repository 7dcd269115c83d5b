"""Access requests: a party asks for what an agreement lets it know of, and the owner answers. Values."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.errors import InputError, TransitionError
from tocsin.kernel.clock import DAY, Micros
from tocsin.parties.model import check_remark

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DUE", "Outcome", "Request", "answered_data", "asked_data", "request_from_data", "with_answer"]

# A week: who asks in an incident calls; who asks in writing hears within days.
DUE: Final[Micros] = 7 * DAY


class Outcome(enum.StrEnum):
    """What became of a request."""

    GRANTED = "granted"
    AMENDMENT = "amendment"  # the owner proposes to change an agreement instead
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by who asked


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One party's request to one owner for one object, with every version."""

    uuid: str
    party: str  # URI of who asks
    user: str | None  # name of the person who asks
    owner: str  # URI
    object_id: str
    clause: str  # agreement/version/clause that let the party know
    reason: str
    asked_at: Micros
    outcome: Outcome | None = None  # None: open
    answered_at: Micros | None = None
    answer: str = ""  # the owner's reason
    grant: str | None = None
    amendment: str | None = None  # agreement/version

    @property
    def due_at(self) -> Micros:
        """Return until when the owner answers."""
        return self.asked_at + DUE


def with_answer(
    request: Request, outcome: Outcome, *, at: Micros, answer: str, grant: str | None, amendment: str | None
) -> Request:
    """Return the request with its answer.

    Raises:
        TransitionError: it has one. InputError: the answer says not what it has to say.
    """
    if request.outcome is not None:
        raise TransitionError(f"this request is {request.outcome} already", where=request.uuid)
    if not check_remark(answer, "reason").strip() and outcome is Outcome.REFUSED:
        raise InputError("a refusal says why", where="reason")
    if (outcome is Outcome.GRANTED) != (grant is not None):
        raise InputError("a request that is granted has a grant, and no other has", where=request.uuid)
    if (outcome is Outcome.AMENDMENT) != (amendment is not None):
        raise InputError("an answer by amendment names it, and no other does", where=request.uuid)
    check_remark(amendment or "", "amendment")
    return msgspec.structs.replace(
        request, outcome=outcome, answered_at=at, answer=answer, grant=grant, amendment=amendment
    )


def asked_data(request: Request) -> dict[str, object]:
    """Return the data of the entry that asks."""
    return {
        "request": request.uuid,
        "party": request.party,
        "user": request.user,
        "owner": request.owner,
        "object": request.object_id,
        "clause": request.clause,
        "reason": request.reason,
    }


def answered_data(request: Request) -> dict[str, object]:
    """Return the data of the entry that answers, or withdraws."""
    return {
        "request": request.uuid,
        "party": request.party,
        "owner": request.owner,
        "outcome": request.outcome,
        "answer": request.answer,
        "grant": request.grant,
        "amendment": request.amendment,
    }


def request_from_data(data: Mapping[str, Any], at: Micros) -> Request:
    """Return the request that an entry tells.

    Raises:
        InputError: it has not the form.
    """
    try:
        plain = {name: data[name] for name in ("party", "user", "owner", "clause", "reason")}
        plain |= {"uuid": data["request"], "object_id": data["object"], "asked_at": at}
        return msgspec.convert(plain, Request)
    except (KeyError, msgspec.ValidationError) as error:
        raise InputError(f"it has not the form of its kind: {error}") from error
