"""A fund on a hub: from a promise to the last tranche, and what is refused on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from support.council import DEPUTIES, constitute, council, decide, signatory
from support.funds import BUILT, CHAIN, NONCE, TANK, WALL, agreed, awarded, chosen, filled, fund_world, uri
from support.hub import OPERATOR, World
from support.told import entries_of
from support.works import TOWN
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    LimitError,
    LogBrokenError,
    NotFoundError,
    TransitionError,
)
from tocsin.exchange.replay import replay
from tocsin.governance.wire import as_data
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting, Mandate, Right
from tocsin.log.note import VerifierKey
from tocsin.log.service import Record
from tocsin.parties.model import Role
from tocsin.risk.fund.books import Account, posted
from tocsin.risk.fund.certificate import open_certificate
from tocsin.risk.fund.measuring import chain_of, seed_of
from tocsin.risk.fund.model import AwardKind, CaseStatus, ClaimStatus, Tranche
from tocsin.risk.fund.steps import KINDS, MOST_PROPOSED
from tocsin.risk.replay import Retelling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAYEE, ASSESSOR, GIVER = OPERATOR.for_("sig@power"), OPERATOR.for_("sig@lab"), OPERATOR.for_("sig@water")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fund") / "hub"
    fund_world(folder).hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "hub", template=template)
    yield world
    world.hub.close()


def measured(world: World, *, nonce: bytes = NONCE) -> bool:
    """Let the assessor measure the second tranche; returns whether it was met."""
    funds = world.hub.funds
    funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    award = funds.measure(ASSESSOR, "region", WALL.id, 2, before=TOWN, after=BUILT, nonce=nonce)
    return 2 in award.met


def released(world: World, tranche: int) -> None:
    world.hub.funds.release(OPERATOR, world.hub.mandate, "region", WALL.id, tranche)


def test_from_a_promise_to_a_certificate(world: World) -> None:
    funds = world.hub.funds
    awarded(world)
    assert funds.get("region").free == 60_000_00
    released(world, 1)
    with pytest.raises(TransitionError, match="was not measured"):
        released(world, 2)
    assert measured(world)
    released(world, 2)
    fund = funds.get("region")
    assert fund.case(WALL.id).status is CaseStatus.DONE
    assert fund.books.balance(Account.CASH) == 60_000_00
    assert fund.books.balance(Account.GRANTS, WALL.id) == 40_000_00
    assert fund.books.balances == posted(fund.books)
    assert sum(fund.books.balances.values()) == 0

    made = funds.certify(OPERATOR, "region", WALL.id, 2, until=world.clock.now() + 300 * DAY)
    key = VerifierKey.parse(world.hub.log.vkey)
    said = open_certificate(made, key=key, at=world.clock.now())
    assert (said.hub, said.project, said.holder, said.threshold) == (
        "https://hub.example",
        WALL.id,
        uri("power"),
        10_000,
    )
    with pytest.raises(InputError, match="has ended"):
        open_certificate(made, key=key, at=world.clock.now() + 301 * DAY)
    with pytest.raises(LogBrokenError):
        open_certificate(made.replace(b"flood-wall", b"flood-wale"), key=key, at=world.clock.now())
    # the hub's key signs more than certificates
    with world.hub.store.read() as connection:
        checkpoint = world.hub.log.head(connection).checkpoint
    with pytest.raises(InputError, match="no certificate"):
        open_certificate(checkpoint, key=key, at=world.clock.now())


def test_the_log_alone_tells_the_same_funds(world: World) -> None:
    awarded(world)
    released(world, 1)
    measured(world)
    claim = world.hub.funds.claim(GIVER, "region", uri("water"), amount=500_00, reason="fuel", evidence="cd" * 32)
    world.hub.funds.settle(OPERATOR, world.hub.mandate, "region", claim.uuid, granted=400_00)
    found = {one.check: (one.detail, one.fault) for one in world.hub.self_test.run()}
    assert found["fund"] == ("1 funds, 4 movements; books balance", None)
    assert found["replay"][1] is None
    stored = world.hub.funds.all()
    assert world.reopen().funds.all() == stored

    told = Retelling()
    replay(list(enumerate(entries_of(world))), above=told)
    assert list(told.funded.funds.values()) == stored


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        pytest.param({"assessor": uri("power")}, ForbiddenError, "not independent", id="the payee assesses itself"),
        pytest.param({"assessor": "https://nobody.example"}, NotFoundError, "no such party", id="nobody assesses"),
        pytest.param({"tranches": (Tranche(amount=1_00),)}, InputError, "nothing is measured", id="nothing measured"),
        pytest.param({"tranches": ()}, InputError, "0 tranches", id="nothing paid"),
        pytest.param(
            {"tranches": (Tranche(amount=41_000_00, threshold=1),)}, InputError, "more than the project", id="too much"
        ),
        pytest.param({"samples": 999}, InputError, "999 samples", id="too few samples"),
        pytest.param({"confidence": 0.4}, InputError, "confidence", id="a bound that is none"),
        pytest.param({"confidence": 0.9999999999999999}, InputError, "1e-09 or more", id="a bound beyond all samples"),
        pytest.param({"attempts": 101}, InputError, "attempts", id="until it is met"),
        pytest.param({"baseline": "x"}, InputError, "SHA-256", id="no plan"),
    ],
)
def test_what_nobody_agrees_on(world: World, changes: dict[str, object], error: type[Exception], says: str) -> None:
    filled(world)
    chosen(world)
    with pytest.raises(error, match=says):
        world.hub.funds.award(OPERATOR, world.hub.mandate, "region", WALL.id, agreed(**changes))


def test_who_serves_the_payee_does_not_assess_it(world: World) -> None:
    awarded(world)
    world.hub.funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    serving = replace(world.hub.parties.get("lab"), clients=frozenset({uri("power")}))
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, serving)
    # not even when it began to serve after the award
    with pytest.raises(ForbiddenError, match="not independent"):
        world.hub.funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    with pytest.raises(ForbiddenError, match="not independent"):
        world.hub.funds.measure(ASSESSOR, "region", WALL.id, 2, before=TOWN, after=BUILT, nonce=NONCE)


def test_only_the_assessor_measures_and_only_what_was_agreed(world: World) -> None:
    awarded(world)
    funds = world.hub.funds
    for somebody in (PAYEE, GIVER, OPERATOR):
        with pytest.raises(ForbiddenError, match="lab assesses"):
            funds.inspect(somebody, "region", WALL.id, BUILT)
    with pytest.raises(TransitionError, match="as built is not in the log"):
        funds.measure(ASSESSOR, "region", WALL.id, 2, before=TOWN, after=BUILT, nonce=NONCE)
    funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    with pytest.raises(ForbiddenError, match="than was agreed"):
        funds.measure(ASSESSOR, "region", WALL.id, 2, before=BUILT, after=BUILT, nonce=NONCE)
    with pytest.raises(TransitionError, match="as built"):
        funds.measure(ASSESSOR, "region", WALL.id, 2, before=TOWN, after=TOWN, nonce=NONCE)
    with pytest.raises(InputError, match="committed to"):
        funds.measure(ASSESSOR, "region", WALL.id, 2, before=TOWN, after=BUILT, nonce=bytes(32))
    with pytest.raises(TransitionError, match="tranche 2 is to be measured"):
        funds.measure(ASSESSOR, "region", WALL.id, 1, before=TOWN, after=BUILT, nonce=NONCE)


def test_each_attempt_has_its_own_seed_and_they_end(world: World) -> None:
    awarded(world, tranches=(Tranche(amount=1_00, threshold=10**9),))
    funds = world.hub.funds
    for attempt in (1, 2):
        funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
        nonce = bytes.fromhex(CHAIN[attempt])
        award = funds.measure(ASSESSOR, "region", WALL.id, 1, before=TOWN, after=BUILT, nonce=nonce)
        assert not award.met
    first, second = award.measurements
    assert first.seed != second.seed
    assert second.seed == seed_of(
        bytes.fromhex(second.root), nonce, fund="region", project=WALL.id, tranche=1, attempt=2
    )
    funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    with pytest.raises(TransitionError, match="2 of 2 attempts"):
        funds.measure(ASSESSOR, "region", WALL.id, 1, before=TOWN, after=BUILT, nonce=bytes.fromhex(CHAIN[3]))


def test_nobody_inspects_until_a_seed_pleases(world: World) -> None:
    awarded(world, tranches=(Tranche(amount=1_00, threshold=1), Tranche(amount=1_00, threshold=2)))
    funds = world.hub.funds
    funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    # another inspection would be another root, and another seed with the same number
    with pytest.raises(TransitionError, match="was not measured yet"):
        funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    # and so would another tranche
    with pytest.raises(TransitionError, match="tranche 1 is to be measured"):
        funds.measure(ASSESSOR, "region", WALL.id, 2, before=TOWN, after=BUILT, nonce=NONCE)


def test_a_number_that_was_shown_serves_nobody_twice(world: World) -> None:
    awarded(world, tranches=(Tranche(amount=1_00, threshold=10**9),))
    funds = world.hub.funds
    funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    funds.measure(ASSESSOR, "region", WALL.id, 1, before=TOWN, after=BUILT, nonce=NONCE)
    funds.inspect(ASSESSOR, "region", WALL.id, BUILT)
    with pytest.raises(InputError, match="committed to"):
        funds.measure(ASSESSOR, "region", WALL.id, 1, before=TOWN, after=BUILT, nonce=NONCE)


@pytest.mark.parametrize(
    "forged",
    [
        {"total": 10**401, "squares": 10**802},
        {"total": 0, "squares": 10**401},
        {"total": -(10**401), "squares": 0},
        {"total": 0, "squares": 0, "samples": 10**401},
    ],
)
def test_sums_that_no_float_holds_break_the_log_and_not_who_reads_it(world: World, forged: dict[str, int]) -> None:
    awarded(world)
    measured(world)
    entries = entries_of(world)
    told = entries[-1].data["measurement"]
    sums = {"samples": 1_000, **forged}
    made = replace(entries[-1], data={**entries[-1].data, "measurement": {**told, "sums": sums}})
    with pytest.raises(LogBrokenError, match="samples"):
        replay(list(enumerate([*entries[:-1], made])), above=Retelling())


def test_a_loan_is_paid_back_and_no_more(world: World) -> None:
    awarded(world, kind=AwardKind.LOAN)
    released(world, 1)
    funds = world.hub.funds
    funds.repaid(OPERATOR, "region", WALL.id, 4_000_00)
    with pytest.raises(TransitionError, match=r"6,000\.00"):
        funds.repaid(OPERATOR, "region", WALL.id, 6_000_01)
    fund = funds.repaid(OPERATOR, "region", WALL.id, 6_000_00)
    assert fund.books.balance(Account.CASH) == 100_000_00


def test_what_is_called_back_ends_the_award(world: World) -> None:
    awarded(world)
    released(world, 1)
    funds = world.hub.funds
    with pytest.raises(TransitionError, match=r"10,000\.00"):
        funds.call_back(OPERATOR, world.hub.mandate, "region", WALL.id, amount=10_000_01, reason="never built")
    funds.call_back(OPERATOR, world.hub.mandate, "region", WALL.id, amount=8_000_00, reason="never built")
    fund = funds.repaid(OPERATOR, "region", WALL.id, 8_000_00)
    assert fund.case(WALL.id).status is CaseStatus.CALLED_BACK
    assert (fund.books.balance(Account.CASH), fund.free) == (98_000_00, 98_000_00)
    with pytest.raises(TransitionError, match="called-back"):
        released(world, 2)
    with pytest.raises(TransitionError):
        funds.repaid(OPERATOR, "region", WALL.id, 1)


def test_an_award_that_failed_is_ended_and_frees_what_it_bound(world: World) -> None:
    awarded(world)
    assert world.hub.funds.get("region").free == 60_000_00
    fund = world.hub.funds.call_back(OPERATOR, world.hub.mandate, "region", WALL.id, amount=0, reason="never begun")
    assert (fund.case(WALL.id).status, fund.free) == (CaseStatus.CALLED_BACK, 100_000_00)
    with pytest.raises(TransitionError, match="called-back"):
        released(world, 1)


def test_nothing_is_promised_twice(world: World) -> None:
    filled(world, 50_000_00)
    chosen(world)
    chosen(world, TANK)
    world.hub.funds.award(OPERATOR, world.hub.mandate, "region", WALL.id, agreed())
    terms = agreed(tranches=(Tranche(amount=10_000_01, threshold=1),))
    with pytest.raises(TransitionError, match="not bound already"):
        world.hub.funds.award(OPERATOR, world.hub.mandate, "region", TANK.id, terms)
    claim = world.hub.funds.claim(GIVER, "region", uri("water"), amount=20_000_00, reason="fuel", evidence="cd" * 32)
    with pytest.raises(TransitionError, match="not bound already"):
        world.hub.funds.settle(OPERATOR, world.hub.mandate, "region", claim.uuid, granted=10_000_01)


def test_a_claim_is_decided_once_and_paid_once(world: World) -> None:
    filled(world)
    funds = world.hub.funds
    claim = funds.claim(GIVER, "region", uri("water"), amount=500_00, reason="fuel", evidence="cd" * 32)
    with pytest.raises(TransitionError, match="filed"):
        funds.compensate(OPERATOR, "region", claim.uuid)
    with pytest.raises(InputError, match=r"500\.01 of 500\.00"):
        funds.settle(OPERATOR, world.hub.mandate, "region", claim.uuid, granted=500_01)
    funds.settle(OPERATOR, world.hub.mandate, "region", claim.uuid, granted=400_00, reasons="the rest is usual")
    fund = funds.compensate(OPERATOR, "region", claim.uuid)
    assert fund.claim(claim.uuid).status is ClaimStatus.PAID
    assert fund.books.balance(Account.COMPENSATION, claim.uuid) == 400_00
    with pytest.raises(TransitionError, match="paid"):
        funds.compensate(OPERATOR, "region", claim.uuid)
    with pytest.raises(TransitionError, match="paid"):
        funds.settle(OPERATOR, world.hub.mandate, "region", claim.uuid, granted=1)


def test_parties_speak_for_themselves_and_the_treasurer_for_the_money(world: World) -> None:
    funds = world.hub.funds
    with pytest.raises(ForbiddenError, match="its own"):
        funds.pledge(PAYEE, "region", uri("water"), 1_00)
    funds.pledge(GIVER, "region", uri("water"), 1_00)
    with pytest.raises(ForbiddenError, match="operator of the hub"):
        funds.paid(GIVER, "region", uri("water"), 1_00)
    with pytest.raises(TransitionError, match=r"1\.00"):
        funds.paid(OPERATOR, "region", uri("water"), 1_01)
    with pytest.raises(ForbiddenError, match="its own name"):
        funds.propose(GIVER, "region", uri("power"), WALL)
    funds.propose(PAYEE, "region", uri("power"), WALL)
    with pytest.raises(ConflictError):
        funds.propose(GIVER, "region", uri("water"), WALL)
    with pytest.raises(InputError, match="cost is -1"):
        funds.propose(PAYEE, "region", uri("power"), replace(TANK, cost=-1))


def test_a_fund_is_decided_by_its_body_and_by_no_other(world: World) -> None:
    rights = (Right.FUND_OPEN, Right.PORTFOLIO_DECIDE)
    world.party("alfa")
    world.party("bravo")
    world.party("coast")
    for reference in DEPUTIES:
        signatory(world, reference)
    constitute(world, council(rights, name="board"))
    funds, document = world.hub.funds, "{title: Ours, currency: EUR, body: board}"
    motion = decide(world, Right.FUND_OPEN, "ours", body="board", document=document)
    with pytest.raises(ForbiddenError, match="differ in title"):
        funds.open(OPERATOR, granted(world, motion.uuid), "ours", title="Mine", currency="EUR", body="board")
    funds.open(OPERATOR, granted(world, motion.uuid), "ours", title="Ours", currency="EUR", body="board")
    # nobody holds this right, and the fund has a body all the same
    funds.propose(PAYEE, "ours", uri("power"), WALL)
    claim = funds.claim(GIVER, "ours", uri("water"), amount=1, reason="fuel", evidence="cd" * 32)
    with pytest.raises(ForbiddenError, match="board decides about this fund"):
        funds.settle(OPERATOR, world.hub.mandate, "ours", claim.uuid, granted=0)


def test_a_project_is_put_anew_so_often_and_no_more(world: World) -> None:
    said: dict[str, object] = {"fund": "region", "party": uri("power"), "project": as_data(WALL)}
    own = Acting(actor="sig@power")
    with world.hub.store.write() as connection:
        at = world.hub.log.now(connection)
        world.hub.log.append(connection, [Record(kind="fund.proposed", at=at, acting=own, data=said)] * MOST_PROPOSED)
    with pytest.raises(LimitError, match="20 proposals of this project"):
        world.hub.funds.propose(own, "region", uri("power"), replace(WALL, title="Higher"))
    assert world.hub.funds.get("region").case(WALL.id).project.title == WALL.title
    world.hub.funds.propose(own, "region", uri("power"), TANK)
    # what an operator enters for the party, the operator has seen
    world.hub.funds.propose(PAYEE, "region", uri("power"), replace(WALL, title="Higher"))
    world.hub.self_test.require()


def test_what_was_proved_is_compensated_once(world: World) -> None:
    filled(world)
    funds = world.hub.funds

    def claim(party: str = "water", evidence: str = "cd" * 32) -> str:
        who = OPERATOR.for_(f"sig@{party}")
        return funds.claim(who, "region", uri(party), amount=5_00, reason="fuel", evidence=evidence).uuid

    refused = claim()
    funds.settle(OPERATOR, world.hub.mandate, "region", refused, granted=0, reasons="no bill")
    first = claim()
    for step in (lambda: funds.settle(OPERATOR, world.hub.mandate, "region", first, granted=5_00), None):
        with pytest.raises(ConflictError, match="claim on this evidence"):
            claim()
        if step is not None:
            step()
    funds.compensate(OPERATOR, "region", first)
    with pytest.raises(ConflictError, match="and it is paid"):
        claim()
    claim(evidence="ce" * 32)
    claim(party="power")
    world.hub.self_test.require()


@pytest.mark.parametrize("left", ["disabled", "reads"])
def test_who_does_not_speak_for_a_party_does_nothing_in_its_name(world: World, left: str) -> None:
    awarded(world)
    funds = world.hub.funds
    for name in ("water", "power", "lab"):
        world.user(f"ann@{name}", roles=frozenset({Role.AUDITOR}) if left == "reads" else frozenset({Role.ANALYST}))
        if left == "disabled":
            world.hub.parties.disable_user(OPERATOR, world.hub.mandate, f"ann@{name}")
    ann, payee, lab = (OPERATOR.for_(f"ann@{name}") for name in ("water", "power", "lab"))
    acts = (
        lambda: funds.pledge(ann, "region", uri("water"), 1_00),
        lambda: funds.take_back(ann, "region", uri("water"), 1_00),
        lambda: funds.claim(ann, "region", uri("water"), amount=1, reason="fuel", evidence="cd" * 32),
        lambda: funds.propose(payee, "region", uri("power"), TANK),
        lambda: funds.inspect(lab, "region", WALL.id, BUILT),
    )
    for act in acts:
        with pytest.raises(ForbiddenError, match="does not speak for their party"):
            act()
    # what they did before stays what it was: water's own pledge is told by a person who has left
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "sig@water")
    assert world.reopen().funds.get("region").free == 60_000_00


def granted(world: World, motion: str) -> Mandate:
    return world.hub.governance.granted(motion)


def test_entries_are_for_those_whom_they_are_about(world: World) -> None:
    awarded(world)
    with world.hub.store.read() as connection:
        rows = {row.kind: row.concerns for row in world.hub.log.rows(connection, kinds=KINDS)}
    assert rows["fund.pledged"] == rows["fund.paid"] == (uri("water"),)
    assert rows["fund.proposed"] == (uri("power"),)
    assert rows["fund.awarded"] == (uri("lab"), uri("power"))
    assert rows["fund.opened"] == rows["fund.decided"] == ()


def test_a_promise_is_taken_back_by_its_party_while_nothing_of_it_is_paid(world: World) -> None:
    funds = world.hub.funds
    funds.pledge(GIVER, "region", uri("water"), 300_00)
    for who in (OPERATOR, PAYEE):
        with pytest.raises(ForbiddenError):
            funds.take_back(who, "region", uri("water"), 300_00)
    funds.take_back(GIVER, "region", uri("water"), 100_00, "the board said no")
    funds.pledge(GIVER, "region", uri("water"), 50_00)
    funds.paid(OPERATOR, "region", uri("water"), 1_00)
    with pytest.raises(TransitionError, match=r"50\.00 is promised of which nothing is paid in"):
        funds.take_back(GIVER, "region", uri("water"), 50_01)
    books = funds.take_back(GIVER, "region", uri("water"), 50_00).books
    assert (books.balance(Account.PLEDGES, uri("water")), books.balance(Account.CASH)) == (199_00, 1_00)
    assert books.balances == posted(books)
    with world.hub.store.read() as connection:
        rows = {row.kind: row.concerns for row in world.hub.log.rows(connection, kinds=KINDS)}
    assert rows["fund.taken-back"] == (uri("water"),)
    world.hub.self_test.require()


def test_a_chain_is_opened_from_its_end() -> None:
    chain = chain_of(b"\x01" * 32, 3)
    assert len(chain) == 4
    assert chain[-1] == (b"\x01" * 32).hex()
    assert len(set(chain)) == 4
