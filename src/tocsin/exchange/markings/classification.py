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
from tocsin.kernel.text import fitting, normal
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
_HYPHEN: Final = re.compile(r"\s*+[\u2010-\u2015\u2212-][\s\u2010-\u2015\u2212-]*+")
_SPACE: Final = re.compile(r"\s+")
_SLASH: Final = re.compile(r" ?[/\u2044\u2215] ?")
# Characters that take no place, or an empty one, between two letters: Unicode's default ignorables, its format and
# control characters, and blanks that do not count as spaces. Nobody sees them.
_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Between the letters of a name: people spread them, and what was between them may have been a space that nobody sees.
_APART: Final = "[ -]*+"
# A banner stands at the top: so much of a text about something else is folded, which is work for every text there is.
_HEAD: Final = 4_096
# Longer texts than this are no markings; what is looked at has to be bounded, since a regular expression looks.
_LONGEST: Final = 100_000
# Characters that are seen at the top: the longest banner, its letters spread, is shorter.
_ENOUGH: Final = 256


def _folded(text: str) -> str:
    """Return a text as its banners are compared: one way of writing for all that look alike."""
    # unseen in one form may be unseen in the other only, and what stands between a letter and its accent parts them
    seen = _UNSEEN.sub("", normal("NFKC", fitting(_UNSEEN.sub("", text), _HEAD)[0]))
    return _SLASH.sub("/", _SPACE.sub(" ", _HYPHEN.sub("-", seen)))


def _key(name: str) -> str:
    return re.sub("[ -]", "", _folded(name))


_LEVELS: Final = {_key(name): level for name, level in (BANNERS | WORDS).items()}


def _any(names: Mapping[str, str]) -> str:
    # the longest first: of two that begin alike the regular expression takes what stands first
    keys = sorted({_key(name) for name in names}, key=len, reverse=True)
    return "|".join(_APART.join(map(re.escape, key)) for key in keys)


# at the very top of a text: a portion mark, a banner, or a word with caveats
_TOP: Final = re.compile(
    rf"(?:[^\w(]|_)*+(?:\( ?(?:(?P<secret>T?{_APART}S){_APART}(?:\)|//)|(?P<portion>[CRU]){_APART}//)"
    rf"|[\W_]*+(?:(?P<banner>{_any(BANNERS)})(?![^\W_])|(?P<word>{_any(WORDS)}){_APART}//))"
)
# a line that says nothing else, however it is written
_LINE: Final = re.compile(rf"[\W_]*+(?P<name>{_any(_LEVELS)})(?:\s*[/(:-].*)?[\W_]*", re.IGNORECASE)
# What a banner does not begin with, told without folding: a word that is not in capital letters, behind ASCII alone.
_PLAIN: Final = re.compile(r"[\x00-/:-@\[-`{-\x7f]*+(?:[a-z0-9]|[A-Z][a-z])")
# Marking-definitions nest no deeper; below that nothing is looked for, and nothing is read either.
_DEEPEST: Final = 8


def banner_of(text: str) -> str | None:
    """Return the classification at the top of a text that is about something else: a description, a name.

    A text that shows next to nothing in its first ``_LONGEST`` characters is taken for the highest: there is no telling
    what stands behind them, and nobody writes so.
    """
    if _PLAIN.match(text) is not None:
        return None
    head = _folded(text.lstrip()[:_HEAD])
    if len(head) < _ENOUGH and len(text) > _HEAD:
        # a flood of what nobody sees stands before the top, or in it
        seen = _SPACE.sub(" ", _UNSEEN.sub("", text.lstrip()[:_LONGEST])).lstrip()
        if len(seen) < _ENOUGH and len(text) > _LONGEST:
            return _TOP_SECRET
        head = _folded(seen[:_HEAD])
    match = _TOP.match(head)
    if match is None:
        return None
    if match["secret"] is not None:
        return _PORTIONS[_key(match["secret"])]
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
    shown = _UNSEEN.sub("", text[:_LONGEST])
    if len(text) > _LONGEST and len(_SPACE.sub(" ", shown)) < _ENOUGH:
        return _TOP_SECRET
    # as lines, and as one: a name may go on in the next
    for line in (*shown.splitlines(), shown):
        match = _LINE.fullmatch(_folded(_SPACE.sub(" ", line).strip()[:_HEAD]))
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
