"""``search``, ``correlate``, ``show``, ``saved`` and ``reindex``, as people and programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Cli, bundle, indicator, partnership, tool

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, TOOL = indicator(1, name="grid wiper"), indicator(2, valid_until="2026-02-01T00:00:00Z"), tool(3)


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    made = partnership(tmp_path_factory.mktemp("search") / "home")
    made.ok("share", "-", "--as", "alpha", stdin=bundle(ONE, TWO, TOOL))
    return made


def test_what_is_found_is_printed_for_people_and_for_programs(cli: Cli) -> None:
    told = cli.json("search", "GRID", "--as", "beta")
    assert [hit["object"] for hit in told["hits"]] == [ONE]
    assert told["next"] is None
    assert told["release"]
    text = cli.ok("search", "grid", "--as", "beta").out
    assert "grid wiper" in text
    assert str(ONE["id"]) in text
    # the tool is alpha's alone
    assert len(cli.json("search", "--as", "alpha")["hits"]) == 3
    assert len(cli.json("search", "--as", "beta")["hits"]) == 2
    assert cli.ok("search", "--as", "gamma").out == "nothing for this reader\n"


FILTERS = {
    "type": (("--type", "tool,malware"), 1),
    "value": (("--value", "198[.]51.100.1"), 1),
    "values with a comma": (("--value", "http://x.example/a,b"), 0),
    "ids": (("--id", f"{ONE['id']},{TOOL['id']}"), 2),
    "TLP": (("--tlp", "amber"), 3),
    "another TLP": (("--tlp", "clear,green"), 0),
    "producer": (("--producer", "alpha"), 3),
    "unknown producer": (("--producer", "nobody"), 0),
    "time": (("--since", "2026-01-01", "--until", "2026-01-02"), 3),
    "another time": (("--time", "valid", "--since", "2026-03-01"), 1),
    "expired": (("--expired",), 1),
    "unexpired": (("--unexpired", "--type", "indicator"), 1),
    "revoked": (("--revoked",), 0),
    "unrevoked": (("--unrevoked",), 3),
    "versions": (("--versions",), 3),
    "confidence": (("--min-confidence", "1"), 0),
    "reliability": (("--min-reliability", "b"), 0),
    "credibility": (("--min-credibility", "2"), 0),
    "score": (("--min-score", "0"), 2),
}


@pytest.mark.parametrize("case", FILTERS)
def test_an_option_asks_for_what_it_says(cli: Cli, case: str) -> None:
    options, count = FILTERS[case]
    assert cli.json("search", "--as", "alpha", "--count", *options)["count"] == count


def test_counts_facets_and_pages(cli: Cli) -> None:
    assert cli.ok("search", "--as", "alpha", "--count").out == "3 objects\n"
    facet = cli.json("search", "--as", "alpha", "--facet", "type")
    assert facet["tallies"] == [{"value": "indicator", "count": 2}, {"value": "tool", "count": 1}]
    assert "indicator  2" in cli.ok("search", "--as", "alpha", "--facet", "type").out
    page = cli.json("search", "--as", "alpha", "--limit", "2")
    assert f"--cursor {page['next'][:3]}"[:9] in cli.ok("search", "--as", "alpha", "--limit", "2").out
    rest = cli.json("search", "--as", "alpha", "--limit", "2", "--cursor", page["next"])
    # what carries different labels has no order among itself (docs/adr/0072)
    assert (len(page["hits"]), len(rest["hits"])) == (2, 1)
    assert {hit["id"] for hit in page["hits"] + rest["hits"]} == {TOOL["id"], TWO["id"], ONE["id"]}


MISUSED = {
    "a count and a facet": ("--count", "--facet", "tlp"),
    "a count to be kept": ("--count", "--save", "mine"),
    "no name to keep it under": ("--save", "No Name"),
    "no facet": ("--facet", "colour"),
    "no TLP": ("--tlp", "purple"),
    "no time": ("--time", "noon"),
    "no date": ("--since", "soon"),
    "no score": ("--min-score", "200"),
    "no reliability": ("--min-reliability", "F"),
    "no producer": ("--producer", f"alpha,identity--{'0' * 8}-0000-4000-8000-{'0' * 12}"),
}


@pytest.mark.parametrize("case", MISUSED)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(cli: Cli, case: str) -> None:
    ran = cli.run("search", "--as", "alpha", *MISUSED[case])
    assert ran.code == (1 if case in {"no producer", "no name to keep it under"} else 2)
    assert ran.err.startswith("tocsin: ")
    assert "Traceback" not in ran.err


def test_what_belongs_together_is_shown(cli: Cli) -> None:
    told = cli.json("correlate", "198.51.100.1", "--as", "beta")
    assert [(one["hit"]["id"], one["values"]) for one in told["shared"]] == [(ONE["id"], ["198.51.100.1"])]
    assert "198.51.100.1" in cli.ok("correlate", "198.51.100.1", "--as", "beta").out
    assert "nothing shares" in cli.ok("correlate", str(ONE["id"]), "--as", "beta").out
    assert cli.json("show", str(TWO["id"]), "--as", "beta")["hit"]["expired"] is True
    text = cli.ok("show", str(TWO["id"]), "--as", "beta").out
    assert "TLP:AMBER" in text
    assert "score 0.0; expired" in text
    missing = [
        cli.run("show", one, "--as", "beta") for one in (str(TOOL["id"]), "tool--00000000-0000-4000-8000-000000000099")
    ]
    assert {(ran.code, ran.out, ran.err) for ran in missing} == {(1, "", missing[0].err)}


CUT = ("indicator--", "indicator--8e2e2d2b", str(ONE["id"])[:-1], f"{ONE['id']}0", "indicator--8e2e2d2b…")


@pytest.mark.parametrize("cut", CUT)
def test_part_of_an_id_is_no_value_to_correlate(cli: Cli, cut: str) -> None:
    ran = cli.run("correlate", cut, "--as", "beta")
    assert (ran.code, ran.out) == (1, "")
    assert "give the whole id" in ran.err


def test_a_value_may_look_like_an_id(cli: Cli) -> None:
    assert "nothing shares" in cli.ok("correlate", "xn--80ak6aa92e.example", "--as", "beta").out
    assert "nothing shares" in cli.ok("correlate", "tool--kit", "--as", "beta").out


def test_a_search_is_kept_run_and_forgotten(cli: Cli) -> None:
    asked = ("search", "grid", "--as", "anna@beta", "--type", "indicator", "--unrevoked", "--save", "mine")
    before = cli.json("log", "head")
    assert cli.ok(*asked).out == "kept as mine\n"
    assert cli.json("log", "head") == before, "nothing was looked for, and what is kept is no act"
    assert cli.json(*asked)["name"] == "mine"
    kept = cli.json("saved", "list", "--as", "anna@beta")
    assert [(one["name"], one["query"]) for one in kept] == [
        ("mine", {"text": "grid", "types": ["indicator"], "revoked": False})
    ]
    assert "text grid, types indicator, not revoked\n" in cli.ok("saved", "list", "--as", "anna@beta").out
    assert [hit["id"] for hit in cli.json("saved", "run", "mine", "--as", "anna@beta")["hits"]] == [ONE["id"]]
    assert cli.ok("saved", "list", "--as", "beta").out == "no search is kept\n"
    assert cli.run("saved", "run", "mine", "--as", "beta").code == 1
    cli.ok("saved", "remove", "mine", "--as", "anna@beta")
    assert cli.run("saved", "remove", "mine", "--as", "anna@beta").code == 1


def test_the_index_is_made_anew(cli: Cli, tmp_path: Path) -> None:
    assert cli.json("reindex") == {"indexed": 3}
    assert cli.ok("reindex").out == "3 offers indexed\n"
    assert cli.json("check")["passed"]
    assert Cli(tmp_path).run("reindex").code == 2
