"""Which of two versions is the later one, as far as the rules of their kind say so without a guess. Pure.

Kinds are named as types of VERS and of purls are. A text that is no version by its kind's rules is compared with
nothing: a guess that is wrong by one letter would say of what is affected that it is not. So the answer is None where

- the kind's rules are not read here, and not both versions are whole numbers with points between them, which all kinds
  that are listed here read alike;
- one of them is none by its kind's rules, or the two differ by what these rules leave open (builds of SemVer, local
  versions of Python, a release that one of two RPMs lacks, zeros at the end).
"""

from __future__ import annotations

import functools
import itertools
import re
import string
from typing import TYPE_CHECKING, Final

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compared", "is_read"]

# Semantic Versioning 2.0.0, its own expression: core, pre-release, build.
_NUMBER: Final = r"(?:0|[1-9][0-9]*)"
_SEMVER: Final = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-((?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_PLAIN: Final = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})*")
_INTDOT: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
# deb-version(7): [epoch:]upstream[-revision]; RPM: [epoch:]version[-release].
_DEB: Final = re.compile(r"(?:([0-9]+):)?([0-9][A-Za-z0-9.+~:-]*?)(?:-([A-Za-z0-9.+~]+))?")
_RPM: Final = re.compile(r"(?:([0-9]+):)?([A-Za-z0-9._+~^]+)(?:-([A-Za-z0-9._+~^]+))?")
_DEB_RUN: Final = re.compile(r"([^0-9]*)([0-9]*)")
_RPM_RUN: Final = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
# Of one version: more than anybody writes, and less than what takes time to read.
_MOST_TEXT: Final = 200
# Kinds of which no other rules than those of whole numbers are read here.
_NUMBERS_ONLY: Final = frozenset({"alpm", "apk", "composer", "conan", "gem", "generic", "maven", "nuget", "swift"})


def is_read(kind: str) -> bool:
    """Return whether any rule of a kind is read here."""
    return kind in _RULES or kind in _NUMBERS_ONLY


@functools.lru_cache(maxsize=65_536)
def compared(kind: str, one: str, other: str) -> int | None:
    """Return -1, 0 or 1 as a version is before another, equal or after it; None where nobody can say."""
    if one == other:
        return 0
    if not is_read(kind) or max(len(one), len(other)) > _MOST_TEXT:
        return None
    found = _RULES[kind](one, other) if kind in _RULES else None
    return _plain(one, other) if found is None and kind not in _WHOLE else found


def _sign(one: tuple[object, ...], other: tuple[object, ...]) -> int:
    return 0 if one == other else -1 if one < other else 1


def _plain(one: str, other: str) -> int | None:
    """Compare whole numbers with points between them; by zeros at the end alone, kinds do not agree."""
    if not (_PLAIN.fullmatch(one) and _PLAIN.fullmatch(other)):
        return None
    return _numbers(one, other)


def _intdot(one: str, other: str) -> int | None:
    if not (_INTDOT.fullmatch(one) and _INTDOT.fullmatch(other)):
        return None
    return _numbers(one, other)


def _numbers(one: str, other: str) -> int | None:
    pairs = itertools.zip_longest(map(int, one.split(".")), map(int, other.split(".")), fillvalue=0)
    found = next((-1 if left < right else 1 for left, right in pairs if left != right), 0)
    return None if found == 0 and one.count(".") != other.count(".") else found


def _semver(one: str, other: str) -> int | None:
    left, right = _SEMVER.fullmatch(one), _SEMVER.fullmatch(other)
    if left is None or right is None:
        return None
    found = _sign(_semver_key(left), _semver_key(right))
    return None if found == 0 and left[5] != right[5] else found


def _semver_key(match: re.Match[str]) -> tuple[object, ...]:
    """Return what precedence goes by (§11): numbers are before words, fewer before more, a pre-release before none."""
    core = tuple(int(match[at]) for at in (1, 2, 3))
    if match[4] is None:
        return (core, 1)
    words = tuple((0, int(word), "") if word.isdecimal() else (1, 0, word) for word in match[4].split("."))
    return (core, 0, words)


def _go(one: str, other: str) -> int | None:
    """Compare versions of Go modules: SemVer behind a ``v``, which purls have and ranges may leave out."""
    return _semver(one.removeprefix("v"), other.removeprefix("v"))


def _python(one: str, other: str) -> int | None:
    try:
        left, right = Version(one), Version(other)
    except InvalidVersion:
        return None
    if left.local != right.local and Version(left.public) == Version(right.public):
        return None  # whose own build it is, a range does not say
    return 0 if left == right else -1 if left < right else 1


def _deb(one: str, other: str) -> int | None:
    left, right = _DEB.fullmatch(one), _DEB.fullmatch(other)
    # without an epoch there is no colon in the rest (deb-version(7))
    if left is None or right is None or any(":" in each[2] and each[1] is None for each in (left, right)):
        return None
    epochs = (int(left[1] or 0), int(right[1] or 0))
    if epochs[0] != epochs[1]:
        return _sign(epochs[:1], epochs[1:])
    return _deb_part(left[2], right[2]) or _deb_part(left[3] or "0", right[3] or "0")


def _deb_part(one: str, other: str) -> int:
    """Compare by runs of what is no digit and runs of digits, in turn (deb-version(7), sorting algorithm)."""
    for left, right in itertools.zip_longest(_DEB_RUN.findall(one), _DEB_RUN.findall(other), fillvalue=("", "")):
        for this, that in itertools.zip_longest(map(_deb_order, left[0]), map(_deb_order, right[0]), fillvalue=0):
            if this != that:
                return -1 if this < that else 1
        found = _sign((int(left[1] or 0),), (int(right[1] or 0),))
        if found:
            return found
    return 0


def _deb_order(mark: str) -> int:
    """Return the place of a character: ``~`` before the end, which is 0; letters before everything else."""
    if mark == "~":
        return -1
    return ord(mark) if mark in string.ascii_letters else ord(mark) + 256


def _rpm(one: str, other: str) -> int | None:
    left, right = _RPM.fullmatch(one), _RPM.fullmatch(other)
    if left is None or right is None:
        return None
    epochs = (int(left[1] or 0), int(right[1] or 0))
    if epochs[0] != epochs[1]:
        return _sign(epochs[:1], epochs[1:])
    found = _rpm_part(left[2], right[2])
    if found or (left[3] is None and right[3] is None):
        return found
    return None if left[3] is None or right[3] is None else _rpm_part(left[3], right[3])


def _rpm_part(one: str, other: str) -> int:
    """Compare by runs of digits and of letters (rpmvercmp): ``~`` before the end, ``^`` behind it, letters first."""
    for left, right in itertools.zip_longest(_RPM_RUN.findall(one), _RPM_RUN.findall(other), fillvalue=""):
        found = _sign(_rpm_key(left), _rpm_key(right))
        if found:
            return found
    return 0


def _rpm_key(run: str) -> tuple[object, ...]:
    if run == "~":
        return (0, 0, "")
    if not run:
        return (1, 0, "")
    if run == "^":
        return (2, 0, "")
    return (4, int(run), "") if run.isdecimal() else (3, 0, run)


_RULES: Final[dict[str, Callable[[str, str], int | None]]] = {
    "semver": _semver,
    "npm": _semver,
    "cargo": _semver,
    "hex": _semver,
    "golang": _go,
    "pypi": _python,
    "deb": _deb,
    "rpm": _rpm,
    "intdot": _intdot,
}
# What these do not take is no version of theirs, and not even whole numbers help.
_WHOLE: Final = frozenset({"pypi", "deb", "rpm", "intdot"})
