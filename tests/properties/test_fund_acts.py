"""Whatever is tried with a fund, in whatever order: the books balance, and nothing is paid that is not there."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from support.funds import CALCULATION, CHAIN, agreed, uri, work
from tocsin.errors import RefusedError
from tocsin.governance.state import Scene
from tocsin.kernel.mandate import Acting
from tocsin.risk.fund.books import Account, posted, untouched
from tocsin.risk.fund.measuring import seed_of
from tocsin.risk.fund.model import AwardKind, CaseStatus, Fund, Funded, Tranche
from tocsin.risk.fund.steps import Stage, enter

if TYPE_CHECKING:
    from tocsin.governance.state import Register

NAMES = ("one", "two")
PLAN = "ef" * 32
KINDS = (
    *("pledged", "taken-back", "paid", "proposed", "decided", "awarded", "inspected", "measured"),
    *("released", "released", "repaid", "called-back", "claimed", "settled", "compensated"),
)


def stage(index: int) -> Stage:
    # who may act is asked elsewhere: here is what follows from acts alone
    nobody: Register = None  # type: ignore[assignment]
    scene = Scene(at=index, acting=Acting(actor="operator@hub"), register=nobody)
    return Stage(scene=scene, index=index, environment="live", hub="https://hub.example", again=True)


def measurement(fund: Fund, project: str, draw: random.Random) -> dict[str, Any]:
    """Return a measurement that is in order for the next tranche, met or not; or one that is not."""
    award = fund.award(project)
    number = draw.choice((1, 2, 2, 2))
    attempt = sum(one.tranche == number for one in award.measurements) + 1
    known = CHAIN.index(award.opens) + 1
    nonce = CHAIN[min(known, len(CHAIN) - 1)]
    seed = seed_of(b"r" * 32, bytes.fromhex(nonce), fund="f", project=project, tranche=number, attempt=attempt)
    saved = draw.choice((0, 90))
    sums = {"samples": 1_000, "total": saved * 1_000, "squares": saved * saved * 1_000}
    entry = 0 if award.inspection is None else award.inspection.entry
    return {
        "tranche": number,
        "attempt": attempt,
        "plan": PLAN,
        "inspected": entry,
        "root": (b"r" * 32).hex(),
        "nonce": nonce,
        "seed": seed,
        "sums": sums,
    }


def made_act(fund: Fund, draw: random.Random) -> tuple[str, dict[str, Any]]:
    project, amount = draw.choice(NAMES), draw.choice((0, 1, 40_00, 100_00, 150_00))
    claims = [*fund.claims, "nothing"]
    terms = agreed(
        kind=draw.choice(list(AwardKind)), tranches=(Tranche(amount=40_00), Tranche(amount=60_00, threshold=50))
    )
    kind = draw.choice(KINDS)
    of_kind: dict[str, dict[str, Any]] = {
        "pledged": {"party": uri("water"), "amount": amount},
        "taken-back": {"party": uri("water"), "amount": amount},
        "paid": {"party": uri("water"), "amount": amount},
        "proposed": {"party": uri("power"), "project": msgspec.to_builtins(work(project))},
        "decided": {"projects": [project], "budget": 100_00, "calculation": CALCULATION},
        "awarded": {"project": project, "terms": msgspec.to_builtins(terms)},
        "inspected": {"project": project, "plan": PLAN},
        "released": {"project": project, "tranche": draw.choice((1, 2))},
        "repaid": {"project": project, "amount": amount},
        "called-back": {"project": project, "amount": amount, "reason": "late"},
        "claimed": {
            "claim": f"claim {len(fund.claims)}",
            "party": uri("water"),
            "amount": 50_00,
            "reason": "fuel",
            "evidence": "cd" * 32,
        },
        "settled": {"claim": draw.choice(claims), "granted": draw.choice((0, 30_00, 60_00)), "reasons": ""},
        "compensated": {"claim": draw.choice(claims)},
    }
    data = (
        {"project": project, "measurement": measurement(fund, project, draw)} if kind == "measured" else of_kind[kind]
    )
    return f"fund.{kind}", {"fund": "f", **data}


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_no_order_of_acts_unbalances_the_books(seed: int) -> None:
    draw = random.Random(seed)
    opened = {"fund": "f", "title": "A fund", "currency": "EUR", "body": ""}
    funded = enter(Funded(), "fund.opened", opened, stage(0))
    for index in range(1, 120):
        before = funded
        try:
            kind, data = made_act(funded.fund("f"), draw)
            funded = enter(funded, kind, data, stage(index))
        except RefusedError:
            assert funded is before
            continue
        fund = funded.fund("f")
        assert sum(fund.books.balances.values()) == 0
        assert fund.books.balances == posted(fund.books)
        assert fund.books.balance(Account.CASH) >= fund.bound >= 0
        assert 0 <= untouched(fund.books, uri("water")) <= fund.books.balance(Account.PLEDGES, uri("water"))
        for name, case in fund.cases.items():
            paid = fund.books.balance(Account.GRANTS, name) + fund.books.balance(Account.LOANS, name)
            assert paid <= case.project.cost
            award = case.award
            if award is not None and 2 in award.released:
                assert 2 in award.met
            if case.status is CaseStatus.DONE:
                assert award is not None
                assert len(award.released) == len(award.terms.tranches)


def test_the_acts_that_are_tried_get_far() -> None:
    # the law above is worth as much as what its sequences reach
    reached: set[str] = set()
    for seed in range(40):
        draw = random.Random(seed)
        opened = {"fund": "f", "title": "A fund", "currency": "EUR", "body": ""}
        funded = enter(Funded(), "fund.opened", opened, stage(0))
        for index in range(1, 200):
            try:
                kind, data = made_act(funded.fund("f"), draw)
                funded = enter(funded, kind, data, stage(index))
            except RefusedError:
                continue
            reached.add(kind)
        reached |= {str(case.status) for case in funded.fund("f").cases.values()}
    assert reached >= {
        "fund.taken-back",
        "fund.measured",
        "fund.compensated",
        "fund.repaid",
        "fund.called-back",
        "done",
        "called-back",
    }


@given(st.lists(st.tuples(st.sampled_from(("pledged", "paid", "taken-back")), st.integers(1, 6)), max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_promise_that_is_begun_to_be_paid_is_owed_to_its_end(acts: list[tuple[str, int]]) -> None:
    """Cent by cent: each is of one promise, and is open, paid, or taken back."""
    opened = {"fund": "f", "title": "A fund", "currency": "EUR", "body": ""}
    funded = enter(Funded(), "fund.opened", opened, stage(0))
    cents: list[tuple[int, str]] = []
    for index, (word, amount) in enumerate(acts, 1):
        open_ = [place for place, (_, state) in enumerate(cents) if state == "open"]
        begun = {promise for promise, state in cents if state == "paid"}
        loose = [place for place in open_ if cents[place][0] not in begun]
        fine = word == "pledged" or len(open_ if word == "paid" else loose) >= amount
        data = {"fund": "f", "party": uri("water"), "amount": amount}
        try:
            funded = enter(funded, f"fund.{word}", data, stage(index))
        except RefusedError:
            assert not fine
            continue
        assert fine
        if word == "pledged":
            cents += [(index, "open")] * amount
        for place in open_[:amount] if word == "paid" else loose[-amount:] if word == "taken-back" else ():
            cents[place] = (cents[place][0], "paid" if word == "paid" else "back")
        books = funded.fund("f").books
        states = [state for _, state in cents]
        assert books.balance(Account.PLEDGES, uri("water")) == states.count("open")
        assert books.balance(Account.CASH) == states.count("paid")
        assert books.balance(Account.CONTRIBUTIONS, uri("water")) == states.count("open") + states.count("paid")
