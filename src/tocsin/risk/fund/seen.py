"""What a party may see of a fund: the one rule, for the command line and for the API. Pure.

Totals are members' common business; what one party gives, claims, or is measured to save, is its own. A total is left
out where it would be somebody's figure: less what the reader knows already.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tocsin.risk.fund.books import Account

if TYPE_CHECKING:
    from tocsin.risk.fund.model import Fund

__all__ = ["LEAST_OTHERS", "balances_seen", "concerned"]

# A total over fewer others is, less one's own figure, somebody else's: of two others neither is told.
LEAST_OTHERS: Final = 2
# All accounts together are 0: one that is left out follows from the others. So what parties gave, what of it is
# outstanding and the cash that came of it are told together, or not at all; and what they were granted, what of it is
# payable and the cash that went for it likewise.
_GIVEN: Final = frozenset({Account.PLEDGES, Account.CONTRIBUTIONS})
_GRANTED: Final = frozenset({Account.PAYABLE, Account.COMPENSATION})


def balances_seen(fund: Fund, whose: str | None) -> dict[str, int]:
    """Return balances: all accounts, or a total for each kind and those of one party (its URI).

    A party's accounts are its pledges and contributions, and those of what it was awarded or claimed. What parties
    gave, and the cash, is left out where fewer than ``LEAST_OTHERS`` others gave, and where of those who did fewer, but
    some, have paid, or have yet to pay; what claimants were granted, and the cash, where fewer others, but some, were
    granted anything, were paid, or have yet to be.
    """
    accounts = {name: amount for name, amount in sorted(fund.books.balances.items()) if amount}
    if whose is None:
        return accounts
    own = {whose, *(one.uuid for one in fund.claims.values() if one.party == whose)} | {
        project for project, one in fund.cases.items() if one.award is not None and one.award.terms.payee == whose
    }
    totals: dict[str, int] = {}
    for name, amount in accounts.items():
        kind = name.partition(":")[0]
        totals[kind] = totals.get(kind, 0) + amount
    few: set[str] = set()
    for group in (_GIVEN, _GRANTED):
        if _few(fund, whose, group):
            few |= group | {Account.CASH}
    mine = {name: amount for name, amount in accounts.items() if name.partition(":")[2] in own}
    return {name: amount for name, amount in totals.items() if name not in few and amount} | mine


def _few(fund: Fund, whose: str, group: frozenset[Account]) -> bool:
    """Return whether some total of these accounts is, less the reader's own, that of fewer than so many others.

    The two of a group are debits and credits of the same: together they are what was paid.
    """
    figures: dict[str, Counter[str]] = {}
    for name, amount in fund.books.balances.items():
        kind, _, of = name.partition(":")
        if kind in group:
            claim = fund.claims.get(of)
            party = of if claim is None else claim.party
            figures.setdefault(kind, Counter())[party] += amount
            figures.setdefault("paid", Counter())[party] += amount
    others = {
        kind: sum(amount != 0 for party, amount in one.items() if party != whose) for kind, one in figures.items()
    }
    if len(figures.get(Account.CONTRIBUTIONS, ())) > 0 and others[Account.CONTRIBUTIONS] < LEAST_OTHERS:
        # that nobody else gave is told by nothing: where one did, the same is left out
        return True
    return any(0 < count < LEAST_OTHERS for count in others.values())


def concerned(fund: Fund, project: str) -> frozenset[str]:
    """Return the parties (their URIs) whose business a project is: who proposed it, is awarded it, or measures it.

    The entries about it are for these, and what it changes and saves: that is where somebody is weak.
    """
    case = fund.case(project)
    awarded = () if case.award is None else (case.award.terms.payee, case.award.terms.assessor)
    return frozenset({case.proposer, *awarded})
