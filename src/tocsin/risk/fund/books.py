"""The books of a fund: double entry in whole cents. Pure.

Every act that moves money is one entry whose postings add up to nothing, so that the books balance whatever happens.
Debits are above 0, credits below. Nothing is paid out that is not in cash, and nothing is promised twice.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import msgspec

from tocsin.errors import InputError, TransitionError
from tocsin.risk.fund.cents import written
from tocsin.risk.fund.projects import MOST_CENTS

__all__ = ["PAID_IN", "PLEDGED", "TAKEN_BACK", "Account", "Books", "Entry", "move", "posted", "untouched"]

# Words of movements by which promises are told from each other.
PLEDGED: Final = "pledged"
PAID_IN: Final = "paid in"
TAKEN_BACK: Final = "taken back"


class Account(enum.StrEnum):
    """Kinds of account; all but cash have one for each party, award or claim, named ``kind:whose``."""

    CASH = "cash"
    PLEDGES = "pledges"  # of a party: promised and not paid yet
    CONTRIBUTIONS = "contributions"  # of a party: what it gives, promised or paid
    GRANTS = "grants"  # of an award: paid and not to come back
    LOANS = "loans"  # of an award: paid and to come back
    CLAW_BACKS = "claw-backs"  # of an award: called back and not paid yet
    COMPENSATION = "compensation"  # of a claim: what it was decided to be worth
    PAYABLE = "payable"  # of a claim: decided and not paid yet


# Accounts that only hold what the fund was given, or owes; the others only what it has, is owed, or spent. On the other
# side of 0 they would mean nothing.
_NEVER_ABOVE: Final = (Account.CONTRIBUTIONS, Account.PAYABLE)
_NEVER_BELOW: Final = tuple(kind for kind in Account if kind not in _NEVER_ABOVE)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One movement: of an entry of the log (its number), by a word, from one account to another."""

    index: int
    word: str
    amount: int
    debit: str
    credit: str


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in each account, and every movement that made it so. ``balances`` are debits less credits."""

    balances: Mapping[str, int] = msgspec.field(default_factory=dict)
    entries: tuple[Entry, ...] = ()

    def balance(self, kind: Account, whose: str = "") -> int:
        """Return what stands in an account; of what was given or is owed, as a number above 0."""
        found = self.balances.get(name_of(kind, whose), 0)
        return -found if kind in _NEVER_ABOVE else found

    def total(self, kind: Account) -> int:
        """Return what stands in all accounts of a kind."""
        found = sum(amount for name, amount in self.balances.items() if name.partition(":")[0] == kind)
        return -found if kind in _NEVER_ABOVE else found


def name_of(kind: Account, whose: str = "") -> str:
    """Return how an account is called."""
    return f"{kind}:{whose}" if whose else str(kind)


def move(
    books: Books, *, index: int, word: str, amount: int, debit: tuple[Account, str], credit: tuple[Account, str]
) -> Books:
    """Return the books with one movement more.

    Raises:
        InputError: the amount is none.
        TransitionError: there is not as much in an account: no cash to pay from, more paid than was promised or lent.
    """
    if not 0 < amount <= MOST_CENTS:
        raise InputError(f"an amount of {written(amount)}", todo=f"0.01 to {written(MOST_CENTS)}")
    balances = dict(books.balances)
    for (kind, whose), change in ((debit, amount), (credit, -amount)):
        name = name_of(kind, whose)
        found = balances.get(name, 0) + change
        if (kind in _NEVER_BELOW and found < 0) or (kind in _NEVER_ABOVE and found > 0):
            raise TransitionError(
                f"there is {written(books.balance(kind, whose))} in {name}, and this takes {written(amount)}",
                where=word,
                todo="`tocsin fund books FUND` shows every account",
            )
        balances[name] = found
    entry = Entry(index=index, word=word, amount=amount, debit=name_of(*debit), credit=name_of(*credit))
    return Books(balances=balances, entries=(*books.entries, entry))


def posted(books: Books) -> Mapping[str, int]:
    """Return what the movements alone make of each account: an auditor's sum, to hold beside ``balances``."""
    balances: dict[str, int] = {}
    for entry in books.entries:
        balances[entry.debit] = balances.get(entry.debit, 0) + entry.amount
        balances[entry.credit] = balances.get(entry.credit, 0) - entry.amount
    return balances


def untouched(books: Books, party: str) -> int:
    """Return the cents that a party promised in promises of which nothing is paid in yet.

    What is paid in is paid of the oldest promise; what is taken back is taken of the newest.
    """
    whose = name_of(Account.PLEDGES, party)
    open_: list[int] = []  # what is open of each promise, the oldest first
    begun = 0  # what is open of the promise that is being paid
    for entry in books.entries:
        if whose not in (entry.debit, entry.credit):
            continue
        left = entry.amount
        if entry.word == PLEDGED:
            open_.append(left)
        elif entry.word == PAID_IN:
            begun, left = begun - min(begun, left), left - min(begun, left)
            while left:
                first = open_.pop(0)
                begun, left = first - min(first, left), left - min(first, left)
        else:
            while left:
                last = open_.pop()
                if last > left:
                    open_.append(last - left)
                left -= min(last, left)
    return sum(open_)
