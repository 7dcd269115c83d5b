"""Printing: text for people or one JSON document for programs, never both.

Whatever parties wrote may hold terminal escapes; ``printable`` shows them instead of obeying them.
"""

from __future__ import annotations

import contextlib
import errno
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tocsin.kernel.clock import Micros, format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Output", "day", "instant", "listed", "printable", "spoken"]

_Found = TypeVar("_Found")

# A table keeps its lines whole, so that an object's id can be copied: a terminal wraps what is too long for it.
TABLE_WIDTH: Final = 400
# Of a name or pattern, so much is shown in a row.
SNIPPET: Final = 60
_SPEAKING: Final = (
    "name",
    "value",
    "pattern",
    "relationship_type",
    "title",
    "path",
    "abstract",
    "opinion",
    "definition_type",
)


class Output:
    """Where one command prints to. With ``json`` only ``document`` and ``raw`` print."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self._console = _console(stderr=False)

    def document(self, value: object) -> None:
        """Print one JSON document, in JSON mode."""
        if self.json:
            self.raw(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")

    def raw(self, data: bytes) -> None:
        """Write bytes to standard output as they are."""
        sys.stdout.flush()
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is None:  # a stream of text that somebody put in its place
            sys.stdout.write(data.decode())
        else:
            buffer.write(data)
            buffer.flush()

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print one line of text, whatever its length."""
        if not self.json:
            self._console.print(Text(printable(text), style=style), soft_wrap=True)

    def lines(self, text: str, *, indent: str = "", style: str = "") -> None:
        """Print a text of several lines."""
        for line in text.rstrip("\n").split("\n"):
            self.line(indent + line, style=style)

    def table(self, columns: Iterable[str], rows: Iterable[Iterable[object]], *, nothing: str) -> None:
        """Print a table; or, when it has no row, the sentence that says so."""
        if self.json:
            return
        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for column in table.columns:
            column.overflow = "fold"
        for row in rows:
            table.add_row(*(Text(printable(str(cell))) for cell in row))
        if table.row_count:
            with self._console.capture() as drawn:
                self._console.print(table)
            sys.stdout.write("".join(line.rstrip() + "\n" for line in drawn.get().splitlines()))
        else:
            self.line(nothing)

    def after(self, ask: Callable[[], _Found]) -> _Found | None:
        """Return what there is to tell of an act that is done; None where that cannot be told, which is said.

        The act is durable: nothing that is only said about it may end the command as if it had failed.
        """
        try:
            return ask()
        except Exception as error:  # noqa: BLE001  of any kind: what is done is not undone by it
            said = f"{type(error).__name__}: {error}".partition("\n")[0]
            sys.stderr.write(printable(f"done; what follows from it cannot be told: {said}; report this line") + "\n")
            return None

    @contextlib.contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show a bar on standard error while the ``with`` lasts, if a person looks on; gives what moves it."""
        if self.json or not sys.stderr.isatty():
            yield lambda _steps: None
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=_console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda steps: bar.advance(task, steps)


class _Console(Console):
    """A console that leaves it to us what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, "nobody reads it")


def _console(*, stderr: bool) -> Console:
    file = sys.stderr if stderr else sys.stdout
    return _Console(
        file=file,
        markup=False,
        highlight=False,
        emoji=False,
        width=None if stderr else TABLE_WIDTH,
    )


def printable(text: str) -> str:
    """Return a text with every character that a terminal would obey written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode()
        for character in text
    )


def spoken(body: bytes) -> str:
    """Return what an object says of itself in a few words: its name, value or pattern, cut to fit into a row."""
    told = msgspec.json.decode(body)
    said = next((str(told[key]) for key in _SPEAKING if told.get(key)), "")
    return said if len(said) <= SNIPPET else said[: SNIPPET - 1] + "…"


def instant(at: Micros | None) -> str | None:
    """Return an instant as RFC 3339, or None."""
    return None if at is None else format_instant(at)


def day(at: Micros | None) -> str:
    """Return the UTC day of an instant, for people; nothing for none."""
    return "" if at is None else format_instant(at)[:10]


def listed(values: Iterable[Any]) -> str:
    """Return values as a list in a cell."""
    return ", ".join(sorted(str(value) for value in values))
