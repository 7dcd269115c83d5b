"""The line above other output that says that an emergency annex is active: for whoever may know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.cli.output import instant

if TYPE_CHECKING:
    from tocsin.cli.output import Output
    from tocsin.cli.session import Session

__all__ = ["banner"]


def banner(out: Output, session: Session, reference: str | None = None) -> None:
    """Say which annexes are active, to whom the output is for; programs ask `crisis show`.

    ``reference`` is who asks, ``party`` or ``user@party``, who is told of their own agreements alone; None: the
    operator, who sees all of them.
    """
    party = None if reference is None else session.resolve(reference)[0].uri
    with session.hub.store.read() as connection:
        found = session.hub.alarm.crises(connection, party)
    for one in found:
        until = f"until {instant(one.until)}" + ("" if one.ratify_by is None else ", unless a body ratifies it")
        out.line(f"CRISIS: annex {one.annex} of {one.agreement} version {one.version} is active {until}", style="bold")
