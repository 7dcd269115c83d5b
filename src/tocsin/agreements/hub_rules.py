"""The hub's own rules: what holds whatever the agreements say.

They stand beside the agreements' policies in every decision, as policies like any other, and their names stand in
verdicts where a clause's would. Floors are forbids, since Cedar lets no permit outweigh one. See docs/adr/0033.
"""

from __future__ import annotations

import functools
from typing import Final

from tocsin.agreements.cedar import Policy, any_of, policy_text, quoted, validate
from tocsin.agreements.model import Effect, Reason, Tlp
from tocsin.parties.model import CLEARANCES

__all__ = ["ADDRESSED", "CLIENT", "GRANT_RULES", "HUB_SENTENCES", "NOTICE", "TWO_HATS", "hub_policies"]

# The category of what the hub itself has to tell a party. No marking can write it: a name holds no colon.
NOTICE: Final = "tocsin:notice"

# An owner names whom it means: a party, or one of its users.
ADDRESSED: Final = "resource.recipients.containsAny(principal.addresses)"
_OWN: Final = "principal.party == resource.owner"
_GRANTED: Final = "resource has grant && principal in resource.grant"

HUB_SENTENCES: Final[dict[str, str]] = {
    "tocsin.owner": "a party reads what it contributed itself",
    "tocsin.notice": "whom the hub has to tell something reads it, whatever has been agreed",
    "tocsin.inactive": "a party that is not vetted, and a user who is not active, read nothing",
    "tocsin.unknown-marking": "what carries a marking that the hub cannot read is for its owner alone",
    "tocsin.clearance": "what is classified is for those who are cleared for it, the owner's own people included",
    "tocsin.red": "TLP:RED is for the individual users whom its owner addressed, and for nobody else",
    "tocsin.addressed": "what is addressed is for those whom its owner named, and for the owner",
    "tocsin.grant": "its owner granted it to the reader's party, until a date that has not come",
    "tocsin.two-hats": "who supervises and is something else too enforces as a supervisor alone",
    "tocsin.client": "for a client one reads what TLP lets a recipient pass on to clients, and no clause keeps within",
    "tocsin.no-grant": "what is offered for a grant is for whom it was granted to, while it stands",
}
"""Each rule as a sentence, by its name."""


def _of_the_gate(name: str) -> Reason:
    """Return a rule that the gate itself decides by, over several answers of Cedar's: no policy stands behind it."""
    _require_sentence(name)
    return Reason(agreement=None, version=None, clause=name, legal_basis=(), effect=Effect.DENY, policy_id=name)


def _rule(name: str, effect: Effect, when: str, unless: str | None = None) -> Policy:
    _require_sentence(name)
    bare = Policy(id=name, effect=effect, clause=name, text="")
    text = policy_text(bare, when=(when,), unless=() if unless is None else (unless,))
    return Policy(id=name, effect=effect, clause=name, text=text)


def _require_sentence(name: str) -> None:
    # nothing may decide here that could not be told
    if name not in HUB_SENTENCES:
        raise LookupError(name)


CLIENT: Final = _of_the_gate("tocsin.client")
TWO_HATS: Final = _of_the_gate("tocsin.two-hats")

GRANT_RULES: Final = frozenset({"tocsin.grant", "tocsin.no-grant"})
"""The rules that speak of labels made for a grant, and of no other: without a grant they decide nothing."""


@functools.cache
def hub_policies() -> tuple[Policy, ...]:
    """Return the hub's own rules, checked against the schema."""
    red = f"resource.tlp == {quoted(Tlp.RED)}"
    named_in_person = "principal has user_address && resource.recipients.contains(principal.user_address)"
    # one case for each level: Cedar does not order texts, and what is none of them nobody is cleared for
    cleared = " || ".join(
        f"(resource.classification == {quoted(level)}"
        f" && {any_of(map(quoted, CLEARANCES[rank:]), 'principal.clearance')})"
        for rank, level in enumerate(CLEARANCES)
        if rank
    )
    rules = (
        _rule("tocsin.owner", Effect.ALLOW, _OWN),
        _rule("tocsin.notice", Effect.ALLOW, f"resource.categories.contains({quoted(NOTICE)}) && {ADDRESSED}"),
        _rule("tocsin.inactive", Effect.DENY, "!principal.active"),
        _rule("tocsin.unknown-marking", Effect.DENY, "resource.unknown_marking", _OWN),
        _rule("tocsin.clearance", Effect.DENY, f"resource has classification && !({cleared})"),
        # TLP 2.0 §4: RED is for the eyes and ears of individual recipients only
        _rule("tocsin.red", Effect.DENY, red, named_in_person),
        _rule("tocsin.addressed", Effect.DENY, "!resource.recipients.isEmpty()", f"{_OWN} || {ADDRESSED}"),
        _rule("tocsin.grant", Effect.ALLOW, _GRANTED),
        _rule("tocsin.no-grant", Effect.DENY, "resource has grant", "principal in resource.grant"),
    )
    validate(rules)
    return rules
