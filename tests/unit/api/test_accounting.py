"""Accounts of several parties at once: whose is being made holds up nobody else."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tocsin.errors import BusyError, StoreBrokenError
from tocsin.exchange.account.model import Account
from tocsin.exchange.api import accounting
from tocsin.exchange.api.accounting import FRESH, MAX_MAKING
from tocsin.kernel.http.routes import Call, Endpoint
from tocsin.parties.model import Principal, PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tocsin.kernel.http.routes import Reply

# A test that waits for longer than this waits for ever.
LONG = 30


class Slow:
    """Makes accounts; those of the parties in ``held`` when the test lets it."""

    def __init__(self, *held: str) -> None:
        self.at = 1
        self.made: list[str] = []
        self.began = {name: threading.Event() for name in held}
        self.let = {name: threading.Event() for name in held}
        self.broken: set[str] = set()

    def ask(self, *_: object) -> int:
        return self.at

    def account(self, party: SimpleNamespace, _tell: object) -> Account:
        if party.name in self.let:
            self.began[party.name].set()
            assert self.let[party.name].wait(LONG)
        if party.name in self.broken:
            raise StoreBrokenError("it is broken")
        self.made.append(party.name)
        return Account(origin="hub/log", size=1, root=b"", party=party.uri, releases=())


class Parties:
    """Knows whoever asks."""

    def resolve(self, name: str) -> tuple[SimpleNamespace, None]:
        return SimpleNamespace(name=name, uri=f"https://{name}.example"), None

    def names(self) -> dict[str, str]:
        return {}


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def asked_of(accounts: Slow) -> Callable[[str], Reply]:
    (operation, _) = accounting.operations(SimpleNamespace(accounts=accounts, parties=Parties()))
    assert isinstance(operation.does, Endpoint)
    run = operation.does.run

    def ask(name: str) -> Reply:
        who = Principal(
            kind=PrincipalKind.SERVICE,
            party=f"https://{name}.example",
            party_name=name,
            user=None,
            purpose="detect",
            permissions=frozenset(),
        )
        return run(Call(known=who, path={}, query=b"", headers={}))

    return ask


def test_a_party_whose_account_takes_long_holds_up_nobody_else(threads: ThreadPoolExecutor) -> None:
    accounts = Slow("alfa")
    ask = asked_of(accounts)
    slow = threads.submit(ask, "alfa")
    assert accounts.began["alfa"].wait(LONG)
    # another's is made, and told again, meanwhile
    first = threads.submit(ask, "bravo").result(LONG)
    assert threads.submit(ask, "bravo").result(LONG).body == first.body
    # its own second caller does not take a second thread
    with pytest.raises(BusyError, match="your party"):
        threads.submit(ask, "alfa").result(LONG)
    assert not slow.done()
    accounts.let["alfa"].set()
    assert slow.result(LONG).body == threads.submit(ask, "alfa").result(LONG).body
    assert sorted(accounts.made) == ["alfa", "bravo"]


def test_not_all_threads_make_accounts_and_what_is_kept_waits_for_none(threads: ThreadPoolExecutor) -> None:
    names = [f"slow-{number}" for number in range(MAX_MAKING)]
    accounts = Slow(*names)
    ask = asked_of(accounts)
    kept = ask("bravo").body
    waiting = [threads.submit(ask, name) for name in names]
    assert all(accounts.began[name].wait(LONG) for name in names)
    assert threads.submit(ask, "bravo").result(LONG).body == kept
    with pytest.raises(BusyError) as refused:
        ask("charlie")
    assert not any(name in str(refused.value) for name in names)
    for name in names:
        accounts.let[name].set()
    assert {one.result(LONG).status for one in waiting} == {200}
    assert ask("charlie").status == 200


def test_an_account_that_could_not_be_made_keeps_no_place() -> None:
    accounts = Slow()
    ask = asked_of(accounts)
    accounts.broken = {"alfa"}
    for _ in range(MAX_MAKING + 1):
        with contextlib.suppress(StoreBrokenError):
            ask("alfa")
    accounts.broken = set()
    assert ask("alfa").status == 200
    accounts.at += FRESH
    assert ask("alfa").status == 200
    assert accounts.made == ["alfa", "alfa"]
