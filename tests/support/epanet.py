"""A small network as EPANET writes it: a ring of three pipes, a pump from a lake, a tank, and a pipe that is shut."""

from __future__ import annotations

from typing import Final

__all__ = ["RING"]

# how they are joined; each test says what they join
RING: Final = """[PIPES]
 ab a b 100 300 100 0 Open
 ac a c 100 300 100 0 Open
 bc b c 100 300 100 0 Open
 ct c tank 100 300 100 0 Open
 old a b 100 300 100 0 Closed
[PUMPS]
 pump lake a HEAD 1
"""
