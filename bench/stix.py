"""Parse and validate: from bytes to checked objects, against stix2 and stix2-validator.

The peers get Python objects or text as they like it best, and only a slice of the objects: they would take minutes for
all.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bench.data import REALDATA, Source, bundle
from bench.measure import Ratio, Table, interleave, line, over, rate
from tocsin.exchange.stix import RefusedObject, parse_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.run import Run

FILES: Final = ("ics-attack-18.1.json", "predator.stix2")
ROUNDS: Final = 9
OURS, STIX2, VALIDATOR = "ours: parse_bundle", "stix2 3.0.2: parse", "stix2-validator 3.2.0: validate_instance"


def measure(run: Run) -> Iterator[Table]:
    """Measure every file that is there, or made-up objects."""
    found: list[Path] = [REALDATA / "stix" / name for name in FILES if (REALDATA / "stix" / name).exists()]
    for path in found:
        yield _file(run, path.name, path.read_bytes())
    if not found:
        yield _file(run, "made-up objects", bundle(Source().take(1_000)))


def _file(run: Run, name: str, data: bytes) -> Table:
    import stix2
    import stix2validator

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

    values = interleave(
        run.rounds(ROUNDS),
        {
            OURS: lambda: rate(len(items), ours),
            STIX2: lambda: rate(len(few), theirs),
            VALIDATOR: lambda: rate(len(fewer), validator),
        },
        run.noise,
    )
    return Table(
        name="stix",
        title=f"Parse and validate: {name}, {len(items):,} objects",
        lines=tuple(line(one, "objects/s", measured) for one, measured in values.items()),
        ratios=(
            Ratio(name="ours to stix2.parse", value=over(values, OURS, STIX2), aim=10),
            Ratio(name="ours to stix2-validator", value=over(values, OURS, VALIDATOR), aim=100),
        ),
        notes=(
            "ours is all of intake's reading: I-JSON, types, rules, re-encoding",
            "stix2 with `allow_custom`; the validator with every optional check off",
        ),
    )
