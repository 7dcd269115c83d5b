"""``tocsin map cuts`` and ``sectors``: known answers by the commands themselves, and what they refuse."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import pytest

from support.cli import Cli
from support.tours import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REGION: Final = str(ROOT / "examples" / "region")
PATHS: Final = ("14", "25", "135", "234")


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """No hub: all of it is of files."""
    return Cli(tmp_path_factory.mktemp("none") / "hub")


def written(folder: Path, groups: list[tuple[str, int, tuple[str, ...]]]) -> str:
    """Write a map of groups, each of which counts its suppliers."""
    folder.mkdir()
    names = dict.fromkeys(itertools.chain.from_iterable((asset, *suppliers) for asset, _, suppliers in groups))
    tables = {
        "assets": ["id", *names],
        "groups": ["asset,name,need,k", *(f"{asset},way,count,{k}" for asset, k, _ in groups)],
        "suppliers": [
            "asset,group,supplier",
            *(f"{asset},way,{one}" for asset, _, suppliers in groups for one in suppliers),
        ],
    }
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return str(folder)


@pytest.fixture
def bridge(tmp_path: Path) -> str:
    ways = [(f"p{path}", len(path), tuple(path)) for path in PATHS]
    return written(tmp_path / "bridge", [*ways, ("t", 1, tuple(f"p{path}" for path in PATHS))])


def test_two_of_three(cli: Cli, tmp_path: Path) -> None:
    folder = written(tmp_path / "three", [("t", 2, ("a", "b", "c"))])
    found = cli.json("map", "cuts", "t", "--from", folder, "--chance", "0.1")
    assert found["cuts"] == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert found["sizes"] == [{"size": 2, "sets": 3}]
    assert 1 - found["probability"] == pytest.approx(0.972, abs=1e-12)


def test_the_bridge(cli: Cli, bridge: str) -> None:
    among = [word for name in "12345" for word in ("--among", name)]
    found = cli.json("map", "cuts", "t", "--from", bridge, *among, "--chance", "0.1")
    assert ["".join(one) for one in found["cuts"]] == ["12", "45", "135", "234"]
    assert 1 - found["probability"] == pytest.approx(0.97848, abs=1e-12)
    one_by_one = [word for name in "12345" for word in ("--chance", f"{name}=0.1")]
    assert cli.json("map", "cuts", "t", "--from", bridge, *one_by_one)["probability"] == pytest.approx(0.02152)
    two = cli.run("map", "cuts", "t", "--from", bridge, *among, "--up-to", "2")
    assert "larger ones: 2 of 3; --up-to lists them" in two.out


def test_buffers_count_over_hours_and_not_for_good(cli: Cli) -> None:
    short = cli.json("map", "cuts", "Aker hospital", "--from", REGION, "--hours", "1")
    long = cli.json("map", "cuts", "Aker hospital", "--from", REGION, "--hours", "400")
    good = cli.json("map", "cuts", "Aker hospital", "--from", REGION, "--up-to", "2")
    assert short["cuts"] == []
    assert sorted(map(sorted, long["cuts"])) == sorted(map(sorted, good["cuts"])) != []


# By the papers (docs/map.md, "Sectors without assets"): matrix, what is hit, the published answer.
PUBLISHED: Final = {
    "two that need each other": ("a,b|a,0,.8|b,.2,0", ("b=0.6",), (4 / 7, 5 / 7), 1e-9),
    "four, two of them bounded": (
        "a,b,c,d|a,0,.9,0,0|b,.4,0,0,0|c,1,.8,0,0|d,1,.9,0,0",
        ("b=0.5",),
        (0.70, 0.78, 1, 1),
        0.005,
    ),
    "three in a ring": ("a,b,c|a,0,0,.3|b,.4,0,0|c,.2,.6,0", ("c=0.12",), (0.04, 0.02, 0.14), 0.005),
    "two of Lian and Haimes": ("a,b|a,.15,.5|b,.1,.05", ("b=0.1",), (0.066, 0.112), 0.0005),
}


def matrix(folder: Path, text: str) -> str:
    path = folder / "matrix.csv"
    path.write_text(f",{text}\n".replace("|", "\n"))
    return str(path)


@pytest.mark.parametrize("case", PUBLISHED)
def test_published_inoperability(cli: Cli, tmp_path: Path, case: str) -> None:
    text, hits, expected, within = PUBLISHED[case]
    found = cli.json(
        "map", "sectors", "--matrix", matrix(tmp_path, text), *(word for hit in hits for word in ("--hit", hit))
    )
    assert found["inoperability"] == pytest.approx(list(expected), abs=within)


def test_published_inoperability_by_the_hour(cli: Cli, tmp_path: Path) -> None:
    path = matrix(tmp_path, PUBLISHED["two of Lian and Haimes"][0])
    line = ("map", "sectors", "--matrix", path, "--hit", "b=0.1", "--resilience", "0.2", "--hours", "200")
    by_hour = cli.json(*line)["by_hour"]
    assert len(by_hour) == 201
    # from below, as from above: 0.066007, 0.112212 is where it rests after 100 steps from a loss of everything
    assert by_hour[200] == pytest.approx([0.066007, 0.112211], abs=1.5e-6)
    ended = cli.json(*line, "--until", "5")["by_hour"]
    assert ended[:6] == by_hour[:6]
    assert max(ended[200]) < 1e-9


def test_rows_stand_in_any_order(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = cli.json("map", "sectors", "--matrix", matrix(tmp_path, "a,b|a,0,.8|b,.2,0"))
    two = cli.json("map", "sectors", "--matrix", matrix(tmp_path / "other", "a,b|b,.2,0|a,0,.8"))
    assert one == two
    assert one["dependence"] == [[0, 0.8], [0.2, 0]]


def test_sectors_of_a_map(cli: Cli, tmp_path: Path) -> None:
    line = ("map", "sectors", "--from", REGION, "--hit", "energy=0.3", "--recovery", "24", "--recovery", "water=48")
    picture = tmp_path / "hours.svg"
    found = cli.json(*line, "--until", "12", "--hours", "72", "--plot", str(picture))
    assert found["sectors"] == ["communications", "energy", "health", "water"]
    assert found["hit"] == [0, 0.3, 0, 0]
    assert len(found["by_hour"]) == 73
    assert picture.read_bytes().lstrip().startswith(b"<?xml")
    shown = cli.run(*line).out
    assert "lasts, once all have come to rest" in shown


FAULTY: Final = {
    "no header": ("", "matrix.csv:1: there are no sectors"),
    "a name twice": (",a,a\na,0,0\n", "the column 'a' stands twice"),
    "a row twice": (",a\na,0\na,0\n", "matrix.csv:3: the row 'a' stands twice"),
    "no such row": (",a\na,0\nb,0\n", "matrix.csv:3: the row 'b' is no column"),
    "a row too few": (",a,b\na,0,1\n", "there is no row for 'b'"),
    "a cell too few": (",a,b\na,0\nb,0,0\n", "matrix.csv:2: 2 cells; expected 3"),
    "no number": (",a\na,half\n", "matrix.csv:2: the column 'a' is 'half'"),
    "not a number": (",a\na,nan\n", "the column 'a' is 'nan'"),
    "negative": (",a\na,-1\n", "the column 'a' is -1; expected 0 or more"),
    "open quotes": (',"a\na,0\n', "no CSV"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_a_matrix_that_is_none_is_refused_with_its_line(cli: Cli, tmp_path: Path, case: str) -> None:
    text, expected = FAULTY[case]
    path = tmp_path / "matrix.csv"
    path.write_text(text)
    refused = cli.run("map", "sectors", "--matrix", str(path))
    assert refused.code == 1
    assert expected in refused.err


REFUSED: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "nobody's map": (("cuts", "t"), "say whose map"),
    "an asset that is not there": (("cuts", "nowhere", "--from", REGION), "there is no such asset"),
    "a chance above one": (("cuts", "Vika", "--from", REGION, "--chance", "2"), "--chance: '2' is not CHANCE"),
    "a chance that is none": (("cuts", "Vika", "--from", REGION, "--chance", "Bekk=nan"), "--chance: 'Bekk=nan'"),
    "no service": (("cuts", "Vika", "--from", REGION, "--service", "0"), "--service: a service of 0"),
    "hours and sizes": (("cuts", "Vika", "--from", REGION, "--hours", "5", "--up-to", "3"), "--hours looks for sets"),
    "two maps": (("sectors", "--from", REGION, "--matrix", "m.csv"), "--matrix is in place of a map"),
    "no such sector": (("sectors", "--from", REGION, "--hit", "gas=0.3"), "--hit: there is no sector 'gas'"),
    "no share": (("sectors", "--from", REGION, "--hit", "energy"), "--hit: 'energy' is not SECTOR=SHARE"),
    "more than all": (("sectors", "--from", REGION, "--hit", "energy=1.5"), "0 to 1"),
    "nothing to recover from": (("sectors", "--from", REGION, "--recovery", "5"), "nothing to recover from"),
    "hours of nothing": (("sectors", "--from", REGION, "--hit", "energy=1", "--hours", "5"), "--hours: it is of"),
    "recovery of some": (
        ("sectors", "--from", REGION, "--hit", "energy=1", "--recovery", "water=5"),
        "--recovery: nothing is said of communications",
    ),
    "recovery at once": (
        ("sectors", "--from", REGION, "--hit", "energy=1", "--recovery", "0"),
        "--recovery: recovery takes hours",
    ),
    "a hit that ends first": (
        ("simulate", "--from", REGION, "--hit", "Vika=0.5,10,5"),
        "--hit: 'Vika=0.5,10,5' loses 0.5 of its service from 10 h until 5 h",
    ),
    "a hit beyond the end": (("simulate", "--from", REGION, "--hit", "Vika=1,200"), "from 200 h until 168 h"),
    "hit twice": (("simulate", "--from", REGION, "--hit", "Vika", "--hit", "Vika"), "--hit: 'Vika' is named twice"),
    "beyond all time": (("spof", "--from", REGION, "--hours", "inf"), "--hours: it is more than"),
    "out twice": (("whatnext", "--from", REGION, "--out", "Vika", "--out", "Vika"), "--out: 'Vika' is named twice"),
    "out for ever": (("whatnext", "--from", REGION, "--out", "Vika=1,0,1e300"), "--out: 'Vika=1,0,1e300'"),
    "no intensity": (
        ("simulate", "--from", REGION, "--samples", "5", "--intensity", "PGA=nan"),
        "--intensity: 'PGA=nan' is no intensity",
    ),
    "of no measure": (("simulate", "--from", REGION, "--samples", "5", "--intensity", "0.3"), "write MEASURE=X"),
    "a name that is none": (("validate", "a" * 5_000), "it cannot be read"),
    "a collection of files": (("show", "--from", REGION, "--collection", "x"), "--collection: files have no"),
    "a mapping of a hub": (("show", "--as", "x", "--mapping", "m.yaml"), "--mapping: it says what is what in files"),
    "no name": (("cuts", "", "--from", REGION), "'': there is no such asset"),
    "both ways": (
        ("sectors", "--from", REGION, "--hit", "energy=1", "--recovery", "5", "--resilience", "0.5"),
        "say the same in two ways",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused(cli: Cli, case: str) -> None:
    words, expected = REFUSED[case]
    refused = cli.run("map", *words)
    assert refused.code in {1, 2}
    assert expected in refused.err
    assert "Traceback" not in refused.err


EMPTY: Final = {
    "assets.csv": "id\n",
    "map.graphml": "<graphml/>",
    "map.geojson": '{"type": "FeatureCollection", "features": []}',
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_map_with_nothing_in_it_is_said_to_be_one(cli: Cli, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(EMPTY[name])
    told = cli.ok("map", "validate", str(path)).out
    assert f"note: {name}: nothing of it came onto the map" in told
    assert "no faults, and no assets: there is nothing on this map" in told


def test_of_two_rows_with_one_id_the_second_is_told_and_the_first_named(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "assets.csv"
    path.write_text("id\na\nb\na\n")
    assert cli.run("map", "validate", str(path)).err.splitlines() == [
        "assets.csv:4: 'a': stands 2 times, first at assets.csv:2; expected each asset once"
    ]


def test_names_that_a_formula_would_begin_with_are_drawn(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    path.write_text(",$a\\b$,_c\n$a\\b$,0,1\n_c,1,0\n")
    picture = tmp_path / "hours.svg"
    line = ("map", "sectors", "--matrix", str(path), "--hit", "_c=0.5", "--recovery", "5", "--plot", str(picture))
    cli.ok(*line)
    assert picture.stat().st_size > 1_000
