"""A bill that was written is the bill that is read; what a part reaches is what a graph library says."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import msgspec
import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from support.bills import cyclonedx_of, edges_of, made_bill, packed, spdx3_of, spdx_of
from tocsin.errors import InputError
from tocsin.exchange.stix import ParsedObject, parse_object
from tocsin.map.formats.fields import Wrong
from tocsin.map.model import Asset
from tocsin.map.supply import wire
from tocsin.map.supply.cpe import require_cpe
from tocsin.map.supply.graph import Chains, assembled
from tocsin.map.supply.model import Bill, Part, Verdict, faults, label_of, same_maker
from tocsin.map.supply.names import (
    asked_of,
    canonical_purl,
    fits,
    is_exact,
    key_of,
    keys_of,
    require_purl,
)
from tocsin.map.supply.ranges import contains, require_range
from tocsin.map.supply.reading import read_bill
from tocsin.map.supply.vendors import concentrations, makers
from tocsin.map.supply.versions import compared
from tocsin.map.wire import Told, asset_id, same_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.supply.graph import Node

OWNER: Final = "https://alfa.example"
OTHER: Final = "https://bravo.example"
AT: Final = 1_780_000_000_000_000
MARK: Final = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
SEEDS = st.integers(0, 2**32)
CVE: Final = "CVE-2026-1001"


# --- documents -------------------------------------------------------------------------------------------------------


@given(seed=SEEDS, version=st.sampled_from(("1.4", "1.5", "1.6", "1.7")))
@settings(max_examples=60, deadline=None)
def test_a_cyclonedx_document_gives_its_graph(seed: int, version: str) -> None:
    bill = made_bill(random.Random(seed))
    read = read_bill(packed(cyclonedx_of(bill, version)), name="bom").bill
    assert [structs.replace(part, contains=(), depends_on=()) for part in read.parts] == [
        structs.replace(part, contains=(), depends_on=()) for part in bill.parts
    ]
    # a flat list says that something is needed, and not that it is inside
    assert {edge[1:] for edge in edges_of(read)} == {edge[1:] for edge in edges_of(bill)}
    assert read.statements == bill.statements


@given(seed=SEEDS, version=st.sampled_from(("SPDX-2.2", "SPDX-2.3")))
@settings(max_examples=60, deadline=None)
def test_an_spdx_document_gives_its_graph(seed: int, version: str) -> None:
    bill = made_bill(random.Random(seed))
    read = read_bill(packed(spdx_of(bill, version)), name="bom").bill
    assert edges_of(read) == edges_of(bill)
    assert [structs.replace(part, contains=(), depends_on=()) for part in read.parts] == [
        structs.replace(part, contains=(), depends_on=()) for part in bill.parts
    ]


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_an_spdx_3_document_gives_its_graph(seed: int) -> None:
    bill = made_bill(random.Random(seed))
    read = read_bill(packed(spdx3_of(bill)), name="bom").bill
    assert edges_of(read) == edges_of(bill)
    assert read == bill


@given(seed=SEEDS, spdx=st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_part_of_a_document_is_in_its_product(seed: int, *, spdx: bool) -> None:
    """Whatever the edges: a list of components is what is in the product."""
    draw = random.Random(seed)
    document = spdx_of(made_bill(draw)) if spdx else cyclonedx_of(made_bill(draw))
    name = "relationships" if spdx else "dependencies"
    kept = document[name][:1] if spdx else []
    document[name] = kept + [one for one in document[name] if draw.random() < 0.5 and one not in kept]
    bill = read_bill(packed(document), name="bom").bill
    graph = nx.DiGraph([edge[1:] for edge in edges_of(bill)])
    graph.add_nodes_from(range(len(bill.parts)))
    assert nx.descendants(graph, 0) | {0} == set(range(len(bill.parts)))


@given(seed=SEEDS, form=st.sampled_from((cyclonedx_of, spdx_of, spdx3_of)))
@settings(max_examples=150, deadline=None)
def test_whatever_is_done_to_a_document_is_read_or_told(seed: int, form: Any) -> None:  # noqa: ANN401  a writer
    draw = random.Random(seed)
    document = form(made_bill(draw))
    for _ in range(draw.randint(1, 3)):
        broken(document, draw)
    try:
        bill = read_bill(packed(document), name="bom").bill
    except InputError as error:
        assert error.what  # noqa: PT017
    else:
        assert list(faults(bill)) == []


def broken(value: Any, draw: random.Random) -> None:  # noqa: ANN401  whatever JSON holds
    while isinstance(value, (dict, list)) and value:
        key = draw.choice(sorted(value)) if isinstance(value, dict) else draw.randrange(len(value))
        inner = value[key]
        if not isinstance(inner, (dict, list)) or not inner or draw.random() < 0.2:
            value[key] = draw.choice((None, "", "x", " ", "a\nb", -1, 1e300, True, [], [None], {}, {"a": []}, "ref 0"))
            return
        value = inner


@given(data=st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode))
def test_no_bytes_crash_it(data: bytes) -> None:
    with pytest.raises(InputError):
        read_bill(data, name="bom")
    with pytest.raises(InputError):
        wire.read_word(Told(by=OWNER, body=data))


# --- names -----------------------------------------------------------------------------------------------------------


@given(
    text=st.text()
    | st.text(st.sampled_from("pkg:/@?#=&%.-_ab1 ")).map("pkg:".__add__)
    | st.text().map("cpe:2.3:a:".__add__)
)
@settings(max_examples=300)
def test_no_text_crashes_a_name(text: str) -> None:
    for read in (require_purl, canonical_purl, require_cpe):
        try:
            read(text)
        except Wrong as wrong:
            assert wrong.expected  # noqa: PT017
    try:
        asked_of(text)
    except InputError as error:
        assert error.todo  # noqa: PT017


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_part_fits_its_own_names_and_is_found_by_their_keys(seed: int) -> None:
    for part in made_bill(random.Random(seed)).parts:
        for text in (part.purl, *part.cpes, f"{part.name}@{part.version}"):
            if text:
                asked = asked_of(text)
                assert is_exact(asked)
                assert fits(asked, part)
                assert key_of(asked) in set(keys_of(part))
        assert not fits(asked_of(f"{part.name}@another"), part)
        assert fits(asked_of(part.name), part)


# --- versions --------------------------------------------------------------------------------------------------------

VERSIONS: Final = {
    "semver": st.from_regex(r"[0-2]\.[0-2]\.[0-2](-(a|b|1|2|a\.1))?(\+[xy])?", fullmatch=True),
    "deb": st.from_regex(r"([01]:)?[0-2][.+~ab0-2]{0,4}(-[0-2~a]{1,2})?", fullmatch=True),
    "rpm": st.from_regex(r"([01]:)?[0-2][.^~ab0-2]{0,4}(-[0-2~a]{1,2})?", fullmatch=True),
    "pypi": st.from_regex(r"[0-2](\.[0-2]){0,2}((a|b|rc)[0-2])?(\.post[01])?(\.dev[01])?(\+x)?", fullmatch=True),
    "intdot": st.from_regex(r"[0-2]{1,2}(\.[0-2]{1,2}){0,3}", fullmatch=True),
    "maven": st.from_regex(r"[0-2](\.[0-2]){0,3}(-[ab])?", fullmatch=True),
}


@given(kind=st.sampled_from(sorted(VERSIONS)), data=st.data())
@settings(max_examples=600, deadline=None)
def test_versions_have_one_order(kind: str, data: st.DataObject) -> None:
    """Nobody is before itself, turned round it turns round, and what is before what is before is before."""
    one, other, third = (data.draw(VERSIONS[kind]) for _ in range(3))
    found = compared(kind, one, other)
    assert compared(kind, one, one) == 0
    back = compared(kind, other, one)
    assert (found is None) == (back is None)
    if found is not None and back is not None:
        assert found == -back
        on, over = compared(kind, other, third), compared(kind, one, third)
        if on is not None and found <= 0 and on <= 0 and over is not None:
            assert over <= 0
            assert over == 0 or (found, on) != (0, 0)


@given(kind=st.sampled_from(sorted(VERSIONS)), data=st.data())
@settings(max_examples=400, deadline=None)
def test_a_range_holds_what_its_bounds_say(kind: str, data: st.DataObject) -> None:
    """Against the definition: stretches between what begins and what ends, single versions, and what is taken out."""
    versions = data.draw(st.lists(VERSIONS[kind], min_size=1, max_size=5, unique=True))
    comparators = data.draw(st.lists(st.sampled_from(["", "!=", "<", "<=", ">", ">="]), min_size=5, max_size=5))
    version = data.draw(VERSIONS[kind])
    constraints = list(zip(comparators, versions, strict=False))
    text = f"vers:{kind}/" + "|".join(f"{comparator}{one}" for comparator, one in constraints)
    try:
        found = contains(require_range(text), version)
    except Wrong:
        return
    if found is None:
        return
    holds = {"": 0, "<=": 0, ">=": 0}
    equal = [comparator for comparator, one in constraints if compared(kind, version, one) == 0]
    inside = any(comparator in holds for comparator in equal)
    bounds = [(comparator, one) for comparator, one in constraints if comparator[:1] in ("<", ">") and comparator]
    stretches: list[list[tuple[str, str]]] = []
    for comparator, one in bounds:
        if comparator[0] == "<" and stretches and stretches[-1][-1][0][0] == ">":
            stretches[-1].append((comparator, one))
        else:
            stretches.append([(comparator, one)])
    within = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}
    inside |= any(
        all(compared(kind, version, one) in within[comparator] for comparator, one in each) for each in stretches
    )
    if not bounds and all(comparator == "!=" for comparator, _ in constraints):
        inside = True
    assert found == (inside and "!=" not in equal)


@given(kind=st.sampled_from([*sorted(VERSIONS), "golang", "generic", "unheard-of"]), one=st.text(), other=st.text())
def test_no_text_crashes_a_version_or_a_range(kind: str, one: str, other: str) -> None:
    assert compared(kind, one, other) in (-1, 0, 1, None)
    for text in (one, f"vers:{one}", f"vers:{kind}/{one}", f"vers:{kind}/>{one}|<{other}"):
        try:
            contains(require_range(text), other)
        except Wrong as wrong:
            assert wrong.expected  # noqa: PT017


# --- objects ---------------------------------------------------------------------------------------------------------


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_bill_is_stix_and_is_read_again(seed: int) -> None:
    bill = made_bill(random.Random(seed))
    one = wire.encode_bill(bill, by=OWNER, at=AT, tlp=MARK)
    body = msgspec.json.encode(one)
    read = parse_object(body)
    assert isinstance(read, ParsedObject), read
    assert read.body == body  # and intake changes nothing
    word = wire.read_word(Told(by=OWNER, body=body))
    assert isinstance(word, wire.BillWord)
    assert word.bill == bill
    assert same_content(one, wire.encode_bill(bill, by=OWNER, at=AT + 1, tlp=MARK))
    down = wire.read_word(Told(by=OWNER, body=msgspec.json.encode(wire.retired(body, at=AT + 1))))
    assert isinstance(down, wire.BillWord)
    assert (down.id, down.bill) == (word.id, None)
    with pytest.raises(InputError, match="its id"):  # nobody speaks in the owner's place
        wire.read_word(Told(by=OTHER, body=body))


@given(seed=SEEDS)
@settings(max_examples=80, deadline=None)
def test_whatever_is_done_to_an_object_is_read_or_told(seed: int) -> None:
    draw = random.Random(seed)
    one = wire.encode_bill(made_bill(draw), by=OWNER, at=AT, tlp=MARK)
    broken(one, draw)
    try:
        word = wire.read_word(Told(by=OWNER, body=msgspec.json.encode(one)))
    except InputError as error:
        assert error.what  # noqa: PT017
    else:
        assembled([word])


# --- reach -----------------------------------------------------------------------------------------------------------


def made_chains(seed: int) -> Chains:
    """Return several parties' bills of which some describe parts of others, on some of ten assets."""
    draw = random.Random(seed)
    words: list[wire.BillWord | wire.FitWord] = []
    for number in range(draw.randint(1, 6)):
        bill = made_bill(draw, product=draw.choice(("product", "lib1", "lib2")), names=4)
        if draw.random() < 0.5:  # the product is a part of others, by its purl
            top = structs.replace(bill.product, purl=f"pkg:generic/{bill.product.name}@{bill.product.version}")
            bill = structs.replace(bill, parts=(top, *bill.parts[1:]))
        by = draw.choice((OWNER, OTHER))
        id_ = wire.bill_id(structs.replace(bill.product, name=f"{bill.product.name} {number}"), by)
        words.append(wire.BillWord(id=id_, by=by, modified=AT, bill=bill))
        for asset in draw.sample(range(10), draw.randrange(4)):
            ref = asset_id(OWNER, f"asset {asset}")
            words.append(
                wire.FitWord(id=wire.fit_id(ref, id_, by), by=by, modified=AT, asset=ref, bill=id_, retired=False)
            )
    return assembled(words)


def slow_graph(chains: Chains) -> Any:  # noqa: ANN401  networkx has no types
    """Return all edges, made by comparing every part with every product, as the module's first words define them."""
    graph = nx.DiGraph()
    parts: dict[Node, Any] = dict(chains.nodes())
    graph.add_nodes_from(parts)
    for (id_, at), part in parts.items():
        graph.add_edges_from(((id_, at), (id_, other)) for other in (*part.contains, *part.depends_on))
        for (other_id, number), product in parts.items():
            if number or other_id == id_:
                continue
            same = (
                part.purl == product.purl
                if part.purl and product.purl
                else all((part.version, part.supplier))
                and (part.name.casefold(), part.version) == (product.name.casefold(), product.version)
                and same_maker(part.supplier) == same_maker(product.supplier)
            )
            if same and (not part.purl or "@" in part.purl):
                graph.add_edge((id_, at), (other_id, 0))
    for fit in chains.fits:
        graph.add_edge(fit.asset, (fit.bill, 0))
    return graph


@given(seed=SEEDS, asked=st.sampled_from(("lib1", "lib1@2", "pkg:generic/lib2@1", "pkg:generic/lib0", "product@1")))
@settings(max_examples=150, deadline=None)
def test_reach_is_the_transitive_closure(seed: int, asked: str) -> None:
    chains = made_chains(seed)
    wanted = {node for node, part in chains.nodes() if fits(asked_of(asked), part)}
    graph = slow_graph(chains)
    assets = {fit.asset for fit in chains.fits if wanted & nx.descendants(graph, fit.asset)}
    answer = chains.asked(asked_of(asked))
    assert {one.asset for one in answer.reached} == assets
    assert answer.parts == len(wanted)
    steps = {(called(chains, one), called(chains, other)) for one, other in graph.edges}
    for one in answer.reached:
        # the way is one: from a product that the asset has, by edges, to a part that was asked for
        assert (one.asset, one.path[0]) in steps
        assert set(itertools.pairwise(one.path)) <= steps
        assert one.path[-1] in {called(chains, node) for node in wanted}


def called(chains: Chains, node: Any) -> str:  # noqa: ANN401  an asset, or a part
    return node if isinstance(node, str) else label_of(chains.part(node))


def test_a_thousand_bills_of_one_name_are_no_million_edges() -> None:
    alike = Part(name="product", version="1", supplier="x", purl="pkg:generic/product@1")
    words = [
        wire.BillWord(id=f"bill {at}", by=OWNER, modified=AT, bill=Bill(parts=(alike,) * 50)) for at in range(1_000)
    ]
    assert sum(map(len, assembled(words).holders().values())) <= 3 * 50 * 1_000 + 3 * 1_000


@given(seed=SEEDS)
@settings(max_examples=150, deadline=None)
def test_a_vulnerability_reaches_what_nobody_on_the_way_clears(seed: int) -> None:
    """Against the definition, part by part: own words first, others' by exact names, ways end at what is cleared."""
    chains = made_chains(seed)
    own: dict[Node, Verdict] = {}
    for id_, word in chains.bills.items():
        assert word.bill is not None
        for one in word.bill.statements:
            for number in one.parts if one.ids == (CVE,) else ():
                verdicts = [one.verdict, own.get((id_, number), one.verdict)]
                own[id_, number] = next(each for each in Verdict if each in verdicts)
    feared = {node for node, verdict in own.items() if not verdict.is_clear}
    names = {text for node in feared for text in (chains.part(node).purl, *chains.part(node).cpes) if text}
    feared |= {
        node for node, part in chains.nodes() if node not in own and any(fits(asked_of(text), part) for text in names)
    }
    clear = {node for node, verdict in own.items() if verdict.is_clear}
    graph = slow_graph(chains)
    open_ = graph.subgraph(set(graph) - clear)
    reached = {
        fit.asset
        for fit in chains.fits
        if feared & set(open_) and feared & ({*nx.descendants(open_, fit.asset)} if fit.asset in open_ else set())
    }
    answer = chains.vulnerable(CVE.lower())
    assert {one.asset for one in answer.reached} == reached
    cleared = {fit.asset for fit in chains.fits if clear & nx.descendants(graph, fit.asset)} - reached
    assert {one.asset for one in answer.cleared} == cleared


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_another_bill_never_takes_away_what_is_asked_for(seed: int) -> None:
    chains, more = made_chains(seed), made_chains(seed + 1)
    both = Chains(bills=more.bills | chains.bills, fits=(*chains.fits, *more.fits))
    for asked in ("lib1@2", "pkg:generic/lib2@1"):
        assert {one.asset for one in chains.asked(asked_of(asked)).reached} <= {
            one.asset for one in both.asked(asked_of(asked)).reached
        }


# --- vendors ---------------------------------------------------------------------------------------------------------


@given(seed=SEEDS, of_parts=st.booleans())
@settings(max_examples=80, deadline=None)
def test_concentration_is_what_fractions_say(seed: int, *, of_parts: bool) -> None:
    draw, chains = random.Random(seed), made_chains(seed)
    assets = {
        asset_id(OWNER, f"asset {number}"): Asset(
            id=f"asset {number}",
            sector=draw.choice(("energy", "water")),
            people=draw.randrange(5),
            value_h=draw.randrange(9),
        )
        for number in range(8)
    }
    vendors = makers(chains, of_parts=of_parts)
    graph = slow_graph(chains)
    for ref in assets:
        below = nx.descendants(graph, ref) if ref in graph else set()
        products = {(fit.bill, 0) for fit in chains.fits if fit.asset == ref}
        told = {same_maker(chains.part(node).supplier) for node in (below if of_parts else products)} - {""}
        assert set(vendors.get(ref, {})) == told
    for found in concentrations(assets, vendors):
        within = {ref: one for ref, one in assets.items() if found.sector in ("", one.sector) and vendors.get(ref)}
        assert found.known == len(within)
        for index, weigh in (
            (found.hhi.assets, lambda _: 1),
            (found.hhi.value_h, lambda one: int(one.value_h)),
            (found.hhi.people, lambda one: one.people),
        ):
            assert (index is None) == (sum(map(weigh, within.values())) == 0)
            if index is not None:
                exact = slow_index(within, vendors, {ref: weigh(one) for ref, one in within.items()})
                assert index == pytest.approx(float(exact))
                assert 0 < index <= 10_000 * (1 + 1e-12)


def slow_index(
    assets: Mapping[str, Asset], vendors: Mapping[str, Mapping[str, str]], weights: Mapping[str, int]
) -> Fraction:
    whole = sum(weights.values())
    shares: dict[str, Fraction] = {}
    for ref in assets:
        for name in vendors[ref]:
            shares[name] = shares.get(name, Fraction(0)) + Fraction(weights[ref], len(vendors[ref]) * whole)
    return sum((share * 100) ** 2 for share in shares.values()) or Fraction(0)


def test_one_vendor_is_ten_thousand_and_four_alike_are_2500() -> None:
    assets = {asset_id(OWNER, str(at)): Asset(id=str(at), sector="energy") for at in range(4)}
    (all_, _) = concentrations(assets, {ref: {"x": "X"} for ref in assets})
    assert all_.hhi.assets == 10_000
    assert all_.hhi.people is None
    (all_, _) = concentrations(assets, {ref: {str(at): str(at)} for at, ref in enumerate(assets)})
    assert all_.hhi.assets == pytest.approx(2_500)


def test_an_empty_bill_is_a_fault() -> None:
    assert [fault.cause for fault in faults(Bill(parts=()))] == ["there is no part"]
