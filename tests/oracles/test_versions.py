"""Versions are compared as those programs do that they are made for: dpkg, npm, and Python's own library."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from packaging.version import InvalidVersion, Version

from tocsin.map.supply.versions import compared

if TYPE_CHECKING:
    from collections.abc import Iterator

_NPM: Final = [
    Path(root) / "npm" / "node_modules" / "semver"
    for root in ("/usr/lib/node_modules", "/usr/local/lib/node_modules", "/usr/share/nodejs")
]
_COMPARES: Final = """
const semver = require(process.argv[1]);
const pairs = JSON.parse(require("fs").readFileSync(0, "utf8"));
const said = ([one, other]) => semver.valid(one) === null || semver.valid(other) === null
  ? null : semver.compare(one, other);
console.log(JSON.stringify(pairs.map(said)));
"""


def made(seed: int, alphabet: str, count: int) -> Iterator[tuple[str, str]]:
    """Yield pairs of texts that differ little."""
    draw = random.Random(seed)
    for _ in range(count):
        one = "".join(draw.choice(alphabet) for _ in range(draw.randint(1, 8)))
        other = list(one)
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(other) + 1)
            other[at : at + draw.randint(0, 1)] = draw.choice(alphabet) * draw.randint(0, 2)
        yield one, "".join(other)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="there is no dpkg here")
def test_debian_versions_as_dpkg_compares_them() -> None:
    tried = 0
    for left, right in made(1, "0123a~+-.b9:", 2_000):
        one, other = f"1{left}", f"1{right}"
        found = compared("deb", one, other)
        if found is None or tried == 400:
            continue
        tried += 1
        for word, says in (("lt", found < 0), ("eq", found == 0)):
            ran = subprocess.run(["dpkg", "--compare-versions", one, word, other], capture_output=True, check=False)
            # it warns of what is no version, and compares it nevertheless
            if not ran.stderr:
                assert (ran.returncode == 0) == says, (one, word, other)
    assert tried == 400


@pytest.mark.skipif(
    shutil.which("node") is None or not any(map(Path.exists, _NPM)), reason="there is no semver of npm here"
)
def test_npm_versions_as_npm_compares_them() -> None:
    pairs = [
        (f"{core}{left}", f"{core}{right}")
        for core in ("1.2.3-", "1.2.", "1.", "0.1.2-a.")
        for left, right in made(2, "0123.-a1B", 2_000)
    ]
    where = next(one for one in _NPM if one.exists())
    line = ["node", "-e", _COMPARES, str(where)]
    ran = subprocess.run(line, input=msgspec.json.encode(pairs), capture_output=True, check=True, timeout=120)
    both = 0
    for (one, other), said in zip(pairs, msgspec.json.decode(ran.stdout), strict=True):
        found = compared("semver", one, other)
        if said is not None and found is not None:
            both += 1
            assert found == said, (one, other)
        elif said is not None:
            assert "+" in one + other, (one, other)
    assert both > 1_000


def test_python_versions_as_their_library_compares_them() -> None:
    tried = 0
    for one, other in made(3, "0123.abrcdevpost!", 40_000):
        found = compared("pypi", one, other)
        try:
            left, right = Version(one), Version(other)
        except InvalidVersion:
            assert found is None or one == other
            continue
        tried += 1
        assert found == (left > right) - (left < right), (one, other)
    assert tried > 500
