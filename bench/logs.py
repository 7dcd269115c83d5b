"""Appends to the log: durable transactions of one entry and of a thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench import hubs
from bench.measure import Table, interleave, line, rate
from tocsin.kernel.mandate import Acting
from tocsin.log.service import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.run import Run
    from tocsin.bootstrap import Hub

ROUNDS: Final = 9
# entries in a transaction: transactions in a round
SIZES: Final = {1: 100, 1_000: 5}


def measure(run: Run) -> Iterator[Table]:
    """Measure both."""
    settings, _, _ = hubs.small_hub(run.folder / "log")
    with hubs.opened(settings) as hub:
        turns = {
            f"{size:,} in a transaction": lambda size=size, times=times: rate(
                size * times, lambda: _append(hub, size, times)
            )
            for size, times in SIZES.items()
        }
        values = interleave(run.rounds(ROUNDS), turns, run.noise)
    yield Table(
        name="log",
        title="Appends to the log",
        lines=tuple(line(one, "entries/s", measured) for one, measured in values.items()),
        notes=(
            "each transaction is durable, its new head signed; an entry here commits to a payload of some 400 bytes",
        ),
    )


def _append(hub: Hub, size: int, times: int) -> None:
    acting = Acting(actor="bench@hub")
    data: dict[str, object] = {"offers": list(range(20)), "collection": "c" * 36, "note": "n" * 80}
    for _ in range(times):
        with hub.store.write() as connection:
            at = hub.log.now(connection)
            record = Record(kind="bench", at=at, acting=acting, concerns=("https://hub.example",), data=data)
            hub.log.append(connection, [record] * size)
