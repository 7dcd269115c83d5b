"""Whether a project did what it was paid for: paired samples before and after, and a lower bound. Pure.

Nobody chooses the samples. When the award is made the assessor commits to the end of a chain of numbers, each the hash
of the next; the plan as it was built is entered into the log; the seed follows from the root of the log with that
entry, and from the assessor's next number. The hub, which makes the root, does not know the number; the assessor
committed to it before there was a root. Each number serves once: the next measurement needs another entry and number.
"""

from __future__ import annotations

import hashlib
import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError, LimitError
from tocsin.kernel.canonical import canonical_json
from tocsin.map.cascade.engine import MOST_TOLD
from tocsin.risk.fund.scenarios import MOST_SAMPLES, Scenarios, Terms

if TYPE_CHECKING:
    from tocsin.risk.fund.projects import Plan

__all__ = [
    "LEAST_SAMPLES",
    "MOST_LINKS",
    "NONCE_BYTES",
    "Bound",
    "Sums",
    "bound_of",
    "chain_of",
    "check_level",
    "commitment_of",
    "measured",
    "plan_digest",
    "seed_of",
]

# The mean of fewer is not near enough to normal for a bound to mean what it says.
LEAST_SAMPLES: Final = 1_000
NONCE_BYTES: Final = 32
# Attempts at all tranches of an award together.
MOST_LINKS: Final = 200
# What may be wrong at one attempt. Below it, rounding has left no level: 1 - 1e-17 is 1, and z has no end.
_LEAST_RISK: Final = 1e-9
# A sum beyond it is no plan's saving, and beyond what a float holds: an export may say anything.
_MOST_SUM: Final = 10**100


class Sums(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was saved in the samples: how many, the sum, and the sum of squares, in whole units of ``value_h``."""

    samples: int
    total: int
    squares: int


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What was saved a sample on average, and what it is at least, at the level that was agreed."""

    mean: float
    lower: float
    met: bool


def plan_digest(plan: Plan) -> str:
    """Return the SHA-256 of a plan's RFC 8785 form, in hexadecimal."""
    return hashlib.sha256(b"tocsin/fund/plan/v1\n" + canonical_json(msgspec.to_builtins(plan))).hexdigest()


def chain_of(secret: bytes, length: int) -> list[str]:
    """Return the numbers of an assessor, in hexadecimal: first the commitment, then what opens it, and so on.

    Raises:
        InputError: the secret has not 32 bytes. LimitError: the chain is none, or longer than we take.
    """
    if not 1 <= length <= MOST_LINKS:
        raise LimitError(f"a chain of {length}", todo=f"1 to {MOST_LINKS}: one number for each attempt at each tranche")
    chain = [secret.hex()]
    for _ in range(length):
        chain.append(commitment_of(bytes.fromhex(chain[-1])))
    return chain[::-1]


def commitment_of(nonce: bytes) -> str:
    """Return what a number of an assessor opens: 32 bytes, in hexadecimal.

    Raises:
        InputError: it has not 32 bytes: a shorter one could be found by trying.
    """
    if len(nonce) != NONCE_BYTES:
        raise InputError(f"an assessor's number has {NONCE_BYTES} bytes, and this {len(nonce)}")
    return hashlib.sha256(b"tocsin/fund/nonce/v1\n" + nonce).hexdigest()


def seed_of(root: bytes, nonce: bytes, *, fund: str, project: str, tranche: int, attempt: int) -> int:
    """Return the seed of a measurement: 63 bits that follow from the log's root, the assessor's number and the case."""
    about = canonical_json({"fund": fund, "project": project, "tranche": tranche, "attempt": attempt})
    digest = hashlib.sha256(b"tocsin/fund/seed/v1\n" + root + nonce + about).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def measured(
    before: Plan,
    after: Plan,
    *,
    seed: int,
    samples: int,
    horizon_h: float,
    jobs: int = -1,
    most_told: int = MOST_TOLD,
) -> Sums:
    """Return what the plan as built saves, sample by sample on the same draws, each rounded to a whole unit.

    ``jobs`` and ``most_told`` are those of ``map.cascade.simulate``: they change how long it takes, and no sum.

    Raises:
        ProjectError: a plan has faults. LimitError: too few samples, or too many. InputError: an asset is worth
            something else afterwards, or is not there: what is lost would be counted by another measure.
    """
    worth = {asset.id: asset.value_h for asset in after.map.assets}
    other = [asset.id for asset in before.map.assets if asset.value_h != worth.get(asset.id, 0)]
    if other:
        raise InputError(
            f"{', '.join(other[:5])}: worth something else in the plan as built, or not there",
            where="value_h",
            todo="keep what an hour of each asset is worth",
        )
    if not LEAST_SAMPLES <= samples <= MOST_SAMPLES:
        raise LimitError(f"{samples} samples", todo=f"{LEAST_SAMPLES:,} to {MOST_SAMPLES:,}")
    terms = Terms(seed=seed, samples=samples, horizon_h=horizon_h)
    none: frozenset[int] = frozenset()
    one, two = (Scenarios(plan, (), terms, jobs=jobs, most_told=most_told) for plan in (before, after))
    saved = [
        round((lost - left) / one.ticks_per_hour)
        for lost, left in zip(one.totals(none).tolist(), two.totals(none).tolist(), strict=True)
    ]
    return Sums(samples=samples, total=sum(saved), squares=sum(value * value for value in saved))


def check_level(confidence: float, attempts: int) -> None:
    """See that a bound can be had at this level: over all attempts together, and at each.

    Raises:
        InputError: none can.
    """
    # below a half a bound is no lower one
    if not 0.5 <= confidence < 1 or attempts < 1 or (1 - confidence) / attempts < _LEAST_RISK:  # noqa: PLR2004
        raise InputError(
            f"a confidence of {confidence} in {attempts} attempts",
            todo=f"0.95 in 2, say: 0.5 or more, and (1 - confidence) / attempts of {_LEAST_RISK} or more",
        )


def bound_of(sums: Sums, *, threshold: int, confidence: float, attempts: int) -> Bound:
    """Return the one-sided lower bound of the mean, and whether it is above the threshold.

    Mean less z times the standard error, z of the level 1 - (1 - confidence) / attempts (Bonferroni): who may try three
    times has to pass a higher bar at each. The mean of a thousand samples is taken as normal.

    Raises:
        InputError: sums that no samples have, or a level that is none.
    """
    count = sums.samples
    # not told how much: who forges a number may make it long
    if max(count, abs(sums.total), abs(sums.squares)) > _MOST_SUM:
        raise InputError("no samples have these sums", todo="numbers of 100 digits at most")
    if count < LEAST_SAMPLES or sums.squares * count < sums.total**2:
        raise InputError("no samples have these sums", where=f"{sums.samples}, {sums.total}, {sums.squares}")
    check_level(confidence, attempts)
    mean = sums.total / count
    variance = (sums.squares * count - sums.total**2) / (count * (count - 1))
    z = NormalDist().inv_cdf(1 - (1 - confidence) / attempts)
    lower = mean - z * math.sqrt(variance / count)
    return Bound(mean=mean, lower=lower, met=lower > threshold)
