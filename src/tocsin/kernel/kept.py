"""What stays in memory for a while: the newest so many of something that can be made again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Kept", "Lately"]

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most ``most`` values by their keys; the one that was put in first goes first. For any number of threads.

    With ``weigh`` they weigh no more than ``heaviest`` together, either; one that weighs more alone is not kept.
    """

    def __init__(self, most: int, *, weigh: Callable[[V], int] | None = None, heaviest: int = 0) -> None:
        self._most = most
        self._weigh = weigh or (lambda _value: 0)
        self._heaviest = heaviest
        self._weight = 0
        self._values: dict[K, V] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """Return what is kept under a key."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value, as the newest."""
        # two that make room at once would change the dictionary that the other walks over
        with self._lock:
            if key in self._values:
                self._weight -= self._weigh(self._values.pop(key))
            self._values[key] = value
            self._weight += self._weigh(value)
            while len(self._values) > self._most or self._weight > self._heaviest:
                self._weight -= self._weigh(self._values.pop(next(iter(self._values))))


class Lately(Generic[K, V]):
    """Values that were asked for lately, by their keys. For any number of threads.

    They stand in two generations. What is asked for moves into the new one; it becomes the old one when it weighs
    ``heaviest``, or after ``span`` seconds, and what nobody asked for meanwhile is let go. So nothing stays that was
    not asked for in the last two spans, once anybody asks for anything.
    """

    def __init__(
        self, span: float, *, weigh: Callable[[V], int], heaviest: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._span = span
        self._weigh = weigh
        self._heaviest = heaviest
        self._clock = clock
        self._new: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._weight = 0  # of the new ones
        self._since = clock()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def get_all(self, keys: Iterable[K]) -> dict[K, V]:
        """Return what is kept of these, by key."""
        with self._lock:
            self._turn()
            found: dict[K, V] = {}
            for key in keys:
                value = self._new.get(key)
                if value is None:
                    value = self._old.pop(key, None)
                    if value is None:
                        continue
                    self._enter(key, value)
                found[key] = value
            return found

    def put_all(self, values: Mapping[K, V]) -> None:
        """Keep these values."""
        with self._lock:
            self._turn()
            for key, value in values.items():
                self._old.pop(key, None)
                self._enter(key, value)

    def _enter(self, key: K, value: V) -> None:
        before = self._new.get(key)
        self._weight += self._weigh(value) - (0 if before is None else self._weigh(before))
        self._new[key] = value
        if self._weight > self._heaviest:
            self._grow_old()

    def _turn(self) -> None:
        passed = self._clock() - self._since
        if passed >= self._span:
            self._grow_old()
        if passed >= 2 * self._span:
            self._old = {}

    def _grow_old(self) -> None:
        self._old, self._new, self._weight, self._since = self._new, {}, 0, self._clock()
