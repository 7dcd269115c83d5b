"""Versions of one owner: what later ones keep, revoking for ever, and what the sender is told of references and ids."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st

from support.sharing import CREATED, bundle, indicator, known_marks, stamp, terms_mark
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import InputError
from tocsin.exchange.model import Outcome, Receipt
from tocsin.exchange.relations import references, stricter
from tocsin.exchange.remarks import OTHER_ID
from tocsin.exchange.stix import ParsedObject, parse_object
from tocsin.exchange.stix.deterministic import CONTRIBUTING, NAMESPACE, deterministic_id, id_of_text
from tocsin.exchange.stix.model import SCO_TYPES
from tocsin.exchange.uncertainty import ADMIRALTY_EXTENSION
from tocsin.exchange.versions import STILL_REVOKED, History, check_version
from tocsin.kernel.canonical import canonical_json
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support.hub import World
    from support.treaty import Templates

CREATOR: Final = "identity--00000000-0000-4000-8000-000000000001"
TLP: Final = {mark.tlp: mark for mark in known_marks() if mark.tlp is not None}


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    opened = hubs.world()
    yield opened
    hubs.drop(opened)


def _version(number: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401  an object's own properties
    return indicator(1, version=number) | more


REVOKED: Final = {"revoked": True}
ORDERS: Final[dict[str, tuple[Sequence[dict[str, Any]], Sequence[str]]]] = {
    "one after the other": ([_version(1), _version(2)], ["accepted", "accepted"]),
    "an earlier one arrives late": ([_version(2), _version(1)], ["accepted", "accepted"]),
    "revoked, then again": ([_version(1), _version(2, **REVOKED), _version(3)], ["accepted", "accepted", "revoked"]),
    "revoked, and one from before arrives late": ([_version(2, **REVOKED), _version(1)], ["accepted", "accepted"]),
    "revoked, and revoked": ([_version(1, **REVOKED), _version(2, **REVOKED)], ["accepted", "accepted"]),
    "revoked too early": ([_version(3), _version(2, **REVOKED)], ["accepted", "modified"]),
    "revoked from the start": ([_version(1, **REVOKED), _version(2)], ["accepted", "revoked"]),
    "the same once more": ([_version(1, **REVOKED), _version(1, **REVOKED)], ["accepted", "repeated"]),
    "refused ones count for nothing": (
        [_version(1), _version(2, created=stamp(CREATED + 1_000_000), **REVOKED), _version(3)],
        ["accepted", "created", "accepted"],
    ),
    "another birth": ([_version(1), _version(2, created=stamp(CREATED + 1_000_000))], ["accepted", "created"]),
    "the same birth, written longer": (
        [_version(1), _version(2, created=stamp(CREATED).replace("Z", "000Z"))],
        ["accepted", "accepted"],
    ),
    "another creator": ([_version(1, created_by_ref=CREATOR), _version(2)], ["accepted", "created_by_ref"]),
    "a creator where there was none": (
        [_version(1), _version(2, created_by_ref=CREATOR)],
        ["accepted", "created_by_ref"],
    ),
}


@pytest.mark.parametrize("together", ["in one bundle", "one by one"])
@pytest.mark.parametrize("case", ORDERS)
def test_what_becomes_of_versions(case: str, together: str, world: World) -> None:
    versions, expected = ORDERS[case]
    if together == "in one bundle":
        results = list(world.share("alfa", bundle(versions)).results)
    else:
        results = [world.share("alfa", bundle([one])).results[0] for one in versions]
    found = [
        str(result.where).rpartition(".")[2] if result.outcome is Outcome.REFUSED else str(result.outcome)
        for result in results
    ]
    assert found == list(expected)
    noted = [STILL_REVOKED in result.notes for result in results]
    assert noted == [case == "revoked, and revoked" and index == 1 for index in range(len(versions))]


def test_what_another_party_revoked_binds_nobody_else(world: World) -> None:
    assert world.share("bravo", bundle([_version(1, **REVOKED)])).count(Outcome.ACCEPTED) == 1
    for party, one in (("alfa", _version(2)), ("coast", _version(3, created=stamp(CREATED + 1_000_000)))):
        receipt = world.share(party, bundle([one]))
        assert receipt.count(Outcome.ACCEPTED) == 1
        assert receipt.results[0].notes == ()


histories = st.builds(
    History,
    version=st.integers(0, 3),
    created=st.integers(0, 1),
    created_by_ref=st.none() | st.just(CREATOR),
    revoked=st.booleans(),
)


@given(st.lists(histories, min_size=1, max_size=6, unique_by=lambda one: one.version))
def test_whatever_arrives_in_whatever_order_what_was_revoked_stays_so(arriving: list[History]) -> None:
    last: History | None = None
    taken: list[History] = []
    for one in arriving:
        try:
            if last is not None:
                check_version(one, last)
        except InputError:
            continue
        taken.append(one)
        last = max(taken, key=lambda history: history.version)
    assert len({(one.created, one.created_by_ref) for one in taken}) == 1
    assert last is not None
    assert last.revoked is any(one.revoked for one in taken)


# --- references ------------------------------------------------------------------------------------------------------


def _relationship(source: str, target: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": "relationship--00000000-0000-4000-8000-000000000009",
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
        "relationship_type": "related-to",
        "source_ref": source,
        "target_ref": target,
        **more,
    }


def _about(receipt: Receipt) -> list[str]:
    return [note for result in receipt.results for note in result.notes if note.startswith("refers to")]


NAMED: Final = terms_mark(recipients=("bravo",))


@pytest.mark.parametrize("together", ["in one bundle", "one by one"])
@pytest.mark.parametrize(
    ("target", "relation", "told"),
    [
        (["amber"], ["green"], 1),
        (["amber"], ["amber"], 0),
        (["green"], ["amber"], 0),
        (["amber", NAMED], ["amber"], 1),
        (["amber", NAMED], ["amber", NAMED], 0),
    ],
    ids=str,
)
def test_the_sender_is_told_of_its_own_stricter_ends(
    target: list[Any], relation: list[Any], told: int, together: str, world: World
) -> None:
    marks = [[TLP[one] if isinstance(one, str) else one for one in said] for said in (target, relation)]
    one = indicator(1, marked=marks[0])
    two = indicator(2, marked=[TLP["clear"]])
    link = _relationship(two["id"], one["id"], object_marking_refs=[mark.id for mark in marks[1]])
    if together == "in one bundle":
        receipt = world.share("alfa", bundle([link, one, two], marked=[NAMED]))
    else:
        world.share("alfa", bundle([one, two], marked=[NAMED]))
        receipt = world.share("alfa", bundle([link]))
    assert [one["id"] in note for note in _about(receipt)] == [True] * told


def test_nobody_is_told_of_another_party_s_ends(world: World) -> None:
    hidden = indicator(1, marked=[TLP["amber"], NAMED])
    link = _relationship(hidden["id"], indicator(2)["id"], object_marking_refs=[TLP["clear"].id])
    before = world.share("coast", bundle([link]))
    world.share("alfa", bundle([hidden], marked=[NAMED]))
    after = world.share("coast", bundle([link | {"modified": stamp(CREATED + DAY)}]))
    assert [result.notes for result in before.results] == [result.notes for result in after.results] == [()]


labels = st.builds(
    Label,
    owner=st.just("https://alfa.example"),
    type=st.just("indicator"),
    tlp=st.sampled_from(Tlp),
    categories=st.frozensets(st.sampled_from("ab")),
    residency=st.none() | st.sampled_from("xy"),
    recipients=st.frozensets(st.sampled_from("pq")),
    classification=st.none() | st.sampled_from(["restricted", "secret"]),
    unknown_marking=st.booleans(),
)


@given(labels, labels, labels)
def test_stricter_is_no_circle(one: Label, two: Label, three: Label) -> None:
    assert not stricter(one, one)
    assert not stricter(one, msgspec.structs.replace(one))
    # what is not withheld from whoever has the second, nor that from whoever has the third, is not from them either
    if not stricter(one, two) and not stricter(two, three):
        assert not stricter(one, three)


def test_every_reference_of_the_specification_is_one() -> None:
    parsed = parse_object(
        json.dumps(
            {
                "type": "sighting",
                "spec_version": "2.1",
                "id": "sighting--00000000-0000-4000-8000-000000000001",
                "created": stamp(CREATED),
                "modified": stamp(CREATED),
                "created_by_ref": CREATOR,
                "object_marking_refs": [TLP["red"].id],
                "sighting_of_ref": indicator(1)["id"],
                "where_sighted_refs": [CREATOR],
                "observed_data_refs": ["observed-data--00000000-0000-4000-8000-000000000002"],
            }
        ).encode()
    )
    assert isinstance(parsed, ParsedObject)
    assert set(references(parsed.obj)) == {
        indicator(1)["id"],
        CREATOR,
        "observed-data--00000000-0000-4000-8000-000000000002",
    }


# --- ids of observables ----------------------------------------------------------------------------------------------

OBSERVABLES: Final[dict[str, dict[str, Any]]] = {
    "ipv4-addr": {"value": "198.51.100.3"},
    "ipv6-addr": {"value": "2001:db8::1"},
    "domain-name": {"value": "example.com"},
    "url": {"value": "https://example.com/a?b=\u00e4"},
    "mac-addr": {"value": "d2:fb:49:24:37:18"},
    "email-addr": {"value": "a@example.com", "display_name": "does not count"},
    "mutex": {"name": 'a "quoted" \\ one\tand a tab \u0001'},
    "autonomous-system": {"number": 15139, "name": "does not count"},
    "directory": {"path": "C:\\Windows"},
    "file": {"hashes": {"SHA-256": "a" * 64, "MD5": "b" * 32}, "name": "a.exe", "size": 7},
    "artifact": {"hashes": {"SHA-512": "c" * 128, "SHA-1": "d" * 40}, "url": "https://example.com"},
    "software": {"name": "Word", "version": "1", "languages": ["en"]},
    "user-account": {"user_id": "1001", "account_login": "jdoe", "account_type": "unix"},
    "windows-registry-key": {
        "key": "HKEY_LOCAL_MACHINE\\Foo",
        "values": [{"name": "a", "data": "q", "data_type": "REG_SZ"}],
    },
    "network-traffic": {
        "src_ref": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
        "protocols": ["tcp"],
        "src_port": 80,
    },
    "x509-certificate": {"serial_number": "36:f7:d4", "issuer": "x"},
    "email-message": {"is_multipart": False, "subject": "s", "body": "b"},
}


@pytest.mark.parametrize("kind", OBSERVABLES)
def test_the_id_is_the_one_that_the_oracle_makes(kind: str) -> None:
    raw = {"type": kind, "spec_version": "2.1", **OBSERVABLES[kind]}
    oracle = stix2.parse(raw | {"id": f"{kind}--{uuid.uuid5(NAMESPACE, 'x')}"}, version="2.1", allow_custom=True)
    assert deterministic_id(raw) == oracle._generate_id()


def test_the_one_that_the_specification_prints() -> None:
    # §2.9; that of §6.8 for the same address is another, and follows no rule
    assert deterministic_id(OBSERVABLES["ipv4-addr"] | {"type": "ipv4-addr"}) == (
        "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
    )


def test_every_type_of_observable_has_its_properties() -> None:
    assert set(CONTRIBUTING) == {*OBSERVABLES, "process"}
    for kind, names in CONTRIBUTING.items():
        assert set(names) <= set(SCO_TYPES[kind].__struct_fields__)


@given(st.sampled_from(["ipv4-addr", "domain-name", "url", "mutex"]), st.text(max_size=20))
def test_the_fast_way_gives_the_same_id(kind: str, text: str) -> None:
    (name,) = CONTRIBUTING[kind]
    slow = deterministic_id({"type": kind, name: text})
    assert id_of_text(kind, text) == slow
    assert slow == f"{kind}--{uuid.uuid5(NAMESPACE, canonical_json({name: text}).decode())}"
    assert id_of_text("file", text) is None


@pytest.mark.parametrize(
    "raw",
    [{}, {"type": "process", "pid": 7}, {"type": "x-other", "value": "a"}, {"type": "file", "size": 7}, {"type": []}],
)
def test_what_has_nothing_to_make_an_id_from_gets_none(raw: dict[str, Any]) -> None:
    assert deterministic_id(raw) is None


IDS: Final = {
    "its own": ("ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", False),
    "its own in capitals": ("ipv4-addr--28BB3599-77CD-5A82-A950-B5BC3CAF07C4", False),
    "another of version 5": ("ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742de", True),
    "a random one": ("ipv4-addr--ff26c055-6336-4bc5-b98d-13d6226742de", False),
}


@pytest.mark.parametrize("case", IDS)
def test_an_id_that_is_not_the_expected_one_is_noted_and_taken(case: str, world: World) -> None:
    own, noted = IDS[case]
    receipt = world.share(
        "alfa", bundle([{"type": "ipv4-addr", "spec_version": "2.1", "id": own, "value": "198.51.100.3"}])
    )
    assert receipt.results[0].outcome is Outcome.ACCEPTED
    assert receipt.results[0].notes == ((OTHER_ID,) if noted else ())


# --- the Admiralty code ----------------------------------------------------------------------------------------------

CODES: Final[dict[str, tuple[dict[str, Any], dict[str, Any], str]]] = {
    "consistent": ({"source_reliability": "B", "information_credibility": 2}, {"confidence": 70}, ""),
    "alone": ({"information_credibility": 6}, {}, ""),
    "contradicts": ({"information_credibility": 5}, {"confidence": 90}, "reads as 1 - Confirmed"),
    "not to be judged": ({"information_credibility": 6}, {"confidence": 90}, "cannot be judged"),
}


@pytest.mark.parametrize("case", CODES)
def test_a_code_is_taken_as_it_is_and_what_contradicts_it_is_noted(case: str, world: World) -> None:
    code, more, told = CODES[case]
    extensions = {ADMIRALTY_EXTENSION: {"extension_type": "property-extension", **code}}
    shared = _version(1, extensions=extensions, **more)
    (result,) = world.share("alfa", bundle([shared])).results
    assert result.outcome is Outcome.ACCEPTED
    assert bool(told) == bool(result.notes)
    assert all(told in note for note in result.notes)
    ((_, body),) = world.read("bravo")
    assert json.loads(body) == shared


def test_a_code_that_is_none_is_refused(world: World) -> None:
    extensions = {ADMIRALTY_EXTENSION: {"extension_type": "property-extension", "source_reliability": "Z"}}
    (result,) = world.share("alfa", bundle([_version(1, extensions=extensions)])).results
    assert result.outcome is Outcome.REFUSED
    assert result.where == f"objects[0].extensions.{ADMIRALTY_EXTENSION}.source_reliability"
