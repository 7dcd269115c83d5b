"""Kinds of labels: two that differ in more than owner and recipients never share one."""

from __future__ import annotations

from tocsin.agreements.model import Label, Tlp
from tocsin.agreements.placed import Kinds


class Interrupted(dict[Label, int]):
    """Lets another thread's label in just before one is entered."""

    def __init__(self, kinds: Kinds, label: Label) -> None:
        self._kinds = kinds
        self._label: Label | None = label

    def setdefault(self, key: Label, default: int = 0, /) -> int:
        """Enter the other first."""
        label, self._label = self._label, None
        if label is not None:
            self._kinds.of(2, label)
        return super().setdefault(key, default)


def test_two_threads_never_give_two_labels_one_kind() -> None:
    kinds = Kinds()
    clear = Label(owner="https://alfa.example", type="indicator", tlp=Tlp.CLEAR)
    red = Label(owner="https://alfa.example", type="indicator", tlp=Tlp.RED)
    kinds._numbers = Interrupted(kinds, red)
    assert kinds.of(1, clear).kind != kinds.of(2, red).kind
    assert kinds.of(3, clear).kind == kinds.of(1, clear).kind
