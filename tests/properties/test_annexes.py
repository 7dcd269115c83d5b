"""Whatever is called, voted and ended, and whenever: an annex is active no longer than somebody answers for it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tocsin.agreements.annexes.model import (
    CALL_STANDS,
    ActivatedBy,
    Activation,
    Call,
    by_duty,
    by_founding,
    by_motion,
    end,
    ratify,
    require_unused,
    review,
)
from tocsin.agreements.document import AnnexTerms
from tocsin.agreements.document.terms import DutyTerms, Majority, MotionTerms
from tocsin.errors import ConflictError, ForbiddenError, TransitionError
from tocsin.kernel.mandate import MandateBasis

if TYPE_CHECKING:
    from tocsin.kernel.clock import Micros

MINUTE: Final[Micros] = 60_000_000
HOUR: Final[Micros] = 60 * MINUTE
MOTION: Final = MotionTerms(body="crisis-council", quorum=None, more_than=Majority(overall=Fraction(1, 2)))


@st.composite
def terms_of(draw: st.DrawFn) -> AnnexTerms:
    lasts = draw(st.integers(1, 100)) * HOUR
    duty = draw(st.integers(1, 12)) * HOUR
    return AnnexTerms(
        lasts=lasts,
        motion=MOTION,
        duty=DutyTerms(
            officers=(("private", 1), ("public", 1)), lasts=duty, ratify_within=draw(st.integers(1, 12)) * HOUR
        ),
    )


STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(("call", "motion", "founding", "ratify", "end", "review", "close")),
        st.sampled_from(("grid-crisis", "grid-crisis-b")),
        st.sampled_from((("cert", "public"), ("ministry", "public"), ("kraft", "private"), ("vann", "private"))),
        st.integers(0, 8 * 60),  # minutes until it happens
        st.integers(1, 3),  # version of the agreement
    ),
    max_size=40,
)


@given(terms_of(), STEPS)
def test_it_is_active_only_under_a_motion_or_once_for_half_a_day(  # noqa: C901, PLR0912, PLR0915  a branch for each thing that happens
    terms: AnnexTerms, steps: list[tuple[str, str, tuple[str, str], int, int]]
) -> None:
    now: Micros = 0
    calls: list[Call] = []
    history: list[Activation] = []
    answered_for = -1  # the last instant at which a body said anything
    opened: set[int] = set()  # by duty-holders
    answered: set[int] = set()  # by a motion
    founded: set[str] = set()  # annexes that the founding mandate opened, and no motion answered for
    for verb, annex, (party, kind), minutes, version in steps:
        now += minutes * MINUTE
        try:
            if verb == "call":
                calls.append(Call(annex=annex, party=f"https://{party}.example", kind=kind, user="vakt", at=now))
                made = by_duty(terms, history, calls, annex=annex, version=version, at=now, number=len(history))
                if made is not None:
                    fresh = {call.kind for call in calls if call.annex == annex and now - call.at < CALL_STANDS}
                    assert fresh >= {"public", "private"}
                    assert not opened - answered, "duty-holders renewed what no motion answered for"
                    opened.add(len(history))
                    history.append(made)
            elif verb == "founding":
                by_itself = by_founding(terms, history, annex=annex, version=version, at=now, number=len(history))
                require_unused(history, annex)
                assert not opened - answered, "the founding mandate renewed what no motion answered for"
                assert annex not in founded, "the founding mandate opened it twice"
                founded.add(annex)
                history.append(by_itself)
            elif verb == "motion":
                history.append(by_motion(terms, annex=annex, version=version, at=now, number=len(history)))
                answered_for = now
            elif history and verb == "ratify":
                history[-1] = ratify(history[-1], terms, at=now)
                answered.add(len(history) - 1)
                founded.discard(history[-1].annex)
                answered_for = now
            elif history and verb == "end":
                history[-1] = end(history[-1], at=now)
                assert not history[-1].active(now)
            elif history and verb == "review":
                history[-1] = review(history[-1], at=now, by=MandateBasis.MOTION)
                answered.add(len(history) - 1)
                founded.discard(history[-1].annex)
                answered_for = now
            elif history and verb == "close":
                # closes the review; answers for nothing
                history[-1] = review(history[-1], at=now, by=MandateBasis.FOUNDING)
        except (ConflictError, TransitionError, ForbiddenError) as error:
            event(f"{verb}: {type(error).__name__}")
        for one in history:
            assert one.last <= one.starts + terms.lasts
            if one.by is ActivatedBy.DUTY and one.ratified is None:
                assert terms.duty is not None
                assert one.last - one.starts <= min(12 * HOUR, terms.duty.lasts, terms.duty.ratify_within)
        active = [one for one in history if one.active(now)]
        if active and answered_for < 0:
            # no body has said a word yet: two duty-holders once, for half a day at most
            duty = [one for one in history if one.by is ActivatedBy.DUTY]
            assert len(duty) <= 1
            assert all(now - one.starts < 12 * HOUR for one in active)
        event("active" if active else "not active")


def test_one_party_is_one_voice() -> None:
    terms = AnnexTerms(
        lasts=72 * HOUR,
        motion=MOTION,
        duty=DutyTerms(officers=(("private", 2), ("public", 1)), lasts=12 * HOUR, ratify_within=12 * HOUR),
    )
    calls = [
        Call(annex="a", party="https://cert.example", kind="public", user="vakt", at=0),
        Call(annex="a", party="https://kraft.example", kind="private", user="ola", at=0),
        Call(annex="a", party="https://kraft.example", kind="private", user="kari", at=1),
    ]
    assert by_duty(terms, [], calls, annex="a", version=1, at=2, number=0) is None
    third = Call(annex="a", party="https://vann.example", kind="private", user="liv", at=2)
    assert by_duty(terms, [], [*calls, third], annex="a", version=1, at=2, number=0) is not None


def test_without_duty_terms_only_a_motion_activates() -> None:
    terms = AnnexTerms(lasts=HOUR, motion=MOTION, duty=None)
    with pytest.raises(ForbiddenError, match="by a motion only"):
        by_duty(terms, [], [], annex="a", version=1, at=0, number=0)
