"""Laws of the Merkle tree, against the definitions of RFC 9162 §2.1 written out slowly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.logs import rfc_root
from tocsin.errors import InputError, LogBrokenError
from tocsin.log.merkle import (
    EMPTY_ROOT,
    MAX_TREE_SIZE,
    Frontier,
    Node,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tocsin.log.tiles import Tile, TreeBuilder, bundles_of, decode_tile, hash_reader, tiles_of

LARGEST = 320
ENTRIES = [b"entry %d" % index for index in range(LARGEST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [rfc_root(ENTRIES[:size]) for size in range(LARGEST + 1)]

sizes = st.integers(1, LARGEST)


def hash_at(level: int, index: int) -> bytes:
    """Any complete subtree, by the definition."""
    width = 1 << level
    assert (index + 1) * width <= LARGEST
    return rfc_root(ENTRIES[index * width : (index + 1) * width])


def rfc_path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 9162 §2.1.3.1."""
    if len(entries) == 1:
        return []
    k = max(1 << power for power in range(10) if 1 << power < len(entries))
    if index < k:
        return [*rfc_path(index, entries[:k]), rfc_root(entries[k:])]
    return [*rfc_path(index - k, entries[k:]), rfc_root(entries[:k])]


def rfc_subproof(m: int, entries: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 9162 §2.1.4.1."""
    n = len(entries)
    if m == n:
        return [] if whole else [rfc_root(entries)]
    k = max(1 << power for power in range(10) if 1 << power < n)
    if m <= k:
        return [*rfc_subproof(m, entries[:k], whole=whole), rfc_root(entries[k:])]
    return [*rfc_subproof(m - k, entries[k:], whole=False), rfc_root(entries[:k])]


def test_each_way_to_the_root_is_the_definition() -> None:
    frontier, builder = Frontier(), TreeBuilder()
    for size in range(LARGEST + 1):
        assert root_of(LEAVES[:size]) == ROOTS[size]
        assert frontier.root() == ROOTS[size]
        assert builder.frontier() == frontier
        assert frontier.levels == tuple(sorted((bit for bit in range(10) if size >> bit & 1), reverse=True))
        if size < LARGEST:
            frontier = frontier.grown([LEAVES[size]])
            builder.add([LEAVES[size]])


# The eight entries and roots of the reference tests of Certificate Transparency (RFC 6962's own implementation).
REFERENCE = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
]


def test_known_answers() -> None:
    frontier = Frontier()
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for entry, root in REFERENCE:
        frontier = frontier.grown([leaf_hash(bytes.fromhex(entry))])
        assert frontier.root().hex() == root


@given(st.lists(st.integers(0, 80), max_size=6))
def test_growing_in_steps_is_growing_at_once(steps: list[int]) -> None:
    steps = [step for at, step in enumerate(steps) if sum(steps[: at + 1]) <= LARGEST]
    frontier, builder, nodes = Frontier(), TreeBuilder(), list[Node]()
    tiles: list[tuple[Tile, bytes]] = []
    at = 0
    for step in steps:
        frontier = frontier.grown(LEAVES[at : at + step], nodes=nodes)
        tiles += builder.add(LEAVES[at : at + step])
        at += step
    assert frontier == Frontier().grown(LEAVES[:at]) == builder.frontier()
    assert builder.size == at
    assert all(node.hash == hash_at(node.level, node.index) for node in nodes)
    assert len({(node.level, node.index) for node in nodes}) == len(nodes) == 2 * at - len(frontier.peaks)
    assert {tile for tile, _ in tiles + builder.partial()} == set(tiles_of(at))


@given(sizes)
def test_tiles_hold_what_the_specification_says(size: int) -> None:
    """tlog-tiles, "Merkle Tree": MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])."""
    builder = TreeBuilder()
    tiles = dict([*builder.add(LEAVES[:size]), *builder.partial()])
    assert list(tiles_of(size)) == sorted(tiles, key=lambda tile: (tile.level or 0, tile.index))
    for tile, data in tiles.items():
        span = 256 ** (tile.level or 0)
        first = tile.index * 256
        assert decode_tile(data, width=tile.width, where=tile.path) == [
            rfc_root(ENTRIES[at * span : (at + 1) * span]) for at in range(first, first + tile.width)
        ]
    assert [tile.width for tile in bundles_of(size)] == [tile.width for tile in tiles_of(size) if tile.level == 0]


@given(st.data())
def test_inclusion_proofs_are_the_specifications_and_verify(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index=index, size=size, hash_at=hash_at)
    assert proof == rfc_path(index, ENTRIES[:size])
    verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=ROOTS[size])


@given(st.data())
def test_consistency_proofs_are_the_specifications_and_verify(data: st.DataObject) -> None:
    new = data.draw(sizes)
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old=old, new=new, hash_at=hash_at)
    assert proof == rfc_subproof(old, ENTRIES[:new], whole=True)
    verify_consistency(old=old, old_root=ROOTS[old], new=new, new_root=ROOTS[new], proof=proof)


@given(sizes)
def test_proofs_can_be_made_from_tiles_alone(size: int) -> None:
    builder = TreeBuilder()
    tiles = dict([*builder.add(LEAVES[:size]), *builder.partial()])
    from_tiles = hash_reader(tiles.__getitem__, size=size)
    for index in {0, size // 3, size - 1}:
        made = inclusion_proof(index=index, size=size, hash_at=from_tiles)
        assert made == rfc_path(index, ENTRIES[:size])
    old = max(1, size // 2)
    assert consistency_proof(old=old, new=size, hash_at=from_tiles) == rfc_subproof(old, ENTRIES[:size], whole=True)
    with pytest.raises(InputError, match="no subtree"):
        from_tiles(0, size)


@st.composite
def damaged(draw: st.DrawFn, proof: list[bytes]) -> list[bytes]:
    """The proof with one thing wrong in it."""
    ways = ["extend", "prepend"]
    if proof:
        ways += ["flip", "drop", "double", "shorten hash"]
    if len(set(proof)) > 1:
        ways.append("swap")
    way = draw(st.sampled_from(ways))
    at = draw(st.integers(0, max(0, len(proof) - 1)))
    stray = draw(st.sampled_from([*proof, b"\x00" * 32]))
    match way:
        case "extend":
            return [*proof, stray]
        case "prepend":
            return [stray, *proof]
        case "drop":
            return proof[:at] + proof[at + 1 :]
        case "double":
            return [*proof[: at + 1], *proof[at:]]
        case "shorten hash":
            return [*proof[:at], proof[at][:-1], *proof[at + 1 :]]
        case "swap":
            other = draw(st.integers(0, len(proof) - 1).filter(lambda other: proof[other] != proof[at]))
            proof = list(proof)
            proof[at], proof[other] = proof[other], proof[at]
            return proof
        case _:
            bit = draw(st.integers(0, 255))
            flipped = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
            return [*proof[:at], flipped, *proof[at + 1 :]]


@given(st.data())
@settings(max_examples=300)
def test_no_damaged_inclusion_proof_verifies(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    proof = data.draw(damaged(inclusion_proof(index=index, size=size, hash_at=hash_at)))
    with pytest.raises(LogBrokenError):
        verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=ROOTS[size])


@given(st.data())
def test_a_proof_has_one_length(data: st.DataObject) -> None:
    """RFC 9162 §2.1.3.2 step 4.1 and §2.1.4.2 step 6.1: it is the length that is wrong, not just the root."""
    size = data.draw(st.integers(2, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index=index, size=size, hash_at=hash_at)
    proof = consistency_proof(old=max(1, index), new=size, hash_at=hash_at)
    for change in (lambda hashes: [*hashes, EMPTY_ROOT], lambda hashes: hashes[:-1]):
        with pytest.raises(LogBrokenError, match="too many or too few"):
            verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=change(path), root=ROOTS[size])
        with pytest.raises(LogBrokenError, match="too many or too few"):
            verify_consistency(
                old=max(1, index),
                old_root=ROOTS[max(1, index)],
                new=size,
                new_root=ROOTS[size],
                proof=change(proof),
            )


@given(st.data())
@settings(max_examples=300)
def test_no_inclusion_proof_shows_something_else(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index=index, size=size, hash_at=hash_at)
    other = data.draw(st.integers(-1, LARGEST).filter(lambda other: other != index))
    with pytest.raises(LogBrokenError):
        verify_inclusion(leaf=LEAVES[index], index=other, size=size, proof=proof, root=ROOTS[size])
    with pytest.raises(LogBrokenError):
        verify_inclusion(leaf=LEAVES[index - 1], index=index, size=size, proof=proof, root=ROOTS[size])
    wrong = data.draw(st.integers(0, LARGEST).filter(lambda wrong: wrong != size))
    with pytest.raises(LogBrokenError):
        verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=ROOTS[wrong])


@given(st.data())
@settings(max_examples=300)
def test_no_damaged_consistency_proof_verifies(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, LARGEST))
    old = data.draw(st.integers(1, new))
    proof = data.draw(damaged(consistency_proof(old=old, new=new, hash_at=hash_at)))
    with pytest.raises(LogBrokenError):
        verify_consistency(old=old, old_root=ROOTS[old], new=new, new_root=ROOTS[new], proof=proof)


@given(st.data())
@settings(max_examples=300)
def test_no_consistency_proof_shows_another_history(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, LARGEST))
    old = data.draw(st.integers(1, new - 1))
    proof = consistency_proof(old=old, new=new, hash_at=hash_at)
    wrong = data.draw(st.integers(0, LARGEST).filter(lambda wrong: wrong not in {old, new}))
    for old_root, new_root in ((ROOTS[wrong], ROOTS[new]), (ROOTS[old], ROOTS[wrong])):
        with pytest.raises(LogBrokenError):
            verify_consistency(old=old, old_root=old_root, new=new, new_root=new_root, proof=proof)
    with pytest.raises(LogBrokenError):
        verify_consistency(old=wrong, old_root=ROOTS[old], new=new, new_root=ROOTS[new], proof=proof)


def test_a_history_that_was_rewritten_has_no_proof() -> None:
    """Whatever path somebody offers for a changed entry below the old size, one of the two roots is missed."""
    rewritten = [b"another", *ENTRIES[1:10]]
    for old in range(1, 10):
        with pytest.raises(LogBrokenError):
            verify_consistency(
                old=old,
                old_root=ROOTS[old],
                new=10,
                new_root=rfc_root(rewritten),
                proof=rfc_subproof(old, rewritten, whole=True),
            )


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 300])
def test_the_empty_tree_and_the_tree_itself_are_prefixes(size: int) -> None:
    for old in {0, size}:
        assert consistency_proof(old=old, new=size, hash_at=hash_at) == []
        verify_consistency(old=old, old_root=ROOTS[old], new=size, new_root=ROOTS[size], proof=[])
        with pytest.raises(LogBrokenError, match="too many"):
            verify_consistency(old=old, old_root=ROOTS[old], new=size, new_root=ROOTS[size], proof=[EMPTY_ROOT])
        with pytest.raises(LogBrokenError):
            verify_consistency(old=old, old_root=b"\x00" * 32, new=size, new_root=ROOTS[size], proof=[])


@pytest.mark.parametrize(
    ("index", "size"),
    [(0, 0), (-1, 3), (3, 3), (0, -1), (0, MAX_TREE_SIZE + 1)],
    ids=["empty", "negative", "beyond", "negative size", "too large"],
)
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(InputError, match="has no entry"):
        inclusion_proof(index=index, size=size, hash_at=hash_at)
    with pytest.raises(LogBrokenError, match="has no entry"):
        verify_inclusion(leaf=LEAVES[0], index=index, size=size, proof=[], root=ROOTS[1])


@pytest.mark.parametrize(("old", "new"), [(3, 2), (-1, 2), (1, MAX_TREE_SIZE + 1)])
def test_sizes_are_in_order(old: int, new: int) -> None:
    with pytest.raises(InputError, match="no prefix"):
        consistency_proof(old=old, new=new, hash_at=hash_at)
    with pytest.raises(LogBrokenError, match="no prefix"):
        verify_consistency(old=old, old_root=EMPTY_ROOT, new=new, new_root=EMPTY_ROOT, proof=[])


@pytest.mark.parametrize(
    ("size", "peaks"),
    [(0, (LEAVES[0],)), (1, ()), (2, (LEAVES[0], LEAVES[1])), (1, (b"short",)), (-1, (LEAVES[0],))],
    ids=["peak of nothing", "no peak", "too many", "not a hash", "negative"],
)
def test_a_frontier_fits_its_size(size: int, peaks: tuple[bytes, ...]) -> None:
    with pytest.raises(LogBrokenError):
        Frontier(size=size, peaks=peaks)


def test_entries_are_not_taken_for_hashes() -> None:
    with pytest.raises(InputError, match="32 bytes"):
        Frontier().grown([b"an entry, not its hash"])


def test_leaf_and_node_are_apart() -> None:
    """RFC 9162 §2.1.1: the prefixes give second preimage resistance."""
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
