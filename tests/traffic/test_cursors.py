"""What a cursor tells of the place for which it stands: nothing, whatever lies between two of them."""

from __future__ import annotations

import base64
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from support.adversary import auc, bound
from tocsin.exchange.cursor import Cursors
from tocsin.kernel.ids import SeededEntropy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.kernel.canonical import Json

BOUND: Final[Json] = ["live", "https://bravo.example", None, "collection", {}]
TRIES: Final = 1_000
PLACES: Final = {"the next": 11, "a hundred on": 110, "far on": 10_000_000, "the last there can be": 2**63 - 1}


def opened(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def clear(place: int, cursors: Cursors) -> str:
    """A cursor that could be read."""
    nonce = opened(cursors.seal(0, BOUND))[:28]
    return base64.urlsafe_b64encode(place.to_bytes(8, "big") + nonce).decode()


def sealed(place: int, cursors: Cursors) -> str:
    return cursors.seal(place, BOUND)


def loudest(make: Callable[[int, Cursors], str], place: int) -> float:
    """Return how far from chance the byte is that tells this place from the tenth best."""
    cursors = Cursors(b"k" * 32, SeededEntropy(5))
    ten = [opened(make(10, cursors)) for _ in range(TRIES)]
    other = [opened(make(place, cursors)) for _ in range(TRIES)]
    assert {len(text) for text in ten} == {len(text) for text in other} == {36}
    return max(abs(auc([one[at] for one in ten], [one[at] for one in other]) - 0.5) for at in range(36))


@pytest.mark.parametrize("place", PLACES)
def test_no_byte_tells_the_place(place: str) -> None:
    # of 36 bytes, the loudest: chance alone takes none so far
    assert loudest(sealed, PLACES[place]) <= bound(TRIES, TRIES)


def test_a_cursor_in_clear_would_tell() -> None:
    assert loudest(clear, 11) == 0.5


def test_cursors_are_of_one_length_and_none_is_given_twice() -> None:
    cursors = Cursors(b"k" * 32, SeededEntropy(6))
    given = [cursors.seal(place, BOUND) for place in (0, 0, 1, 255, 256, 2**40, 2**63 - 1) for _ in range(50)]
    assert {len(text) for text in given} == {48}
    assert len(set(given)) == len(given)
    # what any two have in common is chance: near 1 in 256 of their bytes, at the same place of both
    pairs = Counter(
        one[at] == other[at]
        for one, other in zip(map(opened, given[:-1]), map(opened, given[1:]), strict=True)
        for at in range(36)
    )
    assert pairs[True] / pairs.total() < 0.01
