"""`python -m bench.render FILE...`: what runs have written with `--json`, as the tables of docs/benchmarks.md.

A section that is in several files is taken from the last. With `--into docs/benchmarks.md` the tables take the place of
those between its two markers.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from bench import report
from bench.measure import Line, Table

BEGIN: Final = "<!-- tables: begin -->"
END: Final = "<!-- tables: end -->"


def main() -> None:
    """Read, and print or write."""
    parser = argparse.ArgumentParser(prog="python -m bench.render", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="write between the markers of this page")
    asked = parser.parse_args()
    text = rendered([msgspec.json.decode(path.read_bytes(), type=list[Table]) for path in asked.files])
    if asked.into is None:
        print(text)
        return
    page = asked.into.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        parser.error(f"{asked.into} has no {BEGIN} … {END}")
    asked.into.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def rendered(runs: list[list[Table]]) -> str:
    """Return the tables of some runs, each section from the last run that has it, and how busy the machine was then."""
    sections: dict[str, list[Table]] = {}
    noise: dict[str, Line] = {}
    for run in runs:
        busy = next((line for table in run if table.name == "noise" for line in table.lines), None)
        for name in dict.fromkeys(table.name for table in run if table.name != "noise"):
            sections[name] = [table for table in run if table.name == name]
            if busy is not None:
                noise[name] = structs.replace(busy, name=f"`{name}`")
    tables = [table for name in sections for table in sections[name]]
    title = "How busy the machine was: the fixed loop, in the run of each section"
    tables.append(Table(name="noise", title=title, lines=tuple(noise[name] for name in sections if name in noise)))
    words = f"Machine: {report.machine()}."
    return "\n".join([words, "", *map(report.table, tables)])


if __name__ == "__main__":
    main()
