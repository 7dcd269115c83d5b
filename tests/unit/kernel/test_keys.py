"""The hub's own secrets: made once, read by their owner, shown to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tocsin.errors import StoreBrokenError
from tocsin.kernel.ids import SeededEntropy, SystemEntropy, new_uuid
from tocsin.kernel.keys import KEY_BYTES, create_keys, read_keys, write_secret

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_made_reads_back(tmp_path: Path) -> None:
    keys = create_keys(tmp_path / "keys", SystemEntropy())
    assert read_keys(tmp_path / "keys") == keys
    assert len({keys.log, keys.token, keys.cursor}) == 3
    assert {len(secret) for secret in (keys.log, keys.token, keys.cursor)} == {KEY_BYTES}


def test_only_their_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    create_keys(folder, SystemEntropy())
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_they_do_not_show_in_a_traceback_or_log_line(tmp_path: Path) -> None:
    keys = create_keys(tmp_path / "keys", SeededEntropy(1))
    for shown in (repr(keys), str(keys), f"{keys}"):
        assert shown == "HubKeys(…)"


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    before = create_keys(tmp_path / "keys", SystemEntropy())
    with pytest.raises(FileExistsError):
        create_keys(tmp_path / "keys", SystemEntropy())
    assert read_keys(tmp_path / "keys") == before
    with pytest.raises(FileExistsError):
        write_secret(tmp_path / "keys" / "log.key", b"other")


@pytest.mark.parametrize("name", ["log", "token", "cursor"])
@pytest.mark.parametrize("damage", ["missing", "short", "long", "empty", "a folder"])
def test_a_damaged_key_is_named(tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / "keys"
    create_keys(folder, SystemEntropy())
    path = folder / f"{name}.key"
    if damage in ("missing", "a folder"):
        path.unlink()
        if damage == "a folder":
            path.mkdir()
    else:
        path.write_bytes({"short": b"x" * 31, "long": b"x" * 33, "empty": b""}[damage])
    with pytest.raises(StoreBrokenError) as broken:
        read_keys(folder)
    assert str(path) in str(broken.value)


def test_seeds_repeat_and_the_system_does_not() -> None:
    assert SeededEntropy(1).bytes(32) == SeededEntropy(1).bytes(32) != SeededEntropy(2).bytes(32)
    assert SystemEntropy().bytes(32) != SystemEntropy().bytes(32)
    made = new_uuid(SeededEntropy(1))
    assert (made[14], made[19] in "89ab", len(made)) == ("4", True, 36)
