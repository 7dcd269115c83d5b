"""An account tells its party who received what was published in place of its objects, and nothing of anybody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.hub import OPERATOR
from support.publishing import HOUR, PRODUCERS, Press, finding
from tocsin.errors import LogBrokenError
from tocsin.exchange.account.service import check_account
from tocsin.exchange.evidence import export_log
from tocsin.log.verify import verify_export
from tocsin.parties.model import Role, User

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tocsin.exchange.account.model import Account

OUTSIDE = """
agreement: outside
version: 1
title: For another circle
in_force: {from: 2026-01-01, until: null}
parties: [{name: hub}, {name: zulu}]
purposes: [detect]
clauses:
  - {id: "z", permit: read, to: {parties: all}, of: {tlp: {at_most: green}}, for: [detect]}
"""


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Press]:
    world = Press(tmp_path_factory.mktemp("press") / "hub")
    world.party("zulu")
    world.agreement(OUTSIDE, signed_by=("hub", "zulu"))
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        for name in PRODUCERS:
            acts.add_user(User(name="lia", party=world.parties[name].uri, roles=frozenset({Role.LIAISON})))
    world.user("ana@echo")
    for number, name in enumerate(PRODUCERS[:3]):
        world.give(name, finding(number))
    assert world.wait(4 * HOUR) == 3
    world.seen("ana@echo")
    world.seen("zulu")
    yield world
    world.hub.close()


def account(world: Press, name: str) -> Account:
    asker = world.hub.parties.resolve(f"lia@{name}")
    return world.hub.accounts.make(OPERATOR.for_(f"lia@{name}"), asker, asker[0], lambda _done: None)[0]


def test_who_received_a_sanitised_version_is_told_to_its_producer(press: Press) -> None:
    told = account(press, "alfa")
    (one,) = told.published
    assert (one.object[0], one.clause) == (finding(0)["id"], "press/1#5")
    by = {left.reader: left for left in told.instead}
    assert sorted(by) == ["https://echo.example", "https://zulu.example"]
    assert {named for left in told.instead for under in left.under for named in under.objects} == {one.published_as}
    # which person it was is not the producer's business
    assert {left.user for left in told.instead} == {None}
    assert [each.clause for each in by["https://echo.example"].under[0].clauses] == ["press/1#1"]
    # nor which agreement lets out what the publisher owns, where the producer never joined it
    assert by["https://zulu.example"].under[0].clauses == ()
    assert by["https://zulu.example"].under[0].protect == ()


def test_nothing_of_another_producer_is_in_it(press: Press) -> None:
    told = {name: account(press, name) for name in PRODUCERS}
    names = {name: {one.published_as[0] for one in each.published} for name, each in told.items()}
    assert sorted(map(len, names.values())) == [0, 1, 1, 1]
    for name in PRODUCERS:
        text = msgspec.json.encode(told[name]).decode()
        others = set[str]().union(*(names[other] for other in PRODUCERS if other != name))
        assert not [one for one in others if one in text]
        assert not [other for other in PRODUCERS if other != name and f"https://{other}." in text]
    assert told["delta"].instead == ()


def test_an_export_of_everything_confirms_it_and_finds_what_is_left_out(press: Press, tmp_path: Path) -> None:
    told = account(press, "alfa")
    export_log(press.hub.store, press.hub.log, tmp_path / "all", scope="all")
    verified = verify_export(tmp_path / "all")
    assert check_account(told, tmp_path / "all", verified).whole
    for changed in (
        msgspec.structs.replace(told, instead=told.instead[1:]),
        msgspec.structs.replace(told, published=()),
    ):
        with pytest.raises(LogBrokenError):
            check_account(changed, tmp_path / "all", verified)
    export_log(press.hub.store, press.hub.log, tmp_path / "own", scope="party:alfa")
    assert not check_account(told, tmp_path / "own", verify_export(tmp_path / "own")).whole
