"""How kernels are compiled: once for a user, kept in the user's cache folder; they run without Python's lock."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import numba
from numba.core import config
from numba.core.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tocsin.map.cascade.wiring import Ints

__all__ = ["bare", "compiled", "inlined", "kept_in"]

# NUMBA_DISABLE_JIT: kernels run as the Python that they are, to be looked at.
_INTERPRETED: Final[bool] = config.DISABLE_JIT  # type: ignore[attr-defined]  # numba sets its settings as it is imported

F = TypeVar("F", bound="Callable[..., object]")


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers, with those that it calls, and keep it in ``kept_in()``.

    Where nothing can be written, neither there nor beside the source, every process compiles for itself (some 15
    seconds). ``nogil``: workers are threads that share the map's arrays. No ``parallel``: its threading layers end the
    process when two requests simulate at once. Errors of division as numpy has them: no kernel divides by what may be
    0.
    """
    with _keeping():
        try:
            return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
        except RuntimeError:  # numba: there is no folder that it may write to
            return cast("F", numba.njit(nogil=True, error_model="numpy")(function))


def kept_in() -> Path:
    """Return where compiled kernels are kept: the user's cache folder (``XDG_CACHE_HOME``, else ``~/.cache``).

    The sources are in its name, because numba would notice a change of the kernel's file alone and not one of a
    constant that it imports. It is the user's own: what is read from it is run.
    """
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(base) if os.path.isabs(base) else Path("~/.cache").expanduser()  # noqa: PTH117 -- "" is no folder
    return cache / "tocsin" / f"kernels-{hashlib.sha256(sources).hexdigest()[:16]}"


@contextmanager
def _keeping() -> Iterator[None]:
    """Tell numba of our folder for as long as a function is declared, unless ``NUMBA_CACHE_DIR`` names one."""
    told = config.CACHE_DIR  # type: ignore[attr-defined]  # numba sets its settings as it is imported
    if not told:
        try:
            folder = kept_in()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (OSError, RuntimeError):
            pass  # read-only, or nobody's home: numba looks for the next folder
        else:
            config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # the same
    try:
        yield
    finally:
        config.CACHE_DIR = told  # type: ignore[attr-defined]  # the same


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
