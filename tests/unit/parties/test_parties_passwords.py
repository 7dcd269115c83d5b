from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import pytest

from support.partyworld import START, CountingHasher
from tocsin.errors import BusyError, InputError, StoreBrokenError
from tocsin.kernel.ids import SeededEntropy
from tocsin.parties import passwords as passwords_module
from tocsin.parties.passwords import CACHE_LIFETIME, MAX_PASSWORD, MIN_PASSWORD, Passwords, password_hasher

if TYPE_CHECKING:
    from collections.abc import Iterator

RIGHT = "correct horse battery"
WRONG = "wrong horse battery"


class GatedHasher(CountingHasher):
    """Argon2 that waits inside until the test opens the gate, and says how many are inside."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.inside = threading.Semaphore(0)
        self.lock = threading.Lock()
        self.now = self.most = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  argon2's own name
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.inside.release()
        assert self.gate.wait(30)
        try:
            return super().verify(hash, password)
        finally:
            with self.lock:
                self.now -= 1


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def passwords(hasher: CountingHasher) -> Passwords:
    return Passwords(entropy=SeededEntropy(1), hasher=hasher)


def test_a_hubs_argon2_has_the_costs_of_rfc_9106() -> None:
    hashed = Passwords(entropy=SeededEntropy(1), hasher=password_hasher()).hash(RIGHT)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_hash_that_nobody_has_costs_what_a_real_one_costs(passwords: Passwords) -> None:
    real, nobody = passwords.hash(RIGHT), passwords._nobody
    assert real.split("$")[:4] == nobody.split("$")[:4]
    assert [len(part) for part in real.split("$")] == [len(part) for part in nobody.split("$")]


BAD = {
    "too short": "a" * (MIN_PASSWORD - 1),
    "too long": "a" * (MAX_PASSWORD + 1),
    "too long in bytes": "æ" * (MAX_PASSWORD // 2 + 1),
    "empty": "",
    "control character": "a" * MIN_PASSWORD + "\n",
    "like a token": "tocsin_" + "a" * MIN_PASSWORD,
}


@pytest.mark.parametrize("password", BAD.values(), ids=BAD.keys())
def test_no_password(passwords: Passwords, password: str) -> None:
    with pytest.raises(InputError) as caught:
        passwords.hash(password)
    assert caught.value.todo
    assert len(password) < MIN_PASSWORD or password not in str(caught.value)


@pytest.mark.parametrize("password", ["a" * MIN_PASSWORD, "a" * MAX_PASSWORD, "æ" * (MIN_PASSWORD // 2)])
def test_a_password_at_the_bounds(passwords: Passwords, password: str) -> None:
    assert passwords.verify(passwords.hash(password), password, START)


def test_two_hashes_of_one_password_differ(passwords: Passwords) -> None:
    assert passwords.hash(RIGHT) != passwords.hash(RIGHT)


def test_a_right_password_is_believed_for_a_minute(passwords: Passwords, hasher: CountingHasher) -> None:
    hashed = passwords.hash(RIGHT)
    for at, runs in (
        (START, 1),
        (START + 1, 1),
        (START + CACHE_LIFETIME - 1, 1),  # looking does not prolong it
        (START + CACHE_LIFETIME, 2),
        (START + 2 * CACHE_LIFETIME - 1, 2),
        (START, 3),  # the clock was set back
    ):
        assert passwords.verify(hashed, RIGHT, at)
        assert hasher.verified == runs


def test_a_wrong_password_is_never_remembered(passwords: Passwords, hasher: CountingHasher) -> None:
    hashed = passwords.hash(RIGHT)
    passwords.verify(hashed, RIGHT, START)
    for runs in (2, 3):
        assert not passwords.verify(hashed, WRONG, START)
        assert hasher.verified == runs


def test_a_password_set_anew_is_not_the_one_remembered(passwords: Passwords, hasher: CountingHasher) -> None:
    old, new = passwords.hash(RIGHT), passwords.hash(WRONG)
    assert passwords.verify(old, RIGHT, START)
    assert not passwords.verify(new, RIGHT, START)
    assert passwords.verify(passwords.hash(RIGHT), RIGHT, START)
    assert hasher.verified == 3


def test_nobodys_password_is_never_right_and_costs_the_same(passwords: Passwords, hasher: CountingHasher) -> None:
    for runs in (1, 2, 3):
        assert not passwords.verify(None, RIGHT, START)
        assert hasher.verified == runs


def test_the_memory_is_bounded(passwords: Passwords, hasher: CountingHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords_module, "CACHE_SIZE", 2)
    hashes = [passwords.hash(RIGHT) for _ in range(3)]
    for hashed in hashes:
        passwords.verify(hashed, RIGHT, START)
    assert len(passwords._right) == 2
    passwords.verify(hashes[2], RIGHT, START)
    assert hasher.verified == 3
    passwords.verify(hashes[0], RIGHT, START)
    assert hasher.verified == 4


def test_the_memory_holds_no_password(passwords: Passwords) -> None:
    hashed = passwords.hash(RIGHT)
    passwords.verify(hashed, RIGHT, START)
    assert all(RIGHT.encode() not in mark and len(mark) == 32 for mark in passwords._right)


def test_a_hash_that_is_none_is_a_broken_store(passwords: Passwords) -> None:
    for broken in ("x", "$argon2id$v=19$m=8,t=1,p=1$AAAA"):
        with pytest.raises(StoreBrokenError):
            passwords.verify(broken, RIGHT, START)
    assert not passwords.verify(None, RIGHT, START)  # nothing is left occupied


def test_who_comes_when_all_is_full_is_told_to_come_back() -> None:
    hasher = GatedHasher()
    passwords = Passwords(entropy=SeededEntropy(1), hasher=hasher, at_once=2, waiting=0)
    hashed = passwords.hash(RIGHT)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(passwords.verify, hashed, RIGHT, START) for _ in range(2)]
        for _ in answers:
            assert hasher.inside.acquire(timeout=30)
        with pytest.raises(BusyError) as caught:
            passwords.verify(hashed, WRONG, START)
        assert caught.value.todo
        with pytest.raises(BusyError):
            passwords.hash(RIGHT)
        hasher.gate.set()
        assert [answer.result(30) for answer in answers] == [True, True]
    assert passwords.verify(hashed, RIGHT, START)  # remembered: needs no room
    assert not passwords.verify(hashed, WRONG, START)  # and there is room again


def test_so_many_run_at_once_and_the_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = GatedHasher()
    passwords = Passwords(entropy=SeededEntropy(1), hasher=hasher, at_once=2, waiting=6)
    hashed = passwords.hash(RIGHT)
    hasher.gate.set()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: passwords.verify(hashed, WRONG, START), range(8)))
    assert answers == [False] * 8
    assert hasher.verified == 8
    assert hasher.most <= 2


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before
