"""The command line, run inside this process or as one of its own, on a hub in a folder."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any
from unittest import mock

import msgspec

from support import stores
from tocsin.cli.main import execute

if TYPE_CHECKING:
    from pathlib import Path

PACT = """\
agreement: pact
version: 1
title: Pact between alpha and beta
in_force: {from: 2020-01-01, until: 2999-01-01}
parties: [{name: alpha}, {name: beta}]
legal_bases: {by-contract: {NO: {cite: "Section 3", valid: [2020-01-01, null]}}}
purposes: [detect, respond]
clauses:
  - id: "1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}, type: [indicator, malware]}
    for: [detect]
    rests_on: [by-contract]
  - {id: "2", retain: {for: P90D, then: purge}, of: {type: [sighting]}}
signatures: []
"""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one command line."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401  each command has a document of its own
        """Return standard output, which must be one JSON document."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """Return the error on standard error, which must be one JSON document."""
        error: dict[str, Any] = json.loads(self.err)["error"]
        return error


class Cli:
    """The commands on one hub."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables with which a command finds the hub."""
        return {"TOCSIN_HOME": str(self.home), "TOCSIN_DATABASE": stores.url_of(self.home)}

    def run(self, *arguments: str, stdin: object = b"", environ: dict[str, str] | None = None) -> Ran:
        """Run one command line in this process; ``stdin`` is bytes, or what takes the place of ``sys.stdin``."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8") if isinstance(stdin, bytes) else stdin
        with (
            mock.patch.dict(os.environ, self.environ | (environ or {})),
            mock.patch.object(sys, "stdin", given),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = execute(arguments)
        return Ran(code=code, out=_text(out), err=_text(err))

    def ok(self, *arguments: str, stdin: bytes = b"") -> Ran:
        """Run a command that must succeed."""
        ran = self.run(*arguments, stdin=stdin)
        assert ran.code == 0, ran
        return ran

    def json(self, *arguments: str, stdin: bytes = b"") -> Any:  # noqa: ANN401  as ``Ran.document``
        """Run a command that must succeed with ``--json``; returns its document."""
        ran = self.ok(*arguments, "--json", stdin=stdin)
        assert not ran.err, ran
        return ran.document

    def process(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command as a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "tocsin.cli", *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            env=os.environ | self.environ,
            timeout=120,
        )


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def partnership(home: Path) -> Cli:
    """Make a hub with two members, alpha and beta, and an outsider, gamma, through commands alone."""
    cli = Cli(home)
    cli.ok("init", "--uri", "https://hub.example")
    for name in ("alpha", "beta", "gamma"):
        cli.ok(
            *("party", "add", name, "--uri", f"https://{name}.example", "--kind", "private", "--country", "NO"),
            *("--capacity", "operator", "--sector", "energy"),
        )
        cli.ok("party", "clear", name, "--clearance", "restricted")
        cli.ok("user", "add", f"sig@{name}", "--role", "signatory")
    cli.ok("user", "add", "anna@beta", "--role", "analyst", "--clearance", "restricted")
    document = home / "pact.yaml"
    document.write_text(PACT, encoding="utf-8")
    cli.ok("agreement", "propose", str(document))
    cli.ok("agreement", "sign", "pact", "--as", "alpha")
    cli.ok("agreement", "sign", "pact", "--as", "sig@beta")
    cli.ok("agreement", "activate", "pact")
    return cli


def indicator(number: int, **more: object) -> dict[str, object]:
    """Return a valid indicator; the number makes its id."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"indicator {number}",
        "pattern": f"[ipv4-addr:value = '198.51.100.{number % 256}']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    } | more


def tool(number: int, **more: object) -> dict[str, object]:
    """Return a valid object of a type that the pact does not cover."""
    return {
        "type": "tool",
        "spec_version": "2.1",
        "id": f"tool--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"tool {number}",
    } | more


def bundle(*objects: dict[str, object]) -> bytes:
    """Return a bundle of these objects."""
    return json.dumps(
        {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": list(objects)}
    ).encode()
