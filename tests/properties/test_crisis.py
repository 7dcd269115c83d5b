"""Random crises, held against a slow oracle written from docs/crisis.md.

What is laid down: who reads what while an annex is active or not; what its collection holds; that each release names it
where nothing else let out what left; and that what is called back, when it is over, goes to exactly those who received
it so, and of nobody who has it otherwise; whatever is shared, read, activated, ratified, ended, killed or set back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.crises import MEMBERS, Case, found_grid
from support.treaty import Templates, templates
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR: Final = 3_600 * 1_000_000
READERS: Final = (*MEMBERS, "ana@bravo", "ana@coast", "outsider")

STEP: Final = st.one_of(
    st.tuples(st.just("share"), st.sampled_from(MEMBERS), st.sampled_from(("indicator", "tool", "campaign"))),
    st.tuples(st.just("read"), st.sampled_from(READERS), st.sampled_from(("detect", "respond"))),
    st.tuples(st.just("collection"), st.sampled_from(READERS), st.just("respond")),
    st.tuples(st.just("duty"), st.just(""), st.just("")),
    st.tuples(st.sampled_from(("activate", "ratify", "end", "review")), st.just(""), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from(("1", "5", "7", "80", "-3")), st.just("")),
    st.tuples(st.sampled_from(("turn", "kill")), st.just(""), st.just("")),
)


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates(found_grid)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=8, max_size=25))
def test_a_crisis_opens_names_and_calls_back_what_it_should(hubs: Templates, steps: list[tuple[str, str, str]]) -> None:
    case = Case(hubs.world())
    for verb, who, what in steps:
        case.world.clock.advance(1)
        match verb:
            case "share":
                case.share(who, what)
            case "read":
                case.read(who, what)
            case "collection":
                case.read_collection(who, what)
            case "wait":
                case.wait(int(who) * HOUR)
            case "duty":
                case.by_duty()
            case "turn":
                case.turn()
            case "kill":
                case.world.reopen()
            case _:
                case.act(verb)
    case.wait(4 * DAY)
    case.finish()
    hubs.drop(case.world)
