"""What is above the classification ceiling, over the wire: a status that names nothing, and no trace in file or log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.taxii import envelope, indicator

if TYPE_CHECKING:
    from support.taxii import Live

CANARY = "zq9canary"


def _above(**more: Any) -> dict[str, Any]:  # noqa: ANN401  an object's own properties
    return indicator("above") | {"name": f"{CANARY} name", "description": f"SECRET//NOFORN {CANARY}"} | more


@pytest.mark.parametrize("broken", [{}, {"confidence": CANARY}, {"spec_version": CANARY}], ids=str)
def test_it_is_refused_by_its_place_and_leaves_no_trace(
    broken: dict[str, Any], live: Live, capfd: pytest.CaptureFixture[str]
) -> None:
    above = _above(**broken)
    answer = live.post(envelope(indicator(f"beside {sorted(broken)}"), above))
    assert answer.status_code == 202
    status = answer.json()
    assert (status["success_count"], status["failure_count"]) == (1, 1)
    (failure,) = status["failures"]
    assert failure["message"].startswith("objects[1]: is marked above the classification")
    told = json.dumps(status) + live.get(f"/live/status/{status['id']}/", "alfa").text
    live.world.hub.integrator.integrate()
    captured = capfd.readouterr()
    for needle in (CANARY, above["id"], above["id"].rpartition("--")[2]):
        assert needle not in told
        assert needle not in captured.out + captured.err
        for path in live.world.settings.home.rglob("*"):
            assert not path.is_file() or needle.encode() not in path.read_bytes(), path
