"""Bills of materials from files: which format it is, as strict JSON. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.errors import InputError, MapError, MapFault
from tocsin.exchange.stix.ijson import check_text, not_json, outline, quotes, scan
from tocsin.exchange.stix.limits import Limits
from tocsin.map.supply import cyclonedx, spdx, spdx3
from tocsin.map.supply.draft import Draft, ReadBill

if TYPE_CHECKING:
    from tocsin.map.supply.model import Part

__all__ = ["LIMITS", "read_bill"]

# An image of a server with all of its files listed is some 30 MB; parts nest as their makers do, rarely past five.
LIMITS: Final = Limits(max_bytes=64 * 1024 * 1024, max_depth=64, max_values=2_000_000)
_FORMS: Final = (
    f"CycloneDX JSON {', '.join(cyclonedx.VERSIONS)}; {', '.join(spdx.VERSIONS)} or {spdx3.VERSIONS} as JSON"
)


def read_bill(data: bytes, *, name: str, product: Part | None = None) -> ReadBill:
    """Return the bill that a document is; ``name`` stands before each fault.

    ``product``: what the bill is about, where the document does not say, or says otherwise.

    Raises:
        LimitError: it is larger, deeper or more than we take.
        InputError: it is no JSON, or some that not every program reads alike (I-JSON, RFC 7493).
        MapError: it is no bill that we read; with every fault. There is then no bill at all.
    """
    root = _strict(data)
    draft = Draft(name=name)
    if not isinstance(root, dict):
        draft.wrong("the document", "is no object", _FORMS)
        raise MapError(tuple(draft.faults))
    if root.get("bomFormat") == "CycloneDX":
        form = cyclonedx.read_cyclonedx(draft, root, product)
    elif "spdxVersion" in root:
        form = spdx.read_spdx(draft, root, product)
    elif spdx3.is_three(root):
        form = spdx3.read_spdx3(draft, root, product)
    else:
        raise MapError((MapFault(at=f"{name}: the document", cause="neither of the two", expected=_FORMS),))
    bill = draft.bill()
    return ReadBill(
        bill=bill,
        form=form,
        sha256=hashlib.sha256(data).hexdigest(),
        left=tuple(sorted(draft.left.items())),
        notes=tuple(draft.notes),
    )


def _strict(data: bytes) -> Any:  # noqa: ANN401  whatever JSON holds
    check_text(data, LIMITS)
    seen = outline(data, LIMITS)
    try:
        root = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise not_json(data, error) from error
    # a parser keeps one of two equal names, and the text that it writes has fewer quotes then
    if quotes(msgspec.json.encode(root)) != seen.quotes:
        flaw = next(iter(scan(data, most=1)), None)
        raise InputError(
            "a name stands twice in one object" if flaw is None else flaw.what,
            where=None if flaw is None else flaw.where,
            todo="write each name once (RFC 7493, section 2.3)",
        )
    return root
