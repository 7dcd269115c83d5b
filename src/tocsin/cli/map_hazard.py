"""What several commands draw samples of: assets that are hit, or a hazard over a whole map; and how it is told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from tocsin.errors import UsageError
from tocsin.map.model import LONGEST_H
from tocsin.map.sampling import Asked, drawn, struck

if TYPE_CHECKING:
    from tocsin.map.cascade import Hits, Wiring
    from tocsin.map.seen import Seen

__all__ = [
    "ChanceOption",
    "DamageOption",
    "DrawsOption",
    "IntensityOption",
    "RepairOption",
    "SeedOption",
    "asked_of",
    "samples_of",
]

# Each is traced, event by event, on a map of any size.
MOST_SAMPLES: Final = 10_000

ChanceOption: TypeAlias = Annotated[
    float | None, typer.Option("--chance", min=0, max=1, help="Drawn: each asset is hit with this chance.")
]
IntensityOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--intensity", metavar="MEASURE=X", help="Drawn: by the assets' fragility, as 'PGA g=0.3'."),
]
RepairOption: TypeAlias = Annotated[
    float, typer.Option("--repair", min=0, max=LONGEST_H, help="Hours to repair what says nothing of it.")
]
SeedOption: TypeAlias = Annotated[int, typer.Option("--seed", min=0, help="The samples follow from it alone.")]
DrawsOption: TypeAlias = Annotated[
    int, typer.Option("--samples", min=1, max=MOST_SAMPLES, help="How many samples are drawn.")
]
DamageOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--hit",
        metavar="ASSET[=DAMAGE]",
        help="In every sample this asset is hit, wholly or by this share, and repaired in a time that is drawn.",
    ),
]


def asked_of(chance: float | None, intensity: str | None, repair: float, within: float) -> Asked:
    """Return the hazard that the options tell.

    Raises:
        UsageError: they tell two, or an intensity that is no number.
    """
    if chance is not None and intensity is not None:
        raise UsageError("--chance and --intensity are two hazards", todo="one of the two")
    if intensity is None:
        return Asked(repair_h=repair, chance=chance, within_h=within)
    measure, _, value = intensity.rpartition("=")
    try:
        strength = float(value)
    except ValueError:
        strength = math.nan
    if not measure or not 0 <= strength < math.inf:
        raise UsageError(
            f"{intensity[:80]!r} is no intensity", where="--intensity", todo="write MEASURE=X, a number of 0 or more"
        )
    return Asked(repair_h=repair, within_h=within, intensity=strength, measure=measure)


def samples_of(seen: Seen, wiring: Wiring, hit: list[str] | None, asked: Asked, *, seed: int, samples: int) -> Hits:
    """Return samples of what is hit, or of a hazard; what nothing is known of stays up.

    Raises:
        UsageError: both are said, or a hit that is none. NotFoundError: there is no such asset on the map that one
            sees. InputError: as ``drawn``.
    """
    if not hit:
        return drawn(seen.plan, wiring, asked, seed=seed, samples=samples, spared=frozenset(seen.unseen))
    if asked.chance is not None or asked.intensity is not None:
        raise UsageError("--hit says what is hit, and a hazard is drawn", todo="one of the two")
    damages = dict(_damage(seen, one) for one in hit)
    return struck(seen.plan, wiring, damages, repair_h=asked.repair_h, seed=seed, samples=samples)


def _damage(seen: Seen, text: str) -> tuple[str, float]:
    if text in seen.refs or "=" not in text:
        return seen.named(text), 1.0
    name, _, number = text.rpartition("=")
    try:
        damage = float(number)
    except ValueError:
        damage = math.nan
    if not 0 <= damage <= 1:
        raise UsageError(f"{text[:80]!r} is no hit", where="--hit", todo="write ASSET, or ASSET=DAMAGE, a share")
    return seen.named(name), damage
