"""Our own server by our own suite: every case is a test, and none is skipped."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support.conforming import judged
from tocsin.conformance.cases import CASES
from tocsin.conformance.model import Case, Need, Outcome
from tocsin.conformance.run import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.conformance.target import Target


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with judged(tmp_path_factory.mktemp("conformance") / "hub") as target:
        yield target


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_our_server_conforms(target: Target, case: Case) -> None:
    result = judge(target, case)
    assert result.outcome is Outcome.PASS, result.reason


def test_cases_have_names_of_their_own() -> None:
    assert [name for name, count in Counter(case.id for case in CASES).items() if count > 1] == []
    assert {need for case in CASES for need in case.needs} == set(Need)
