"""The Merkle tree of RFC 6962, as RFC 9162 §2.1 restates it: hashes, roots, and proofs made and checked.

Indices and levels count from zero: ``(level, index)`` names the complete subtree over the entries
``index * 2**level`` up to, and without, ``(index + 1) * 2**level``. Everything here is pure; a tree that is stored
somewhere is read through a ``HashAt``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TypeAlias

import msgspec

from tocsin.errors import InputError, LogBrokenError

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "MAX_TREE_SIZE",
    "Frontier",
    "HashAt",
    "Node",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root_at",
    "root_from_leaf",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32

# An index must fit the signed 64-bit integers of both databases that we keep it in.
MAX_TREE_SIZE = 2**63 - 1

# RFC 9162 §2.1.1: the hash of an empty list is the hash of the empty string.
EMPTY_ROOT = sha256(b"").digest()

_LENGTH = "the proof has too many or too few hashes for these sizes"

HashAt: TypeAlias = Callable[[int, int], bytes]
"""Reads the hash of one *complete* subtree, by level and index."""


class Node(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One complete subtree: its level, its index within the level and its hash."""

    level: int
    index: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry: SHA-256 over 0x00 and the entry (RFC 9162 §2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 over 0x01, the left and the right hash (RFC 9162 §2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over all leaf hashes, level by level; ``EMPTY_ROOT`` over none.

    Carrying the odd last hash up unchanged gives the same tree as the specification's split at the largest power of
    two below the size, without its recursion.
    """
    row = leaves
    while len(row) > 1:
        pairs = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
        if len(row) % 2:
            pairs.append(row[-1])
        row = pairs
    return row[0] if row else EMPTY_ROOT


class Frontier(msgspec.Struct, frozen=True, kw_only=True):
    """All that one must remember of a tree to go on growing it: its size and its peaks.

    The peaks are the hashes of the largest complete subtrees, from left to right; the bits set in ``size``, from the
    highest to the lowest, are their levels.

    Raises:
        LogBrokenError: the peaks do not fit the size.

    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise LogBrokenError(f"a tree has 0 to {MAX_TREE_SIZE} entries, not {self.size}", where="frontier")
        if len(self.peaks) != self.size.bit_count() or any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise LogBrokenError(
                f"a tree of {self.size} entries has {self.size.bit_count()} peaks of {HASH_BYTES} bytes each; "
                f"found lengths {[len(peak) for peak in self.peaks]}",
                where="frontier",
            )

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of the peaks, in their order: falling."""
        return tuple(level for level in reversed(range(self.size.bit_length())) if self.size >> level & 1)

    def root(self) -> bytes:
        """The root of the tree: the peaks folded from the right (RFC 9162 §2.1.2)."""
        if not self.peaks:
            return EMPTY_ROOT
        value = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            value = node_hash(peak, value)
        return value

    def grown(self, leaves: Iterable[bytes], *, nodes: list[Node] | None = None) -> Frontier:
        """The frontier after appending these leaf hashes, in their order.

        Args:
            leaves: leaf hashes (not entries).
            nodes: when given, every subtree that becomes complete is appended to it, the leaves included, each child
                before its parent: what a store has to add so that proofs can be made later.

        Raises:
            InputError: something in ``leaves`` is not a hash.

        """
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise InputError(f"a leaf hash has {HASH_BYTES} bytes, not {len(leaf)}", where=f"entry {size}")
            level, index, value = 0, size, leaf
            if nodes is not None:
                nodes.append(Node(level=level, index=index, hash=value))
            # Each set low bit of the size is a peak as large as what we hold: the two become one.
            while index & 1:
                value = sha256(b"\x01" + peaks.pop() + value).digest()
                level, index = level + 1, index >> 1
                if nodes is not None:
                    nodes.append(Node(level=level, index=index, hash=value))
            peaks.append(value)
            size += 1
        return Frontier(size=size, peaks=tuple(peaks))


def inclusion_proof(*, index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """The audit path of entry ``index`` in the tree of the first ``size`` entries (RFC 9162 §2.1.3.1).

    The sibling of the leaf comes first, the child of the root last.

    Raises:
        InputError: there is no such entry in a tree of that size.

    """
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise InputError(f"a tree of {size} entries has no entry {index}", where="inclusion proof")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, hash_at))
            end = middle
        else:
            path.append(_range_hash(start, middle, hash_at))
            start = middle
    path.reverse()
    return path


def root_at(*, size: int, hash_at: HashAt) -> bytes:
    """Return the root of the first ``size`` entries, at least one (RFC 9162 §2.1.1)."""
    return _range_hash(0, size, hash_at)


def consistency_proof(*, old: int, new: int, hash_at: HashAt) -> list[bytes]:
    """The proof that the tree of ``old`` entries is a prefix of the tree of ``new`` ones (RFC 9162 §2.1.4.1).

    The specification leaves ``old = 0`` undefined; the empty tree is a prefix of each tree, and the proof is empty.

    Raises:
        InputError: the sizes are not in order.

    """
    if not 0 <= old <= new <= MAX_TREE_SIZE:
        raise InputError(f"a tree of {old} entries is no prefix of one of {new}", where="consistency proof")
    if old in {0, new}:
        return []
    proof = []
    start, end = 0, new
    whole = True  # the subproof's third argument: the old tree is a subtree that the checker knows already
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range_hash(middle, end, hash_at))
            end = middle
        else:
            proof.append(_range_hash(start, middle, hash_at))
            start, whole = middle, False
    if not whole:
        proof.append(_range_hash(start, end, hash_at))
    proof.reverse()
    return proof


def root_from_leaf(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that this audit path leads to (RFC 9162 §2.1.3.2, steps 1 to 4 and the first half of 5).

    Raises:
        LogBrokenError: the path does not fit the index and the size.

    """
    _check_hashes([leaf, *proof], where="inclusion proof")
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise LogBrokenError(f"a tree of {size} entries has no entry {index}", where="inclusion proof")
    value = leaf
    for sibling, left in _climb(index, size - 1, proof, where="inclusion proof"):
        value = node_hash(sibling, value) if left else node_hash(value, sibling)
    return value


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that ``leaf`` is entry ``index`` of the tree of ``size`` entries with this root (RFC 9162 §2.1.3.2).

    Raises:
        LogBrokenError: it is not, or the proof does not show it.

    """
    if root_from_leaf(leaf=leaf, index=index, size=size, proof=proof) != root:
        raise LogBrokenError(
            f"entry {index} is not in the tree of {size} entries with this root", where="inclusion proof"
        )


def verify_consistency(*, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of ``new`` entries only appends to the tree of ``old`` ones (RFC 9162 §2.1.4.2).

    Raises:
        LogBrokenError: it does not, or the proof does not show it.

    """
    where = "consistency proof"
    _check_hashes([old_root, new_root, *proof], where=where)
    if not 0 <= old <= new <= MAX_TREE_SIZE:
        raise LogBrokenError(f"a tree of {old} entries is no prefix of one of {new}", where=where)
    if (old == 0 and old_root != EMPTY_ROOT) or (old == new and old_root != new_root):
        raise LogBrokenError(f"the root over {old} entries is another", where=where)
    if old in {0, new}:
        if proof:
            raise LogBrokenError(_LENGTH, where=where)
        return
    # Step 2: a tree of 2**n entries is itself the first node on the way up, and the proof leaves it out.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise LogBrokenError(_LENGTH, where=where)
    # Steps 3 and 4: start at the largest complete subtree that ends the old tree.
    complete = (old & -old).bit_length() - 1
    old_value = new_value = path[0]
    for sibling, left in _climb((old - 1) >> complete, (new - 1) >> complete, path[1:], where=where):
        if left:
            old_value = node_hash(sibling, old_value)
        new_value = node_hash(sibling, new_value) if left else node_hash(new_value, sibling)
    if old_value != old_root:
        raise LogBrokenError(f"the proof does not lead to the root over {old} entries", where=where)
    if new_value != new_root:
        raise LogBrokenError(f"the proof does not lead to the root over {new} entries", where=where)


def _climb(position: int, last: int, proof: Sequence[bytes], *, where: str) -> Iterator[tuple[bytes, bool]]:
    """The siblings of a path upwards, each with whether it stands on the left.

    ``position`` and ``last`` are fn and sn of RFC 9162 §2.1.3.2 and §2.1.4.2, whose loops are the same.

    Raises:
        LogBrokenError: the proof is longer or shorter than the way to the root.

    """
    for sibling in proof:
        if last == 0:
            raise LogBrokenError(_LENGTH, where=where)
        left = bool(position & 1) or position == last
        yield sibling, left
        # A left sibling at the right edge: the levels at which the node has no sibling at all are skipped.
        while left and position and not position & 1:
            position, last = position >> 1, last >> 1
        position, last = position >> 1, last >> 1
    if last:
        raise LogBrokenError(_LENGTH, where=where)


def _check_hashes(hashes: Sequence[bytes], *, where: str) -> None:
    """Refuse what is not a hash: the node hash joins its halves without their lengths, so lengths must be fixed."""
    if any(len(value) != HASH_BYTES for value in hashes):
        raise LogBrokenError(f"each hash has {HASH_BYTES} bytes", where=where)


def _split(width: int) -> int:
    """The largest power of two below ``width``, which is at least 2 (k in RFC 9162 §2.1.1)."""
    return 1 << (width - 1).bit_length() - 1


def _range_hash(start: int, end: int, hash_at: HashAt) -> bytes:
    """MTH(D[start:end]) for a range that the splits of RFC 9162 §2.1.1 produce: start is a multiple of its parts."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return hash_at(level, start >> level)
    middle = start + _split(width)
    return node_hash(_range_hash(start, middle, hash_at), _range_hash(middle, end, hash_at))
