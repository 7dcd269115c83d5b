"""The fields of each table: what they are called, how text becomes their value, and the value text again. Pure.

One text for each value in every format, so that a map that goes through any of them is the same map.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from tocsin.map.formats.limits import MOST_TEXT
from tocsin.map.model import Lognormal, Need, Normal, Provenance, Quantiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.map.model import Repair

__all__ = [
    "ASSET",
    "GROUP",
    "LINK",
    "MODE",
    "REQUIRED",
    "SUPPLIER",
    "TABLES",
    "Wrong",
    "number_of",
    "plain_text",
    "seen_text",
    "text_of",
]

# float() takes nan, inf, 1_000 and digits of any script: none of them is meant where a number stands
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,15}", re.ASCII)
_TRUTHS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_PARTS: Final = {"lognormal": 2, "normal": 2}
# soft hyphen, marks and overrides of direction, what has no width; and the joiners of other writings beside ASCII
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]"
    r"|(?:^|(?<=[\x00-\x7f]))[\u200c\u200d]|[\u200c\u200d](?=[\x00-\x7f]|$)"
)
_SHOWN: Final = 60


class Wrong(Exception):  # noqa: N818 -- no error of ours: it never leaves the reading of one row
    """A value is not what its field holds: what stands there, and what was expected."""

    def __init__(self, cause: str, expected: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.expected = expected


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return repr(text[:_SHOWN]) + ("..." if len(text) > _SHOWN else "")


def plain_text(value: object) -> str:
    """Return text of one line without characters that nobody sees; a number in its place is read as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Wrong(f"is {_shown(value)}", "text")
    text = value if isinstance(value, str) else text_of(value)
    if len(text) > MOST_TEXT:
        raise Wrong(f"has {len(text):,} characters", f"at most {MOST_TEXT:,}")
    if text != text.strip():
        raise Wrong(f"is {_shown(text)}", "no space before or after it")
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs", "Cn", "Zl", "Zp"}:
            raise Wrong(f"has the character U+{ord(character):04X}", "text on one line, without control characters")
    return text


def seen_text(value: object) -> str:
    """Return plain text of characters that are seen, in the order in which they stand.

    Marks that turn what follows round, or that take no place, make one name look like another (UTS #55). The joiners
    that other writings spell with stay where ASCII is not beside them.
    """
    text = plain_text(value)
    found = _UNSEEN.search(text)
    if found is not None:
        raise Wrong(f"has the character U+{ord(found[0]):04X}", "characters that are seen, none that turn text round")
    return text


def number_of(value: object) -> float:
    """Return a finite number; from text only as decimal digits."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value.strip()) is None:
            raise Wrong(f"is {_shown(value)}", "a number, as in 12.5")
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"is {_shown(value)}", "a number, as in 12.5")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Wrong(f"is {_shown(value)}", "a number that is finite")
    return number


def _whole(value: object) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise Wrong(f"is {_shown(value)}", "a whole number, as in 1200")


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTHS:
        return _TRUTHS[value.lower()]
    raise Wrong(f"is {_shown(value)}", "'true' or 'false'")


def _need(value: object) -> Need:
    if value in tuple(Need):
        return Need(str(value))
    raise Wrong(f"is {_shown(value)}", "'sum' or 'count'")


def _provenance(value: object) -> Provenance:
    if value in tuple(Provenance):
        return Provenance(str(value))
    raise Wrong(f"is {_shown(value)}", "'published', 'reported', 'derived' or 'assumed'")


def _repair(value: object) -> Repair:
    """Read ``lognormal MEDIAN SIGMA``, ``normal MEAN SIGMA`` or ``quantiles SHORTEST ... LONGEST``, in hours."""
    words = value.split() if isinstance(value, str) else []
    form = words[0] if words else ""
    wanted = "'lognormal 24 0.5', 'normal 72 48' or 'quantiles 2 8 24', in hours"
    if form not in {"lognormal", "normal", "quantiles"} or len(words) - 1 != _PARTS.get(form, len(words) - 1):
        raise Wrong(f"is {_shown(value)}", wanted)
    try:
        numbers = tuple(number_of(word) for word in words[1:])
    except Wrong as error:
        raise Wrong(f"is {_shown(value)}", wanted) from error
    if form == "quantiles":
        return Quantiles(hours=numbers)
    first, second = numbers
    return Lognormal(median_h=first, sigma=second) if form == "lognormal" else Normal(mean_h=first, sigma_h=second)


def text_of(value: object) -> str:
    """Return what is read as this value again: the shortest decimals that are the same number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Quantiles):
        return " ".join(("quantiles", *map(text_of, value.hours)))
    if isinstance(value, Lognormal):
        return f"lognormal {text_of(value.median_h)} {text_of(value.sigma)}"
    if isinstance(value, Normal):
        return f"normal {text_of(value.mean_h)} {text_of(value.sigma_h)}"
    text = repr(value)
    return text.removesuffix(".0")


_Fields = dict[str, "Callable[[object], object]"]
ASSET: Final[_Fields] = {
    "id": seen_text,
    "kind": seen_text,
    "sector": seen_text,
    "owner": seen_text,
    "longitude": number_of,
    "latitude": number_of,
    "value_h": number_of,
    "people": _whole,
    "repair": _repair,
}
MODE: Final[_Fields] = {
    "asset": seen_text,
    "name": seen_text,
    "per_year": number_of,
    "measure": seen_text,
    "median": number_of,
    "beta": number_of,
    "damage_least": number_of,
    "damage_most": number_of,
    "repair": _repair,
}
GROUP: Final[_Fields] = {
    "asset": seen_text,
    "name": seen_text,
    "k": number_of,
    "need": _need,
    "buffer_h": number_of,
    "refill": number_of,
    "black_start": _truth,
    "alpha": number_of,
    "beta": number_of,
    "up_from": number_of,
    "buffer_least_h": number_of,
    "buffer_most_h": number_of,
}
SUPPLIER: Final[_Fields] = {
    "asset": seen_text,
    "group": seen_text,
    "supplier": seen_text,
    "weight": number_of,
    "provenance": _provenance,
    "basis": seen_text,
    "least": number_of,
    "most": number_of,
}
# An asset that leads from one to another, and needs both.
LINK: Final[_Fields] = {**ASSET, "from": seen_text, "to": seen_text}
# What a file of each kind holds, by the name that mapping files and CSV files give it.
TABLES: Final[Mapping[str, _Fields]] = {"assets": ASSET, "failure_modes": MODE, "groups": GROUP, "suppliers": SUPPLIER}
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "assets": ("id",),
    "failure_modes": ("asset", "name"),
    "groups": ("asset", "name"),
    "suppliers": ("asset", "group", "supplier"),
    "links": ("id", "from", "to"),
}
