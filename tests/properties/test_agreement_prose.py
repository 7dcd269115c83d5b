"""An agreement's sentences say everything that it says: whatever of it is changed, they read otherwise."""

from __future__ import annotations

import enum
import functools
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from support.agreement_strategies import contents
from support.agreement_terms import CLAUSE_TERMS, DOCUMENT_TERMS
from support.agreement_texts import EVERYTHING
from tocsin.agreements.compile import compile_clause, purposes_of
from tocsin.agreements.document import (
    AgreementDocument,
    Clause,
    Onward,
    ReaderTerms,
    TlpTerm,
    Verb,
    names_of,
    parse_agreement,
)
from tocsin.agreements.model import Tlp
from tocsin.agreements.prose import prose
from tocsin.kernel.clock import DAY
from tocsin.parties.model import CLEARANCES

# The text itself; and what the rest of a clause follows from.
_FOLLOWS = frozenset({"canonical", "verb"})
_OPENS = (Verb.PERMIT, Verb.REVEAL, Verb.TOTAL)


@st.composite
def documents(draw: st.DrawFn) -> AgreementDocument:
    """Return a document with terms of every form."""
    content: dict[str, Any] = draw(contents())
    content |= {key: draw(strategy).content for key, strategy in DOCUMENT_TERMS.items() if draw(st.booleans())}
    keys = draw(st.lists(st.sampled_from(sorted(CLAUSE_TERMS)), max_size=3))
    for index, key in enumerate(keys):
        base: dict[str, Any] = {"of": {"type": "incident"}} if key in {"publish", "retain"} else {}
        content["clauses"].append({"id": f"t{index}"} | base | draw(CLAUSE_TERMS[key]).content)
    return parse_agreement(json.dumps(content).encode(), where="drawn").document


@functools.singledispatch
def mutants(value: object) -> Iterator[Any]:
    """Yield the value with one thing in it changed, for each thing in it that can be."""
    if isinstance(value, msgspec.Struct):
        for field in sorted(set(value.__struct_fields__) - _FOLLOWS):
            for changed in mutants(getattr(value, field)):
                yield msgspec.structs.replace(value, **{field: changed})


@mutants.register
def _(value: str) -> Iterator[str]:
    if isinstance(value, enum.StrEnum):
        yield from (other for other in type(value) if other is not value)
    elif value in CLEARANCES:
        yield from (other for other in CLEARANCES if other != value)
    else:
        yield value + "x"


@mutants.register
def _(value: bool) -> Iterator[bool]:  # noqa: FBT001  it is what is changed
    yield not value


@mutants.register
def _(value: int) -> Iterator[int]:
    yield value + DAY


@mutants.register
def _(value: Fraction) -> Iterator[Fraction]:
    yield value + Fraction(1, 1_000)


# dispatch is by the bare class
@mutants.register
def _(value: tuple) -> Iterator[tuple[Any, ...]]:  # type: ignore[type-arg]
    for index, item in enumerate(value):
        before, after = value[:index], value[index + 1 :]
        # a list is shortened; a pair of unlike things is none
        if len(value) > 1 and len(set(map(type, value))) == 1:
            yield before + after
        yield from ((*before, changed, *after) for changed in mutants(item))


def meaning(document: AgreementDocument) -> object:
    """Return what a document means: without its text, and with one spelling for what is the same."""
    plain = msgspec.structs.replace(document, canonical=b"")
    return msgspec.structs.replace(plain, clauses=tuple(_clause(document, clause) for clause in document.clauses))


def _clause(document: AgreementDocument, clause: Clause) -> Clause:
    to, unless = (None if one is None else _everybody(one) for one in (clause.to, clause.unless))
    tlp = clause.of.tlp
    if tlp is not None and (clause.verb not in _OPENS or Tlp.AMBER_STRICT not in tlp.values):
        values = tlp.values
        if clause.verb is Verb.PUBLISH and not tlp.names_amber_strict:
            values = tuple(one for one in values if one is not Tlp.AMBER_STRICT)
        tlp = TlpTerm(values=values, names_amber_strict=False)
    return msgspec.structs.replace(
        clause,
        to=to if to is not None and clause.verb in (*_OPENS, Verb.FORBID) else ReaderTerms(),
        unless=unless,
        of=msgspec.structs.replace(clause.of, tlp=tlp),
        purposes=purposes_of(document, clause) if clause.verb in _OPENS else None,
        onward=None if clause.onward is Onward.AS_MARKED else clause.onward,
    )


def _everybody(terms: ReaderTerms) -> ReaderTerms:
    return msgspec.structs.replace(terms, parties=terms.parties or None)


def text(document: AgreementDocument) -> str:
    return "\n".join(f"{one.about}: {one.text}" for one in prose(document))


def expect_told(document: AgreementDocument, mutant: AgreementDocument) -> bool:
    """Expect other sentences where the meaning is another; returns whether it is."""
    if meaning(document) == meaning(mutant):
        return False
    assert text(document) != text(mutant), (meaning(document), meaning(mutant))
    return True


def test_no_value_of_a_document_that_says_everything_goes_unsaid() -> None:
    document = parse_agreement(EVERYTHING.encode(), where="everything").document
    told = [expect_told(document, mutant) for mutant in mutants(document)]
    assert sum(told) > 250
    # and every field of every form is there to be changed
    every = {(type(one), field) for one in structs(document) for field in one.__struct_fields__}
    assert every - {(type(one), field) for one in structs(document) for field in said(one)} == set()


def structs(value: object) -> Iterator[msgspec.Struct]:
    """Yield every struct in a value."""
    if isinstance(value, msgspec.Struct):
        yield value
        for field in value.__struct_fields__:
            yield from structs(getattr(value, field))
    elif isinstance(value, tuple):
        for item in value:
            yield from structs(item)


def said(one: msgspec.Struct) -> list[str]:
    """Return the fields of a struct that hold something."""
    return [field for field in one.__struct_fields__ if getattr(one, field) not in (None, (), False)]


@given(documents(), st.data())
@settings(max_examples=60)
def test_what_means_something_else_reads_otherwise(document: AgreementDocument, data: st.DataObject) -> None:
    every = list(mutants(document))
    for mutant in data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=10)):
        expect_told(document, mutant)


@given(documents(), documents())
@settings(max_examples=60)
def test_two_documents_never_read_the_same_by_chance(one: AgreementDocument, other: AgreementDocument) -> None:
    expect_told(one, other)


@given(documents())
@settings(max_examples=60)
def test_a_clause_is_told_in_the_words_of_its_policy(document: AgreementDocument) -> None:
    names = {name: name for name in names_of(document)}
    passages = {one.about: one for one in prose(document)}
    for clause in document.clauses:
        if clause.decides:
            compiled = compile_clause(document, clause, names)
            passage = passages[f"clause {clause.id}"]
            apart = {"bound", "purpose", "reader.annex", "reader.member", "owner.member", "reader.basis", "owner.basis"}
            kept = [one.says for one in compiled.when if one.about not in apart]
            assert list(passage.where[: len(kept)]) == kept
            assert list(passage.spares) == [one.says for one in compiled.unless]
            assert len(passage.where) - len(kept) == len(clause.rests_on)
