"""How a serving process holds its memory."""

from __future__ import annotations

import ctypes
from typing import Final

__all__ = ["keep_memory"]

# A page of a thousand objects is some megabytes, allocated and freed for each request. glibc gives such pieces back to
# the system at once, and every thread has a heap of its own: each page then faults its memory in anew, which costs
# more than all that is done with it. glibc takes no threshold above 32 MiB.
_MIB: Final = 1 << 20
_SETTINGS: Final = (  # mallopt(3): parameter, value
    (-8, 1),  # M_ARENA_MAX: one heap, so that what one thread freed the next one takes
    (-3, 32 * _MIB),  # M_MMAP_THRESHOLD: from the heap, below this
    (-1, 256 * _MIB),  # M_TRIM_THRESHOLD: so much is kept, of what was in use once
    (-2, 16 * _MIB),  # M_TOP_PAD: grow by as much
)


def keep_memory() -> bool:
    """Have the C library keep freed memory for the next request; returns whether it can.

    To be called before there are threads. What a process holds is then the most that it ever used at once, and at most
    256 MiB more than it uses now. Another C library than glibc is left as it is.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all(mallopt(parameter, value) for parameter, value in _SETTINGS)
