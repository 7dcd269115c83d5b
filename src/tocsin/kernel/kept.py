"""What stays in memory for a while: the newest so many of something that can be made again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Kept"]

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
        self.put_all({key: value})

    def put_all(self, values: Mapping[K, V]) -> None:
        """Keep these values, the last of them as the newest."""
        # two that make room at once would change the dictionary that the other walks over
        with self._lock:
            for key, value in values.items():
                if key in self._values:
                    self._weight -= self._weigh(self._values.pop(key))
                self._values[key] = value
                self._weight += self._weigh(value)
            while len(self._values) > self._most or self._weight > self._heaviest:
                self._weight -= self._weigh(self._values.pop(next(iter(self._values))))

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._values.clear()
            self._weight = 0
