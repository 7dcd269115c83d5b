"""The command ``tocsin``: its commands, and what becomes of an error.

| exit code | when |
|---|---|
| 0 | done |
| 1 | refused, or partly refused |
| 2 | the command makes no sense as it stands |
| 3 | our store or log is broken, or something went wrong that should not have |
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer
from sqlalchemy.exc import SQLAlchemyError
from typer.exceptions import TyperException

from tocsin import __version__
from tocsin.cli import (
    account,
    agreement,
    application,
    baseline,
    body,
    ceiling,
    charter,
    collection,
    conformance,
    crisis,
    delegation,
    demo,
    dispute,
    fund,
    grant,
    hub,
    log,
    map_ahead,
    map_cascade,
    map_cuts,
    map_sectors,
    map_share,
    map_supply,
    map_totals,
    marking,
    motion,
    party,
    pattern,
    read,
    recall,
    request,
    retention,
    risk,
    sanitised,
    saved,
    search,
    share,
    terms,
    user,
    vetting,
    webhook,
    why,
)
from tocsin.cli.options import commands
from tocsin.cli.output import printable
from tocsin.errors import AgreementError, BrokenError, FaultsError, RefusedError, TocsinError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.errors import Fault, Problem

__all__ = ["EXIT_CODES", "app", "execute", "run"]

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
BROKEN: Final = 3
# As shells count them: 128 and the number of the signal.
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
# Of faults so many are printed: who reads more of them corrects the first ones first.
MOST_FAULTS: Final = 100

# What the system says of output that finds no place: no reader, no room, no more of it allowed.
_UNWRITTEN: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# The one table from errors to exit codes; the first that fits counts.
EXIT_CODES: Final[tuple[tuple[type[TocsinError], int], ...]] = (
    (UsageError, USAGE),
    (RefusedError, REFUSED),
    (BrokenError, BROKEN),
    (TocsinError, BROKEN),
)

_EPILOG: Final = """\b
Exit codes: 0 done; 1 refused, or partly refused; 2 the command makes no sense
as it stands; 3 the store or the log is broken.

\b
TOCSIN_HOME      the folder of the hub (./tocsin-home)
TOCSIN_DATABASE  its store (sqlite:///TOCSIN_HOME/hub.db, or postgresql://USER@HOST/NAME)
TOCSIN_CEILING   the highest classification that it takes (unclassified)
TOCSIN_WEBHOOK_NETWORKS  where webhooks may lead beside the public network
TOCSIN_PUBLISH_MINUTES, TOCSIN_PUBLISH_PRODUCERS
                 how long a slot of sanitised versions is (60), and how many producers share one (3)
TOCSIN_LOG_FORMAT, TOCSIN_LOG_LEVEL
                 how and what `serve` logs (json, info)
TOCSIN_DEBUG=1   shows where an unexpected error came from
"""

app = commands(
    "Tocsin shares threat intelligence under signed agreements, and proves who received what, and why.", epilog=_EPILOG
)
for _group, _name in (
    (demo.app, None),
    (hub.app, None),
    (ceiling.app, "hub"),
    (party.app, "party"),
    (user.app, "user"),
    (application.app, "application"),
    (vetting.app, "vetting"),
    (agreement.app, "agreement"),
    (body.app, "body"),
    (motion.app, "motion"),
    (crisis.app, "crisis"),
    (dispute.app, "dispute"),
    (charter.app, "charter"),
    (collection.app, "collection"),
    (grant.app, "grant"),
    (request.app, "request"),
    (delegation.app, "delegation"),
    (marking.app, "marking"),
    (share.app, None),
    (read.app, None),
    (map_share.app, "map"),
    (search.app, None),
    (saved.app, "saved"),
    (sanitised.app, "sanitised"),
    (webhook.app, "webhook"),
    (retention.app, "retention"),
    (recall.app, "recall"),
    (risk.app, "risk"),
    (baseline.app, "baseline"),
    (why.app, None),
    (terms.app, None),
    (log.app, "log"),
    (fund.app, "fund"),
    (conformance.app, None),
    (pattern.app, "pattern"),
):
    app.add_typer(_group, name=_name)
party.app.add_typer(account.app)
map_share.app.add_typer(map_cascade.app)
map_share.app.add_typer(map_cuts.app)
map_share.app.add_typer(map_sectors.app)
map_share.app.add_typer(map_ahead.app)
map_share.app.add_typer(map_supply.app)
map_share.app.add_typer(map_totals.app)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"tocsin {__version__}\n")
        raise typer.Exit


@app.callback()
def _main(
    _version_: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Tocsin shares threat intelligence under signed agreements, and proves who received what, and why."""


def run() -> None:
    """Run the command of this process and end it with its exit code."""
    code = execute(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as error:
        # what the command itself found broken, it has told
        code = code if code == BROKEN else _unwritten(error, json="--json" in sys.argv)
        # the interpreter flushes once more at its end, and must not fail at it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. Errors are printed to standard error, never raised."""
    # an option of that name is never a value of ours
    json = "--json" in arguments
    try:
        for argument in arguments:
            _require_text(argument)
        returned = _command().main(list(arguments), prog_name="tocsin", standalone_mode=False)
    except TocsinError as error:
        return _told(error, next(code for kind, code in EXIT_CODES if isinstance(error, kind)), json=json)
    except TyperException as error:
        return _misused(error, json=json)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except SystemExit:
        # nobody reads our output any more: Typer, and Rich before it, know no other answer to a closed pipe
        return PIPE_CLOSED
    except OSError as error:
        if error.errno not in _UNWRITTEN:
            return _unexpected(error, json=json)
        return _unwritten(error, json=json)
    except SQLAlchemyError as error:
        _debug()
        cause = getattr(error, "orig", None) or error
        broken = BrokenError(
            f"the store cannot be used: {_first_line(cause)}", todo="look at the disk, and run `tocsin check`"
        )
        return _told(broken, BROKEN, json=json)
    except Exception as error:  # noqa: BLE001  a fault of ours of any kind: who typed a command gets a line to report
        return _unexpected(error, json=json)
    return returned if isinstance(returned, int) else DONE


def _unwritten(error: OSError, *, json: bool) -> int:
    """Return the exit code of output that went nowhere: quietly if nobody reads it, else said."""
    if error.errno == errno.EPIPE:
        return PIPE_CLOSED
    broken = BrokenError(
        f"it cannot be written: {error.strerror or error}",
        where=str(error.filename or "the output"),
        todo="make room, or write elsewhere",
    )
    return _told(broken, BROKEN, json=json)


def _unexpected(error: Exception, *, json: bool) -> int:
    _debug()
    broken = BrokenError(
        f"something went wrong that should not have: {type(error).__name__}: {_first_line(error)}",
        todo="report this line and the command; TOCSIN_DEBUG=1 shows more",
    )
    return _told(broken, BROKEN, json=json)


@functools.cache
def _command() -> Any:  # noqa: ANN401  Typer keeps the classes of its commands to itself
    return typer.main.get_command(app)


def _require_text(argument: str) -> None:
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        raise UsageError("an argument is not UTF-8", where=ascii(argument)[:80], todo="write it in UTF-8") from error


def _told(error: TocsinError, code: int, *, json: bool) -> int:
    """Print an error: what, where, what to do; as one JSON document if JSON was asked for."""
    if json:
        document: dict[str, object] = {
            "what": error.what,
            "where": error.where,
            "todo": error.todo,
            "kind": _kind(error),
        }
        document |= {word: msgspec.to_builtins(found) for word, found in _faults(error).items()}
        _complain(msgspec.json.encode({"error": document}).decode())
        return code
    for found in _faults(error).values():
        for one in found[:MOST_FAULTS]:
            _complain(printable(str(one)))
        if len(found) > MOST_FAULTS:
            _complain(f"and {len(found) - MOST_FAULTS:,} more faults; --json tells all of them")
        return code
    where = f"{error.where}: " if error.where else ""
    _complain(printable(f"tocsin: {where}{error.what}"))
    if error.todo:
        _complain(printable(f"  to do: {error.todo}"))
    return code


def _faults(error: TocsinError) -> dict[str, tuple[Fault, ...] | tuple[Problem, ...]]:
    """Return every fault that an error is made of, by the word under which JSON has them; most have none."""
    if isinstance(error, AgreementError):
        return {"problems": error.problems}
    return {"faults": error.faults} if isinstance(error, FaultsError) else {}


def _misused(error: TyperException, *, json: bool) -> int:
    """Print what is wrong with a command line; without any command, its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        _complain(error.format_message())
        return USAGE
    context = getattr(error, "ctx", None)
    todo = f"{context.command_path} --help" if context is not None else "tocsin --help"
    found = _value_refused(error, todo) or UsageError(" ".join(error.format_message().split()), todo=todo)
    return _told(found, USAGE, json=json)


def _value_refused(error: TyperException, todo: str) -> UsageError | None:
    """Return what is wrong with an option's value, in our words; None: it is another fault.

    Typer says it in the words of its validator, which are about Python's types.
    """
    faults = getattr(error.__cause__, "errors", None)
    parameter = getattr(error, "param", None)
    if faults is None or parameter is None:
        return None
    fault = faults()[0]
    said = fault.get("ctx", {})
    where = parameter.get_error_hint().replace("'", "")
    given = fault.get("input")
    match fault["type"]:
        case _ if str(given).strip().lower() == "nan":
            return UsageError("it is no number", where=where, todo=todo)
        case "greater_than_equal":
            return UsageError(f"it is less than {said['ge']}", where=where, todo=todo)
        case "less_than_equal":
            return UsageError(f"it is more than {said['le']}", where=where, todo=todo)
        case kind if kind.startswith("int_"):
            return UsageError("it is no whole number", where=where, todo=todo)
        case "value_error":
            given, _, known = str(said["error"]).partition(" is not one of ")
            if known:
                return UsageError(
                    f"{given[:80]} is none of them", where=where, todo=f"use {known.replace(chr(39), '').rstrip('.')}"
                )
    return UsageError("it is not of its form", where=where, todo=todo)


def _complain(text: str) -> None:
    # whoever closed or filled standard error has only the exit code left
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def _kind(error: TocsinError) -> str:
    """Return the name of an error's class as a word: ``NotFoundError`` is ``not-found``; of a document, what it is."""
    if isinstance(error, AgreementError):
        return error.document
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__.removesuffix("Error")).lower()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:300]


def _debug() -> None:
    if os.environ.get("TOCSIN_DEBUG") == "1":
        import traceback  # noqa: PLC0415  only who debugs waits for it

        traceback.print_exc()
