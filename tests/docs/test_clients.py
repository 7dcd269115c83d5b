"""The script that docs/clients.md shows for taxii2-client runs as it stands."""

from __future__ import annotations

import base64
import contextlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.taxii import Live, indicator, living

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from living(tmp_path_factory.mktemp("clients") / "hub")


def test_the_script_for_taxii2_client_runs(live: Live) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    good, bad = indicator("from the page"), indicator("a bad one from the page") | {"pattern": 7}
    user, token = live.secrets["alfa"]
    names = {
        "UUID": live.collections["exchange"],
        "HUB": live.url,
        "USER": user,
        "TOKEN": token,
        "SINCE": "2020-01-01T00:00:00Z",
        "OBJECTS": [good, bad],
    }
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(script, names)  # noqa: S102  our own page's
    lines = printed.getvalue().splitlines()
    assert live.indicators == [line for line in lines if line in live.indicators]
    assert lines[-1].startswith("complete 1 ['objects[1].pattern: ")


def test_what_misp_sends_is_taken(live: Live) -> None:
    """Its scheme is in lower case, its GET names a Content-Type, and its API root has no slash."""
    user, token = live.secrets["alfa"]
    key = base64.b64encode(f"{user}:{token}".encode()).decode()
    headers = {"authorization": f"basic {key}", "content-type": "application/taxii+json;version=2.1"}
    assert live.get("/live", None, headers=headers).json()["max_content_length"] > 0
    collections = live.get("/live/collections/", None, headers=headers).json()["collections"]
    path = f"/live/collections/{collections[0]['id']}/objects/?limit=50"
    assert live.get(path, None, headers=headers).json()["objects"]
