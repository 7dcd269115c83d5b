"""How kernels are compiled: once for a machine, kept beside their sources; they run without Python's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import numba
from numba.core import config
from numba.core.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.map.cascade.wiring import Ints

__all__ = ["bare", "compiled", "inlined"]

# NUMBA_DISABLE_JIT: kernels run as the Python that they are, to be looked at.
_INTERPRETED: Final[bool] = config.DISABLE_JIT  # type: ignore[attr-defined]  # numba sets its settings as it is imported

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


def _bare(array: Ints) -> Ints:
    return array


def _bare_typed(_context: Any, array: Any) -> tuple[Any, Any]:  # noqa: ANN401 -- numba's types, which it does not type
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401 -- the same
        struct = context.make_array(array)(context, builder, value=arguments[0])
        struct.meminfo = struct.meminfo.type(None)  # a null pointer
        struct.parent = struct.parent.type(None)
        return struct._getvalue()  # noqa: SLF001 -- so do numba's own intrinsics

    return array(array), generate


# The same array, of which nobody counts who holds it. Counting is a locked instruction on a word that all workers
# share, several times for each event. Whoever calls a kernel holds its arrays until it returns.
bare = cast("Callable[[Ints], Ints]", _bare if _INTERPRETED else intrinsic(_bare_typed))
