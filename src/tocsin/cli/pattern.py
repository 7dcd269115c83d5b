"""``tocsin pattern``: is it a STIX pattern, and does it match? Both need no hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import STDIN, of_file, read_bounded
from tocsin.errors import InputError, UsageError
from tocsin.exchange.stix import DEFAULT_LIMITS
from tocsin.exchange.stix.pattern import MAX_LENGTH, match, notes, object_types, parse, to_text
from tocsin.exchange.stix.pattern.wire import read_observations

if TYPE_CHECKING:
    from tocsin.exchange.stix.pattern import Match
    from tocsin.exchange.stix.pattern.wire import Observations

__all__ = ["app"]

app = commands("STIX patterns: is it one, and does it match?")

# A character is at most four bytes of UTF-8.
MAX_BYTES: Final = 4 * MAX_LENGTH

PatternArgument = Annotated[str, typer.Argument(metavar="PATTERN", help="A STIX pattern; - for standard input.")]


@app.command("check", epilog=example("""tocsin pattern check "[domain-name:value = 'example.com']" """.rstrip()))
def check(pattern: PatternArgument, json: JsonOption = False) -> None:
    """Say whether a text is a STIX pattern, and where not; and what in it can match nothing."""
    out = Output(json=json)
    text = _text(pattern)
    read = parse(text)
    remarks = notes(read)
    types = object_types(read)
    written = to_text(read)
    out.document(
        {
            "pattern": written,
            "types": types,
            "notes": [{"start": note.start, "end": note.end, "what": note.what} for note in remarks],
        }
    )
    out.line("It is a STIX pattern.")
    out.line(f"  {written}")
    out.line(f"about: {', '.join(types)}")
    for note in remarks:
        out.line(f"note: {text[note.start : note.end]}: {note.what}")


@app.command("match", epilog=example("""tocsin pattern match "[ipv4-addr:value LIKE '198.51.%']" bundle.json"""))
def match_(
    pattern: PatternArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A STIX 2.1 bundle; - for standard input.")],
    json: JsonOption = False,
) -> None:
    """Match a pattern against the Observed Data of a bundle, and say which observations it was bound to."""
    out = Output(json=json)
    if pattern == STDIN and file == STDIN:
        raise UsageError("standard input is one of the two", where="PATTERN FILE", todo="name a file for the bundle")
    text = _text(pattern)
    read = parse(text)
    data = read_bounded(file, DEFAULT_LIMITS.max_bytes, "a bundle")
    try:
        found = read_observations(data)
    except InputError as error:
        raise of_file(file, error) from error
    result = match(read, found.observed)
    out.document(_document(text, found, result))
    _tell(out, text, found, result)
    if found.refused:
        raise typer.Exit(1)


def _text(pattern: str) -> str:
    """Return the pattern itself, or that of standard input without the line end that an editor adds."""
    if pattern != STDIN:
        return pattern
    try:
        text = read_bounded(STDIN, MAX_BYTES, "a pattern", todo="split it into several patterns").decode()
    except UnicodeDecodeError as error:
        raise InputError(
            "the pattern is not UTF-8", where=f"byte {error.start + 1}", todo="save it as UTF-8"
        ) from error
    return text.removesuffix("\n").removesuffix("\r")


def _document(text: str, found: Observations, result: Match) -> dict[str, object]:
    return {
        "matched": result.matched,
        "bound": [
            {"expression": text[one.start : one.end], "start": one.start, "observed": one.observed, "times": one.times}
            for one in result.bound
        ],
        "observed": len(found.observed),
        "absent": found.absent,
        "refused": [{"id": item.id, "where": item.where, "reason": item.reason} for item in found.refused],
        "steps": result.steps,
    }


def _tell(out: Output, text: str, found: Observations, result: Match) -> None:
    among = f"{len(found.observed)} observed-data"
    out.line(f"It matches, by {len(result.observed)} of {among}." if result.matched else f"It matches none of {among}.")
    if result.matched:
        out.table(
            ("expression", "observed", "times"),
            ((text[one.start : one.end], one.observed, one.times) for one in result.bound),
            nothing="",
        )
    if found.absent:
        out.line(f"note: {found.absent} references lead to objects that are not in the bundle")
    for item in found.refused:
        out.line(f"refused: {item.where} {item.id or ''}".rstrip())
        out.line(f"  {item.reason}")
