"""What a rule says of an object that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

__all__ = ["Finding", "Raw", "Rule"]


class Finding(msgspec.Struct, frozen=True):
    """One breach: what is wrong (a sentence), where (a path inside of the object), by which section, what to do."""

    what: str
    where: str
    section: str
    todo: str | None = None


Raw = dict[str, Any]
"""An object as it was parsed: for what its type does not declare."""

Rule = Callable[[Any, Raw], Finding | None]
"""Looks at a typed object and at what it was made from; `None` when the rule holds. Rules change nothing."""
