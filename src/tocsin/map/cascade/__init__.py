"""What falls when something is hit, and when: one definition, two engines (``docs/map.md``)."""

from tocsin.map.cascade.engine import Hourly, courses, simulate, trace
from tocsin.map.cascade.hits import Hit, Hits, hits_of
from tocsin.map.cascade.outcome import Outcome
from tocsin.map.cascade.reference import Course, course
from tocsin.map.cascade.wiring import Wiring, wire

__all__ = [
    "Course",
    "Hit",
    "Hits",
    "Hourly",
    "Outcome",
    "Wiring",
    "course",
    "courses",
    "hits_of",
    "simulate",
    "trace",
    "wire",
]
