"""An account as bytes: one JSON document, and the hub's signature over what tells it from every other."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError, LimitError, LogBrokenError
from tocsin.exchange.account.model import Account
from tocsin.log.note import VerifierKey, open_note, sign_note

if TYPE_CHECKING:
    from tocsin.log.note import NoteSigner

__all__ = ["DOMAIN", "MAX_ACCOUNT_BYTES", "decode_account", "encode_account"]

# The first line sets an account apart from all else that the same key signs.
DOMAIN: Final = "tocsin/account/v1"
# Some hundred bytes for each release: more than any party's that we know.
MAX_ACCOUNT_BYTES: Final = 512 * 1024 * 1024

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account: Account
    vkey: str
    note: str


_DECODER: Final = msgspec.json.Decoder(_Document)


def encode_account(account: Account, signer: NoteSigner) -> bytes:
    """Return an account with the hub's signature under it."""
    note = sign_note(_text(account), signer).decode()
    return msgspec.json.format(
        _ENCODER.encode(_Document(account=account, vkey=signer.key.encode(), note=note)), indent=1
    )


def decode_account(data: bytes, *, trusted_vkey: str | None = None) -> tuple[Account, bool]:
    """Read an account and check who signed it; returns it, and whether the key came from the caller.

    Raises:
        InputError: it is no account, or the key is none. LimitError: it is larger than any.
        LogBrokenError: the signature is not that key's over this account.
    """
    if len(data) > MAX_ACCOUNT_BYTES:
        raise LimitError(f"an account has at most {MAX_ACCOUNT_BYTES} bytes", where="account")
    try:
        document = _DECODER.decode(data)
    except msgspec.MsgspecError as error:
        raise InputError(f"this is no account: {error}", where="account") from error
    key = VerifierKey.parse(document.vkey if trusted_vkey is None else trusted_vkey)
    account = document.account
    text = open_note(document.note.encode(), keys=(key,), where="account").text
    if key.name != account.origin or text != _text(account):
        raise LogBrokenError("what is signed is another account", where="account")
    return account, trusted_vkey is not None


def _text(account: Account) -> str:
    digest = sha256(_ENCODER.encode(account)).digest()
    lines = (
        DOMAIN,
        account.origin,
        str(account.size),
        b64encode(account.root).decode(),
        account.party,
        str(len(account.releases)),
        b64encode(digest).decode(),
    )
    return "\n".join(lines) + "\n"
