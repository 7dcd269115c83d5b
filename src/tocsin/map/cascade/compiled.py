"""How kernels are compiled: once for a machine, kept beside their sources; they run without Python's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled", "inlined"]

F = TypeVar("F", bound="Callable[..., object]")


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers, with those that it calls, and keep it beside its source.

    ``nogil``: workers are threads that share the map's arrays. No ``parallel``: its threading layers end the process
    when two requests simulate at once. Errors of division as numpy has them: no kernel divides by what may be 0.
    """
    return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def inlined(function: F) -> F:
    """Compile a part of such a function into each place that calls it.

    Called, it would be handed some hundred words: each array of the working state is seven.
    """
    return cast("F", numba.njit(nogil=True, error_model="numpy", forceinline=True)(function))
