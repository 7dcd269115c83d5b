"""What a case is, and what became of it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tocsin.conformance.target import Target

__all__ = ["Case", "Chapter", "FailedError", "Level", "Need", "Outcome", "Result", "Role", "counted"]


class Level(StrEnum):
    """How binding a case is: the specification's own words, or what clients in the field rest on beyond them."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    FIELD = "field"


class Role(StrEnum):
    """Whose credentials a request carries."""

    MAIN = "main"  # reads and writes the collection
    SECOND = "second"  # another party
    READER = "reader"  # reads, and does not write
    WRITER = "writer"  # writes, and does not read
    LISTER = "lister"  # neither: may know that the collection is there
    NOBODY = "nobody"


class Need(StrEnum):
    """What a case takes beyond a server."""

    READ = "a collection that the main credentials read"
    WRITE = "a collection that the main credentials read and write"
    CREDENTIALS = "credentials: the server asks for none"
    BASIC = "a user and a password"
    SECOND = "credentials of a second party"
    READER = "credentials that read and do not write"
    WRITER = "credentials that write and do not read"
    LISTER = "credentials that neither read nor write"
    RESTART = "a way to restart the server"


class FailedError(Exception):
    """The server did not do what the case says; the text says what it did."""


class Outcome(StrEnum):
    """What became of a case."""

    PASS = "pass"  # noqa: S105  no secret
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that a server does or does not. ``run`` raises FailedError where it does not."""

    section: str
    title: str
    name: str
    level: Level
    needs: frozenset[Need]
    run: Callable[[Target], None]

    @property
    def id(self) -> str:
        """Return what the case is called everywhere."""
        return f"{self.section} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one case, and why where it did not pass."""

    case: Case
    outcome: Outcome
    reason: str = ""


T = TypeVar("T")
_READ: Final = (Need.READ,)


@dataclass(kw_only=True)
class Chapter:
    """The cases of one section."""

    section: str
    title: str
    cases: list[Case] = field(default_factory=list)

    def case(
        self, name: str, level: Level = Level.MUST, *needs: Need
    ) -> Callable[[Callable[[Target], None]], Callable[[Target], None]]:
        """Return a decorator that makes a function a case of this chapter."""

        def made(run: Callable[[Target], None]) -> Callable[[Target], None]:
            self.cases.append(
                Case(section=self.section, title=self.title, name=name, level=level, needs=frozenset(needs), run=run)
            )
            return run

        return made

    def table(
        self, name: str, rows: Mapping[str, T], level: Level = Level.MUST, *needs: Need
    ) -> Callable[[Callable[[Target, T], None]], Callable[[Target, T], None]]:
        """Return a decorator that makes a function one case for each row; ``name`` holds ``{}`` for the row's name."""

        def made(run: Callable[[Target, T], None]) -> Callable[[Target, T], None]:
            for row, value in rows.items():
                self.case(name.format(row), level, *needs)(_bound(run, value))
            return run

        return made


def _bound(run: Callable[[Target, T], None], value: T) -> Callable[[Target], None]:
    return lambda target: run(target, value)


def counted(results: Iterable[Result]) -> Counter[Outcome]:
    """Return how many of the results are of each outcome."""
    return Counter(result.outcome for result in results)
