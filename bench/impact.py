"""What it costs to say what a version would change, to bring it into force, and to decide everything anew.

A million objects under five thousand labels, a thousand parties, one agreement that all of them signed: the hub of
``bench.policy``, with a hundred objects for each that it has. They are loaded behind the log's back and without bytes,
which nothing here reads. Each turn is a process of its own, so that its time is that of a command that finds nothing in
memory, and its peak is its own.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, text

from bench import hubs, policy
from bench.measure import Ratio, Table, line
from support.hub import OPERATOR
from tocsin.agreements.bulk import Bulk, Universe
from tocsin.agreements.gate import profile_of
from tocsin.agreements.impact import purposes_apart
from tocsin.bootstrap import upgrade_hub
from tocsin.exchange.impacts import Question
from tocsin.exchange.store import find_collection, read_label_counts
from tocsin.exchange.tables import LABEL_COUNTS
from tocsin.parties.model import PURPOSES
from tocsin.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.run import Run
    from tocsin.bootstrap import Hub

TIMES: Final = 100  # as many objects as the hub of `bench.policy` has
AIM: Final = 5.0  # seconds
MEMORY: Final = 256.0  # MiB, above what an open hub takes
RECIPE: Final = "1"


def measure(run: Run) -> Iterator[Table]:
    """Measure each in its turn, each turn on a copy of the hub."""
    parties = 100 if run.quick else policy.PARTIES
    source = run.cache / f"impact-{parties}"
    _prepare(source, run.cache / f"policy-{parties}", parties)
    rounds = run.rounds(4)
    taken: dict[str, list[dict[str, float]]] = {turn: [] for turn in _TURNS}
    for _ in range(rounds):
        home = run.folder / "impact"
        shutil.copytree(source, home)
        upgrade_hub(_settings(home))  # the kept hub may be one of an earlier schema
        for turn in _TURNS:
            run.noise.probe()
            command = [sys.executable, "-m", "bench.impact", turn, str(home)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            taken[turn].append(json.loads(done.stdout))
        shutil.rmtree(home)
    seconds = {turn: [one["seconds"] for one in some] for turn, some in taken.items()}
    peaks = {turn: [one["peak"] - one["open"] for one in some] for turn, some in taken.items()}
    first = taken["impact"][0]
    for told, before, after in zip(taken["impact"], taken["before"], taken["rebuild"], strict=True):
        if after["open_labels"] - before["open_labels"] != told["changed"]:
            raise RuntimeError("what was told is not what happened")
    yield Table(
        name="impact",
        title=(
            f"A version of an agreement: {first['objects']:,} objects, {parties:,} parties, {first['labels']:,} labels"
        ),
        lines=(
            *(line(_TURNS[turn], "s", values) for turn, values in seconds.items()),
            line("impact, once more in the same process", "s", [one["again"] for one in taken["impact"]]),
            *(line(f"{_TURNS[turn]}: memory above an open hub", "MiB", values) for turn, values in peaks.items()),
            line("an open hub", "MiB", [one["open"] for one in taken["impact"]]),
        ),
        ratios=(
            Ratio(name="impact to 5 s", value=max(seconds["impact"]) / AIM, aim=1, below=True),
            Ratio(name="all verdicts anew to 5 s", value=max(seconds["rebuild"]) / AIM, aim=1, below=True),
            Ratio(
                name=f"memory of an impact to {MEMORY:.0f} MiB", value=max(peaks["impact"]) / MEMORY, aim=1, below=True
            ),
            Ratio(
                name="an impact against all verdicts anew",
                value=max(seconds["impact"]) / max(seconds["rebuild"]),
            ),
        ),
        notes=(
            f"{first['readers']:,} readers, {len(PURPOSES)} purposes",
            f"{first['changed']:,} of {first['verdicts']:,} verdicts change",
            "each turn in a process of its own, on SQLite; the hub is open before the clock starts",
            "ratios are of the slowest round",
            "so many more verdicts are open after the activation than before it as the impact told, in every round",
        ),
    )


# --- one turn, in a process of its own -------------------------------------------------------------------------------

_TURNS: Final = {
    "before": "all verdicts of all readers, for every purpose, under the version before",
    "impact": "impact of the version that widens",
    "activate": "its activation",
    "gate": "all verdicts of the parties' machines anew, for one purpose, by the gate",
    "rebuild": "all verdicts of all readers anew, for every purpose",
}


def _turn(turn: str, home: Path) -> dict[str, float]:
    with hubs.opened(_settings(home)) as hub:
        before = _peak()
        start = time.perf_counter()
        found = {"impact": _impact, "activate": _activate, "gate": _gate, "before": _rebuild, "rebuild": _rebuild}[
            turn
        ](hub)
        return {"seconds": time.perf_counter() - start, "open": before, "peak": _peak(), **found}


def _impact(hub: Hub) -> dict[str, float]:
    started = time.perf_counter()
    first = _ask(hub)
    once = time.perf_counter()
    _ask(hub)
    again = time.perf_counter()
    return {**first, "seconds": once - started, "again": again - once}


def _ask(hub: Hub) -> dict[str, float]:
    source = hub.agreements.get("everybody", 2).source
    asker = hub.parties.resolve("operator@hub")
    whole = hub.impacts.ask(Question(acting=OPERATOR, asker=asker, source=source, where="it")).whole
    if whole is None:
        raise RuntimeError("who runs the hub is told everything")
    return {
        "objects": whole.objects,
        "labels": whole.labels,
        "readers": whole.readers,
        "verdicts": whole.verdicts,
        "changed": whole.changed,
    }


def _activate(hub: Hub) -> dict[str, float]:
    hub.agreements.activate(OPERATOR, hub.mandate, "everybody", 2)
    return {}


def _gate(hub: Hub) -> dict[str, float]:
    with hub.store.read() as connection:
        exchange = find_collection(connection, hub.environment, "exchange", party=None)
        labels = hub.gate.labels(connection, sorted(read_label_counts(connection, exchange.id)))
        at = hub.log.now(connection)
        opened = [
            len(hub.gate.opened(hub.gate.admit(connection, party.uri, None, "detect"), labels, at))
            for party in hub.parties.all_parties()
        ]
    return {"open_labels": sum(opened)}


def _rebuild(hub: Hub) -> dict[str, float]:
    """Decide everything anew, and hold against what was told how many verdicts there are."""
    with hub.store.read() as connection:
        exchange = find_collection(connection, hub.environment, "exchange", party=None)
        counts = read_label_counts(connection, exchange.id)
        labels = hub.gate.labels(connection, sorted(counts))
        facts = hub.gate.facts(connection, hub.log.now(connection))
    bulk = Bulk(facts, Universe([(labels[key], count) for key, count in counts.items()], facts.at))
    opened = 0
    for party in facts.parties.values():
        for user in (None, *(hub.parties.users(party.name))):
            for group in purposes_apart(facts):
                opened += bulk.row(profile_of(party, user, group[0], facts.at)).bit_count() * len(group)
    return {"open_labels": opened}


def _peak() -> float:
    """Return the most memory that this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _settings(home: Path) -> Settings:
    return Settings(home=home, database=home / "hub.db")


# --- the hub ---------------------------------------------------------------------------------------------------------


def _prepare(home: Path, source: Path, parties: int) -> None:
    made = home / "recipe-of-impact"
    if made.exists() and made.read_text(encoding="utf-8") == RECIPE + policy.RECIPE:
        return
    policy.prepare(source, parties)
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(source, home)
    settings = _settings(home)
    upgrade_hub(settings)
    with hubs.opened(settings) as hub, hub.store.write() as connection:
        exchange = find_collection(connection, hub.environment, "exchange", party=None)
        size = connection.execute(text("SELECT max(contribution_id) FROM contributions")).scalar_one()
        span = connection.execute(text("SELECT max(date_added) - min(date_added) + 1 FROM offers")).scalar_one()
        many = f"WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {TIMES - 1}) "
        for table, changed in _COPIED.items():
            columns = [row.name for row in connection.execute(text(f"PRAGMA table_info({table})"))]
            taken = ", ".join(changed.get(column, f"t.{column}") for column in columns)
            where = "" if table == "contributions" else f" WHERE t.collection_id = {exchange.id}"
            # names of our own tables and columns
            copied = f"{many}INSERT INTO {table} SELECT {taken} FROM {table} t, n{where}"
            given = {"size": size} | ({"span": span} if table == "offers" else {})
            connection.execute(text(copied), given)
        connection.execute(
            LABEL_COUNTS.update()
            .where(LABEL_COUNTS.c.collection_id == exchange.id)
            .values(offers=LABEL_COUNTS.c.offers * TIMES)
        )
        total = connection.execute(select(LABEL_COUNTS.c.offers)).scalars()
        if sum(total) != TIMES * size:
            raise RuntimeError("the hub does not hold what it should")
        connection.execute(
            text("UPDATE collections SET head_seq = :n, head_added = head_added + :later WHERE collection_id = :c"),
            {"n": TIMES * size, "later": TIMES * span, "c": exchange.id},
        )
    made.write_text(RECIPE + policy.RECIPE, encoding="utf-8")


# What is another in each copy; everything else is as it was.
_COPIED: Final = {
    "contributions": {
        "contribution_id": "t.contribution_id + n.k * :size",
        "object_key": "t.object_key + n.k",
        "bytes": "NULL",
        "salt": "NULL",
    },
    "offers": {
        "offer_seq": "t.offer_seq + n.k * :size",
        "contribution_id": "t.contribution_id + n.k * :size",
        "date_added": "t.date_added + n.k * :span",
    },
}


if __name__ == "__main__":
    print(json.dumps(_turn(sys.argv[1], Path(sys.argv[2]))))
