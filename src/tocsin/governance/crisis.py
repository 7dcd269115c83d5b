"""What an agreement asks of the motion that activates one of its emergency annexes. Pure."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tocsin.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.governance.model.tally import Count
    from tocsin.governance.state import Governed

__all__ = ["require_decided"]


def require_decided(governed: Governed, motion: str | None, asked: Mapping[str, Any]) -> None:
    """Refuse a mandate that is not of the body, quorum and majority that an agreement asks for.

    The founding mandate will do while there is no such body: a small partnership runs without ceremony.

    Args:
        governed: bodies and motions, before the entry.
        motion: the UUID of the motion whose mandate it is; None: the founding mandate.
        asked: ``decided_by`` of the entry: ``body``, ``quorum`` (a share of all seats, or None: the body's own rule),
            ``more_than`` (a share for ``all``, or for each kind of party). Shares are texts: ``3/5``.

    Raises:
        ForbiddenError: it is of another body, or too few voted for it.
    """
    body = asked["body"]
    if motion is None:
        if body in governed.bodies:
            raise ForbiddenError(
                f"the agreement leaves this to the body {body}", todo=f"table a motion: tocsin motion table {body}"
            )
        return
    decided = governed.motion(motion)
    if decided.body != body:
        raise ForbiddenError(f"the agreement leaves this to the body {body}, and this motion is of {decided.body}")
    if decided.result is None:
        raise ForbiddenError("this motion was not closed")
    sides: dict[str, tuple[Count, ...]] = {
        "public": (decided.result.public,),
        "private": (decided.result.private,),
        "all": (decided.result.public, decided.result.private),
    }
    everybody = sides["all"]
    if asked["quorum"] is not None:
        quorum = Fraction(asked["quorum"]) * sum(side.seats for side in everybody)
        if sum(side.voted for side in everybody) < quorum:
            raise ForbiddenError(f"the agreement asks for a quorum of {asked['quorum']} of all seats of {body}")
    for kind, share in asked["more_than"].items():
        counted = sides.get(kind, ())
        yes, said = sum(side.yes for side in counted), sum(side.yes + side.no for side in counted)
        if yes <= Fraction(share) * said:
            raise ForbiddenError(
                f"the agreement asks that more than {share} of {kind} vote for it", todo="table the motion again"
            )
