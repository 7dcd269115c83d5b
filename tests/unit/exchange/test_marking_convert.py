"""One kind of marking as another: nothing widens by itself, and what is lost is said."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Final

import pytest

from support.cli import Cli
from support.sharing import terms_mark
from tocsin.errors import InputError
from tocsin.exchange.markings import KNOWN_MARKINGS
from tocsin.exchange.markings.convert import LEVELS, Change, Kind, convert
from tocsin.exchange.markings.iep import IEP_ACTIONS, IEP_TLP

if TYPE_CHECKING:
    from pathlib import Path

TLPS: Final = (Kind.TLP1, Kind.TLP2, Kind.IEP_TLP)
ACTIONS: Final = (Kind.PAP, Kind.IEP_ACTIONS)
PAIRS: Final = [*itertools.product(TLPS, TLPS), *itertools.product(ACTIONS, ACTIONS)]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_level_goes_over_or_is_refused_since_it_would_widen(source: Kind, target: Kind) -> None:
    for level in LEVELS[source]:
        told = convert(level, source, target, widen=True)
        assert told.level in LEVELS[target]
        assert (told.loss is None) == (told.change is Change.SAME)
        if told.change is Change.WIDER:
            with pytest.raises(InputError, match="no level as narrow"):
                convert(level, source, target)
        else:
            assert convert(level.upper(), source, target) == told


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_stricter_level_never_becomes_a_wider_one(source: Kind, target: Kind) -> None:
    found = [LEVELS[target].index(convert(level, source, target, widen=True).level) for level in LEVELS[source]]
    assert found == sorted(found)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_there_and_back_is_never_wider_without_a_word(source: Kind, target: Kind) -> None:
    for level in LEVELS[source]:
        there = convert(level, source, target, widen=True)
        back = convert(there.level, target, source, widen=True)
        if Change.WIDER not in {there.change, back.change}:
            assert LEVELS[source].index(back.level) >= LEVELS[source].index(level)


@pytest.mark.parametrize(("source", "target"), [*itertools.product(TLPS, ACTIONS), *itertools.product(ACTIONS, TLPS)])
def test_who_may_have_it_is_not_what_they_may_do(source: Kind, target: Kind) -> None:
    with pytest.raises(InputError, match="different things"):
        convert(LEVELS[source][0], source, target, widen=True)


@pytest.mark.parametrize("level", ["", "tlp:", "purple", "TLP:WHITE", "amber +strict"])
def test_what_is_no_level_is_refused(level: str) -> None:
    with pytest.raises(InputError, match="no level of tlp2"):
        convert(level, Kind.TLP2, Kind.TLP1)


def test_the_tables_agree_with_what_intake_reads() -> None:
    assert {level: convert(level, Kind.IEP_TLP, Kind.TLP2).level for level in IEP_TLP} == IEP_TLP
    assert {level: convert(level, Kind.IEP_ACTIONS, Kind.PAP, widen=True).level for level in IEP_ACTIONS} == IEP_ACTIONS


def test_on_the_command_line(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    assert {one["id"] for one in cli.json("marking", "list")} == set(KNOWN_MARKINGS)
    refused = cli.run("marking", "convert", "TLP:AMBER+STRICT", "--from", "tlp2", "--to", "tlp1")
    assert refused.code == 1
    assert "clients" in refused.err
    widened = cli.json("marking", "convert", "TLP:AMBER+STRICT", "--from", "tlp2", "--to", "tlp1", "--widen")
    assert (widened["level"], widened["change"]) == ("amber", "wider")
    assert "narrower" in cli.ok("marking", "convert", "red", "--from", "pap", "--to", "iep-actions").out
    mark = terms_mark(recipients=("bravo",), categories=("export-controlled",))
    shown = cli.json("marking", "show", "-", stdin=json.dumps(mark.definition).encode())
    assert (shown["recipients"], shown["categories"], shown["unknown"]) == (["bravo"], ["export-controlled"], False)
    file = tmp_path / "definition.json"
    file.write_text(json.dumps(mark.definition | {"extensions": {}} if mark.definition else None), encoding="utf-8")
    assert "owner alone" in cli.ok("marking", "show", str(file)).out


@pytest.mark.parametrize("content", ["", "[]", "{", '{"type": "bundle"}', "\ufeff{}", "[" * 5000])
def test_what_is_no_definition_is_said_to_be_none(content: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(content, encoding="utf-8")
    ran = Cli(tmp_path).run("marking", "show", str(file))
    assert (ran.code, "Traceback" in ran.err) == (1, False)
    assert "this is no" in ran.err
