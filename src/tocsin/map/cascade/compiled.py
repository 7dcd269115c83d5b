"""How the kernels are compiled: once for a machine, kept beside their sources, and without Python's lock while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled"]

F = TypeVar("F", bound="Callable[..., object]")


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers.

    ``nogil``: workers are threads that share the map's arrays. No ``parallel``: its threading layers end the process
    when two requests simulate at once. Errors of division as numpy has them: no kernel divides by what may be 0.
    """
    return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
