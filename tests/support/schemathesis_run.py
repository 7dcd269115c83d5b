"""Schemathesis against a served hub: what the OpenAPI document promises is asked of every address."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from support.taxii import Live

__all__ = ["CHECKS", "run"]

CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "allow_header_conformance",
    "unsupported_method",
    "negative_data_rejection",
)
# It has no end, and its answers are held to its own tests.
_ENDLESS: Final = "stream"


def run(live: Live, folder: Path, *arguments: str, who: str = "bravo", seed: int = 1) -> str:
    """Ask every operation many things; returns the report, and fails with it where an answer was not as documented."""
    name, secret = live.secrets[who]
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{live.url}/api/v1/openapi.json",
            *("--checks", ",".join(CHECKS)),
            *("--auth", f"{name}:{secret}"),
            *("--exclude-operation-id", _ENDLESS),
            *("--seed", str(seed)),
            *("--warnings", "off"),
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")},
        capture_output=True,
        text=True,
        check=False,
        timeout=1_200,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    return done.stdout
