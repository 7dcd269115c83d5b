"""The bodies that docs/api.md, search.md and risk.md show are of the forms that addresses take and answer with."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from support.hub import World
from tocsin.errors import InputError
from tocsin.exchange.api.operations import operations
from tocsin.exchange.api.wire import read_body
from tocsin.exchange.stix import ParsedObject, parse_bundle
from tocsin.exchange.stix.pattern import diagnose
from tocsin.kernel.http.problem_details import ProblemDetails
from tocsin.kernel.http.turn import Turn
from tocsin.risk import http as risk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.kernel.http.operations import Operation
    from tocsin.parties.model import Principal

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
BLOCK: Final = re.compile(r"([^\n]*):\n\n```json\n(.*?)```", re.DOTALL)


def shown(page: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield method, address, what it takes, and what it answers where that is shown next."""
    found: list[list[str]] = []
    for said, body in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if (address := re.search(r"`(POST|PUT) ([^`]+)`", said)) is not None:
            found.append([address[1], address[2], body, ""])
        else:
            assert "answer" in said, said
            found[-1][3] = body
    yield from ((method, path, takes, answer) for method, path, takes, answer in found)


BODIES: Final = [one for page in ("api.md", "search.md", "risk.md") for one in shown(page)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Operation[Principal]]]:
    world = World(tmp_path_factory.mktemp("bodies") / "hub")
    yield [*operations(world.hub), *risk.operations(world.hub, Turn("simulation"), Turn("roll-up"))]
    world.hub.close()


def operation(table: list[Operation[Principal]], method: str, address: str) -> Operation[Principal]:
    path = address.replace("…", "/api/v1/collections/exchange")
    (found,) = (
        one for one in table if one.method == method and re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", one.path), path)
    )
    return found


def test_there_are_bodies_to_look_at() -> None:
    assert len(BODIES) >= 8
    assert sum(bool(answer) for *_, answer in BODIES) >= 5


@pytest.mark.parametrize(("method", "address", "takes", "answer"), BODIES, ids=[one[1] for one in BODIES])
def test_a_body_is_of_the_form_that_is_taken(
    table: list[Operation[Principal]], method: str, address: str, takes: str, answer: str
) -> None:
    does = operation(table, method, address)
    assert does.takes is not None
    told: dict[str, Any] = json.loads(answer or "{}")
    if "detail" in told:
        with pytest.raises(InputError) as caught:
            read_body(takes.encode(), does.takes)
        problem = msgspec.json.decode(answer, type=ProblemDetails)
        assert (caught.value.what, caught.value.where, caught.value.todo) == (
            problem.detail,
            problem.where,
            problem.todo,
        )
        return
    read_body(takes.encode(), does.takes)
    if answer:
        answered = next(one for status, one in does.answers.items() if status in {HTTPStatus.OK, HTTPStatus.CREATED})
        assert answered.type is not None
        msgspec.json.decode(answer, type=answered.type)
        assert told.keys() == {field.encode_name for field in msgspec.structs.fields(answered.type)}


def test_what_is_shown_is_what_would_be_said() -> None:
    taken = {address: (json.loads(takes), json.loads(answer or "{}")) for _, address, takes, answer in BODIES}
    bundle, receipt = taken["…/objects"]
    (item,) = parse_bundle(json.dumps(bundle).encode()).items
    assert isinstance(item, ParsedObject)
    assert receipt["results"][0]["id"] == item.id
    pattern, report = taken["/api/v1/patterns/check"]
    fault = diagnose(pattern["pattern"])
    assert fault is not None
    assert report["fault"] == {
        "what": fault.what,
        "todo": fault.todo,
        "line": fault.line,
        "column": fault.column,
        "offset": fault.offset,
    }
