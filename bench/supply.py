"""Supply chains: a bill read and encoded, against CycloneDX's own library; and what a part reaches over many bills."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cyclonedx.model.bom import Bom

from bench.measure import Ratio, Table, interleave, line, over
from tocsin.map.supply import wire
from tocsin.map.supply.graph import assembled
from tocsin.map.supply.model import Bill, Part, Statement, Verdict
from tocsin.map.supply.names import asked_of
from tocsin.map.supply.reading import read_bill
from tocsin.map.wire import Told, asset_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.run import Run

PARTS: Final = 5_000  # of the bill that is read
BILLS, EACH = 1_000, 500  # of the chains, and parts of each
NAMES: Final = 20_000  # packages that bills draw their parts from
OWNER: Final = "https://grid.example"
CVE: Final = "CVE-2024-3094"
PEER, READ, BOTH = "cyclonedx-python-lib", "ours: read", "ours: read, encoded, and read as an object"
ASKED: Final = {"one part, by its purl": "pkg:deb/debian/lib7@7", "every version of it": "pkg:deb/debian/lib7"}


def measure(run: Run) -> Iterator[Table]:
    """Measure a bill, then chains."""
    yield _read(run)
    yield _reach(run)


def document(parts: int, *, seed: int = 1) -> bytes:
    """Return a CycloneDX document: each component needs some three that come after it."""
    draw = random.Random(seed)

    def component(at: int) -> dict[str, Any]:
        return {
            "type": "library",
            "bom-ref": f"ref-{at}",
            "name": f"lib{at}",
            "version": f"1.{at}",
            "supplier": {"name": f"Maker {at % 97}"},
            "purl": f"pkg:deb/debian/lib{at}@1.{at}?arch=armhf",
            "cpe": f"cpe:2.3:a:maker:lib{at}:1.{at}:*:*:*:*:*:*:*",
            "licenses": [{"license": {"id": "MIT"}}],
            "hashes": [{"alg": "SHA-256", "content": f"{at:064x}"}],
        }

    needs = [
        {"ref": f"ref-{at}", "dependsOn": sorted({f"ref-{draw.randrange(at + 1, parts)}" for _ in range(3)})}
        for at in range(parts - 1)
    ]
    told = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(0)},
        "components": [component(at) for at in range(1, parts)],
        "dependencies": needs,
    }
    return msgspec.json.encode(told)


def _read(run: Run) -> Table:
    data = document(PARTS)

    measured = interleave(
        run.rounds(7),
        {
            PEER: lambda: _spent(lambda: _by_peer(data)),
            READ: lambda: _spent(lambda: read_bill(data, name="bom")),
            BOTH: lambda: _spent(lambda: _carried(data)),
        },
        run.noise,
    )
    return Table(
        name="supply read",
        title=f"A CycloneDX document of {PARTS:,} components, {len(data):,} bytes",
        notes=(
            (
                "Processor time. Both parse JSON and make objects with purls; theirs of everything in it, ours of what"
                " we take. Ours checks every reference, name and limit, which theirs leaves to a schema."
            ),
        ),
        lines=tuple(line(name, "s", values) for name, values in measured.items()),
        ratios=(
            Ratio(name="theirs, over ours to read", value=over(measured, PEER, READ)),
            Ratio(name="theirs, over ours to read, encode and read again", value=over(measured, PEER, BOTH)),
        ),
    )


def _by_peer(data: bytes) -> object:
    return Bom.from_json(msgspec.json.decode(data))  # type: ignore[attr-defined]  # their decorator makes it


def _spent(work: Callable[[], object]) -> float:
    """Return the processor time that something takes: a busy neighbour changes it little."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _carried(data: bytes) -> wire.AnyWord:
    """Take a document as far as an answer does: read, made an object, and read out of its bytes."""
    told = wire.encode_bill(read_bill(data, name="bom").bill, by=OWNER, at=1_780_000_000_000_000, tlp=None)
    return wire.read_word(Told(by=OWNER, body=msgspec.json.encode(told)))


def words(bills: int, parts: int, *, seed: int = 1) -> list[wire.AnyWord]:
    """Return bills of parts that are drawn from the same packages, each on an asset; some say that one is affected."""
    draw = random.Random(seed)
    found: list[wire.AnyWord] = []
    for number in range(bills):
        held: dict[int, set[int]] = {}
        for at in range(1, parts):
            held.setdefault(draw.randrange(at), set()).add(at)
        names = [draw.randrange(NAMES) for _ in range(parts)]
        listed = [
            Part(
                name=f"lib{name}" if at else f"Product {number}",
                version=f"{name % 11}",
                supplier=f"Maker {name % 97}",
                purl=f"pkg:deb/debian/lib{name}@{name % 11}" if at else f"pkg:generic/product-{number}@1",
                contains=tuple(sorted(held.get(at, ()))),
            )
            for at, name in enumerate(names)
        ]
        said = (Statement(ids=(CVE,), verdict=Verdict.AFFECTED, parts=(parts - 1,)),) if number % 50 == 0 else ()
        bill = Bill(parts=tuple(listed), statements=said)
        id_, asset = wire.bill_id(bill.product, OWNER), asset_id(OWNER, f"asset {number}")
        found.append(wire.BillWord(id=id_, by=OWNER, modified=number, bill=bill))
        found.append(wire.FitWord(id=wire.fit_id(asset, id_, OWNER), by=OWNER, modified=number, asset=asset, bill=id_))
    return found


def _reach(run: Run) -> Table:
    told = words(BILLS, EACH)
    chains = assembled(told)
    asked = {name: asked_of(text) for name, text in ASKED.items()}
    questions: dict[str, Callable[[], object]] = {name: partial(chains.asked, one) for name, one in asked.items()}
    questions["a vulnerability that bills speak of"] = partial(chains.vulnerable, CVE)
    questions["putting the chains together"] = partial(assembled, told)
    measured = interleave(
        run.rounds(5), {name: partial(_spent, question) for name, question in questions.items()}, run.noise
    )
    reached = len({one.asset for one in chains.vulnerable(CVE).reached})
    return Table(
        name="supply reach",
        title=f"What is reached over {BILLS:,} bills of {EACH} parts",
        notes=(f"Processor time, once the bills are read. The vulnerability reaches {reached} of {BILLS:,} assets.",),
        lines=tuple(line(name, "s", values) for name, values in measured.items()),
    )
