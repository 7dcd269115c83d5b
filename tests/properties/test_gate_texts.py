"""What is written into policies, and read from documents, whoever wrote it."""

from __future__ import annotations

import copy
import json
from typing import Any, Final

import cedarpy
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.agreement_strategies import contents
from support.agreement_texts import PLAIN
from tocsin.agreements.cedar import Policy, any_of, entity, policy_text, quoted, schema
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import (
    AgreementDocument,
    LabelTerms,
    PartyEntry,
    ReaderTerms,
    Signed,
    parse_agreement,
    public_key_of,
    sign_document,
    verify_signature,
)
from tocsin.agreements.model import Effect
from tocsin.errors import AgreementError, ForbiddenError, InputError, LimitError, Problem

CASES = settings(max_examples=100, deadline=None)

HOSTILE: Final = (
    '"',
    "\\",
    '\\"',
    '");permit(principal,action,resource);//',
    '"].contains(resource.type) || true || ["',
    "\n",
    '\r\n@id("x")',
    "*",
    "\\*",
    "\0",
    "\u202e",
    "\u2028",
    "ä",
    "\U0001d4b3",
    "//",
    "/* */",
    "${x}",
    "?principal",
)
TEXTS: Final = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)


def _asks(policy: str, label_type: str) -> cedarpy.AuthzResult:
    entities = [
        {"uid": {"type": "R", "id": "r"}, "attrs": {}, "parents": []},
        {"uid": {"type": "L", "id": "l"}, "attrs": {"type": label_type}, "parents": []},
    ]
    request = {
        "principal": {"type": "R", "id": "r"},
        "action": {"type": "Tocsin::Action", "id": "read"},
        "resource": {"type": "L", "id": "l"},
    }
    return cedarpy.is_authorized(request, policy, entities)


@CASES
@given(TEXTS, TEXTS)
def test_a_quoted_text_means_exactly_itself(text: str, other: str) -> None:
    bare = Policy(id=text, effect=Effect.ALLOW, clause=other, text="")
    policy = policy_text(bare, when=[any_of([quoted(text)], "resource.type")])
    answer = _asks(policy, text)
    assert answer.allowed
    assert list(answer.diagnostics.id_annotations_by_reason.values()) == [text]
    assert _asks(policy, other).allowed is (other == text)


@CASES
@given(TEXTS)
def test_a_quoted_text_stays_on_its_line_and_prints_plainly(text: str) -> None:
    literal = quoted(text)
    assert literal.isascii()
    assert literal.isprintable()
    assert '"' not in literal[1:-1]


def test_half_a_surrogate_pair_has_no_literal() -> None:
    with pytest.raises(InputError):
        quoted("a\ud800")


def _hostile(document: AgreementDocument, text: str) -> AgreementDocument:
    """Return a document in which every word of every clause is one text, as no parser would let it be."""
    words = (text, "word")
    label = LabelTerms(
        type=words, category=words, without=words, sectors=words, countries=words, residency=words, owner=(text,)
    )
    reader = ReaderTerms(
        parties=(text,),
        capacity=words,
        role=words,
        sectors=words,
        countries=words,
        kind=words,
        communities=words,
        nationality=words,
        data_region=words,
        purpose=words,
        addressed=True,
    )
    permit, forbid = document.clauses
    return msgspec.structs.replace(
        document,
        name=text,
        purposes=words,
        parties=(PartyEntry(name=text),),
        clauses=(
            msgspec.structs.replace(permit, id=text, to=reader, of=label, purposes=words, rests_on=words),
            msgspec.structs.replace(forbid, id=f"{text}2", to=reader, of=label, unless=reader),
        ),
    )


DOCUMENT: Final = parse_agreement(PLAIN.encode(), where="plain").document


@CASES
@given(TEXTS, TEXTS)
def test_a_clause_becomes_one_policy_whatever_its_words_are(text: str, uri: str) -> None:
    document = _hostile(DOCUMENT, text)
    compiled = compile_agreement(document, {text: uri})
    whole = "\n".join(policy.text for policy in compiled)
    assert cedarpy.validate_policies(whole, schema()).validation_passed
    parsed = json.loads(cedarpy.policies_to_json_str(whole))["staticPolicies"]
    assert len(parsed) == len(document.clauses)
    for policy, clause in zip(
        sorted(parsed.values(), key=lambda one: str(one["effect"]), reverse=True), document.clauses, strict=True
    ):
        assert policy["annotations"]["id"] == f"{text}/1/{clause.id}"
        assert policy["annotations"]["agreement"] == text
        assert policy["annotations"]["clause"] == clause.id
        assert policy["effect"] == str(clause.verb)
        assert policy["principal"] == {"op": "All"}
        assert policy["resource"] == {"op": "All"}


def test_what_the_annotations_hold() -> None:
    permit, forbid = compile_agreement(DOCUMENT, {})
    told = json.loads(cedarpy.policies_to_json_str(permit.text))["staticPolicies"]["policy0"]["annotations"]
    assert told == {
        "id": "two-towns/1/1.1",
        "agreement": "two-towns",
        "version": "1",
        "clause": "1.1",
        "legal_basis": "law",
    }
    told = json.loads(cedarpy.policies_to_json_str(forbid.text))["staticPolicies"]["policy0"]["annotations"]
    assert told == {"id": "two-towns/1/2", "agreement": "two-towns", "version": "1", "clause": "2"}
    assert entity("Party", 'a"b') == 'Tocsin::Party::"a\\u{22}b"'


@CASES
@given(contents())
def test_the_canonical_form_reads_back_as_the_same_document(content: dict[str, Any]) -> None:
    document = parse_agreement(json.dumps(content).encode(), where="drawn").document
    assert parse_agreement(document.canonical, where="canonical").document == document


@CASES
@given(contents(), contents())
def test_a_signature_is_over_one_document_by_one_key(one: dict[str, Any], two: dict[str, Any]) -> None:
    first, second = (parse_agreement(json.dumps(content).encode(), where="drawn").document for content in (one, two))
    key, other = bytes(32), bytes([1]) * 32
    signature = sign_document(first, key)
    verify_signature(first, made=Signed(signature=signature), public_key=public_key_of(key))
    with pytest.raises(ForbiddenError):
        verify_signature(first, made=Signed(signature=signature), public_key=public_key_of(other))
    if first.canonical != second.canonical:
        with pytest.raises(ForbiddenError):
            verify_signature(second, made=Signed(signature=signature), public_key=public_key_of(key))


def _problems(raw: bytes) -> tuple[Problem, ...]:
    try:
        parse_agreement(raw, where="drawn")
    except AgreementError as error:
        assert error.problems  # noqa: PT017  which error it is does not matter, only that it says something
        return error.problems
    except LimitError:
        return ()
    return ()


def _refused_or_read(raw: bytes) -> None:
    """Read what may be anything: an agreement, or faults that each have a place in the text."""
    # YAML 1.2 §5.4 no longer counts NEL, LS and PS as line ends; a scanner may
    lines = 1 + sum(raw.count(end) for end in (b"\n", b"\r", b"\xc2\x85", b"\xe2\x80"))
    for problem in _problems(raw):
        assert 1 <= problem.line <= lines
        assert problem.column >= 1
        assert str(problem).isprintable()


MUTATIONS: Final = st.lists(
    st.tuples(
        st.integers(0, len(PLAIN) - 1),
        st.integers(0, 12),
        st.one_of(
            st.binary(max_size=4),
            st.sampled_from([b"&a ", b"*a", b"!!x ", b"- ", b"? ", b": ", b"[", b"{", b"\n", b'"', b"|", b"<<: "]),
        ),
    ),
    min_size=1,
    max_size=6,
)


@settings(CASES, max_examples=400)
@given(MUTATIONS)
def test_a_mutated_agreement_is_read_or_refused_with_places(mutations: list[tuple[int, int, bytes]]) -> None:
    raw = PLAIN.encode()
    for at, length, piece in mutations:
        raw = raw[:at] + piece + raw[at + length :]
    _refused_or_read(raw)


@CASES
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_places(raw: bytes) -> None:
    _refused_or_read(raw)


VALUES: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-10, 10),
        st.floats(allow_nan=False),
        st.sampled_from(["all", "read", "NO", "amber"]),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["id", "to", "of", "all", "name", "law", "at_most", "permit"]), inner, max_size=3
        ),
    ),
    max_leaves=5,
)


@settings(CASES, max_examples=200)
@given(contents(), st.data())
def test_any_value_in_any_place_is_read_or_refused(content: dict[str, Any], data: st.DataObject) -> None:
    # a copy: what a strategy draws may be drawn again, here and by others
    content = copy.deepcopy(content)
    spot: Any = content
    while True:
        keys = sorted(spot) if isinstance(spot, dict) else list(range(len(spot)))
        key = data.draw(st.sampled_from(keys))
        inner = spot[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            spot[key] = data.draw(VALUES)
            break
        spot = inner
    _refused_or_read(json.dumps(content).encode())
