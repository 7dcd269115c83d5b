"""Funds told from an export alone, for auditors: every step again, and the root behind every measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.errors import LogBrokenError
from tocsin.exchange.replay import replay
from tocsin.log.merkle import Frontier, leaf_hash
from tocsin.log.tiles import bundles_of, decode_bundle
from tocsin.log.verify import Disclosures
from tocsin.risk.fund.books import posted
from tocsin.risk.fund.model import Fund
from tocsin.risk.fund.replay import Telling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tocsin.risk.fund.model import Measurement

__all__ = ["Audited", "audit"]


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What an export tells of funds, and how much of it was held against the tree."""

    funds: tuple[Fund, ...]
    movements: int
    measurements: int


def audit(directory: Path, *, size: int) -> Audited:
    """Tell the funds of an export that was verified before and discloses everything.

    Raises:
        LogBrokenError: an entry cannot have happened, the books do not add up, or a measurement's seed rests on a root
            that the log never had.
    """
    telling = Telling()
    replay(Disclosures(directory), above=telling)
    funds = tuple(fund for _, fund in sorted(telling.funded.funds.items()))
    for fund in funds:
        if posted(fund.books) != fund.books.balances or sum(fund.books.balances.values()):
            raise LogBrokenError("its books do not add up", where=f"fund {fund.name}")
    made = [one for fund in funds for one in _measurements(fund)]
    roots = dict(_roots(directory, size, {one.inspected + 1 for one in made}))
    for one in made:
        if roots.get(one.inspected + 1) != one.root:
            raise LogBrokenError("the seed of its measurement rests on another root", where=f"entry {one.inspected}")
    return Audited(funds=funds, movements=sum(len(fund.books.entries) for fund in funds), measurements=len(made))


def _measurements(fund: Fund) -> Iterator[Measurement]:
    for case in fund.cases.values():
        if case.award is not None:
            yield from case.award.measurements


def _roots(directory: Path, size: int, wanted: Collection[int]) -> Iterator[tuple[int, str]]:
    """Yield the root at each size that is wanted, from the entries themselves."""
    frontier = Frontier()
    for tile in bundles_of(size):
        data = (directory / tile.path).read_bytes()
        for entry in decode_bundle(data, width=tile.width, where=tile.path):
            frontier = frontier.grown([leaf_hash(entry)])
            if frontier.size in wanted:
                yield frontier.size, frontier.root().hex()
