"""What the instants at which objects were added tell of those that a reader may not see: nothing.

One that listens sees ten objects of one submission. In one world the submission held only these; in the other it held
more, before them, after them or between them, which it may not see. It may look at any distance that it likes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.adversary import auc, bound
from tocsin.exchange.stamps import WINDOWS, drawn, window
from tocsin.exchange.stix import DEFAULT_LIMITS
from tocsin.kernel.ids import SeededEntropy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tocsin.kernel.ids import Entropy

    Stamping: TypeAlias = Callable[[Sequence[int], Entropy], list[tuple[int, int]]]

SEEN: Final = 10
MINE: Final = 1
HIDDEN: Final = 2
TRIES: Final = 1_000

# the labels of a submission, in the order in which it was sent
WORLDS: Final[dict[str, list[int]]] = {
    "one in the middle": [MINE] * 5 + [HIDDEN] + [MINE] * 5,
    "one before": [HIDDEN] + [MINE] * SEEN,
    "one behind": [MINE] * SEEN + [HIDDEN],
    "one between any two": [MINE, HIDDEN] * SEEN,
    "a hundred before": [HIDDEN] * 100 + [MINE] * SEEN,
    "of two labels, on both sides": [HIDDEN] * 40 + [MINE] * SEEN + [HIDDEN + 1] * 90,
    "as many as there is room for": [MINE] * 5 + [HIDDEN] * (WINDOWS[0][0] - SEEN) + [MINE] * 5,
}
LOOKED_AT: Final[dict[str, Callable[[Sequence[int]], float]]] = {
    "the first": lambda seen: seen[0],
    "the last": lambda seen: seen[-1],
    "from first to last": lambda seen: seen[-1] - seen[0],
    "the distance in the middle": lambda seen: seen[5] - seen[4],
    "the smallest distance": lambda seen: min(after - before for before, after in pairwise(seen)),
    "the greatest distance": lambda seen: max(after - before for before, after in pairwise(seen)),
    "the sum": sum,
    "how even they are": lambda seen: sum((after - before) ** 2 for before, after in pairwise(seen)),
    "the lowest bits": lambda seen: sum(one & 7 for one in seen),
}


def stepped(labels: Sequence[int], entropy: Entropy) -> list[tuple[int, int]]:
    """Stamp by random steps of 1 to 32, in the order sent: what one would do first."""
    at, found = 0, []
    for place, step in enumerate(entropy.bytes(len(labels))):
        at += 1 + (step & 31)
        found.append((at, place))
    return found


def dense(labels: Sequence[int], _entropy: Entropy) -> list[tuple[int, int]]:
    """Stamp by steps of 1."""
    return [(place + 1, place) for place in range(len(labels))]


def ordered(labels: Sequence[int], entropy: Entropy) -> list[tuple[int, int]]:
    """Draw as we do, and keep the order sent."""
    return [(at, place) for place, (at, _) in enumerate(drawn([MINE] * len(labels), entropy))]


def proportional(labels: Sequence[int], entropy: Entropy) -> list[tuple[int, int]]:
    """Draw as we do, from a window that grows with the submission."""
    return [(at * len(labels) // 512 + place, which) for place, (at, which) in enumerate(drawn(labels, entropy))]


def listen(labels: Sequence[int], stamping: Stamping, *, seed: int) -> list[list[int]]:
    """Return what is seen of so many submissions."""
    entropy = SeededEntropy(seed)
    return [[at for at, place in stamping(labels, entropy) if labels[place] == MINE] for _ in range(TRIES)]


def areas(labels: Sequence[int], stamping: Stamping) -> dict[str, float]:
    """Return how well each distance tells a submission from one that held nothing else."""
    alone, among = listen([MINE] * SEEN, stamping, seed=1), listen(labels, stamping, seed=2)
    return {name: auc([look(one) for one in alone], [look(one) for one in among]) for name, look in LOOKED_AT.items()}


@pytest.mark.parametrize("world", WORLDS)
def test_no_distance_tells_of_what_is_hidden(world: str) -> None:
    for name, area in areas(WORLDS[world], drawn).items():
        assert abs(area - 0.5) <= bound(TRIES, TRIES), name


# what one listens to by each way that is not ours, where it shows, and how well at least
TELLTALE: Final[dict[str, tuple[Stamping, str, str, float]]] = {
    "random steps": (stepped, "one in the middle", "the distance in the middle", 0.8),
    "random steps, for more": (stepped, "one between any two", "from first to last", 0.999),
    "steps of one": (dense, "one in the middle", "the distance in the middle", 1.0),
    "the order sent": (ordered, "one in the middle", "the distance in the middle", 0.6),
    "the order sent, at the beginning": (ordered, "a hundred before", "the first", 0.99),
    "a window for each size": (proportional, "of two labels, on both sides", "from first to last", 0.99),
}


@pytest.mark.parametrize("way", TELLTALE)
def test_what_would_tell_is_heard(way: str) -> None:
    """The listener is able: it hears every way that tells something."""
    stamping, world, look, at_least = TELLTALE[way]
    assert areas(WORLDS[world], stamping)[look] >= at_least


def test_each_instant_is_as_likely() -> None:
    """Chi-squared over sixteen parts of the window, of one visible object among five hundred hidden ones."""
    parts, tries = 16, 1_600
    found = [0] * parts
    entropy = SeededEntropy(3)
    labels = [HIDDEN] * 250 + [MINE] + [HIDDEN] * 250
    for _ in range(tries):
        (at,) = [at for at, place in drawn(labels, entropy) if labels[place] == MINE]
        found[(at - 1) * parts // window(len(labels))] += 1
    expected = tries / parts
    assert sum((count - expected) ** 2 / expected for count in found) < 37.7  # 15 degrees of freedom, p = 0.001


@given(st.lists(st.integers(1, 4), max_size=600), st.integers(0, 1 << 32))
@settings(max_examples=40, deadline=None)
def test_the_law(labels: list[int], seed: int) -> None:
    """Every object has its own instant in the window, they rise, and each label keeps its order."""
    found = drawn(labels, SeededEntropy(seed))
    assert sorted(place for _, place in found) == list(range(len(labels)))
    assert all(before < after for (before, _), (after, _) in pairwise(found))
    assert all(1 <= at <= window(len(labels)) for at, _ in found)
    for label in set(labels):
        own = [place for _, place in found if labels[place] == label]
        assert own == sorted(own)


def test_the_length_of_a_window_tells_one_of_three_sizes() -> None:
    """The residue: beyond 512 and 8,192 objects, how far apart they are tells which of these it was."""
    sizes = range(1, DEFAULT_LIMITS.max_objects + 1)
    assert len({window(count) for count in sizes}) == 3
    assert all(window(count) >= 2 * count for count in sizes)
    # what is beyond any submission is drawn all the same
    assert window(1 << 20) >= 2 << 20
