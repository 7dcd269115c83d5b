"""A year of sixty parties in six countries: after every act the hub shows what the pages say, and nothing else.

The other side of the comparison, ``support.year.evaluator``, was written from the pages in ``docs`` alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

from support import stores
from support.year.documents import PARTIES
from support.year.evaluator import Reader
from support.year.living import live, replay, shortest
from support.year.telling import Year

if TYPE_CHECKING:
    from pathlib import Path

    from support.year.telling import Act

# a script is printed with its seed; this tells the whole year again
SEED: Final = "TOCSIN_YEAR_SEED"


# Which slices each store is told in `make test`: who sees what does not hang on the store, and both are told the same.
QUICK: Final = {"sqlite": (1, 2), "postgres": (3, 4)}[stores.KIND]


SLICES: Final = [pytest.param(seed, marks=() if seed in QUICK else pytest.mark.long) for seed in (1, 2, 3, 4)]


@pytest.mark.parametrize("seed", SLICES)
def test_a_slice_of_a_year(tmp_path: Path, seed: int) -> None:
    """Four times 750 acts, each with a year to happen in."""
    account = live(tmp_path, seed=seed, acts=750, most=40, markings=4)
    assert account.seen > account.compared, f"nearly nobody sees anything: nothing was compared: {account}"
    assert account.taken.total() > 600, str(account)


@pytest.mark.long
@pytest.mark.parametrize("stretch", range(4))
def test_a_year(tmp_path: Path, testrun_uid: str, stretch: int) -> None:
    """One year of 30,000 acts, told four times: each time another quarter of it is compared, act by act."""
    seed = int(os.environ.get(SEED) or int(testrun_uid[:8], 16))
    part = range(stretch * 7_500, (stretch + 1) * 7_500)
    account = live(tmp_path, seed=seed, acts=30_000, most=40, markings=5, compared=part)
    assert account.compared > 3 * len(part), str(account)
    assert account.seen > account.compared, str(account)
    assert account.taken.total() > 0.8 * part.stop, str(account)


ORG: Final = {"kind": "private", "country": "NO", "capacities": [], "sectors": [], "clearance": "restricted"}
SCRIPT: Final[list[Act]] = [
    *(("add", {"name": name, "org": ORG, "people": {}}) for name in PARTIES[:3]),
    ("share", {"party": PARTIES[0], "made": {"type": "indicator", "tlp": "green"}, "number": 1, "version": 0}),
    ("suspend", {"party": PARTIES[1]}),
    ("wait", {"by": 1}),
]


def test_where_they_differ_the_script_is_cut_to_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The yardstick measures: who forgets suspensions is found out, and the script that tells is short."""
    reader = Reader(party=PARTIES[1])
    assert replay(tmp_path / "again", SCRIPT, reader) is None
    monkeypatch.setattr("support.year.evaluator.Evaluator._active", lambda *_: True)
    assert replay(tmp_path / "again", SCRIPT, reader) == (None, set())
    assert shortest(tmp_path, SCRIPT, reader) == [SCRIPT[1], SCRIPT[4]]


def test_a_script_is_told_again(tmp_path: Path) -> None:
    year = Year(tmp_path / "year", seed=1)
    reader = Reader(party=PARTIES[0])
    assert [year.do(act) for act in SCRIPT[:4]] == [{name} for name in (*PARTIES[:3], PARTIES[0])]
    assert len(year.looked(reader) or ()) == 1
    assert year.do(SCRIPT[0]) is None, "a party is added once"
    year.close()
