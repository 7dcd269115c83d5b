"""An export verifies as it was written, and with anything changed it does not."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from support.logs import (
    ORIGIN,
    SIGNER,
    STRANGER,
    VKEY,
    checkpoint,
    entry,
    make_export,
    payload,
    relist,
    rfc_root,
)
from tocsin.errors import LogBrokenError
from tocsin.log.tiles import decode_bundle, encode_bundle
from tocsin.log.verify import Disclosures, verify_export

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = 520  # two full tiles, a partial one of 8, and a partial tile above them
DISCLOSED = (0, 3, 255, 256, 300, 519)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_export(tmp_path_factory.mktemp("whole") / "export", size=SIZE, disclosed=DISCLOSED)


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "copy")


@given(st.integers(0, 600), st.data())
@settings(max_examples=25, deadline=None)
@example(size=0, data=None)
@example(size=256, data=None)
@example(size=512, data=None)
def test_what_is_written_verifies_and_reads_back(size: int, data: st.DataObject | None) -> None:
    chosen = data.draw(st.sets(st.integers(0, size - 1))) if data and size else set(range(size))
    with tempfile.TemporaryDirectory() as parent:
        export = make_export(Path(parent) / "export", size=size, disclosed=sorted(chosen))
        seen: list[int] = []
        verified = verify_export(export, trusted_vkey=VKEY, progress=seen.append)
        assert (verified.size, verified.root) == (size, rfc_root([entry(index) for index in range(size)]))
        assert (verified.origin, verified.scope, verified.disclosed) == (ORIGIN, "live, everything", len(chosen))
        assert verified.files == sum(path.is_file() for path in export.rglob("*"))
        assert sum(seen) == size
        assert list(Disclosures(export)) == [(index, payload(index)) for index in sorted(chosen)]


def test_who_made_it_is_only_known_with_a_key_from_elsewhere(whole: Path) -> None:
    pinned, trusting = verify_export(whole, trusted_vkey=VKEY), verify_export(whole)
    assert pinned.pinned
    assert pinned.caveat is None
    assert not trusting.pinned
    assert VKEY in (trusting.caveat or "")
    assert trusting.fingerprint == SIGNER.key.fingerprint


def _files(export: Path) -> list[Path]:
    return sorted(path for path in export.rglob("*") if path.is_file())


def _flip(draw: st.DataObject, path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = draw.draw(st.integers(0, len(data) - 1))
    data[at] ^= draw.draw(st.integers(1, 255))
    path.write_bytes(data)


def _cut(draw: st.DataObject, path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: draw.draw(st.integers(0, len(data) - 1))])


def _extend(draw: st.DataObject, path: Path) -> None:
    path.write_bytes(path.read_bytes() + draw.draw(st.binary(min_size=1, max_size=70)))


def _delete(_: st.DataObject, path: Path) -> None:
    path.unlink()


def _duplicate(draw: st.DataObject, path: Path) -> None:
    name = draw.draw(st.sampled_from([path.name + ".p", path.name + "~", "000", "." + path.name]))
    assume(not (path.parent / name).exists())
    shutil.copy(path, path.parent / name)


def _swap(draw: st.DataObject, path: Path) -> None:
    other = draw.draw(st.sampled_from(_files(_root(path))))
    mine, theirs = path.read_bytes(), other.read_bytes()
    assume(mine != theirs)
    path.write_bytes(theirs)
    other.write_bytes(mine)


def _pieces(path: Path) -> list[bytes]:
    """The file in its natural pieces: lines, hashes, or entries with their lengths."""
    data = path.read_bytes()
    if "tile" not in path.parts:
        return data.splitlines(keepends=True)
    width = 35 if "entries" in path.parts else 32
    return [data[at : at + width] for at in range(0, len(data), width)]


def _drop_piece(draw: st.DataObject, path: Path) -> None:
    pieces = _pieces(path)
    del pieces[draw.draw(st.integers(0, len(pieces) - 1))]
    path.write_bytes(b"".join(pieces))


def _double_piece(draw: st.DataObject, path: Path) -> None:
    pieces = _pieces(path)
    at = draw.draw(st.integers(0, len(pieces) - 1))
    path.write_bytes(b"".join([*pieces[: at + 1], *pieces[at:]]))


def _swap_pieces(draw: st.DataObject, path: Path) -> None:
    pieces = _pieces(path)
    left, right = draw.draw(st.tuples(*[st.integers(0, len(pieces) - 1)] * 2))
    assume(pieces[left] != pieces[right])
    pieces[left], pieces[right] = pieces[right], pieces[left]
    path.write_bytes(b"".join(pieces))


def _link(_: st.DataObject, path: Path) -> None:
    """The same bytes, but elsewhere: whoever owns that place could change them after the check."""
    moved = _root(path).parent / "moved"
    path.rename(moved)
    path.symlink_to(moved)


def _root(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.name == "export")


WAYS: dict[str, Callable[[st.DataObject, Path], None]] = {
    "flip": _flip,
    "cut": _cut,
    "extend": _extend,
    "delete": _delete,
    "duplicate": _duplicate,
    "swap": _swap,
    "drop piece": _drop_piece,
    "double piece": _double_piece,
    "swap pieces": _swap_pieces,
    "link": _link,
}


@pytest.mark.parametrize("way", WAYS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_change_is_caught(whole: Path, way: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as parent:
        export = shutil.copytree(whole, Path(parent) / "export")
        target = data.draw(st.sampled_from(_files(export)).map(lambda path: str(path.relative_to(export))))
        WAYS[way](data, export / target)
        with pytest.raises(LogBrokenError, match=r"step [1-6]") as caught:
            verify_export(export)
        assert caught.value.where
        with pytest.raises(LogBrokenError):
            verify_export(export, trusted_vkey=VKEY)


# What even the holder of the key cannot do once the checkpoint is out: each is signed anew and consistent otherwise.


def _change_bundle(export: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = export / "tile/entries/001"
    path.write_bytes(encode_bundle(change(decode_bundle(path.read_bytes(), width=256, where=""))))


def _changed_entry(export: Path) -> None:
    _change_bundle(export, lambda entries: [*entries[:44], entry(9_999), *entries[45:]])


def _swapped_entries(export: Path) -> None:
    _change_bundle(export, lambda entries: [entries[1], entries[0], *entries[2:]])


def _dropped_entry(export: Path) -> None:
    _change_bundle(export, lambda entries: entries[1:])


def _changed_tile(export: Path) -> None:
    data = bytearray((export / "tile/0/001").read_bytes())
    data[44 * 32] ^= 1
    (export / "tile/0/001").write_bytes(data)


def _changed_upper_tile(export: Path) -> None:
    data = bytearray((export / "tile/1/000.p/2").read_bytes())
    data[32] ^= 1
    (export / "tile/1/000.p/2").write_bytes(data)


def _other_tree(export: Path) -> None:
    """Another tree of the same size, whole in itself, under the old checkpoint."""
    other = make_export(export.parent / "other", size=SIZE, start=10_000)
    shutil.rmtree(export / "tile")
    shutil.copytree(other / "tile", export / "tile")


def _lines(export: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = export / "disclosed.jsonl"
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def _changed_payload(export: Path) -> None:
    _lines(export, lambda lines: [*lines[:2], lines[2].replace(b"indicator", b"Indicator"), *lines[3:]])


def _changed_index(export: Path) -> None:
    _lines(export, lambda lines: [*lines[:2], lines[2].replace(b'"index":255', b'"index":254'), *lines[3:]])


def _index_beyond(export: Path) -> None:
    _lines(export, lambda lines: [*lines[:-1], lines[-1].replace(b'"index":519', b'"index":520')])


def _disclosed_twice(export: Path) -> None:
    _lines(export, lambda lines: [*lines[:2], *lines[1:]])


def _disclosed_backwards(export: Path) -> None:
    _lines(export, lambda lines: lines[::-1])


def _disclosure_dropped(export: Path) -> None:
    _lines(export, lambda lines: lines[1:])


def _file_added(export: Path) -> None:
    (export / "tile/0/003").write_bytes(b"")


def _folder_added(export: Path) -> None:
    (export / "tile/9").mkdir()


SIGNED_LIES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "changed entry": (_changed_entry, "step 3", "tile/entries/001, entry 300"),
    "swapped entries": (_swapped_entries, "step 3", "tile/entries/001, entry 256"),
    "dropped entry": (_dropped_entry, "step 3", "tile/entries/001"),
    "other tree": (_other_tree, "step 3", "checkpoint"),
    "changed tile": (_changed_tile, "step 4", "tile/0/001"),
    "changed upper tile": (_changed_upper_tile, "step 4", "tile/1/000.p/2"),
    "changed payload": (_changed_payload, "step 5", "disclosed.jsonl, line 3"),
    "changed index": (_changed_index, "step 5", "disclosed.jsonl, line 3"),
    "index beyond": (_index_beyond, "step 5", "disclosed.jsonl, line 6"),
    "disclosed twice": (_disclosed_twice, "step 5", "disclosed.jsonl, line 3"),
    "disclosed backwards": (_disclosed_backwards, "step 5", "disclosed.jsonl, line 2"),
    "disclosure dropped": (_disclosure_dropped, "step 6", "disclosed.jsonl"),
    "file added": (_file_added, "step 6", "tile/0/003"),
    "folder added": (_folder_added, "step 6", "tile/9/"),
}


@pytest.mark.parametrize("case", SIGNED_LIES)
def test_each_step_stands_alone(copy: Path, case: str) -> None:
    tamper, step, where = SIGNED_LIES[case]
    tamper(copy)
    relist(copy)
    with pytest.raises(LogBrokenError, match=step) as caught:
        verify_export(copy, trusted_vkey=VKEY)
    assert caught.value.where == where


def test_an_attacker_without_the_key_fails_at_the_signature(whole: Path, copy: Path, tmp_path: Path) -> None:
    """Everything recomputed around a changed entry; only the signatures are those of the true export."""
    forged = make_export(tmp_path / "forged", size=SIZE, disclosed=DISCLOSED, start=10_000, signer=STRANGER)
    for name in ("checkpoint", "manifest"):
        for victim in (copy, forged):
            true, false = (whole / name).read_bytes(), (forged / name).read_bytes()
            text, signature = false.rpartition(b"\n\n")[0], true.rpartition(b"\n\n")[2]
            (victim / name).write_bytes(text + b"\n\n" + signature)
    (forged / "vkey").write_text(VKEY + "\n")
    for victim in (copy, forged):
        with pytest.raises(LogBrokenError, match="step 2") as caught:
            verify_export(victim)
        assert caught.value.where == "checkpoint"


def test_an_attacker_with_another_key_fails_against_a_trusted_one(tmp_path: Path) -> None:
    forged = make_export(tmp_path / "forged", size=5, disclosed=[1], start=10_000, signer=STRANGER)
    assert not verify_export(forged).pinned  # whole in itself: that is why the caveat is there
    with pytest.raises(LogBrokenError, match="not with the key that you trust") as caught:
        verify_export(forged, trusted_vkey=VKEY)
    assert "step 2" in caught.value.what
    (forged / "vkey").write_text(VKEY + "\n")
    with pytest.raises(LogBrokenError, match="step 2"):
        verify_export(forged, trusted_vkey=VKEY)


def test_parts_of_two_exports_do_not_mix(whole: Path, copy: Path, tmp_path: Path) -> None:
    """Both signed by the hub, at other sizes and with other disclosures."""
    shorter = make_export(tmp_path / "shorter", size=SIZE - 1, disclosed=[0])
    closed = make_export(tmp_path / "closed", size=SIZE)
    for other, names in ((shorter, ("checkpoint",)), (shorter, ("manifest",)), (closed, ("manifest",))):
        mixed = shutil.copytree(whole, tmp_path / f"mixed-{other.name}-{names[0]}")
        for name in names:
            shutil.copy(other / name, mixed / name)
        with pytest.raises(LogBrokenError, match="step"):
            verify_export(mixed, trusted_vkey=VKEY)
    shutil.copy(closed / "disclosed.jsonl", copy / "disclosed.jsonl")
    with pytest.raises(LogBrokenError, match="step 6"):
        verify_export(copy, trusted_vkey=VKEY)


def test_a_manifest_carries_one_signature(copy: Path) -> None:
    manifest = copy / "manifest"
    line = STRANGER.sign("anything\n").line().encode()
    manifest.write_bytes(manifest.read_bytes() + line)
    with pytest.raises(LogBrokenError, match="one signature"):
        verify_export(copy, trusted_vkey=VKEY)


def test_the_manifest_counts_the_disclosures(copy: Path) -> None:
    relist(copy, disclosed=5)
    with pytest.raises(LogBrokenError, match="6 entries are disclosed, the manifest says 5"):
        verify_export(copy)


@pytest.mark.parametrize("listed", ["fewer", "more"])
def test_the_manifest_lists_the_files_that_the_size_asks_for(copy: Path, listed: str) -> None:
    path = copy / ("tile/0/000" if listed == "fewer" else "tile/0/003")
    before = path.read_bytes() if listed == "fewer" else None
    if before is None:
        path.write_bytes(b"")
    else:
        path.unlink()
    relist(copy)
    if before is None:
        path.unlink()
    else:
        path.write_bytes(before)
    with pytest.raises(LogBrokenError, match="lists other files") as caught:
        verify_export(copy)
    assert caught.value.where == str(path.relative_to(copy))


def test_a_link_is_not_followed_after_the_check_either(copy: Path) -> None:
    (copy / "disclosed.jsonl").rename(copy.parent / "moved")
    (copy / "disclosed.jsonl").symlink_to(copy.parent / "moved")
    with pytest.raises(LogBrokenError, match="cannot be read"):
        list(Disclosures(copy))


@pytest.mark.parametrize(
    "name", ["checkpoint", "vkey", "manifest", "disclosed.jsonl", "tile/entries/000", "tile/0/000"]
)
def test_a_huge_file_is_not_read_to_its_end(copy: Path, name: str) -> None:
    os.truncate(copy / name, 1 << 33)
    with pytest.raises(LogBrokenError, match=r"has more than|longer than"):
        verify_export(copy)


def _pipe(export: Path) -> None:
    (export / "vkey").unlink()
    os.mkfifo(export / "vkey")


def _linked_folder(export: Path) -> None:
    (export / "tile").rename(export.parent / "tile")
    (export / "tile").symlink_to(export.parent / "tile")


def _loop(export: Path) -> None:
    (export / "tile" / "again").symlink_to(export)


def _deep(export: Path) -> None:
    folder = os.open(export, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)


def _strange_name(export: Path) -> None:
    (export / "tile" / "\x1b[31m\udcff\n").write_bytes(b"")


def _folder_for_file(export: Path) -> None:
    (export / "manifest").unlink()
    (export / "manifest").mkdir()


TRICKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (_pipe, "step 1"),
    "linked folder": (_linked_folder, "step 1"),
    "loop": (_loop, "step 1"),
    "deep": (_deep, "step 6"),
    "strange name": (_strange_name, "step 6"),
    "folder for file": (_folder_for_file, "step 1"),
}


@pytest.fixture
def tricky(copy: Path) -> Iterator[Path]:
    yield copy
    shutil.rmtree(copy)


@pytest.mark.parametrize("case", TRICKS)
def test_tricks_with_paths(tricky: Path, case: str) -> None:
    trick, step = TRICKS[case]
    trick(tricky)
    with pytest.raises(LogBrokenError, match=step) as caught:
        verify_export(tricky)
    assert (caught.value.where or "").isprintable()
    assert len(caught.value.where or "") <= 200


def test_the_number_of_files_is_bounded(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.log.verify._MAX_FILES", 10)
    with pytest.raises(LogBrokenError, match="more than 10 files"):
        verify_export(copy)


def test_the_hub_key_signs_no_second_tree(copy: Path) -> None:
    """A checkpoint over other entries, signed by the true key: the entries beneath still have to be its own."""
    (copy / "checkpoint").write_bytes(checkpoint([entry(index) for index in range(1, SIZE + 1)]))
    with pytest.raises(LogBrokenError, match="another checkpoint"):
        verify_export(copy)
