"""What a member publishes in place of its part of the map: how its outputs answer when its inputs fail.

``model`` is what is published, ``composing`` how it stands in the others' map; ``response`` finds it on the member's
own machine, ``bounds`` what holds at least and at most; ``error`` measures what is left out.
"""

from tocsin.map.interfaces.bounds import bounds_of
from tocsin.map.interfaces.composing import compose
from tocsin.map.interfaces.error import InterfaceError, Width, error_of, trials, width_of
from tocsin.map.interfaces.model import Bounds, Input, Interface, Loss, Output, Promise, Stock, rounded
from tocsin.map.interfaces.response import interface_of, others_of

__all__ = [
    "Bounds",
    "Input",
    "Interface",
    "InterfaceError",
    "Loss",
    "Output",
    "Promise",
    "Stock",
    "Width",
    "bounds_of",
    "compose",
    "error_of",
    "interface_of",
    "others_of",
    "rounded",
    "trials",
    "width_of",
]
