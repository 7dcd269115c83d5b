"""stix2-validator of what leaves in place of real objects: it finds no fault in any."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Final

import pytest

from support.publishing import HOUR
from tocsin.errors import InputError
from tocsin.exchange.sanitise import wire
from tocsin.exchange.sanitise.patterns import rewritten
from tocsin.exchange.stix import RefusedObject, parse_object
from tocsin.scrub.names import Names
from tocsin.scrub.plans import PLANS
from tocsin.scrub.sanitise import Draft, sanitise

stix2validator = pytest.importorskip("stix2validator")

REALDATA: Final = Path(os.environ.get("TOCSIN_REALDATA", Path(__file__).parents[2] / "../shared/data"))
OPTIONS: Final = stix2validator.ValidationOptions(version="2.1", silent=True, disabled="all")
GREEN: Final = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
# of each type: what is wrong with one is wrong with all of its type
EACH: Final = 15


def new_id(number: int, kind: str) -> str:
    return f"{kind}--00000000-0000-4000-8000-{number:012x}"


def leaving(source: dict[str, Any], plan: str, ids: dict[str, str]) -> dict[str, Any] | None:
    """Return what leaves in place of an object, as intake would make it; None where nothing does."""
    try:
        draft = sanitise(
            source,
            PLANS[plan],
            object_id=ids[source["id"]],
            references=ids,
            slot=HOUR,
            names=Names(()),
            pattern=rewritten,
        )
    except InputError:
        return None
    body = draft.body | {"object_marking_refs": [GREEN]}
    issued = draft.issued
    if "modified" in source:
        body, issued = body | {"created": ""}, (*issued, "modified")
    data = wire.rendered(Draft(body=body, issued=issued), slot=0, born=None)
    if isinstance(parse_object(data), RefusedObject):
        return None
    made: dict[str, Any] = json.loads(data)
    return made


@pytest.mark.parametrize("plan", PLANS)
def test_what_leaves_in_place_of_real_objects_is_valid(plan: str) -> None:
    files = [*sorted(REALDATA.glob("stix/*.json")), *sorted(REALDATA.glob("stix/*.stix2"))]
    if not files:
        pytest.skip("no real data here: set TOCSIN_REALDATA")
    made: dict[str, int] = {}
    for file in files:
        content = [one for one in json.loads(file.read_bytes())["objects"] if one["type"] in PLANS[plan].types]
        named = dict.fromkeys(re.findall(r"[a-z0-9-]+--[0-9a-fA-F-]{36}", json.dumps(content)))
        ids = {key: new_id(number, key.partition("--")[0]) for number, key in enumerate(named)}
        for source in content:
            kind = source["type"]
            if made.get(kind, 0) >= EACH:
                continue
            out = leaving(source, plan, ids)
            if out is None:
                continue
            made[kind] = made.get(kind, 0) + 1
            result = stix2validator.validate_instance(out, OPTIONS)
            assert result.is_valid, [str(error) for error in result.errors]
            text = json.dumps(out)
            assert [old for old in named if old in text and old not in ids.values()] == []
    assert made.get("indicator") == EACH
