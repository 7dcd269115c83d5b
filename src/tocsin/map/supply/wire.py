"""Bills of materials as STIX 2.1 objects, and back: what members share of them under their agreements. Pure.

One extension-definition of ours brings two types (STIX 2.1 §7.3, ``new-sdo``; it is in ``docs/supply-chains.md``):

| type | one object for |
|---|---|
| ``bill-of-materials`` | one product in one version, with all its parts |
| ``asset-bill`` | one asset that has that product |

An object is one party's word, and its id follows from what it is about and whose word it is, as those of the map do.
A bill is one object, since what its parts hold is true within it alone, and half a bill would read as "not affected".
"""

from __future__ import annotations

import enum
import re
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec

from tocsin.errors import InputError, MapError
from tocsin.kernel.canonical import canonical_json
from tocsin.kernel.clock import Micros, format_instant, parse_instant
from tocsin.map.frame import FRAME, Frame, framed, plain, read_framed, require_id
from tocsin.map.supply.model import MOST_PARTS, MOST_STATEMENTS, Bill, Part, Statement, faults
from tocsin.map.wire import is_asset_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.kernel.canonical import Json
    from tocsin.map.wire import Told

__all__ = [
    "EXTENSION",
    "MOST_BYTES",
    "TYPES",
    "AnyWord",
    "BillWord",
    "FitWord",
    "Form",
    "bill_id",
    "encode_bill",
    "encode_fit",
    "fit_id",
    "is_bill_id",
    "read_word",
    "retired",
]

EXTENSION: Final = "extension-definition--e45b1a6e-3a51-4d56-9d2f-0c6f7a1b8d34"
_NAMESPACE: Final = uuid.UUID("1f1f0f37-6c0d-4a8e-8b83-5f4f6f2f9a61")
# Twenty thousand parts with a purl each are some three million bytes.
MOST_BYTES: Final = 8_000_000
_BILL_ID: Final = re.compile(r"bill-of-materials--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Form(enum.StrEnum):
    """The types that the extension brings."""

    BILL = "bill-of-materials"
    FIT = "asset-bill"


TYPES: Final = frozenset(str(form) for form in Form)


class BillWord(msgspec.Struct, frozen=True, kw_only=True):
    """What one party says of one product. ``bill`` is None where it is retired: it says this no more."""

    id: str
    by: str
    modified: Micros
    tlp: str = ""
    bill: Bill | None = None


class FitWord(msgspec.Struct, frozen=True, kw_only=True):
    """That an asset (its STIX id) has the product of a bill (its STIX id), as one party says."""

    id: str
    by: str
    modified: Micros
    asset: str
    bill: str
    tlp: str = ""
    retired: bool = False


AnyWord: TypeAlias = BillWord | FitWord


def bill_id(product: Part, by: str) -> str:
    """Return the STIX id of a party's bill of a product: whoever knows all of it can say it."""
    return _id(Form.BILL, product.supplier, product.name, product.version, by)


def fit_id(asset: str, bill: str, by: str) -> str:
    """Return the STIX id of a party's word that an asset has a product."""
    return _id(Form.FIT, asset, bill, by)


def is_bill_id(text: str) -> bool:
    """Return whether a text has the form of a bill's STIX id."""
    return _BILL_ID.fullmatch(text) is not None


def _id(form: Form, *about: str) -> str:
    return f"{form}--{uuid.uuid5(_NAMESPACE, canonical_json([str(form), *about]).decode())}"


# --- values become objects -------------------------------------------------------------------------------------------


def encode_bill(bill: Bill, *, by: str, at: Micros, tlp: str | None) -> dict[str, Json]:
    """Return a bill as one party's word of now; ``tlp``: the id of its marking-definition.

    Raises:
        MapError: every fault of the bill. InputError: it is larger than one object may be.
    """
    found = tuple(faults(bill))
    if found:
        raise MapError(found)
    content: dict[str, Json] = {
        "name": bill.product.name,
        "parts": [plain(part) for part in bill.parts],
    }
    if bill.statements:
        content["statements"] = [plain(one) for one in bill.statements]
    told = _object(Form.BILL, bill_id(bill.product, by), content, at=at, tlp=tlp)
    size = len(msgspec.json.encode(told))
    if size > MOST_BYTES:
        raise InputError(
            f"the bill has {size:,} bytes", where=bill.product.name[:80], todo=f"at most {MOST_BYTES:,}: split it"
        )
    return told


def encode_fit(asset: str, bill: str, *, by: str, at: Micros, tlp: str | None) -> dict[str, Json]:
    """Return one party's word that an asset has a product, both by STIX id."""
    content: dict[str, Json] = {"asset_ref": asset, "bill_ref": bill}
    return _object(Form.FIT, fit_id(asset, bill, by), content, at=at, tlp=tlp)


def retired(body: bytes, *, at: Micros) -> dict[str, Json]:
    """Return the version of an own object that says: no more. Of what it said, only what it is about stays.

    Of a bill, the product (part 0), since the id follows from it.
    """
    before: dict[str, Any] = msgspec.json.decode(body)
    kept = FRAME | {"name", "asset_ref", "bill_ref"}
    after: dict[str, Json] = {name: value for name, value in before.items() if name in kept}
    if before["type"] == Form.BILL:
        product = msgspec.convert(before["parts"][0], Part)
        after["parts"] = [plain(Part(name=product.name, version=product.version, supplier=product.supplier))]
    return after | {"modified": format_instant(at), "retired": True}


def _object(form: Form, id_: str, content: Mapping[str, Json], *, at: Micros, tlp: str | None) -> dict[str, Json]:
    return framed(form, id_, content, extension=EXTENSION, at=format_instant(at), tlp=tlp)


# --- an object becomes a word ----------------------------------------------------------------------------------------


class _Frame(Frame, frozen=True, kw_only=True):
    type: Form


class _Bill(_Frame, frozen=True, kw_only=True):
    parts: Annotated[tuple[Part, ...], msgspec.Meta(min_length=1, max_length=MOST_PARTS)]
    statements: Annotated[tuple[Statement, ...], msgspec.Meta(max_length=MOST_STATEMENTS)] = ()


class _Fit(_Frame, frozen=True, kw_only=True):
    asset_ref: str
    bill_ref: str


def read_word(told: Told) -> AnyWord:
    """Return what an object says.

    Raises:
        InputError: it is none of ours, breaks a rule, or has an id that only another party's word has.
    """

    def read(body: bytes) -> AnyWord:
        return _bill(told) if msgspec.json.decode(body, type=_Frame).type is Form.BILL else _fit(told)

    return read_framed(told.body, read, most=MOST_BYTES, what="a bill")


def _bill(told: Told) -> BillWord:
    read = msgspec.json.decode(told.body, type=_Bill)
    bill = Bill(parts=read.parts, statements=read.statements)
    require_id(read, bill_id(bill.product, told.by))
    found = next(faults(bill), None)
    if found is not None:
        raise InputError(f"{found.cause}; expected {found.expected}", where=found.at)
    return BillWord(
        id=read.id,
        by=told.by,
        modified=parse_instant(read.modified),
        tlp=told.tlp,
        bill=None if read.gone else bill,
    )


def _fit(told: Told) -> FitWord:
    read = msgspec.json.decode(told.body, type=_Fit)
    if not is_asset_id(read.asset_ref):
        raise InputError("this is no id of an asset", where="asset_ref")
    if not is_bill_id(read.bill_ref):
        raise InputError("this is no id of a bill", where="bill_ref")
    require_id(read, fit_id(read.asset_ref, read.bill_ref, told.by))
    return FitWord(
        id=read.id,
        by=told.by,
        modified=parse_instant(read.modified),
        tlp=told.tlp,
        asset=read.asset_ref,
        bill=read.bill_ref,
        retired=read.gone,
    )
