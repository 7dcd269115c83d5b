"""A fund's money and awards over the API: the treasurer enters what was paid, the assessor what was built and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from support.doors import NOBODY, ask, told
from support.funds import BUILT, CHAIN, TANK, WALL, agreed, chosen, fund_world, uri
from support.hub import EVERYTHING, OPERATOR
from support.taxii import Live
from support.works import TOWN
from tocsin.errors import ForbiddenError
from tocsin.kernel.clock import DAY, format_instant
from tocsin.log.note import VerifierKey
from tocsin.map.http import asked as limits
from tocsin.parties.model import Permission, Role
from tocsin.risk.fund.certificate import open_certificate
from tocsin.risk.fund.measuring import measured
from tocsin.risk.http import awarding
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from collections.abc import Iterator

READ: Final = frozenset({Permission.OBJECTS_READ})
SPEAKS: Final = EVERYTHING | {Permission.PARTY_SPEAK}
PROJECT: Final = f"/funds/region/projects/{WALL.id}"
PLANS: Final[dict[str, Any]] = {"before": msgspec.to_builtins(TOWN), "after": msgspec.to_builtins(BUILT)}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A fund to which water promised; the wall is chosen and awarded to power, and lab measures it."""
    world = fund_world(tmp_path_factory.mktemp("bank") / "hub")
    funds, mandate = world.hub.funds, world.hub.mandate
    funds.pledge(OPERATOR.for_("sig@water"), "region", uri("water"), 100_000_00)
    secrets = {
        "operator": (OPERATOR.actor, world.token(OPERATOR.actor, permissions=READ | {Permission.MANDATE_USE})),
        "reader": (OPERATOR.actor, world.token(OPERATOR.actor, permissions=READ)),
    }
    world.user("aud@hub", roles=frozenset({Role.AUDITOR}))
    secrets["aud-hub"] = ("aud@hub", world.token("aud@hub", permissions=READ))
    for name in ("power", "water", "lab", "other"):
        secrets[name] = (f"sig@{name}", world.token(f"sig@{name}", permissions=READ | {Permission.PARTY_SPEAK}))
        secrets[f"box-{name}"] = (name, world.token(name, permissions=SPEAKS))
    chosen(world)
    chosen(world, TANK)
    measured(TOWN, BUILT, seed=1, samples=1_000, horizon_h=1.0)  # kernels are compiled before anybody waits for them
    live = Live(url="", world=world, secrets=secrets, collections={})
    with running(create_app(world.hub)) as live.url:
        told(ask(live, "POST", "/funds/region/payments", "operator", {"party": "water", "amount": 60_000_00}))
        funds.award(OPERATOR, mandate, "region", WALL.id, agreed())
        yield live
    live.close()
    world.hub.self_test.require()
    world.hub.close()


def test_what_was_promised_is_paid_in_and_the_rest_taken_back(bank: Live) -> None:
    books = told(ask(bank, "GET", "/funds/region/books", "operator"))["accounts"]
    assert (books["cash"], books["pledges:https://water.example"]) == (60_000_00, 40_000_00)
    too_much = {"party": "water", "amount": 40_000_01}
    assert ask(bank, "POST", "/funds/region/payments", "operator", too_much).status_code == 409
    path = "/funds/region/pledges"
    told(ask(bank, "POST", path, "water", {"amount": 5_00}))
    own = told(ask(bank, "POST", "/funds/region/take-backs", "water", {"amount": 3_00, "note": "a slip"}))
    assert own["accounts"]["contributions:https://water.example"] == -100_002_00
    assert ask(bank, "POST", "/funds/region/take-backs", "water", {"amount": 2_01}).status_code == 409
    assert ask(bank, "POST", "/funds/region/take-backs", "other", {"amount": 1}).status_code == 409
    told(ask(bank, "POST", "/funds/region/take-backs", "water", {"amount": 2_00}))


# what the treasurer alone enters: the address, and the body
ENTERED: Final[dict[str, tuple[str, dict[str, Any] | None]]] = {
    "paid in": ("/funds/region/payments", {"party": "water", "amount": 1}),
    "paid out": (f"/funds/region/claims/{NOBODY}/payment", None),
    "paid back": (f"{PROJECT}/repayments", {"amount": 1}),
    "certified": (f"{PROJECT}/certificates", {"tranche": 2, "until": "2027-01-01"}),
}


@pytest.mark.parametrize("name", ENTERED)
def test_nobody_but_the_treasurer_enters_it(bank: Live, name: str) -> None:
    path, body = ENTERED[name]
    for who in ("water", "power", "box-water", "aud-hub", "reader"):
        for one in (path, path.replace("region", "none")):
            assert ask(bank, "POST", one, who, body).status_code == 403
    for missing in ("/funds/none", f"/funds/region/claims/{NOBODY}", "/funds/region/projects/none"):
        end = path.rpartition("/")[2]
        if missing.count("/") + 1 == path.count("/"):
            assert ask(bank, "POST", f"{missing}/{end}", "operator", body).status_code == 404


@pytest.mark.parametrize("who", ["power", "water", "box-lab", "other"])
def test_movements_are_for_who_runs_the_hub(bank: Live, who: str) -> None:
    answers = {
        (answer.status_code, answer.text)
        for fund in ("region", "none")
        for answer in [ask(bank, "GET", f"/funds/{fund}/entries", who)]
    }
    assert [status for status, _ in answers] == [403]


def test_movements_come_in_pages_and_add_up(bank: Live) -> None:
    found: list[dict[str, Any]] = []
    page = told(ask(bank, "GET", "/funds/region/entries?limit=1", "aud-hub"))
    found += page["entries"]
    while page["next"] is not None:
        page = told(ask(bank, "GET", f"/funds/region/entries?limit=1&cursor={page['next']}", "aud-hub"))
        found += page["entries"]
    assert [(one["what"], one["amount"]) for one in found[:2]] == [("pledged", 100_000_00), ("paid in", 60_000_00)]
    books = told(ask(bank, "GET", "/funds/region/books", "operator"))["accounts"]
    for account, amount in books.items():
        moved = sum(one["amount"] * ((one["debit"] == account) - (one["credit"] == account)) for one in found)
        assert moved == amount


@pytest.mark.parametrize("act", ["inspection", "measurements"])
def test_who_does_not_measure_a_project_does_not_learn_who_does(bank: Live, act: str) -> None:
    body = {"plan": PLANS["after"]} if act == "inspection" else PLANS | {"tranche": 2, "number": CHAIN[1]}
    answers = {
        (answer.status_code, answer.text)
        for who in ("power", "water", "other", "box-other")
        for project in (WALL.id, TANK.id)
        for answer in [ask(bank, "POST", f"/funds/region/projects/{project}/{act}", who, body)]
    }
    assert [status for status, _ in answers] == [403]
    assert "lab" not in str(answers)
    assert ask(bank, "POST", f"/funds/region/projects/none/{act}", "lab", body).status_code == 404


def test_a_plan_with_a_fault_is_not_entered(bank: Live) -> None:
    bad = msgspec.to_builtins(replace(BUILT, exposures=(replace(BUILT.exposures[0], chance=2.0),)))
    refused = ask(bank, "POST", f"{PROJECT}/inspection", "lab", {"plan": bad})
    assert (refused.status_code, "chance is 2.0" in refused.json()["detail"]) == (422, True)


def test_more_than_a_hub_computes_for_one_is_refused(bank: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awarding, "MOST_WORK", 1_000)
    assert limits.MOST_WORK > 1_000
    body = PLANS | {"tranche": 2, "number": CHAIN[1]}
    assert ask(bank, "POST", f"{PROJECT}/measurements", "lab", body).status_code == 413


def test_an_award_from_the_inspection_to_the_certificate(bank: Live) -> None:
    hub = bank.world.hub
    hub.funds.release(OPERATOR, hub.mandate, "region", WALL.id, 1)
    measure = PLANS | {"tranche": 2, "number": CHAIN[1]}
    assert ask(bank, "POST", f"{PROJECT}/measurements", "lab", measure).status_code == 409  # nothing was inspected
    built = told(ask(bank, "POST", f"{PROJECT}/inspection", "lab", {"plan": PLANS["after"]}))
    assert (built["assessor"], built["measurements"]) == ("lab", [])
    assert ask(bank, "POST", f"{PROJECT}/inspection", "lab", {"plan": PLANS["after"]}).status_code == 409
    wrong = ask(bank, "POST", f"{PROJECT}/measurements", "lab", measure | {"number": "00" * 32})
    assert wrong.status_code == 422
    other = ask(bank, "POST", f"{PROJECT}/measurements", "lab", measure | {"before": PLANS["after"]})
    assert other.status_code == 403
    made = told(ask(bank, "POST", f"{PROJECT}/measurements", "lab", measure))
    assert [one["nonce"] for one in made["measurements"]] == [CHAIN[1]]
    assert [one["met"] for one in made["tranches"]] == [False, True]
    hub.funds.release(OPERATOR, hub.mandate, "region", WALL.id, 2)
    until = format_instant(bank.world.clock.now() + DAY)
    signed = told(ask(bank, "POST", f"{PROJECT}/certificates", "operator", {"tranche": 2, "until": until}))
    assert signed["key"] == hub.log.vkey
    said = open_certificate(
        signed["certificate"].encode(), key=VerifierKey.parse(signed["key"]), at=bank.world.clock.now()
    )
    assert (said.project, said.holder, said.tranche) == (WALL.id, uri("power"), 2)
    none = ask(bank, "POST", f"{PROJECT}/certificates", "operator", {"tranche": 1, "until": until})
    assert none.status_code == 409


def test_what_is_called_back_is_paid_back(bank: Live) -> None:
    hub = bank.world.hub
    hub.funds.call_back(OPERATOR, hub.mandate, "region", WALL.id, amount=7_00, reason="it leaks")
    cash = told(ask(bank, "GET", "/funds/region/books", "operator"))["accounts"]["cash"]
    back = {"amount": 7_00, "note": "by bank"}
    books = told(ask(bank, "POST", f"{PROJECT}/repayments", "operator", back))
    assert books["accounts"]["cash"] == cash + 7_00
    assert ask(bank, "POST", f"{PROJECT}/repayments", "operator", {"amount": 1}).status_code == 409


def test_a_granted_claim_is_paid_once(bank: Live) -> None:
    hub = bank.world.hub
    claim = {"amount": 9_00, "reason": "fuel", "evidence": "cd" * 32}
    uuid = told(ask(bank, "POST", "/funds/region/claims", "other", claim))["claim"]
    path = f"/funds/region/claims/{uuid}/payment"
    assert ask(bank, "POST", path, "operator").status_code == 409
    hub.funds.settle(OPERATOR, hub.mandate, "region", uuid, granted=4_00)
    paid = told(ask(bank, "POST", path, "operator"))
    assert (paid["status"], paid["granted"], paid["party"]) == ("paid", 4_00, "other")
    assert ask(bank, "POST", path, "operator").status_code == 409


def test_past_the_address_the_fund_itself_asks_who_enters(bank: Live) -> None:
    with pytest.raises(ForbiddenError, match="an operator of the hub"):
        bank.world.hub.funds.paid(OPERATOR.for_("sig@water"), "region", uri("water"), 1)
