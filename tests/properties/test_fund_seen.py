"""What a party sees of a fund's books leaves every other party's figures open: a witness shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from tocsin.risk.fund.books import Account, Books, move
from tocsin.risk.fund.model import Fund
from tocsin.risk.fund.seen import balances_seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READER: Final = "https://p0.example"
# by party: what was promised, and how much of it is paid. At least 2 of each, where there is any: of two who gave a
# cent each, who sees that both gave, and two cents, knows
PARTS = st.sampled_from([0, 2, 3, 5, 8])
GIFTS = st.dictionaries(st.integers(0, 4).map("https://p{}.example".format), st.tuples(PARTS, PARTS), max_size=5)


def fund_of(gifts: Mapping[str, tuple[int, int]], spent: int) -> Fund:
    """Return a fund in which each party's paid and outstanding parts are these, and so much was paid out."""
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
    return Fund(name="town", title="The town's", currency="EUR", body="", opened_at=0, books=books)


def others_like(gifts: Mapping[str, tuple[int, int]], whom: str, part: int) -> Iterator[dict[str, tuple[int, int]]]:
    """Yield gifts in which one party's part (0: paid, 1: outstanding) is another: by itself, or another's makes up."""

    def moved(party: str, change: int) -> tuple[int, int]:
        parts = list(gifts[party])
        parts[part] += change
        return parts[0], parts[1]

    for change in (1, -1):
        yield {**gifts, whom: moved(whom, change)}
        for other in gifts.keys() - {whom, READER}:
            yield {**gifts, whom: moved(whom, change), other: moved(other, -change)}


@given(gifts=GIFTS, share=st.integers(0, 4))
def test_each_figure_of_another_could_be_another(gifts: dict[str, tuple[int, int]], share: int) -> None:
    spent = sum(paid for paid, _ in gifts.values()) * share // 4
    seen = balances_seen(fund_of(gifts, spent), READER)
    for party in gifts.keys() - {READER}:
        for part in (0, 1):
            if gifts[party][part] == 0:
                continue
            like = others_like(gifts, party, part)
            fine = (one for one in like if min(min(parts) for parts in one.values()) >= 0)
            paid_enough = (one for one in fine if sum(paid for paid, _ in one.values()) >= spent)
            assert any(balances_seen(fund_of(one, spent), READER) == seen for one in paid_enough), (party, part)


@given(gifts=GIFTS)
def test_who_runs_the_hub_sees_every_account_and_a_party_its_own(gifts: dict[str, tuple[int, int]]) -> None:
    fund = fund_of(gifts, 0)
    whole = balances_seen(fund, None)
    assert sum(whole.values()) == 0
    own = {name: amount for name, amount in whole.items() if name.endswith(READER)}
    seen = balances_seen(fund, READER)
    assert own.items() <= seen.items()
    assert all(name.endswith(READER) or ":" not in name for name in seen)
