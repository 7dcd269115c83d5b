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
from tocsin.risk.fund.measuring import measured, plan_digest
from tocsin.risk.fund.model import Fund
from tocsin.risk.fund.steps import KINDS
from tocsin.risk.replay import Retelling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from tocsin.risk.fund.model import Measurement, Terms
    from tocsin.risk.fund.projects import Plan

__all__ = ["Audited", "audit"]


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What an export tells of funds, and how much of it was held against the tree."""

    funds: tuple[Fund, ...]
    movements: int
    measurements: int
    again: int  # measurements that were made again


def audit(directory: Path, *, size: int, plans: Sequence[Plan] = ()) -> Audited:
    """Tell the funds of an export that was verified before and discloses everything.

    Measurements of which both plans are given are made again.

    Raises:
        LogBrokenError: an entry cannot have happened, the books do not add up, a measurement's seed rests on a root
            that the log never had, or its sums are others.
    """
    told = Retelling(KINDS)
    replay(Disclosures(directory), above=told)
    funds = tuple(fund for _, fund in sorted(told.funded.funds.items()))
    for fund in funds:
        if posted(fund.books) != fund.books.balances or sum(fund.books.balances.values()) != 0:
            raise LogBrokenError("its books do not add up", where=f"fund {fund.name}")
    made = [one for fund in funds for one in _measurements(fund)]
    known = {plan_digest(plan): plan for plan in plans}
    again = sum(_again(terms, one, known) for terms, one in made)
    roots = dict(_roots(directory, size, {one.inspected + 1 for _, one in made}))
    for _, one in made:
        if roots.get(one.inspected + 1) != one.root:
            raise LogBrokenError("the seed of its measurement rests on another root", where=f"entry {one.inspected}")
    return Audited(
        funds=funds, movements=sum(len(fund.books.entries) for fund in funds), measurements=len(made), again=again
    )


def _measurements(fund: Fund) -> Iterator[tuple[Terms, Measurement]]:
    for case in fund.cases.values():
        if case.award is not None:
            for one in case.award.measurements:
                yield case.award.terms, one


def _again(terms: Terms, made: Measurement, known: Mapping[str, Plan]) -> bool:
    """Make a measurement again, if its plans are known; returns whether they are."""
    before, after = known.get(terms.baseline), known.get(made.plan)
    if before is None or after is None:
        return False
    if measured(before, after, seed=made.seed, samples=terms.samples, horizon_h=terms.horizon_h) != made.sums:
        raise LogBrokenError("the measurement gives other sums", where=f"entry {made.inspected}")
    return True


def _roots(directory: Path, size: int, wanted: Collection[int]) -> Iterator[tuple[int, str]]:
    """Yield the root at each size that is wanted, from the entries themselves."""
    frontier = Frontier()
    for tile in bundles_of(size):
        data = (directory / tile.path).read_bytes()
        for entry in decode_bundle(data, width=tile.width, where=tile.path):
            frontier = frontier.grown([leaf_hash(entry)])
            if frontier.size in wanted:
                yield frontier.size, frontier.root().hex()
