"""The conformance suite against the peers: ``python -m bench.conformance`` prints a table by section."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench import peers

if TYPE_CHECKING:
    from bench.http_client import Server

# A peer that answers a page in seconds takes minutes for them all.
SECONDS = 3600


def judge(server: Server, collection: str, *credentials: str) -> dict[str, Any]:
    """Return the suite's document on a server of ``peers``."""
    address = urlsplit(server.client.address)
    command = [sys.executable, "-m", "tocsin.cli", "conformance", f"http://{address.netloc}/taxii2/", "--json"]
    done = subprocess.run(
        [*command, *credentials, "--collection", collection],
        check=False,  # it refuses where a MUST fails, which is what is to be seen
        capture_output=True,
        timeout=SECONDS,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def main() -> None:
    """Judge both, one after the other, and print what they pass and fail."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        with peers.medallion(Path(folder) / "medallion", []) as server:
            found[peers.MEDALLION] = judge(server, peers.COLLECTION, "--user", "bench", "--password", "bench")
        with peers.opentaxii(Path(folder) / "opentaxii") as server:
            # by token: it takes a second of two cores to check a password, at every request
            found[peers.OPENTAXII] = judge(server, "exchange", "--token", server.client.token)
    for name, document in found.items():
        print(f"\n{name}\n")
        for one in document["sections"]:
            counts = [one[key] for key in ("pass", "fail", "skip", "failed_musts")]
            print("| " + " | ".join(str(cell) for cell in (one["section"], one["title"], *counts)) + " |")
        for case in document["cases"]:
            if case["outcome"] == "fail":
                print(f"- {case['level']} {case['section']} {case['name']}: {case['reason']}")


if __name__ == "__main__":
    main()
