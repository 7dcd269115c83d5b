"""The pages in docs/ are linked, and what they say of the code is so."""

from __future__ import annotations

import ast
import functools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import typer.main

from support.hub import World
from support.stix_objects import stix_object
from tocsin import errors, settings
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.document import tree as document_tree
from tocsin.agreements.document.checks import MAX_LIST, MAX_PROBLEMS, MAX_TEXT
from tocsin.agreements.document.model import Verb
from tocsin.agreements.document.parse import MAX_CLAUSES
from tocsin.agreements.prose import READING, prose
from tocsin.cli.main import app
from tocsin.errors import AgreementError
from tocsin.exchange import replay
from tocsin.exchange.evidence import export_log
from tocsin.exchange.intake import MAX_NEW_LABELS_A_DAY
from tocsin.exchange.model import MAX_PAGE, MAX_QUERY_VALUES
from tocsin.exchange.stix import RefusedObject, limits, parse_bundle
from tocsin.exchange.taxii.filters import MAX_PARAMETERS
from tocsin.exchange.taxii.http import MAX_CONTENT_LENGTH, routes
from tocsin.kernel.http import server
from tocsin.kernel.http.body import BODY_BYTES_A_SECOND, BODY_GRACE_SECONDS, BODY_SECONDS
from tocsin.kernel.http.edge import MAX_QUERY_BYTES
from tocsin.kernel.http.guard import BODIES_AT_ONCE, BODIES_OF_ONE
from tocsin.parties.passwords import ARGON2_AT_ONCE, ARGON2_WAITING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
AGREEMENTS: Final = (DOCS / "agreements.md").read_text(encoding="utf-8")
LOG: Final = (DOCS / "log.md").read_text(encoding="utf-8")
STIX: Final = (DOCS / "stix.md").read_text(encoding="utf-8")
TAXII: Final = (DOCS / "taxii.md").read_text(encoding="utf-8")
_FENCE: Final = re.compile(r"```.*?```", re.DOTALL)


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


# --- links ------------------------------------------------------------------------------------------------------------


def test_every_page_is_linked() -> None:
    entrances = (ROOT / "README.md").read_text(encoding="utf-8") + (DOCS / "architecture.md").read_text(
        encoding="utf-8"
    )
    pages = [named(page) for page in DOCS.glob("*.md")]
    assert [page for page in pages if page not in entrances] == []
    assert "docs/adr/" in entrances


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link and not link.startswith("#")]
    assert [link for link in targets if not (page.parent / link.partition("#")[0]).exists()] == []
    mentioned = set(re.findall(r"`(docs/[a-z0-9/_.-]*)`", text))
    assert [path for path in sorted(mentioned) if not (ROOT / path).exists()] == []


def test_decisions_are_numbered_once_and_say_what_they_cost() -> None:
    pages = sorted((DOCS / "adr").glob("*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(numbers) == len(set(numbers))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert page.name.startswith("0001") or "**Costs.**" in text, page.name


# --- agreements -------------------------------------------------------------------------------------------------------

# What a piece of a document stands in: a key of the piece takes the place of the same key here.
_SKELETON: Final = {
    "agreement": "agreement: skeleton\n",
    "version": "version: 1\n",
    "title": "title: Skeleton\n",
    "instrument": f'instrument: {{title: "Paper", sha256: "{"0" * 64}"}}\n',
    "in_force": "in_force: {from: 2026-01-01, until: null}\n",
    "parties": "parties: [{name: alfa}, {name: bravo}]\n",
    "legal_bases": 'legal_bases: {nis2-29: {NO: {cite: "Act", valid: [2026-01-01, null]}}}\n',
    "purposes": "purposes: [detect, prevent, respond]\n",
    "clauses": 'clauses: [{id: "1", permit: read, to: {parties: all}}]\n',
}


def completed(piece: str) -> str:
    if "agreement:" in piece:
        return piece
    parts = {"clauses": f"clauses:\n{piece}"} if piece.startswith("- ") else _top_level(piece)
    return "".join((_SKELETON | parts).values())


def _top_level(piece: str) -> dict[str, str]:
    return {part.partition(":")[0]: part for part in re.split(r"^(?=[a-z_]+:)", piece, flags=re.MULTILINE) if part}


def yaml_blocks() -> Iterator[tuple[str, str | None]]:
    """Yield each block with, where the page says that it is refused, the text that follows it."""
    pattern = r"(<!-- refused[^>]*-->\n)?```yaml\n(.*?)```\n(?:```text\n(.*?)```)?"
    for refused, block, text in re.findall(pattern, AGREEMENTS, re.DOTALL):
        yield block, text if refused else None


@pytest.mark.parametrize("block", [block for block, refused in yaml_blocks() if refused is None])
def test_what_the_page_shows_is_in_order(block: str) -> None:
    parsed = parse_agreement(completed(block).encode(), where="docs/agreements.md")
    without = "without effect" in AGREEMENTS.split(block)[0].rsplit("\n## ", 1)[1]
    assert bool(parsed.notes) is without


@pytest.mark.parametrize("block", [block for block, refused in yaml_blocks() if refused is None])
def test_a_piece_of_a_document_means_the_sentence_below_it(block: str) -> None:
    document = parse_agreement(completed(block).encode(), where="docs/agreements.md").document
    known = {one.text for one in prose(parse_agreement(completed("").encode(), where="skeleton").document)}
    below = AGREEMENTS.split(f"```yaml\n{block}```\n", 1)[1].lstrip("\n")
    if "agreement:" in block:  # a whole document is printed as the command prints it
        said = "".join(f"{one.about}\n  {one.text}\n" for one in prose(document))
        assert f"$ tocsin agreement show water-and-power.yaml --prose\n{said}how it is read\n" in AGREEMENTS
        return
    said = "\n".join(f"*{one.text}*" for one in prose(document) if one.text not in known)
    assert said
    assert below[: len(said)] == said
    assert re.match(r"\s*\*[^*]", below[len(said) :]) is None


def test_the_page_says_how_every_agreement_is_read() -> None:
    assert "how it is read\n" + "".join(f"  {text}\n" for text in READING) in AGREEMENTS


def test_a_refusal_reads_as_the_page_shows() -> None:
    ((block, text),) = [(block, text) for block, text in yaml_blocks() if text is not None]
    with pytest.raises(AgreementError) as caught:
        parse_agreement(block.encode(), where="two-towns.yaml", known_parties={"alfa", "bravo"})
    assert "".join(f"{problem}\n" for problem in caught.value.problems) == text


def test_every_clause_form_has_an_example() -> None:
    shown = "".join(block for block, _ in yaml_blocks())
    assert [verb for verb in Verb if not re.search(rf"^ *{verb}: ", shown, re.MULTILINE)] == []


def test_the_limits_of_a_document_are_those_of_the_parser() -> None:
    kibi, levels, values = document_tree.MAX_BYTES // 1024, document_tree.MAX_DEPTH, document_tree.MAX_NODES
    sentence = (
        f"{kibi} KiB, {MAX_CLAUSES} clauses, {MAX_LIST} values in a list, {MAX_TEXT} characters in a title or citation,"
        f" {levels} levels, {values:,} values in all"
    )
    assert sentence in AGREEMENTS
    assert f"(up to {MAX_PROBLEMS})" in AGREEMENTS


# --- settings, errors, commands ---------------------------------------------------------------------------------------


def test_every_variable_is_documented() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    variables = set(re.findall(r"\bTOCSIN_[A-Z_]+\b", sources))
    assert variables >= set(re.findall(r"TOCSIN_[A-Z_]+", settings.__doc__ or "")) >= {"TOCSIN_HOME", "TOCSIN_DATABASE"}
    # what belongs to the hub stands in the one, what belongs to a command only in the other
    pages = "".join((DOCS / page).read_text(encoding="utf-8") for page in ("parties.md", "cli.md"))
    assert [name for name in sorted(variables) if f"`{name}`" not in pages] == []


def test_every_event_of_the_operator_s_log_is_documented() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    events = set(re.findall(r"""_log\.(?:debug|info|warning|error)\(\s*"([a-z-]+)\"""", sources))
    assert events >= {"unexpected", "look", "webhook", "turn-failed"}
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert [event for event in sorted(events) if f"`{event}`" not in page and f'"event": "{event}"' not in page] == []


def test_every_error_is_in_the_tree() -> None:
    drawn = re.findall(r"(\w+Error)\b", (errors.__doc__ or "").partition("An error carries")[0])
    tree = ast.parse(Path(errors.__file__).read_text(encoding="utf-8"))
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name.endswith("Error")]
    assert sorted(drawn) == sorted(classes)


def _commands() -> Iterator[list[str]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in re.findall(r"^\$ (?:\.venv/bin/)?(tocsin [^\n]*)|`(tocsin [^`]*)`", text, re.MULTILINE):
            yield shlex.split(" ".join(line).strip(), comments=True)


COMMANDS: Final = sorted({tuple(words) for words in _commands()})


@functools.cache
def _top() -> Any:  # noqa: ANN401  Typer keeps the classes of its commands to itself
    return typer.main.get_command(app)


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_in_the_pages_exists(words: tuple[str, ...]) -> None:
    command = _top()
    rest = list(words[1:])
    while rest and hasattr(command, "commands"):
        name = rest.pop(0)
        if name.startswith("-") or "*" in name or "|" in name:
            return
        assert name in command.commands, f"{' '.join(words)}: no {name}"
        command = command.commands[name]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    asked = {word.partition("=")[0] for word in rest if word.startswith("--") and word != "--help"}
    assert asked <= options


# --- the log ----------------------------------------------------------------------------------------------------------

_KINDS: Final = replay.KINDS


def _row_of(kind: str) -> str:
    (row,) = [row for row in LOG.splitlines() if row.startswith("| ") and f"`{kind}`" in row.split("|")[1]]
    return row


@pytest.mark.parametrize("kind", sorted(_KINDS))
def test_every_kind_of_entry_has_a_row(kind: str) -> None:
    assert _row_of(kind)


def test_the_program_in_the_page_checks_an_export(tmp_path: Path) -> None:
    world = World(tmp_path / "hub")
    for number in range(70):  # four entries each: more than one bundle
        world.party(f"party-{number}")
    export_log(world.hub.store, world.hub.log, tmp_path / "export", scope="none")
    vkey = world.hub.log.vkey
    world.hub.close()
    (program,) = re.findall(r"```python\n(.*?)```", LOG, re.DOTALL)
    command = [sys.executable, "-c", program, str(tmp_path / "export"), vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d{3} entries of hub.example/tocsin/live, signed by hub.example/tocsin/live\n", done.stdout)
    entries = tmp_path / "export" / "tile" / "entries" / "000"
    data = bytearray(entries.read_bytes())
    data[100] ^= 1
    entries.write_bytes(data)
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode != 0


def test_the_page_names_every_field_of_a_real_log(tmp_path: Path) -> None:
    world = World(tmp_path / "hub")
    world.party("alfa")
    world.token("alfa")
    world.share("alfa", _bundle(_indicator()))
    world.read("alfa")
    world.hub.integrator.integrate()
    with world.hub.store.read() as connection:
        rows = [(row.kind, json.loads(row.payload or b"{}")) for row in world.hub.log.rows(connection)]
    world.hub.close()
    assert {"submission", "release", "token.issued", "party.cleared"} <= {kind for kind, _ in rows}
    for kind, payload in rows:
        offers = payload["data"].get("offers", [{}])
        fields = {*payload["data"], *(offers[0] if isinstance(offers[0], dict) else {})}
        unnamed = [field for field in fields if f"`{field}`" not in _row_of(kind)]
        assert unnamed == [], kind
        assert [field for field in payload if f"`{field}`" not in LOG] == []


# --- limits and refusals ----------------------------------------------------------------------------------------------

_TAXII_LIMITS: Final = {
    "MAX_CONTENT_LENGTH": MAX_CONTENT_LENGTH,
    "MAX_OBJECTS": limits.MAX_OBJECTS,
    "MAX_PAGE": MAX_PAGE,
    "MAX_QUERY_VALUES": MAX_QUERY_VALUES,
    "MAX_PARAMETERS": MAX_PARAMETERS,
    "MAX_QUERY_BYTES": MAX_QUERY_BYTES,
    "BODY_SECONDS": BODY_SECONDS,
    "BODY_GRACE_SECONDS": BODY_GRACE_SECONDS,
    "BODY_BYTES_A_SECOND": BODY_BYTES_A_SECOND,
    "BODIES_AT_ONCE": BODIES_AT_ONCE,
    "BODIES_OF_ONE": BODIES_OF_ONE,
    "HEAD_SECONDS": server.HEAD_SECONDS,
    "KEEP_ALIVE_SECONDS": server.KEEP_ALIVE_SECONDS,
    "STALL_SECONDS": server.STALL_SECONDS,
    "CONNECTIONS": server.CONNECTIONS,
    "ARGON2_AT_ONCE": ARGON2_AT_ONCE,
    "ARGON2_WAITING": ARGON2_WAITING,
    "MAX_NEW_LABELS_A_DAY": MAX_NEW_LABELS_A_DAY,
}


@pytest.mark.parametrize("name", _TAXII_LIMITS)
def test_a_limit_of_taxii_is_the_one_that_holds(name: str) -> None:
    (row,) = [row.split("|") for row in TAXII.splitlines() if row.startswith("| ") and f"`{name}`" in row]
    assert row[2].strip().removesuffix(" s") == f"{_TAXII_LIMITS[name]:,}"


def test_the_limits_of_stix_are_those_that_hold() -> None:
    mebi = 1024 * 1024
    for row in (
        f"| bytes of a document | {limits.MAX_BYTES // mebi} MiB |",
        f"| objects | {limits.MAX_OBJECTS:,} |",
        f"| depth | {limits.MAX_DEPTH} |",
        f"| lists, dictionaries and members | {limits.MAX_VALUES:,} |",
        f"| bytes of a string | {limits.MAX_STRING // mebi} MiB |",
    ):
        assert row in STIX


def test_every_address_is_in_the_page(tmp_path: Path) -> None:
    world = World(tmp_path / "hub")
    paths = [route.path for route in routes(world.hub)]
    world.hub.close()
    ends = {path.rstrip("/").rsplit("/", 1)[1].removesuffix(":str}").removeprefix("{") for path in paths}
    words = {"object": "…/objects/ID/", "collection": "/live/collections/NAME/", "status": "/live/status/UUID/"}
    assert [end for end in sorted(ends) if words.get(end, f"{end}/`") not in TAXII] == []


def _indicator(**changes: object) -> dict[str, Any]:
    made = stix_object(
        "indicator",
        id="indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        created="2026-11-02T13:05:00.000Z",
        modified="2026-11-02T13:05:00.000Z",
        pattern="[ipv4-addr:value = '198.51.100.7']",
        pattern_type="stix",
        valid_from="2026-11-02T13:05:00Z",
    )
    return made | changes


def _bundle(item: dict[str, Any]) -> bytes:
    bundle = {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": [item]}
    return json.dumps(bundle).encode()


_REFUSALS: Final = {
    "no valid_from": _bundle({name: value for name, value in _indicator().items() if name != "valid_from"}),
    "modified before created": _bundle(_indicator(modified="2025-01-01T00:00:00.000Z")),
    "a broken pattern": _bundle(_indicator(pattern="[ipv4-addr:value = ]")),
    "an empty list": _bundle(_indicator(labels=[])),
    "a reserved name": _bundle(_indicator(severity=7)),
    "a large integer": _bundle(_indicator(x_acme_score=2**60)),
    "STIX 2.0": _bundle(_indicator(spec_version="2.0")),
    "a name twice": _bundle(_indicator()).replace(b'"type": "indicator"', b'"type": "indicator", "type": "indicator"'),
}


@pytest.mark.parametrize("name", _REFUSALS)
def test_a_refusal_of_an_object_reads_as_the_page_shows(name: str) -> None:
    (item,) = parse_bundle(_REFUSALS[name]).items
    assert isinstance(item, RefusedObject)
    todo = f" ({item.todo})" if item.todo else ""
    assert f"| {item.reason}{todo} | `{item.where}` | {item.section} |" in STIX


# --- dependencies -----------------------------------------------------------------------------------------------------


def test_every_dependency_has_its_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (block,) = re.findall(r"^dependencies = \[\n(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    names = re.findall(r'^ *"([a-z0-9-]+)', block, re.MULTILINE)
    page = (DOCS / "adr" / "0002-libraries.md").read_text(encoding="utf-8")
    assert len(names) > 5
    assert [name for name in names if name not in page] == []
