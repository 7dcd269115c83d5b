"""What is due of a party reaches those who speak for it, beside whatever they are answered; and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.doors import ask, told
from support.hub import OPERATOR
from tocsin.kernel.clock import DAY, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.taxii import Live

HEADER = "tocsin-due"


@pytest.fixture
def ends(doors: Live) -> Iterator[str]:
    """Return when bravo's clearance ends, which is soon; alfa's has no end."""
    until = doors.world.clock.now() + 20 * DAY
    hub = doors.world.hub
    hub.parties.clear_party(OPERATOR, hub.mandate, "bravo", clearance="restricted", until=until)
    hub.secretary.reminders()
    yield format_instant(until)
    hub.parties.clear_party(OPERATOR, hub.mandate, "bravo", clearance="restricted", until=None)


@pytest.mark.parametrize("who", ["lia-bravo", "sig-bravo", "box-bravo"])
def test_who_speaks_for_a_party_is_told_what_ends_soon(doors: Live, ends: str, who: str) -> None:
    *others, last = told(ask(doors, "GET", "/dues", who))["dues"]
    assert last == {"kind": "facility-clearance", "what": "restricted", "at": ends, "overdue": False}
    # the hub is that of other tests as well: in one of them bravo may have looked who has access, or not yet
    assert [(one["kind"], one["overdue"]) for one in others] in ([], [("access-review", True)])
    for path in ("/me", "/motions"):
        header = ask(doors, "GET", path, who).headers[HEADER]
        assert header.startswith(f"{len(others) + 1}; overdue={len(others)}; first=")


@pytest.mark.parametrize("who", ["anna", "bravo", "reader", "aud-alfa", None])
def test_nobody_else_is(doors: Live, ends: str, who: str | None) -> None:
    answer = ask(doors, "GET", "/dues", who)
    assert answer.status_code == (401 if who is None else 403)
    assert ends not in answer.text
    assert HEADER not in answer.headers
    assert HEADER not in ask(doors, "GET", "/me", who).headers


def test_nor_is_another_party(doors: Live, ends: str) -> None:
    assert ends not in ask(doors, "GET", "/dues", "lia-alfa").text
    (own,) = told(ask(doors, "GET", "/dues", "lia-alfa"))["dues"]
    assert own["kind"] == "access-review"
    assert ask(doors, "GET", "/me", "lia-alfa").headers[HEADER].startswith("1; overdue=1; ")


def test_what_was_done_is_told_no_more(doors: Live) -> None:
    told(ask(doors, "POST", "/access-reviews", "lia-charlie"))
    doors.world.hub.secretary.reminders()
    assert told(ask(doors, "GET", "/dues", "lia-charlie")) == {"dues": []}
    assert HEADER not in ask(doors, "GET", "/me", "lia-charlie").headers
