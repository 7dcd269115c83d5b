"""Parse and validate: our objects per second against stix2 and stix2-validator, in one run.

Rounds are interleaved, so that a busy moment of the machine hits all of them; each takes its best round. The peers get
Python objects or text as they like it best, and only a slice of the objects: they would take minutes for all.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tocsin.exchange.stix import RefusedObject, parse_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

REALDATA = Path(os.environ.get("TOCSIN_REALDATA", Path(__file__).parents[1] / "../shared/data"))
ROUNDS = 7
FILES = ("ics-attack-18.1.json", "predator.stix2")


class Row(NamedTuple):
    """One line: what was measured on what, objects per second of each, and the two ratios."""

    data: str
    ours: float
    stix2: float
    validator: float

    @property
    def to_stix2(self) -> float:
        return self.ours / self.stix2

    @property
    def to_validator(self) -> float:
        return self.ours / self.validator


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(path: Path) -> Row:
    import stix2
    import stix2validator

    data = path.read_bytes()
    items = json.loads(data)["objects"]
    few = [json.dumps(item) for item in items[:: max(1, len(items) // 200)]]
    fewer = [json.loads(text) for text in few[::4]]
    options = stix2validator.ValidationOptions(version="2.1", silent=True, disabled="all")

    def ours() -> None:
        assert not any(isinstance(item, RefusedObject) for item in parse_bundle(data).items)

    def theirs() -> None:
        for text in few:
            stix2.parse(text, allow_custom=True)

    def validator() -> None:
        for item in fewer:
            stix2validator.validate_instance(item, options)

    best = [float("inf")] * 3
    for _ in range(ROUNDS):
        best = [min(old, _timed(work)) for old, work in zip(best, (ours, theirs, validator), strict=True)]
    return Row(path.name, len(items) / best[0], len(few) / best[1], len(fewer) / best[2])


def run() -> list[Row]:
    """Measure every file that is there."""
    return [_row(REALDATA / "stix" / name) for name in FILES if (REALDATA / "stix" / name).exists()]


def main() -> None:
    rows = run()
    if not rows:
        print(f"parse and validate: skipped, no real data in {REALDATA} (set TOCSIN_REALDATA)")
        return
    print(
        f"{'parse and validate, objects/s':<32}{'ours':>10}{'stix2':>10}{'validator':>11}{'× stix2':>10}{'× validator':>13}"
    )
    for row in rows:
        print(
            f"{row.data:<32}{row.ours:>10,.0f}{row.stix2:>10,.0f}{row.validator:>11,.0f}"
            f"{row.to_stix2:>10,.1f}{row.to_validator:>13,.1f}"
        )


if __name__ == "__main__":
    main()
