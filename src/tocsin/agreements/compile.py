"""Clauses as Cedar policies, condition by condition.

A clause becomes a list of conditions, each a Cedar expression with the English sentence that says the same; the
policy is those conditions, and an explanation evaluates them one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.annexes.model import annex_id
from tocsin.agreements.cedar import Policy, any_of, entity, policy_text, quoted, validate
from tocsin.agreements.document import AgreementDocument, Clause, LabelTerms, ReaderTerms, Verb
from tocsin.agreements.hub_rules import ADDRESSED
from tocsin.agreements.model import Effect, Tlp, user_address
from tocsin.agreements.terms import SILENT_TLP
from tocsin.errors import InputError
from tocsin.parties.model import CLEARANCES, clearance_rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "LEFT",
    "Compiled",
    "Condition",
    "basis_id",
    "compile_agreement",
    "compile_clause",
    "for_leavers",
    "label_conditions",
    "left_id",
    "listed",
    "persons_of",
    "policy_id",
    "purposes_of",
    "reader_conditions",
]


LEFT: Final = "#left"
"""Ends the ids of what binds those who left; no clause's id holds this sign."""


class _Term(msgspec.Struct, frozen=True):
    """A key of the document, the attribute that it asks for, and the sentence that the values complete."""

    key: str
    attribute: str
    says: str  # of a reader: what stands after whom it is asked of


_LABEL_TERMS: Final = (
    _Term("type", "type", "its type is"),
    _Term("category", "categories", "it is marked as"),
    _Term("sectors", "sectors", "its sectors include"),
    _Term("countries", "countries", "its countries include"),
    _Term("residency", "residency", "it must reside in"),
)
_READER_TERMS: Final = (
    _Term("capacity", "capacities", "'s capacities include"),
    _Term("role", "roles", "'s roles include"),
    _Term("sectors", "sectors", "'s sectors include"),
    _Term("countries", "country", "'s country is"),
    _Term("kind", "party_kind", "'s kind is"),
    _Term("communities", "communities", "'s communities include"),
    _Term("nationality", "nationality", "'s nationality is"),
    _Term("data_region", "data_region", "'s data region is"),
)
# As the schema has them: sets, and attributes that a reader or a label may lack.
_SETS: Final = frozenset({"categories", "sectors", "countries", "capacities", "roles", "communities"})
_OPTIONAL: Final = frozenset({"pap", "residency", "nationality", "data_region"})


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a clause.

    ``about`` names the attribute that it asks for, ``says`` completes "provided that", ``basis`` is the legal basis
    that it rests on, if it is about one.
    """

    about: str
    cedar: str
    says: str
    basis: str | None = None


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A clause, its policy, and what the policy is made of."""

    clause: Clause
    policy: Policy
    when: tuple[Condition, ...]
    unless: tuple[Condition, ...] = ()


def policy_id(document: AgreementDocument, clause: Clause) -> str:
    """Return ``agreement/version/clause``."""
    return f"{document.id}/{clause.id}"


def basis_id(document: AgreementDocument, basis: str) -> str:
    """Return ``agreement/version/basis``: a legal basis is what one version of one agreement says it is."""
    return f"{document.id}/{basis}"


def left_id(document: AgreementDocument) -> str:
    """Return what whoever left an agreement is bound by: its id, and that it is about leavers."""
    return document.id + LEFT


def purposes_of(document: AgreementDocument, clause: Clause) -> tuple[str, ...]:
    """Return the purposes for which a permit lets read; ``enforce`` only where the clause itself names it."""
    if clause.purposes is not None:
        return clause.purposes
    return tuple(purpose for purpose in document.purposes if purpose != "enforce")


def compile_agreement(
    document: AgreementDocument, names: Mapping[str, str], *, amendment: bool = False, annexes: bool = True
) -> tuple[Policy, ...]:
    """Return one policy for each clause that has an effect, in the document's order.

    Args:
        document: the agreement.
        names: the URI of every party that the document mentions by its short name.
        amendment: it amends a version in force, and so can bind parties whose signatory did not sign it.
        annexes: those of emergency annexes as well. Versions were proposed without them once.

    Raises:
        InputError: a name is missing.
        BrokenError: a policy does not conform to the schema, which is a fault of ours.
    """
    policies = tuple(
        compile_clause(document, clause, names, amendment=amendment).policy
        for clause in document.clauses
        if clause.decides and (annexes or clause.emergency is None)
    )
    validate(policies)
    return policies


def compile_clause(
    document: AgreementDocument, clause: Clause, names: Mapping[str, str], *, amendment: bool = False
) -> Compiled:
    """Return a permit or forbid as a policy and its conditions.

    Raises:
        InputError: a name is missing.
    """
    if clause.verb is Verb.PERMIT:
        when = _permit_conditions(document, clause, names)
        if amendment:
            when += tuple(_own_signature(document, clause))
        unless: tuple[Condition, ...] = ()
    else:
        when = (
            _bound(document),
            *reader_conditions(clause.to, names),
            *label_conditions(clause.of, names),
        )
        unless = tuple(reader_conditions(clause.unless, names)) if clause.unless is not None else ()
    bare = Policy(
        id=policy_id(document, clause),
        effect=Effect.ALLOW if clause.verb is Verb.PERMIT else Effect.DENY,
        agreement=document.name,
        version=document.version,
        clause=clause.id,
        legal_basis=clause.rests_on,
        text="",
    )
    text = policy_text(bare, when=[part.cedar for part in when], unless=[part.cedar for part in unless])
    return Compiled(clause=clause, policy=msgspec.structs.replace(bare, text=text), when=when, unless=unless)


def for_leavers(policy: Policy, document: AgreementDocument) -> Policy:
    """Return a forbid as it binds those who left: the same but for whom it asks after."""
    whole, left = entity("Bound", document.id), entity("Bound", left_id(document))
    text = policy.text.replace(whole, left).replace(f"@id({quoted(policy.id)})", f"@id({quoted(policy.id + LEFT)})", 1)
    return msgspec.structs.replace(policy, id=policy.id + LEFT, text=text)


def _permit_conditions(document: AgreementDocument, clause: Clause, names: Mapping[str, str]) -> tuple[Condition, ...]:
    agreement = entity("Agreement", document.id)
    called = f"{document.name} version {document.version}"
    conditions = [
        Condition(about="reader.member", cedar=f"principal in {agreement}", says=f"the reader is a member of {called}"),
        Condition(
            about="owner.member", cedar=f"resource.owner in {agreement}", says=f"its owner is a member of {called}"
        ),
    ]
    if clause.emergency is not None:
        conditions.append(
            Condition(
                about="reader.annex",
                cedar=f"principal in {entity('Annex', annex_id(document, clause.emergency))}",
                says=f"the emergency annex {clause.emergency} is active",
            )
        )
    conditions += reader_conditions(clause.to, names)
    if clause.of.tlp is None:
        conditions.append(_tlp(SILENT_TLP))
    conditions += label_conditions(clause.of, names)
    if clause.of.tlp is not None and Tlp.AMBER_STRICT in clause.of.tlp.values and not clause.of.tlp.names_amber_strict:
        strict = quoted(Tlp.AMBER_STRICT)
        conditions.append(
            Condition(
                about="recipients",
                cedar=f"resource.tlp != {strict} || {ADDRESSED}",
                says="it is addressed to the reader if it is amber+strict, which the clause covers but does not name",
            )
        )
    conditions.append(_purpose(purposes_of(document, clause)))
    for basis in clause.rests_on:
        ground = entity("Basis", basis_id(document, basis))
        conditions += [
            Condition(
                about="reader.basis",
                cedar=f"principal in {ground}",
                says=f"the legal basis {basis} holds for the reader",
                basis=basis,
            ),
            Condition(
                about="owner.basis",
                cedar=f"resource.owner in {ground}",
                says=f"the legal basis {basis} holds for its owner",
                basis=basis,
            ),
        ]
    return tuple(conditions)


def _own_signature(document: AgreementDocument, clause: Clause) -> Iterable[Condition]:
    """Yield what an amendment asks besides: nobody else's majority opens what only the owner's own word opens."""
    signed = f"resource.owner in {entity('Signed', document.id)}"
    called = f"{document.name} version {document.version}"
    if clause.of.tlp is not None and clause.of.tlp.names_amber_strict:
        yield Condition(
            about="owner.signed",
            cedar=f"resource.tlp != {quoted(Tlp.AMBER_STRICT)} || {ADDRESSED} || {signed}",
            says=f"its owner itself signed {called}, or addressed it to the reader, if it is amber+strict",
        )
    if "enforce" in purposes_of(document, clause):
        yield Condition(
            about="owner.signed",
            cedar=f"principal.purpose != {quoted('enforce')} || {signed}",
            says=f"its owner itself signed {called}, if the purpose is enforce",
        )


def _bound(document: AgreementDocument) -> Condition:
    bound = entity("Bound", document.id)
    return Condition(
        about="bound",
        cedar=f"principal in {bound} || resource.owner in {bound}",
        says=f"the reader or its owner is bound by {document.name} version {document.version}",
    )


def _tlp(values: tuple[Tlp, ...]) -> Condition:
    return Condition(
        about="tlp",
        cedar=any_of((quoted(value) for value in values), "resource.tlp"),
        says=f"its TLP is {listed(values, last='or')}",
    )


def _purpose(purposes: tuple[str, ...]) -> Condition:
    return Condition(
        about="purpose",
        cedar=any_of(map(quoted, purposes), "principal.purpose"),
        says=f"the purpose is {listed(purposes, last='or')}",
    )


def label_conditions(terms: LabelTerms, names: Mapping[str, str]) -> Iterable[Condition]:
    """Yield what is asked of the label. An attribute that it lacks meets no condition."""
    if terms.tlp is not None:
        yield _tlp(terms.tlp.values)
    if terms.pap is not None:
        yield _one("pap", terms.pap.values, "resource", "its PAP is")
    yield from _terms(terms, "resource", _LABEL_TERMS)
    if terms.without is not None:
        some = _some("categories", terms.without, "resource", "")
        yield Condition(
            about="categories", cedar=f"!{some.cedar}", says=f"it is not marked as {listed(terms.without, last='or')}"
        )
    if terms.owner is not None:
        yield Condition(
            about="owner",
            cedar=any_of((entity("Party", _uri(name, names)) for name in terms.owner), "resource.owner"),
            says=f"its owner is {listed(terms.owner, last='or')}",
        )


def reader_conditions(terms: ReaderTerms, names: Mapping[str, str], *, who: str = "the reader") -> Iterable[Condition]:
    """Yield what is asked of the reader, called ``who`` in sentences. An attribute that it lacks meets no condition."""
    if terms.parties:
        yield Condition(
            about="reader.party",
            cedar=any_of((entity("Party", _uri(name, names)) for name in terms.parties), "principal.party"),
            says=f"{who}'s party is {listed(terms.parties, last='or')}",
        )
    if terms.persons is not None:
        addresses = (quoted(address) for address in persons_of(terms, names))
        yield Condition(
            about="reader.person",
            cedar=f"principal has user_address && {any_of(addresses, 'principal.user_address')}",
            says=f"{who} is {listed(terms.persons, last='or')}",
        )
    yield from _terms(terms, "principal", _READER_TERMS, who=who)
    if terms.clearance is not None:
        enough = CLEARANCES[clearance_rank(terms.clearance) :]
        yield Condition(
            about="reader.clearance",
            cedar=any_of(map(quoted, enough), "principal.clearance"),
            says=f"{who}'s clearance is at least {terms.clearance}",
        )
    if terms.purpose is not None:
        yield _purpose(terms.purpose)
    if terms.addressed:
        yield Condition(about="recipients", cedar=ADDRESSED, says=f"it is addressed to {who}")


def persons_of(terms: ReaderTerms, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the addresses of the persons whom conditions name, in their order.

    Raises:
        InputError: the name of a party is missing.
    """
    split = (person.partition("@") for person in terms.persons or ())
    return tuple(user_address(user, _uri(party, names)) for user, _, party in split)


def _terms(
    terms: LabelTerms | ReaderTerms, subject: str, table: tuple[_Term, ...], *, who: str = ""
) -> Iterable[Condition]:
    for term in table:
        values: tuple[str, ...] | None = getattr(terms, term.key)
        if values is not None:
            make = _some if term.attribute in _SETS else _one
            yield make(term.attribute, values, subject, who + term.says)


def _about(attribute: str, subject: str) -> str:
    return attribute if subject == "resource" else f"reader.{attribute}"


def _one(attribute: str, values: Iterable[str], subject: str, says: str) -> Condition:
    words = tuple(values)
    condition = any_of(map(quoted, words), f"{subject}.{attribute}")
    if attribute in _OPTIONAL:
        condition = f"{subject} has {attribute} && {condition}"
    return Condition(about=_about(attribute, subject), cedar=condition, says=f"{says} {listed(words, last='or')}")


def _some(attribute: str, values: Iterable[str], subject: str, says: str) -> Condition:
    words = tuple(values)
    # no literal set is empty: the parser refuses empty lists, and Cedar could not type one
    condition = f"{subject}.{attribute}.containsAny([{', '.join(map(quoted, words))}])"
    return Condition(about=_about(attribute, subject), cedar=condition, says=f"{says} {listed(words, last='or')}")


def _uri(name: str, names: Mapping[str, str]) -> str:
    try:
        return names[name]
    except KeyError:
        raise InputError(f"the agreement names {name!r}, which is no party here", todo="add the party first") from None


def listed(words: Iterable[str], *, last: str) -> str:
    """Write words as a list in a sentence: ``a, b or c``."""
    words = [str(word) for word in words]
    if len(words) < 2:  # noqa: PLR2004  a list in a sentence begins at two
        return "".join(words) or "none"
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
