"""The suite is judged in its turn: what a server does wrong, named cases notice; and no case takes any answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from support.conforming import judged
from support.mutants import MUTATIONS, Exchange, Mutant, Wrong
from tocsin.conformance.cases import CASES
from tocsin.conformance.model import Outcome
from tocsin.conformance.run import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tocsin.conformance.target import Target

BY_ID = {case.id: case for case in CASES}


@pytest.fixture(scope="module")
def mutant() -> Mutant:
    return Mutant()


@pytest.fixture(scope="module")
def target(mutant: Mutant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with judged(tmp_path_factory.mktemp("mutants") / "hub", wrap=mutant.wrap) as target:
        # what the cases rest on is posted while everything is in order, so that each fails for its own reason
        target.endpoints()
        yield target


@pytest.mark.parametrize("wrong", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_what_is_wrong_is_noticed(target: Target, mutant: Mutant, wrong: Wrong) -> None:
    for name in wrong.cases:
        assert judge(target, BY_ID[name]).outcome is Outcome.PASS, f"{name}: while everything is in order"
    mutant.wrong, mutant.ask = wrong.answer, wrong.ask
    try:
        missed = [name for name in wrong.cases if judge(target, BY_ID[name]).outcome is not Outcome.FAIL]
    finally:
        mutant.wrong = mutant.ask = None
    assert missed == []


def _nothing(exchange: Exchange) -> Exchange:
    return replace(exchange, status=200, body=b"{}", headers=(("content-type", "application/taxii+json;version=2.1"),))


def _defect(exchange: Exchange) -> Exchange:
    return replace(exchange, status=500, body=b"Traceback", headers=(("content-type", "text/html"),))


def _compressed(exchange: Exchange) -> Exchange:
    return exchange.with_("content-encoding", "gzip").without("vary")


BLUNT: dict[str, Callable[[Exchange], Exchange]] = {
    "nothing, and all is well": _nothing,
    "a defect": _defect,
    "no gzip": _compressed,
}


@pytest.mark.long
def test_no_case_takes_any_answer(target: Target, mutant: Mutant) -> None:
    taken = set(BY_ID)
    for wrong in BLUNT.values():
        mutant.wrong = wrong
        try:
            taken -= {name for name in taken if judge(target, BY_ID[name]).outcome is Outcome.FAIL}
        finally:
            mutant.wrong = None
    assert sorted(taken) == []
