"""A reader finds the terms of each object that it has: in ``why``, over the API, and as STIX marking-definitions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import Cli, bundle, indicator, partnership
from support.hub import OPERATOR
from support.treaty import templates
from tocsin.agreements.carried import TermKind, marking_of
from tocsin.exchange.api.forms import verdicts
from tocsin.exchange.asking import Question
from tocsin.exchange.model import Query
from tocsin.exchange.stix import parse_bundle
from tocsin.exchange.stix.wire import ParsedObject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.hub import World
    from support.treaty import Templates
    from tocsin.agreements.carried import Term

made_templates = pytest.fixture(scope="module")(templates)
HARBOUR = """
agreement: harbour
version: 1
title: Safe harbour
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}]
purposes: [detect, analyse]
clauses:
  - {id: "1", permit: read, to: {parties: all}, of: {type: [indicator]}, onward: own-organisation}
  - {id: "7", protect: {from: [regulatory-use, antitrust], survives: end}}
  - {id: "4", forbid: read, of: {type: [indicator]}, unless: {countries: [NO, SE]}}
"""


@pytest.fixture
def world(made_templates: Templates) -> Iterator[World]:
    """Return a hub where alfa shared under a treaty with all, and under a safe harbour with bravo."""
    world = made_templates.world()
    world.agreement(HARBOUR, signed_by=("alfa", "bravo"))
    world.share("alfa", bundle(indicator(1), indicator(2)))
    yield world
    made_templates.drop(world)


def terms(world: World, reader: str, object_id: str) -> tuple[Term, ...]:
    party = world.hub.parties.get(reader)
    (why,) = world.hub.asking.why(Question(object_id=object_id, party=party, user=None, acting=OPERATOR.for_(reader)))
    (told,) = verdicts([why]).verdicts
    assert [term.marking.id for term in told.terms] == [term.marking for term in why.explanation.terms]
    return why.explanation.terms


def test_a_reader_finds_them_for_each_object(world: World) -> None:
    page = world.hub.reading.objects(world.asker("bravo"), "exchange", Query()).page
    assert len(page.items) == 2
    for item in page.items:
        found = terms(world, "bravo", item.object_id)
        assert {term.kind for term in found} == {
            TermKind.ONWARD,
            TermKind.PURPOSES,
            TermKind.PROTECT,
            TermKind.RELEASABLE,
        }
        says = {term.kind: term.statement for term in found}
        assert "own organisation" in says[TermKind.ONWARD]
        assert "regulatory-use or antitrust (harbour/1#7)" in says[TermKind.PROTECT]
        assert "NO or SE" in says[TermKind.RELEASABLE]


def test_others_hear_nothing_of_agreements_that_are_not_theirs(world: World) -> None:
    found = terms(world, "coast", str(indicator(1)["id"]))
    assert {term.clause for term in found} == {None, "treaty/1#1"}
    assert "as its own marking says" in found[0].says
    assert terms(world, "alfa", str(indicator(1)["id"])) == ()


def test_they_are_stix_and_the_same_every_time(world: World) -> None:
    one, two = (terms(world, "bravo", str(indicator(number)["id"])) for number in (1, 2))
    assert [term.marking for term in one] == [term.marking for term in two]
    made = [marking_of(term) for term in one]
    parsed = parse_bundle(
        json.dumps({"type": "bundle", "id": f"bundle--{one[0].marking[20:]}", "objects": made}).encode()
    )
    assert all(isinstance(item, ParsedObject) for item in parsed.items)


def test_on_the_command_line(tmp_path: Path) -> None:
    cli: Cli = partnership(tmp_path / "home")
    cli.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(1)))
    document = cli.json("terms", str(indicator(1)["id"]), "--as", "beta")
    (found,) = document["objects"]
    assert set(found["object_marking_refs"]) == {one["id"] for one in document["bundle"]["objects"]}
    assert "onward" in cli.ok("terms", str(indicator(1)["id"]), "--as", "beta").out
    assert "own" in cli.ok("terms", str(indicator(1)["id"]), "--as", "alpha").out
    assert "onward" in cli.ok("why", str(indicator(1)["id"]), "--as", "beta").out
    assert cli.run("terms", str(indicator(1)["id"]), "--as", "gamma").code == 1
