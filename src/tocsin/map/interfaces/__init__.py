"""What a member publishes in place of its part of the map: how its outputs answer when its inputs fail.

``model`` is what is published, and how it stands in the others' map; ``response`` finds it on the member's own machine;
``error`` measures what it leaves out.
"""

from tocsin.map.interfaces.error import InterfaceError, error_of
from tocsin.map.interfaces.model import Input, Interface, Loss, Output, Stock, bounds, compose, rounded
from tocsin.map.interfaces.response import interface_of, others_of

__all__ = [
    "Input",
    "Interface",
    "InterfaceError",
    "Loss",
    "Output",
    "Stock",
    "bounds",
    "compose",
    "error_of",
    "interface_of",
    "others_of",
    "rounded",
]
