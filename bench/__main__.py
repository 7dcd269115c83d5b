"""`python -m bench`: every benchmark, or those named."""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from bench import report
from bench.measure import Noise, Table
from bench.run import Run

NAMES: Final = (
    "stix",
    "patterns",
    "intake",
    "stores",
    "pages",
    "bare",
    "latency",
    "scale",
    "policy",
    "crisis",
    "impact",
    "log",
    "memory",
    "traffic",
    "cascades",
    "supply",
    "truth",
)
_MODULES: Final = {"log": "logs"}
# some take half an hour in full; none shows what a change elsewhere is likely to change
_ASKED_FOR: Final = frozenset({"memory", "traffic", "truth"})
HERE: Final = Path(__file__).parent


def main() -> None:
    """Run and print."""
    asked = _arguments().parse_args()
    noise = Noise()
    tables: list[Table] = []
    (HERE / ".data").mkdir(exist_ok=True)
    print(f"Machine: {report.machine()}.\n")
    # beside the cache, not in /tmp: where that is memory, nothing would be durable
    with tempfile.TemporaryDirectory(dir=HERE / ".data") as folder:
        for name in asked.only or [name for name in NAMES if name not in _ASKED_FOR]:
            run = Run(
                quick=asked.quick, noise=noise, folder=Path(folder), cache=HERE / ".data", requests=asked.requests
            )
            for table in importlib.import_module(f"bench.{_MODULES.get(name, name)}").measure(run):
                tables.append(table)
                print(report.table(table), flush=True)
    busy = Table(name="noise", title="How busy the machine was", lines=(noise.line(),))
    print(report.table(busy))
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode([*tables, busy])))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=NAMES, help="this one; may be given more than once")
    parser.add_argument("--requests", type=int, default=1_000_000, help="how many of memory's (default: a million)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and no collection of a million")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured as JSON, too")
    return parser


if __name__ == "__main__":
    main()
