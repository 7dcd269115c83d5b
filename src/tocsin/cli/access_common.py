"""What the commands about access of one party to another's things have in common: grants, requests, delegations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Generic, Protocol, TypeAlias, TypeVar

import typer

from tocsin.cli.output import Output
from tocsin.cli.session import Session, opened
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Party, User

if TYPE_CHECKING:
    from tocsin.agreements.explain import Explanation

__all__ = ["GivenOption", "PurposesOption", "Shown", "against", "status_of"]

GivenOption: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="PARTY", help="What this party gave or was given; else all.")
]
PurposesOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--for", metavar="PURPOSE", help="What for; everything but enforce, unless it is named."),
]

_One = TypeVar("_One")


class Given(Protocol):
    """What is given until an instant, and may be revoked before it."""

    @property
    def revoked_at(self) -> Micros | None:
        """When it was revoked; None: it was not."""
        ...

    def stands(self, at: Micros) -> bool:
        """Return whether it stands at an instant."""
        ...


def status_of(one: Given, now: Micros) -> str:
    """Return where something given stands, in a word."""
    if one.revoked_at is not None:
        return "revoked"
    return "stands" if one.stands(now) else "over"


def against(told: Explanation) -> str:
    """Return what stands against something given, in words."""
    return "; ".join(account.sentence for account in told.reasons) or "; ".join(one.text for one in told.remarks)


@dataclass(frozen=True, kw_only=True)
class Shown(Generic[_One]):
    """How things of one kind are told: each takes the thing, the parties' names by URI, and now."""

    columns: tuple[str, ...]
    row: Callable[[_One, dict[str, str], Micros], tuple[object, ...]]
    document: Callable[[_One, dict[str, str], Micros], dict[str, object]]
    nothing: str  # what is said where there are none

    def tell_all(
        self, find: Callable[[Session, Party | None], tuple[Sequence[_One], Micros]], as_: str | None, *, json: bool
    ) -> None:
        """Print what ``find`` returns for a party, or for nobody in particular, as of the instant that it returns."""
        out = Output(json=json)
        with opened() as session:
            found, now = find(session, None if as_ is None else session.resolve(as_)[0])
            names = session.hub.parties.names()
        out.document([self.document(one, names, now) for one in found])
        out.table(self.columns, (self.row(one, names, now) for one in found), nothing=self.nothing)

    def end(
        self,
        act: Callable[[Session, Acting, Party, User | None], _One],
        line: Callable[[_One, dict[str, str]], str],
        as_: str,
        *,
        json: bool,
    ) -> None:
        """Take the act that ends or answers one, for whom ``as_`` names, and print what it is from now on."""
        out = Output(json=json)
        with opened() as session:
            party, user = session.resolve(as_)
            ended = act(session, session.acting(as_), party, user)
            names = session.hub.parties.names()
        # what is over or answered is so at any instant
        out.document(self.document(ended, names, 0))
        out.line(line(ended, names))
