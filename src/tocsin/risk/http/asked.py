"""What the addresses of these rooms share: how a body is bounded, what walks a list, and whom an asker may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import msgspec

from tocsin.exchange.api.viewers import known_party
from tocsin.kernel.db.spans import Stretch, stretch
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.routes import Body, Call
from tocsin.parties.model import Principal, parse_reference
from tocsin.risk.fund.projects import MOST_CENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tocsin.exchange.api.viewers import Register
    from tocsin.kernel.db.spans import Span

__all__ = ["LARGE_BODY", "Cents", "RiskCall", "Sha256", "part_of", "require_known"]

# A scenario with a hundred pieces of evidence, a sheet of a thousand figures, a project of a hundred changes: each
# character escaped.
LARGE_BODY: Final = Body(types=(JSON_TYPE,), limit=512 * 1_024)

RiskCall: TypeAlias = Call[Principal]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 in hexadecimal, in small letters.")]
Cents = Annotated[int, msgspec.Meta(ge=1, le=MOST_CENTS, description="Cents of the fund's currency.")]

T = TypeVar("T")


def part_of(kept: Iterable[T], span: Span, wanted: Callable[[T], bool] = lambda _: True) -> Stretch[T]:
    """Return a part of what is wanted of what is kept in the order in which it came.

    From what is kept nothing is ever taken away; what is wanted may change between two parts.
    """
    return stretch(((number, one) for number, one in enumerate(kept, 1) if wanted(one)), span)


def require_known(services: Register, owners: Iterable[str]) -> None:
    """See that the parties of these (``party`` or ``user@party``) are such as members may name.

    Raises:
        InputError: one is no name. NotFoundError: there is none, or a candidate only: the same words.
    """
    for party in sorted({parse_reference(owner)[0] for owner in owners}):
        known_party(services, party)
