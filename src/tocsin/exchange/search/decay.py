"""How much an indicator is still worth: a pure function of its base, its age and its lifetime.

``score = base · (1 - (t / τ)^(1/δ))`` for ``0 ≤ t ≤ τ``, and 0 after: the polynomial model that MISP uses. *t* is the
time since the indicator became valid or was last sighted; *τ* is the lifetime without a sighting; *δ* tells when most
of the loss comes: above 1 early, below 1 late, at 1 evenly.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tocsin.kernel.clock import DAY, Micros

__all__ = ["DEFAULT_BASE", "MODEL", "Model", "base_of", "decayed", "score_at"]

# Nothing is said of how sure its producer is: the middle.
DEFAULT_BASE: Final = 50
_FULL: Final = 100
# What a source is worth by the Admiralty code. F cannot be judged, and says nothing.
_RELIABILITY: Final = {"A": 100, "B": 75, "C": 50, "D": 25, "E": 0}


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """How fast indicators lose their worth. ``lifetime`` in microseconds and ``speed`` are above zero."""

    lifetime: Micros = 120 * DAY
    speed: float = 2.0


# MISP's default for network indicators: 120 days, most of the loss in the first of them.
MODEL: Final = Model()


def base_of(confidence: int | None, reliability: str | None) -> int:
    """Return what an indicator is worth while it is new, 0 to 100.

    The mean of how sure its producer is and of how reliable the source is, or the one that is known; else
    ``DEFAULT_BASE``. ``confidence`` is what ``uncertainty.assess`` says: credibility is in it already.
    """
    known = [worth for worth in (confidence, _RELIABILITY.get(reliability or "")) if worth is not None]
    return max(0, min(_FULL, sum(known) // len(known))) if known else DEFAULT_BASE


def decayed(base: float, age: Micros, model: Model = MODEL) -> float:
    """Return what is left of ``base`` at an age: all of it at 0 and before, nothing from the lifetime on."""
    if age <= 0:
        return float(base)
    if age >= model.lifetime:
        return 0.0
    return base * (1.0 - float((age / model.lifetime) ** (1.0 / model.speed)))


def score_at(
    now: Micros,
    *,
    base: float,
    valid_from: Micros,
    valid_until: Micros | None,
    sighted: Micros | None,
    revoked: bool,
    model: Model = MODEL,
) -> float:
    """Return an indicator's score at an instant, to one decimal: 0 once it is revoked or expired.

    A sighting begins its life anew; one that lies in the future counts as now.
    """
    if revoked or (valid_until is not None and now >= valid_until):
        return 0.0
    start = valid_from if sighted is None else max(valid_from, sighted)
    return round(decayed(base, now - start, model), 1)
