"""What a party sees of a fund's books leaves every other party's figures open: a witness shows it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from tocsin.risk.fund.books import Account, Books, move
from tocsin.risk.fund.model import Claim, Fund
from tocsin.risk.fund.seen import balances_seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READER: Final = "https://p0.example"
# by party: what was promised, and how much of it is paid. At least 2 of each, where there is any: of two who gave a
# cent each, who sees that both gave, and two cents, knows
PARTS = st.sampled_from([0, 2, 3, 5, 8])
GIFTS = st.dictionaries(st.integers(0, 4).map("https://p{}.example".format), st.tuples(PARTS, PARTS), max_size=5)
Parts: TypeAlias = "Mapping[str, tuple[int, int]]"


def fund_of(gifts: Parts, spent: int, grants: Parts) -> Fund:
    """Return a fund in which each party's paid and outstanding parts are these, and so much was paid out.

    ``grants``: the same of what parties were granted, each for two claims where both parts are something.
    """
    books = Books()
    for party, (paid, outstanding) in gifts.items():
        if paid + outstanding:
            debit, credit = (Account.PLEDGES, party), (Account.CONTRIBUTIONS, party)
            books = move(books, index=1, word="pledged", amount=paid + outstanding, debit=debit, credit=credit)
        if paid:
            books = move(
                books, index=2, word="paid in", amount=paid, debit=(Account.CASH, ""), credit=(Account.PLEDGES, party)
            )
    if spent:
        debit = (Account.GRANTS, "wall")
        books = move(books, index=3, word="tranche 1", amount=spent, debit=debit, credit=(Account.CASH, ""))
    claims: dict[str, Claim] = {}
    for party, parts in grants.items():
        for word, amount in zip(("paid", "open"), parts, strict=True):
            if not amount:
                continue
            uuid = f"{word} {party}"
            claims[uuid] = Claim(uuid=uuid, party=party, amount=amount, reason="fuel", evidence="cd" * 32)
            account = (Account.PAYABLE, uuid)
            books = move(
                books, index=4, word="granted", amount=amount, debit=(Account.COMPENSATION, uuid), credit=account
            )
            if word == "paid":
                books = move(
                    books, index=5, word="compensated", amount=amount, debit=account, credit=(Account.CASH, "")
                )
    return Fund(name="town", title="The town's", currency="EUR", body="", opened_at=0, books=books, claims=claims)


def free(gifts: Parts, spent: int, grants: Parts) -> int:
    """Return what is in cash and not bound: below 0 no act comes."""
    return sum(paid for paid, _ in gifts.values()) - spent - sum(sum(parts) for parts in grants.values())


def others_like(gifts: Parts, whom: str, part: int) -> Iterator[dict[str, tuple[int, int]]]:
    """Yield parts in which one party's (0: paid, 1: outstanding) is another: by itself, or another's makes up."""

    def moved(party: str, change: int) -> tuple[int, int]:
        parts = list(gifts[party])
        parts[part] += change
        return parts[0], parts[1]

    for change in (1, -1):
        yield {**gifts, whom: moved(whom, change)}
        for other in gifts.keys() - {whom, READER}:
            yield {**gifts, whom: moved(whom, change), other: moved(other, -change)}


@given(gifts=GIFTS, share=st.integers(0, 4), grants=GIFTS)
def test_each_figure_of_another_could_be_another(gifts: Parts, share: int, grants: Parts) -> None:
    # so much more is the reader's own gift that there is something to grant
    paid, outstanding = gifts.get(READER, (0, 0))
    gifts = {**gifts, READER: (paid + sum(sum(parts) for parts in grants.values()), outstanding)}
    spent = free(gifts, 0, grants) * share // 4
    seen = balances_seen(fund_of(gifts, spent, grants), READER)
    for secret, whole in (("gift", gifts), ("grant", grants)):
        for party, part in itertools.product(whole.keys() - {READER}, (0, 1)):
            if whole[party][part] == 0:
                continue
            like = (one for one in others_like(whole, party, part) if min(min(parts) for parts in one.values()) >= 0)
            both = ((one, grants) if secret == "gift" else (gifts, one) for one in like)
            may_be = ((given, granted) for given, granted in both if free(given, spent, granted) >= 0)
            found = (balances_seen(fund_of(given, spent, granted), READER) for given, granted in may_be)
            assert seen in found, (secret, party, part)


def test_one_claimants_compensation_is_no_total_for_another() -> None:
    gifts = {f"https://p{number}.example": (1_000, 1_000) for number in range(4)}
    one, two = {"https://p1.example": (400, 0)}, {"https://p1.example": (400, 0), "https://p2.example": (0, 500)}
    for grants in (one, two, {**one, READER: (5, 0)}):
        seen = balances_seen(fund_of(gifts, 100, grants), READER)
        assert not {"compensation", "payable", "cash"} & seen.keys()
        assert (seen["contributions"], seen["pledges"], seen["grants"]) == (-8_000, 4_000, 100)
        assert 400 not in {abs(sum(some)) for size in range(9) for some in itertools.combinations(seen.values(), size)}
    told = balances_seen(fund_of(gifts, 0, {**one, "https://p2.example": (500, 0)}), READER)
    assert (told["compensation"], told["cash"]) == (900, 3_100)


@given(own=st.tuples(PARTS, PARTS), other=st.tuples(PARTS, PARTS))
def test_that_one_other_gave_looks_as_if_nobody_else_did(own: tuple[int, int], other: tuple[int, int]) -> None:
    alone = balances_seen(fund_of({READER: own}, 0, {}), READER)
    together = balances_seen(fund_of({READER: own, "https://p1.example": other}, 0, {}), READER)
    assert alone == together
    assert all(name.endswith(READER) for name in alone)


@given(gifts=GIFTS)
def test_who_runs_the_hub_sees_every_account_and_a_party_its_own(gifts: Parts) -> None:
    fund = fund_of(gifts, 0, {})
    whole = balances_seen(fund, None)
    assert sum(whole.values()) == 0
    own = {name: amount for name, amount in whole.items() if name.endswith(READER)}
    seen = balances_seen(fund, READER)
    assert own.items() <= seen.items()
    assert all(name.endswith(READER) or ":" not in name for name in seen)
