"""Every error that Tocsin raises on purpose.

::

    TocsinError
    ├── UsageError               the command or call makes no sense as it stands
    ├── RefusedError             understood, and refused
    │   ├── InputError           what was handed in breaks a rule
    │   │   ├── AgreementError   an agreement document does: every fault that was found, each with its place
    │   │   ├── FaultsError      it breaks several at once: every fault that was found, each with its place
    │   │   │   ├── CatalogueError   an OSCAL catalogue: places are JSON paths
    │   │   │   ├── MapError         a map: places are assets and edges
    │   │   │   └── ProjectError     projects of a fund, and the plan that they are for: projects, and places on the map
    │   │   └── LimitError       it is larger, deeper or more than we take
    │   ├── NotFoundError        there is none, or none that the asker may see
    │   ├── AuthenticationError  we do not know who is asking
    │   ├── ForbiddenError       we know who is asking, and they may not
    │   ├── ConflictError        it contradicts what is already there
    │   ├── TransitionError      the thing is not in a state in which this can happen
    │   └── BusyError            it could be done, but not now: too much is waiting already
    │       └── StoreAwayError   the database does not answer: what is said is for who runs the hub
    └── BrokenError              our own store or log is not what it must be
        ├── StoreBrokenError
        └── LogBrokenError

An error carries *what* is wrong, *where* (a path, a line and column, an object id) and *what to do*.
It carries no HTTP status and no exit code: ``kernel.http`` and ``cli`` map them, each in one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AgreementError",
    "AuthenticationError",
    "BrokenError",
    "BusyError",
    "CatalogueError",
    "CatalogueFault",
    "ConflictError",
    "Fault",
    "FaultsError",
    "ForbiddenError",
    "InputError",
    "LimitError",
    "LogBrokenError",
    "MapError",
    "MapFault",
    "NotFoundError",
    "Problem",
    "ProjectError",
    "ProjectFault",
    "RefusedError",
    "StoreAwayError",
    "StoreBrokenError",
    "TocsinError",
    "TransitionError",
    "UsageError",
]

_Fault = TypeVar("_Fault", bound="Fault")


class TocsinError(Exception):
    """The root: one sentence on what is wrong, where, and what to do about it."""

    def __init__(self, what: str, *, where: str | None = None, todo: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.todo})" if self.todo else text


class UsageError(TocsinError):
    """The command or call makes no sense as it stands: an option is missing or contradicts another."""


class RefusedError(TocsinError):
    """The request was understood and is refused; nothing was changed by the part that is refused."""


class InputError(RefusedError):
    """What was handed in breaks a rule of its format or of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault in a document that a person wrote. ``line`` and ``column`` count from 1."""

    where: str  # the document's name
    line: int
    column: int
    found: str
    expected: str
    todo: str | None = None

    def __str__(self) -> str:
        text = f"{self.where}:{self.line}:{self.column}: found {self.found}; expected {self.expected}"
        return f"{text} ({self.todo})" if self.todo else text


class AgreementError(InputError):
    """An agreement document breaks rules: ``problems`` are all that were found in one reading, in the document's order.

    ``problems`` is never empty; the error's own sentence names the first and counts the rest. ``document`` says in a
    word what it should have been, where it is another that is read as agreements are: a body, a charter.
    """

    def __init__(self, problems: tuple[Problem, ...], *, document: str = "agreement") -> None:
        first = problems[0]
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        super().__init__(
            f"found {first.found}; expected {first.expected}{more}",
            where=f"{first.where}:{first.line}:{first.column}",
            todo=first.todo,
        )
        self.problems = problems
        self.document = document


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault in what was handed in: what is wrong, and what should be there. Its kinds add where it stands."""

    cause: str
    expected: str

    @property
    def place(self) -> str | None:
        """Where it stands, in words; None: in all of it."""
        return None

    def __str__(self) -> str:
        text = f"{self.cause}; expected {self.expected}"
        return text if self.place is None else f"{self.place}: {text}"


class FaultsError(InputError, Generic[_Fault]):
    """What was read breaks rules: ``faults`` are all that were found in one reading, in its order, at least one.

    The error's own sentence names the first and counts the rest.
    """

    def __init__(self, faults: Sequence[_Fault]) -> None:
        first = faults[0]
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        super().__init__(f"{first.cause}; expected {first.expected}{more}", where=first.place)
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueFault(Fault):
    """One fault in a catalogue: its path, like ``$.catalog.groups[0].title``."""

    path: str

    @property
    def place(self) -> str:
        """The path."""
        return self.path


class CatalogueError(FaultsError[CatalogueFault]):
    """A catalogue breaks rules; its faults are ``CatalogueFault``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFault(Fault):
    """One fault in a map: the asset, its group and the supplier (the edge), as far as it is about one.

    ``at``: where it stands in what was read: a file and its line, row, feature or element.
    """

    at: str | None = None
    asset: str | None = None
    group: str | None = None
    supplier: str | None = None

    @property
    def where(self) -> str | None:
        """The asset, then what it needs, then who supplies it."""
        if self.asset is None:
            return None
        group = "" if self.group is None else f" needs {self.group!r}"
        return f"{self.asset!r}{group}" + ("" if self.supplier is None else f" from {self.supplier!r}")

    @property
    def place(self) -> str | None:
        """Where it stands in what was read, then on the map."""
        return ": ".join(part for part in (self.at, self.where) if part is not None) or None


class MapError(FaultsError[MapFault]):
    """A map breaks rules; its faults are ``MapFault``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFault(Fault):
    """One fault in what a fund is to choose from: the project, and where on the map, as far as it is about one."""

    project: str | None = None
    where: str | None = None

    @property
    def place(self) -> str | None:
        """The project, then where on the map."""
        named = [] if self.project is None else [f"project {self.project!r}"]
        return ": ".join(named if self.where is None else [*named, self.where]) or None


class ProjectError(FaultsError[ProjectFault]):
    """Projects, or the plan that they are for, break rules; their faults are ``ProjectFault``."""


class LimitError(InputError):
    """What was handed in is larger, deeper or more than we take."""


class NotFoundError(RefusedError):
    """There is none, or none that the asker may see: the two are never told apart."""


class AuthenticationError(RefusedError):
    """We do not know who is asking."""


class ForbiddenError(RefusedError):
    """We know who is asking, and they may not."""


class ConflictError(RefusedError):
    """It contradicts what is already there: a name that is taken, a version that exists with other content."""


class TransitionError(RefusedError):
    """The thing is not in a state in which this can happen."""


class BusyError(RefusedError):
    """It could be done, but not now: too much is waiting for the same thing already. Asking again later is right."""


class StoreAwayError(BusyError):
    """The database does not answer, or hung up. Its words name servers and settings: members are told none of them."""


class BrokenError(TocsinError):
    """Our own store or log is not what it must be; a person has to look."""


class StoreBrokenError(BrokenError):
    """The database is missing, unreadable, of another version, or disagrees with itself."""


class LogBrokenError(BrokenError):
    """The log does not verify: an entry is changed, dropped, added or out of order, or a signature is wrong."""
