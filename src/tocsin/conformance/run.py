"""Running the suite: case after case, each judged by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.conformance.model import FailedError, Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tocsin.conformance.model import Case
    from tocsin.conformance.target import Target

__all__ = ["judge", "run"]


def run(target: Target, cases: Iterable[Case]) -> Iterator[Result]:
    """Judge case after case, and give what became of each as soon as it is known."""
    for case in cases:
        yield judge(target, case)


def judge(target: Target, case: Case) -> Result:
    """Judge one case.

    Raises:
        InputError: the server cannot be judged at all: there is no such collection, or none to be read.
    """
    try:
        for need in sorted(case.needs):
            if target.lacks(need):
                return Result(case=case, outcome=Outcome.SKIP, reason=f"needs {need}")
        case.run(target)
    except FailedError as error:
        return Result(case=case, outcome=Outcome.FAIL, reason=str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # an answer that has not the form that a case takes for granted after it was held to what the section says
        return Result(
            case=case, outcome=Outcome.FAIL, reason=f"the answer is not of its form: {type(error).__name__}: {error}"
        )
    return Result(case=case, outcome=Outcome.PASS)
