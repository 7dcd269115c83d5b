"""What every benchmark is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure import Noise


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run. ``folder`` is emptied after it; ``cache`` is kept, for what takes minutes to make."""

    quick: bool
    noise: Noise
    folder: Path
    cache: Path
    requests: int = 0  # that a serving process is to answer while its memory is watched

    def rounds(self, full: int) -> int:
        """Return how many rounds to take."""
        return max(3, full // 2) if self.quick else full
