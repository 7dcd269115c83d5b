"""At which instants the objects of a submission are added: so that they tell nothing of those that one may not see.

The instants are drawn without repetition, each as likely as any other, from a window that begins with the submission
and is as long for one object as for hundreds. Whatever part of such a draw a reader sees is such a draw itself, and so
the same whatever else there was: neither a distance nor a number of microseconds tells that something lies between.

Objects of one label are seen together or not at all. They keep the order in which they were sent; objects of different
labels are mixed by chance, since an order between them would tell how many of the other label came before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.kernel.ids import Entropy

__all__ = ["drawn", "window"]

# Windows in microseconds, by the most objects that are spread in one: so few lengths, since the length tells how many
# objects there were, and each so short that storing the least that takes it lasts about as long, so that the stamps
# do not run ahead of the clock. A window holds at least twice as many instants as objects: drawing them stays cheap.
WINDOWS: Final = ((512, 1 << 10), (8_192, 1 << 14), (1 << 17, 1 << 18))
_DRAW: Final = 4  # bytes of one draw; windows are powers of two below their range, so that a mask favours no instant


def window(count: int) -> int:
    """Return the length of the window, in microseconds, in which so many objects are spread."""
    for most, length in WINDOWS:
        if count <= most:
            return length
    return 2 << (count - 1).bit_length()


def drawn(labels: Sequence[int], entropy: Entropy) -> list[tuple[int, int]]:
    """Return the objects of a submission in the order in which they are added: at which microsecond, and which one.

    ``labels`` has the label of each object. Instants count from 1 to the length of the window.
    """
    slots = _distinct(len(labels), entropy)
    by_label: dict[int, list[int]] = {}
    for slot, label in zip(slots, labels, strict=True):
        by_label.setdefault(label, []).append(slot)
    if len(by_label) == 1:
        return list(zip(sorted(slots), range(len(slots)), strict=True))
    # each label keeps the instants that chance gave it, and its objects their order
    rising = {label: iter(sorted(given)) for label, given in by_label.items()}
    return sorted((next(rising[label]), place) for place, label in enumerate(labels))


def _distinct(count: int, entropy: Entropy) -> list[int]:
    """Draw so many different instants; which comes where among them is chance as well."""
    mask = window(count) - 1
    found: dict[int, None] = {}
    while len(found) < count:
        wanted = count - len(found)
        numbers = memoryview(entropy.bytes(_DRAW * wanted)).cast("I")
        found.update(dict.fromkeys([(number & mask) + 1 for number in numbers]))
    return list(found)
