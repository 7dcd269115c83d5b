"""Classifications as people write them: banners, portion marks, and the classification of an ACS marking.

A hub has a ceiling, and what is marked above it must not be stored. So this errs on the side of refusing: whatever is
written like a classification counts as one. It knows the levels of NATO, the EU, and some states; each is taken as the
level that the security agreements between them take as equal. What it does not know it does not find: see
``docs/spillage.md``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tocsin.exchange.markings.acs import ACS_CLASSIFICATIONS, ACS_EXTENSION
from tocsin.exchange.markings.model import strictest
from tocsin.kernel.text import normal
from tocsin.parties.model import CLEARANCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["BANNERS", "WORDS", "banner_of", "classification_of"]

_NONE, _RESTRICTED, _CONFIDENTIAL, _SECRET, _TOP_SECRET = CLEARANCES

BANNERS: Final[dict[str, str]] = {
    # NATO, C-M(2002)49
    "NATO UNCLASSIFIED": _NONE,
    "NATO RESTRICTED": _RESTRICTED,
    "NATO CONFIDENTIAL": _CONFIDENTIAL,
    "NATO SECRET": _SECRET,
    "COSMIC TOP SECRET": _TOP_SECRET,
    "FOCAL TOP SECRET": _TOP_SECRET,
    # EU, Council Decision 2013/488/EU
    "EU RESTRICTED": _RESTRICTED,
    "EU CONFIDENTIAL": _CONFIDENTIAL,
    "EU SECRET": _SECRET,
    "EU TOP SECRET": _TOP_SECRET,
    "RESTREINT UE": _RESTRICTED,
    "R-UE/EU-R": _RESTRICTED,
    "C-UE/EU-C": _CONFIDENTIAL,
    "S-UE/EU-S": _SECRET,
    "TS-UE/EU-TS": _TOP_SECRET,
    "CONFIDENTIEL UE": _CONFIDENTIAL,
    "SECRET UE": _SECRET,
    "TRES SECRET UE": _TOP_SECRET,
    "TRÈS SECRET UE": _TOP_SECRET,
    # United Kingdom
    "OFFICIAL-SENSITIVE": _RESTRICTED,
    "UK SECRET": _SECRET,
    "UK TOP SECRET": _TOP_SECRET,
    # Norway, Sweden, Denmark, Finland
    "STRENGT HEMMELIG": _TOP_SECRET,
    "BEGRÄNSAT HEMLIG": _RESTRICTED,
    "KVALIFICERAT HEMLIG": _TOP_SECRET,
    "TIL TJENESTEBRUG": _RESTRICTED,
    "YDERST HEMMELIGT": _TOP_SECRET,
    "KÄYTTÖ RAJOITETTU": _RESTRICTED,
    "ERITTÄIN SALAINEN": _TOP_SECRET,
    # Germany, France, Netherlands
    "VS-NUR FÜR DEN DIENSTGEBRAUCH": _RESTRICTED,
    "VS - NUR FÜR DEN DIENSTGEBRAUCH": _RESTRICTED,
    "VS-NFD": _RESTRICTED,
    "VS-VERTRAULICH": _CONFIDENTIAL,
    "STRENG GEHEIM": _TOP_SECRET,
    "DIFFUSION RESTREINTE": _RESTRICTED,
    "CONFIDENTIEL DÉFENSE": _CONFIDENTIAL,
    "SECRET DÉFENSE": _SECRET,
    "TRÈS SECRET DÉFENSE": _TOP_SECRET,
    "TRÈS SECRET": _TOP_SECRET,
    "DEPARTEMENTAAL VERTROUWELIJK": _RESTRICTED,
    "STG. CONFIDENTIEEL": _CONFIDENTIAL,
    "STG. GEHEIM": _SECRET,
    "STG. ZEER GEHEIM": _TOP_SECRET,
    # Poland, Estonia
    "ŚCIŚLE TAJNE": _TOP_SECRET,
    "TÄIESTI SALAJANE": _TOP_SECRET,
    # the United States and others
    "TOP SECRET": _TOP_SECRET,
}
"""What is a classification wherever it stands at the top of a text, written in capital letters."""

WORDS: Final[dict[str, str]] = {
    "UNCLASSIFIED": _NONE,
    "OFFICIAL": _NONE,
    "RESTRICTED": _RESTRICTED,
    "BEGRENSET": _RESTRICTED,
    "PIIRATUD": _RESTRICTED,
    "ZASTRZEŻONE": _RESTRICTED,
    "CONFIDENTIAL": _CONFIDENTIAL,
    "KONFIDENSIELT": _CONFIDENTIAL,
    "KONFIDENTIELL": _CONFIDENTIAL,
    "FORTROLIGT": _CONFIDENTIAL,
    "LUOTTAMUKSELLINEN": _CONFIDENTIAL,
    "KONFIDENTSIAALNE": _CONFIDENTIAL,
    "POUFNE": _CONFIDENTIAL,
    "SECRET": _SECRET,
    "HEMMELIG": _SECRET,
    "HEMLIG": _SECRET,
    "HEMMELIGT": _SECRET,
    "SALAINEN": _SECRET,
    "GEHEIM": _SECRET,
    "SALAJANE": _SECRET,
    "TAJNE": _SECRET,
}
"""Words that are also words: a classification where they are all that a marking says, or where `//` follows."""

_PORTIONS: Final = {"U": _NONE, "R": _RESTRICTED, "C": _CONFIDENTIAL, "S": _SECRET, "TS": _TOP_SECRET}
"""Portion marks; `(C)` and `(R)` alone are not taken for one: they are older signs."""


# People space, hyphenate and accent a banner as their keyboard does.
_HYPHEN: Final = re.compile(r"\s*+[\u00ad\u2010-\u2015\u2212-][\s\u00ad\u2010-\u2015\u2212-]*+")
_SPACE: Final = re.compile(r"\s+")
_SLASH: Final = re.compile(r" ?/ ?")
# Characters that take no place: between two letters, or after one, nobody sees them.
_UNSEEN: Final = re.compile(r"[\u034f\u200b-\u200f\u2060\ufeff]")


def _folded(text: str) -> str:
    """Return a text as its banners are compared: one way of writing for all that look alike."""
    seen = _UNSEEN.sub("", normal("NFKC", text))
    return _SLASH.sub("/", _SPACE.sub(" ", _HYPHEN.sub("-", seen)))


def _key(name: str) -> str:
    return _folded(name).replace("-", " ")


_LEVELS: Final = {_key(name): level for name, level in (BANNERS | WORDS).items()}


def _any(names: Mapping[str, str]) -> str:
    # the longest first: of two that begin alike the regular expression takes what stands first
    keys = sorted({_key(name) for name in names}, key=len, reverse=True)
    return "|".join(re.escape(key).replace(r"\ ", "[ -]") for key in keys)


# at the very top of a text: a banner, a word with caveats, or a portion mark
_TOP: Final = re.compile(
    rf"\s*+(?:\((?P<portion>TS|S|C|R|U)(?:(?<=S)\)|//)"
    rf"|\W{{0,4}}(?P<banner>{_any(BANNERS)})(?!\w)"
    rf"|\W{{0,4}}(?P<word>{_any(WORDS)})//)"
)
# a line that says nothing else, however it is written
_LINE: Final = re.compile(rf"\W*+(?P<name>{_any(_LEVELS)})(?:\s*[/(:-].*)?\W*", re.IGNORECASE)
# What a banner does not begin with, told without folding: a word that is not in capital letters, behind ASCII alone.
_PLAIN: Final = re.compile(r"[\x00-/:-@\[-^`{-\x7f]*+(?:[a-z0-9_]|[A-Z][a-z])")
# A banner stands at the top: so much of a text about something else is folded, which is work for every text there is.
_HEAD: Final = 4_096
# Longer texts than this are no markings; what is looked at has to be bounded, since a regular expression looks.
_LONGEST: Final = 100_000
# Marking-definitions nest no deeper; below that nothing is looked for, and nothing is read either.
_DEEPEST: Final = 8


def banner_of(text: str) -> str | None:
    """Return the classification at the top of a text that is about something else: a description, a name."""
    if _PLAIN.match(text) is not None:
        return None
    match = _TOP.match(_folded(text.lstrip()[:_HEAD]))
    if match is None:
        return None
    if match["portion"] is not None:
        return _PORTIONS[match["portion"]]
    return _LEVELS[_key(match["banner"] or match["word"])]


def classification_of(definition: Mapping[str, object]) -> str | None:
    """Return the classification of a marking-definition, as it came in JSON and valid or not; None: it tells none.

    Looks at its name, its statement and whatever else it says; an ACS marking whose classification cannot be read is
    taken for the highest.
    """
    extensions = definition.get("extensions")
    acs = extensions.get(ACS_EXTENSION) if isinstance(extensions, dict) else None
    found = [_line_of(text) for name in ("name", "definition", "extensions") for text in _texts(definition.get(name))]
    if acs is not None:
        control = acs.get("control_set") if isinstance(acs, dict) else None
        level = control.get("classification") if isinstance(control, dict) else None
        found.append(ACS_CLASSIFICATIONS.get(level, _TOP_SECRET) if isinstance(level, str) else _TOP_SECRET)
    return strictest(found)


def _line_of(text: str) -> str | None:
    found = [banner_of(text)]
    for line in text[:_LONGEST].splitlines():
        match = _LINE.fullmatch(_folded(line.strip()[:_HEAD]))
        if match is not None:
            # letters of other scripts that count as the same one have no capital among these
            found.append(_LEVELS.get(_key(match["name"].upper()), _TOP_SECRET))
    return strictest(found)


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < _DEEPEST and isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth + 1)
