"""The OpenAPI document: valid, whole, the same for everybody, and kept to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from support.schemathesis_run import run
from tocsin.serving.app import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from support.taxii import Live


@pytest.fixture(scope="module")
def document(live: Live) -> dict[str, Any]:
    answer = httpx.get(f"{live.url}/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_it_is_an_openapi_document(document: dict[str, Any]) -> None:
    validate(document, cls=OpenAPIV31SpecValidator)


def test_every_address_of_ours_is_in_it_and_no_other(live: Live, document: dict[str, Any]) -> None:
    routes = create_app(live.world.hub).asgi.routes
    served = {route.path.replace(":str}", "}") for route in routes if route.path.startswith("/api/")}
    assert served == set(document["paths"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    there = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))) <= there


def test_every_operation_tells_its_refusals(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = set(operation["responses"])
            assert {"400", "405", "406", "414", "500", "503"} <= answers, (method, path)
            assert ({"401", "403"} <= answers) == bool(operation["security"]), (method, path)
            assert ({"413", "415", "422"} <= answers) or "requestBody" not in operation, (method, path)


def test_it_is_the_same_whoever_asks(live: Live) -> None:
    url = f"{live.url}/api/v1/openapi.json"
    assert httpx.get(url).content == httpx.get(url, auth=live.secrets["alfa"]).content


def test_it_tells_nothing_of_this_hub(live: Live) -> None:
    text = httpx.get(f"{live.url}/api/v1/openapi.json").text
    for name in ("alfa", "bravo", "charlie", live.world.hub.log.origin, *live.collections.values()):
        assert name not in text


def test_what_it_promises_is_kept(live: Live, tmp_path: Path) -> None:
    report = run(live, tmp_path, "--max-examples", "2", "--phases", "examples,coverage,fuzzing", "--no-shrink")
    assert "No issues found" in report


@pytest.mark.long
def test_what_it_promises_is_kept_for_ten_minutes(live: Live, tmp_path: Path) -> None:
    report = run(live, tmp_path, "--max-time", "600", "--max-examples", "100000")
    assert "No issues found" in report


@pytest.mark.long
@pytest.mark.parametrize("who", ["lia-bravo", "box-alfa"])
def test_what_it_promises_who_speaks_for_a_party_is_kept(doors: Live, tmp_path: Path, who: str) -> None:
    report = run(doors, tmp_path, "--max-time", "120", "--max-examples", "1000", who=who)
    assert "No issues found" in report
