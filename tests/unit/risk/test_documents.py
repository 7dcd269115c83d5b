"""Scenarios and figures as people write them: every fault at once, each with its place."""

from __future__ import annotations

import pytest

from tocsin.errors import AgreementError, InputError
from tocsin.risk.registry.documents import read_figures, read_scenario
from tocsin.risk.registry.model import TreatmentStatus
from tocsin.risk.registry.pert import Pert
from tocsin.risk.registry.scale import Kind

FLOOD = """\
scenario: flood
title: A flood
kind: natural
owner: alfa
review: 2027-01-01
rate: [0.02, 0.05, 0.2]
impacts: {economy: 4, security: 2}
losses: [{sector: energy, money: [1, 2, 9.5], people_hours: 7}]
evidence: [{kind: asset, reference: asset--9f1e6c3e-2f8d-4a5b-9a52-0c9f7a7f1c11}]
treatments: [{id: gates, title: Gates, owner: alfa, due: 2026-09-01, status: done, leaves_loss: 0.4}]
"""


def test_a_scenario_is_what_stands_there() -> None:
    made = read_scenario(FLOOD.encode(), where="flood.yaml")
    assert (made.kind, made.likelihood, made.impact) == (Kind.NATURAL, 4, 4)
    assert made.rate == Pert(low="0.02", mode="0.05", high="0.2")
    assert made.losses[0].people_hours == Pert.known("7")
    assert made.losses[0].money == Pert(low="1", mode="2", high="9.5")
    assert made.treatments[0].status is TreatmentStatus.DONE
    assert str(made.left_loss) == "2/5"


def test_every_fault_is_told_at_once() -> None:
    text = (
        FLOOD.replace("natural", "natural-ish")
        .replace("[0.02, 0.05, 0.2]", "[0.2, 0.05]")
        .replace("economy: 4", "economy: 6")
        .replace("sector: energy", "sector: Energy!")
        .replace("asset, reference", "rumour, reference")
        .replace("2026-09-01", "2026-02-30")
    )
    with pytest.raises(AgreementError) as told:
        read_scenario(text.encode(), where="flood.yaml")
    assert [problem.line for problem in told.value.problems] == [3, 6, 7, 8, 9, 10]
    assert told.value.document == "scenario"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("rate: [0.02, 0.05, 0.2]", "rate: [0.02, 0.05, 0.2]\nlevel: 1", "contradict"),
        ("rate: [0.02, 0.05, 0.2]\n", "", "a level of likelihood, a rate, or both"),
        ("rate: [0.02, 0.05, 0.2]", "rate: 60", "a scenario is rarer|events a year"),
        ("leaves_loss: 0.4", "leaves_loss: 1.4", "a share, from 0 to 1"),
        (", money: [1, 2, 9.5], people_hours: 7", "", "in money, in people-hours, or in both"),
        ("kind: asset", "kind: document", "has its SHA-256"),
    ],
)
def test_what_together_makes_no_scenario_is_refused(old: str, new: str, what: str) -> None:
    assert old in FLOOD
    with pytest.raises(InputError, match=what):
        read_scenario(FLOOD.replace(old, new).encode(), where="flood.yaml")


def test_figures_are_whole_numbers_by_scenario() -> None:
    made = read_figures(b"{sector: energy, figures: {flood: {money: 7}, wiper: {people_hours: 0}}}", where="f")
    assert [(one.scenario, one.money, one.people_hours) for one in made.figures] == [
        ("flood", 7, None),
        ("wiper", None, 0),
    ]
    for wrong in ("{money: -1}", "{money: 1.5}", "{euro: 1}", "7"):
        with pytest.raises(AgreementError):
            read_figures(f"{{sector: energy, figures: {{flood: {wrong}}}}}".encode(), where="f")
    for wrong in ("{sector: energy, figures: {}}", "{sector: energy}", "{sector: energy, figures: {flood: {}}}"):
        with pytest.raises(InputError):
            read_figures(wrong.encode(), where="f")
