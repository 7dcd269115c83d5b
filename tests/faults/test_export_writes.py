"""An export is there as a whole or not at all, whichever write fails and however."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from support.logs import SIGNER, VKEY, checkpoint, disclosure, entry, make_export
from tocsin.errors import ConflictError, InputError, LimitError, LogBrokenError, TocsinError, UsageError
from tocsin.log.export import write_export
from tocsin.log.model import Disclosure
from tocsin.log.verify import Disclosures, verify_export

SIZE = 300
# Two bundles, three tiles, checkpoint, vkey and manifest.
WRITES = 8


class _Faulty:
    """Lets ``Path.write_bytes`` fail at its n-th call, before or after the bytes are on the disk."""

    def __init__(self, *, at: int, persisted: bool) -> None:
        self.at = at
        self.persisted = persisted
        self.calls = 0
        self._write = Path.write_bytes

    def install(self, patch: pytest.MonkeyPatch) -> None:
        def write_bytes(path: Path, data: bytes) -> int:
            self.calls += 1
            if self.calls == self.at:
                if self.persisted:
                    self._write(path, data)
                raise OSError(errno.ENOSPC, "No space left on device")
            return self._write(path, data)

        patch.setattr(Path, "write_bytes", write_bytes)


@pytest.mark.parametrize("persisted", [False, True], ids=["lost", "persisted"])
@pytest.mark.parametrize("at", range(1, WRITES + 1))
def test_each_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, *, persisted: bool
) -> None:
    with monkeypatch.context() as patched:
        faulty = _Faulty(at=at, persisted=persisted)
        faulty.install(patched)
        with pytest.raises(UsageError, match="No space left"):
            make_export(tmp_path / "export", size=SIZE, disclosed=[1])
        assert faulty.calls == at
    assert list(tmp_path.iterdir()) == []
    assert verify_export(make_export(tmp_path / "export", size=SIZE, disclosed=[1])).size == SIZE


def test_there_are_as_many_writes_as_the_table_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = _Faulty(at=0, persisted=True)
    faulty.install(monkeypatch)
    make_export(tmp_path / "export", size=SIZE, disclosed=[1])
    assert faulty.calls == WRITES


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_export(
            tmp_path / "export",
            checkpoint=checkpoint([entry(0)]),
            signer=SIGNER,
            entries=[entry(0)],
            disclosures=[],
            scope="s",
            progress=interrupt,
        )
    assert list(tmp_path.iterdir()) == []


ENTRIES = [entry(index) for index in range(5)]
HEAD = checkpoint(ENTRIES)

REFUSED: dict[str, tuple[list[bytes], list[Disclosure], str, type[TocsinError]]] = {
    "entry missing": (ENTRIES[:4], [], "s", LogBrokenError),
    "entry added": ([*ENTRIES, entry(5)], [], "s", LogBrokenError),
    "entry changed": ([*ENTRIES[:4], entry(9)], [], "s", LogBrokenError),
    "entries swapped": (ENTRIES[::-1], [], "s", LogBrokenError),
    "no entries": ([], [], "s", LogBrokenError),
    "entry too large": ([b"x" * 65536], [], "s", LimitError),
    "other payload": (ENTRIES, [Disclosure(index=1, salt=b"s" * 32, payload=b"{}")], "s", LogBrokenError),
    "twice": (ENTRIES, [disclosure(1), disclosure(1)], "s", LogBrokenError),
    "backwards": (ENTRIES, [disclosure(2), disclosure(1)], "s", LogBrokenError),
    "beyond": (ENTRIES, [disclosure(5)], "s", InputError),
    "scope of two lines": (ENTRIES, [], "a\nb", InputError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_not_verify_is_not_written(tmp_path: Path, case: str) -> None:
    entries, disclosures, scope, error = REFUSED[case]
    with pytest.raises(error):
        write_export(
            tmp_path / "export",
            checkpoint=HEAD,
            signer=SIGNER,
            entries=entries,
            disclosures=disclosures,
            scope=scope,
        )
    assert list(tmp_path.iterdir()) == []


def test_an_empty_directory_is_filled_and_a_full_one_refused(tmp_path: Path) -> None:
    target = tmp_path / "export"
    target.mkdir()
    make_export(target, size=3)
    before = sorted(path.name for path in target.iterdir())
    with pytest.raises(ConflictError, match="something already"):
        make_export(target, size=4)
    assert sorted(path.name for path in target.iterdir()) == before
    assert verify_export(target, trusted_vkey=VKEY).size == 3


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_other_things_in_the_way(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "export"
    if kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "elsewhere")
        if kind == "link":
            (tmp_path / "elsewhere").mkdir()
    with pytest.raises(ConflictError, match="something already"):
        make_export(target, size=1)


def test_a_parent_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        make_export(tmp_path / "no" / "export", size=1)


def test_the_export_is_its_owners(tmp_path: Path) -> None:
    assert make_export(tmp_path / "export", size=1).stat().st_mode & 0o777 == 0o700


def test_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(TocsinError, match="no such directory"):
        verify_export(tmp_path / "export")
    with pytest.raises(LogBrokenError, match="step 1"):
        verify_export(tmp_path)
    with pytest.raises(LogBrokenError, match="cannot be read"):
        list(Disclosures(tmp_path))
    with pytest.raises(InputError, match="the trusted key"):
        verify_export(tmp_path, trusted_vkey="nonsense")


def test_a_file_that_changes_under_the_check_is_noticed(tmp_path: Path) -> None:
    """The bundles are read twice; the second reading has to give the same."""
    export = make_export(tmp_path / "export", size=3, disclosed=[2])
    other = make_export(tmp_path / "other", size=3, start=10)

    def swap(_: int) -> None:
        (export / "tile/entries/000.p/3").write_bytes((other / "tile/entries/000.p/3").read_bytes())

    with pytest.raises(LogBrokenError, match="changed while it was being verified"):
        verify_export(export, progress=swap)
