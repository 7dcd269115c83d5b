"""What falls when something is hit, and when: one definition, two engines (``docs/map.md``).

``engine`` is compiled by numba, which takes a second to import: whoever runs cascades imports it by its name.
"""

from tocsin.map.cascade.hits import Hit, Hits, hits_of
from tocsin.map.cascade.reference import Course, course
from tocsin.map.cascade.wiring import Wiring, wire

__all__ = ["Course", "Hit", "Hits", "Wiring", "course", "hits_of", "wire"]
