"""Whether somebody is one who calls for an annex, at an instant. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements.acts import signing_key
from tocsin.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Collection

    from tocsin.agreements.annexes.model import Call, Shift
    from tocsin.kernel.clock import Micros
    from tocsin.parties.model import Party, User

__all__ = ["still_calls"]


def still_calls(
    call: Call,
    party: Party | None,
    user: User | None,
    shift: Shift | None,
    *,
    members: Collection[str],
    agreement: str,
    at: Micros,
) -> bool:
    """Return whether who made a call could make it at an instant: for the same side, with the same key.

    Args:
        call: made before.
        party: whose it was, as it is now.
        user: who made it, as they are now.
        shift: their last.
        members: of the version that the call is for, now; URIs.
        agreement: its name, within the signatory's authority.
        at: the instant.
    """
    if party is None or user is None or shift is None or not shift.runs(at):
        return False
    if call.party not in members or str(party.kind) != call.kind:
        return False
    try:
        return signing_key(party, user, agreement, at) == call.key
    except ForbiddenError:
        return False
