"""``tocsin conformance``: how well a TAXII server keeps to TAXII 2.1, ours or anyone's."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.conformance.cases import CASES
from tocsin.conformance.client import Credentials
from tocsin.conformance.model import FailedError, Level, Outcome, Role, counted
from tocsin.conformance.run import judge
from tocsin.conformance.target import Target
from tocsin.errors import InputError, RefusedError, UsageError
from tocsin.kernel.ids import SystemEntropy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.conformance.model import Case, Result

__all__ = ["app"]

app = commands("Conformance of a TAXII server.")

_OTHERS: Final = frozenset(Role) - {Role.MAIN, Role.NOBODY}


@app.command(
    "conformance",
    epilog=example("tocsin conformance https://taxii.example/taxii2/ --user bravo --collection inbox"),
)
def conformance(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server, or its discovery URL.")],
    user: Annotated[str, typer.Option("--user", help="Who asks, with Basic.")] = "",
    password: Annotated[
        str,
        typer.Option(
            "--password", envvar="TOCSIN_CONFORMANCE_PASSWORD", show_envvar=True, help="Better in the environment."
        ),
    ] = "",
    token: Annotated[
        str,
        typer.Option("--token", envvar="TOCSIN_CONFORMANCE_TOKEN", show_envvar=True, help="Who asks, with Bearer."),
    ] = "",
    others: Annotated[
        Path | None,
        typer.Option(
            "--others",
            metavar="FILE",
            help="JSON: further credentials by role: second (another party), reader, writer, lister.",
        ),
    ] = None,
    api_root: Annotated[
        str | None, typer.Option("--api-root", metavar="PATH", help="The API root, if not the default one.")
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option("--collection", metavar="ID", help="The collection, by id or alias; it is written to."),
    ] = None,
    section: Annotated[
        list[str] | None, typer.Option("--section", metavar="SECTION", help="Only these sections: 3.4.1.")
    ] = None,
    passed: Annotated[bool, typer.Option("--all", help="Show what passed, too.")] = False,
    json: JsonOption = False,
) -> None:
    """Judge a TAXII server by the sections of TAXII 2.1.

    Posts harmless objects into a collection that the credentials can read and write, and deletes some of them: give
    it a collection of its own. Without such a collection what needs one is skipped. Refused (exit code 1) where a
    MUST fails.
    """
    out = Output(json=json)
    target = Target(
        url,
        credentials=_credentials(user=user, password=password, token=token, others=others),
        entropy=SystemEntropy(),
        api_root=api_root,
        collection=collection,
    )
    cases = [case for case in CASES if not section or case.section in section]
    if not cases:
        raise UsageError("there is no case of these sections", where="--section", todo="write it like 3.4.1")
    try:
        _require_heard(target)
        results = _judged(out, target, cases)
    finally:
        target.client.close()
    out.document(_document(url, results))
    _show(out, results, passed=passed)
    failed = sum(result.outcome is Outcome.FAIL and result.case.level is Level.MUST for result in results)
    if failed:
        raise RefusedError(f"{failed} of the specification's MUSTs failed", where=target.client.host)


def _require_heard(target: Target) -> None:
    """Refuse to judge what nobody answers, or whoever asks is not known: every case would be called a failure.

    Raises:
        UsageError: that is so.
    """
    try:
        status = target.get(target.discovery).status
    except FailedError as error:
        raise UsageError(str(error), where=target.client.host, todo="start it, or name another URL") from error
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and Role.MAIN in target.credentials:
        raise UsageError(
            f"it does not know these credentials ({int(status)})",
            where=target.discovery,
            todo="with Basic (--user) the name for a token of a service is the party's; or give --token",
        )
    if status == HTTPStatus.NOT_FOUND:
        raise UsageError(
            "there is nothing here", where=target.discovery, todo="give the URL of discovery (TAXII 2.1 §4.1)"
        )


def _judged(out: Output, target: Target, cases: Sequence[Case]) -> list[Result]:
    results: list[Result] = []
    with out.progress("judging", len(cases)) as advance:
        for case in cases:
            results.append(judge(target, case))
            advance(1)
    return results


def _credentials(*, user: str, password: str, token: str, others: Path | None) -> dict[Role, Credentials]:
    found: dict[Role, Credentials] = {}
    if user or token:
        found[Role.MAIN] = Credentials(user=user, password=password, token=token)
    if others is not None:
        for name, pair in _read(others).items():
            if name not in _OTHERS:
                raise InputError(f"{name!r} is no role", where=str(others), todo=f"use {', '.join(sorted(_OTHERS))}")
            found[Role(name)] = Credentials(
                user=pair.get("user", ""), password=pair.get("password", ""), token=pair.get("token", "")
            )
    return found


def _read(path: Path) -> Mapping[str, dict[str, str]]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, str]])
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(
            "this is no file of credentials",
            where=str(path),
            todo='write {"second": {"user": "…", "password": "…"}, "reader": {"token": "…"}}',
        ) from error


def _show(out: Output, results: Sequence[Result], *, passed: bool) -> None:
    shown = [result for result in results if passed or result.outcome is not Outcome.PASS]
    out.table(
        ("section", "level", "outcome", "case", "why"),
        ((result.case.section, result.case.level, result.outcome, result.case.name, result.reason) for result in shown),
        nothing="every case passed",
    )
    out.line()
    out.table(
        ("section", "", "pass", "fail", "skip", "failed MUSTs"),
        (
            (section, title, *(count[outcome] for outcome in Outcome), musts)
            for section, title, count, musts in _sections(results)
        ),
        nothing="",
    )


def _sections(results: Sequence[Result]) -> list[tuple[str, str, Any, int]]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.case.section, []).append(result)
    return [
        *((section, own[0].case.title, counted(own), _musts(own)) for section, own in found.items()),
        ("all", "", counted(results), _musts(results)),
    ]


def _musts(results: Sequence[Result]) -> int:
    return sum(result.outcome is Outcome.FAIL and result.case.level is Level.MUST for result in results)


def _document(url: str, results: Sequence[Result]) -> dict[str, object]:
    return {
        "url": url,
        "sections": [
            {"section": section, "title": title, **{str(one): count[one] for one in Outcome}, "failed_musts": musts}
            for section, title, count, musts in _sections(results)
        ],
        "cases": [
            {
                "section": result.case.section,
                "name": result.case.name,
                "level": result.case.level,
                "outcome": result.outcome,
                "reason": result.reason,
            }
            for result in results
        ],
    }
