"""Living through a year: act after act, what the hub shows is compared with what the pages say.

When they differ, the script is cut down to what still makes them differ, and printed: it can be told again.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Final

from support.year.documents import PARTIES
from support.year.script import Writer, reader_of
from support.year.telling import Act, Year

if TYPE_CHECKING:
    from pathlib import Path

    from support.year.evaluator import Reader
    from support.year.telling import Found

__all__ = ["Account", "DisagreementError", "live", "replay", "shortest"]

ALL_EVERY: Final = 500  # acts, after which everybody is compared
RANDOM: Final = 3  # parties that are compared although nothing touched them
TOLD_AGAIN: Final = 10_000  # acts at most to cut a script down: a minute or two

Script = list[Act]


class DisagreementError(AssertionError):
    """What the hub shows is not what the pages say."""


class Account:
    """What came of a year."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.compared = 0
        self.seen = 0

    def __str__(self) -> str:
        told = ", ".join(f"{verb} {count}+{self.refused[verb]}" for verb, count in sorted(self.taken.items()))
        return f"{told}; compared {self.compared}, {self.seen / max(self.compared, 1):.0f} seen on average"


def live(folder: Path, *, seed: int, acts: int, most: int, markings: int, compared: range | None = None) -> Account:
    """Live through a year that a seed draws, up to the last act after which something is ``compared`` (None: all).

    Whatever is compared, the acts are the same: stretches of one year can be told by several processes.

    Raises:
        DisagreementError: the hub showed somebody something else than the pages say; a script tells how.
    """
    rng, account = Random(seed), Account()
    year, told = Year(folder / "year", seed=seed), list[Act]()
    try:
        writer = Writer(rng, year.state, acts=acts, most=most, markings=markings)
        founding: Script = []
        for act in writer.founding():
            founding.append(act)
            year.do(act)
        for number in range(acts if compared is None else compared.stop):
            act = writer.act()
            told.append(act)
            touched = year.do(act)
            (account.refused if touched is None else account.taken)[act[0]] += 1
            whom = list(PARTIES) if number % ALL_EVERY == ALL_EVERY - 1 else sorted(touched or ())
            for party in [*whom, *rng.sample(PARTIES, RANDOM)]:
                reader = reader_of(rng, year.state, party)
                if compared is not None and number not in compared:
                    continue
                differs = year.differs(reader)
                account.compared += 1
                seen = year.evaluator.visible(reader) or set()
                account.seen += sum(not object_id.startswith("marking-definition") for object_id, *_ in seen)
                if differs is not None:
                    _tell(folder, founding, told, reader, differs, seed=seed)
    finally:
        year.close()
    return account


def replay(folder: Path, script: Script, reader: Reader, *, seed: int = 1) -> tuple[Found, Found] | None:
    """Tell a script to a new hub; returns what it shows a reader then and what the pages say, if that differs."""
    year = Year(folder, seed=seed)
    try:
        for act in script:
            year.do(act)
        there = reader.party in year.state.orgs and (reader.person is None or reader.reference in year.state.people)
        return year.differs(reader) if there else None
    finally:
        year.close()
        shutil.rmtree(folder)


def shortest(folder: Path, script: Script, reader: Reader, *, seed: int = 1) -> Script:
    """Return as little of a script as could be found after which the hub and the pages differ for a reader."""
    left = TOLD_AGAIN
    size = len(script) // 2
    while size and left > 0:
        for place in range(len(script), 0, -size):
            cut = [*script[: max(0, place - size)], *script[place:]]
            left -= len(cut)
            with contextlib.suppress(AssertionError, KeyError):  # cut so that it makes no sense, or differs elsewhere
                if left > 0 and replay(folder / "again", cut, reader, seed=seed) is not None:
                    script = cut
        size //= 2
    return script


def _tell(
    folder: Path, founding: Script, told: Script, reader: Reader, answers: tuple[Found, Found], *, seed: int
) -> None:
    """Raise with a script that is as short as could be made."""
    script = shortest(folder, [*founding, *told], reader, seed=seed)
    shown, said = ({*()} if answer is None else answer for answer in answers)
    lines = "\n".join(json.dumps(act) for act in script)
    raise DisagreementError(
        f"after act {len(told)} of the year of seed {seed}, {told[-1]}:\n{reader}\n"
        f"is shown {sorted(shown - said)[:5]} too much, {sorted(said - shown)[:5]} too little; let in: "
        f"{answers[0] is not None}, by the pages: {answers[1] is not None}\n"
        f"told again with support.year.living.replay, this is enough:\n{lines}"
    )
