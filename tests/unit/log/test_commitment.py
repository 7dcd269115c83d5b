"""Commitments: their definition, and that nothing else opens them."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError
from tocsin.log.commitment import (
    ENTRY_BYTES,
    SALT_BYTES,
    commit_content,
    commit_entry,
    content_text,
    opens_content,
    opens_entry,
)

salts = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)


@given(salts, st.binary(max_size=200))
def test_the_definition(salt: bytes, message: bytes) -> None:
    entry = commit_entry(salt=salt, payload=message)
    assert entry == b"\x01" + sha256(b"tocsin/entry/v1\n" + salt + message).digest()
    assert len(entry) == ENTRY_BYTES
    content = commit_content(salt=salt, body=message)
    assert content == sha256(b"tocsin/content/v1\n" + salt + message).digest()
    assert b64decode(content_text(content)) == content
    assert entry[1:] != content


def test_known_answers() -> None:
    salt = bytes(range(32))
    assert commit_entry(salt=salt, payload=b"payload").hex() == (
        "01" + "5950ae8dbd02b8e4c34579758753c916144a4e39cd3cef6a177311f29e28be9a"
    )
    assert (
        commit_content(salt=salt, body=b"body").hex()
        == "3b6c10e0e2045d19ddebc344c9ade154b6071482868417337510abcd690a5a7b"
    )


@given(salts, st.binary(max_size=60), st.data())
def test_only_the_same_salt_and_message_open(salt: bytes, message: bytes, data: st.DataObject) -> None:
    entry, content = commit_entry(salt=salt, payload=message), commit_content(salt=salt, body=message)
    assert opens_entry(entry, salt=salt, payload=message)
    assert opens_content(content, salt=salt, body=message)
    other_salt = data.draw(st.binary(max_size=40).filter(lambda other: other != salt))
    other_message = data.draw(st.binary(max_size=60).filter(lambda other: other != message))
    for wrong_salt, wrong_message in ((other_salt, message), (salt, other_message), (salt[:-1], salt[-1:] + message)):
        assert not opens_entry(entry, salt=wrong_salt, payload=wrong_message)
        assert not opens_content(content, salt=wrong_salt, body=wrong_message)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_opened_by_nothing(version: int) -> None:
    salt = b"s" * SALT_BYTES
    entry = commit_entry(salt=salt, payload=b"payload")
    assert not opens_entry(bytes([version]) + entry[1:], salt=salt, payload=b"payload")
    assert not opens_entry(entry[1:], salt=salt, payload=b"payload")
    assert not opens_entry(b"", salt=salt, payload=b"payload")


@pytest.mark.parametrize("salt", [b"", b"s" * 31, b"s" * 33])
def test_a_salt_has_one_length(salt: bytes) -> None:
    with pytest.raises(InputError, match="32 bytes"):
        commit_entry(salt=salt, payload=b"")
    with pytest.raises(InputError, match="32 bytes"):
        commit_content(salt=salt, body=b"")
