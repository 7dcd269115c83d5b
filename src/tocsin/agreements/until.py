"""Until when a verdict stands for one reader and object: not until anything that it might rest on changes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.gate import decide, profile_of, profile_until, slice_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tocsin.agreements.facts import Facts
    from tocsin.agreements.grants import Grant
    from tocsin.agreements.model import Label
    from tocsin.kernel.clock import Micros
    from tocsin.parties.model import Party, User

__all__ = ["stands_until"]

# Each instant is a decision of some milliseconds; a verdict that outlasts so many is told to stand until the last.
_MOST: Final = 100


def stands_until(
    party: Party,
    user: User | None,
    facts: Facts,
    *,
    purpose: str,
    label_for: Callable[[frozenset[str]], Label],
    grants: Iterable[Grant] = (),
) -> Micros | None:
    """Return the first instant at which a reader's verdict on an object turns into its contrary by itself.

    A slice ends with whatever any member's verdict on anything might rest on; who asks of one object is told of the
    instant that concerns it. None: nothing that is known changes it.

    Args:
        party: whose reader it is.
        user: the person, or None for the party's service.
        facts: what is true now.
        purpose: what it is read for.
        label_for: the label to judge by, for whoever holds these grants.
        grants: those of the party.
    """
    given = tuple(grants)

    def judged(known: Facts) -> tuple[bool, Micros | None]:
        profile = profile_of(party, user, purpose, known.at)
        slice_ = slice_for(profile, known, until=profile_until(party, user, known.at), grants=given)
        label = label_for(slice_.grants)
        (verdict,) = decide(slice_, profile, [label.as_of(known.at)])
        return verdict.allows, known.next_of((slice_.valid_until, label.ends))

    allows, ends = judged(facts)
    for _ in range(_MOST):
        if ends is None:
            return None
        at = ends
        then, ends = judged(msgspec.structs.replace(facts, at=at))
        if then is not allows:
            return at
    return at
