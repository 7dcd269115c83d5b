"""A certificate that a benchmark was met: a signed note that says of which hub, fund, project and plan. Pure.

For who grants a tax relief, or insures. It is signed with the hub's key, the one that signs its log; an outsider
checks it with the verifier key and nothing else. It names hub, environment, fund, project (by digest, so that another
project of the same id has no use for it), the plan as built, and an end: it is good for nothing else, and not for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError, LogBrokenError, TransitionError
from tocsin.kernel.canonical import canonical_json, digest
from tocsin.kernel.clock import DAY, Micros, format_instant, parse_instant
from tocsin.log.note import open_note
from tocsin.risk.fund.measuring import bound_of

if TYPE_CHECKING:
    from tocsin.log.note import VerifierKey
    from tocsin.risk.fund.model import Fund
    from tocsin.risk.fund.projects import Project

__all__ = [
    "CERTIFICATE",
    "MOST_CERTIFICATE",
    "MOST_VALID",
    "Certificate",
    "certificate_text",
    "open_certificate",
    "project_digest",
]

# The first line sets it apart from all else that this key signs; a checkpoint's second line is a number, this one's
# is JSON.
CERTIFICATE: Final = "tocsin/fund/certificate/v1"
# Maps change, buffers are used up: what was measured five years ago says little of today.
MOST_VALID: Final[Micros] = 5 * 366 * DAY
MOST_CERTIFICATE: Final = 64 * 1024


class Certificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a certificate says. ``saved_at_least``: the lower bound, in whole units of ``value_h`` a sample."""

    hub: str
    environment: str
    fund: str
    project: str
    project_digest: str
    holder: str
    assessor: str
    tranche: int
    threshold: int
    saved_at_least: int
    confidence: str
    samples: int
    baseline: str
    plan: str
    seed: str
    issued: str
    until: str


def project_digest(project: Project) -> str:
    """Return the digest of a project as it was proposed, in hexadecimal."""
    return digest("tocsin/fund/project/v1", msgspec.to_builtins(project)).hex()


def certificate_text(
    fund: Fund, project: str, tranche: int, *, hub: str, environment: str, issued: Micros, until: Micros
) -> str:
    """Return the text of the certificate for a benchmark that was met.

    Raises:
        InputError: it would end before it begins.
        TransitionError: the benchmark was not met.
    """
    case, award = fund.case(project), fund.award(project)
    made = next((one for one in reversed(award.measurements) if one.tranche == tranche), None)
    threshold = award.terms.tranches[tranche - 1].threshold
    if made is None or threshold is None or tranche not in award.met:
        raise TransitionError(
            "this benchmark was not met", where=project, todo="measure the tranche first: tocsin fund measure"
        )
    if until <= issued:
        raise InputError("a certificate is good from now on", where=project, todo="name a day to come: --until")
    terms = award.terms
    bound = bound_of(made.sums, threshold=threshold, confidence=terms.confidence, attempts=terms.attempts)
    certificate = Certificate(
        hub=hub,
        environment=environment,
        fund=fund.name,
        project=project,
        project_digest=project_digest(case.project),
        holder=terms.payee,
        assessor=terms.assessor,
        tranche=tranche,
        threshold=threshold,
        saved_at_least=int(bound.lower),
        confidence=f"{terms.confidence:g} over {terms.attempts} attempts",
        samples=made.sums.samples,
        baseline=terms.baseline,
        plan=made.plan,
        seed=f"{made.seed:016x}",
        issued=format_instant(issued),
        until=format_instant(until),
    )
    return f"{CERTIFICATE}\n{canonical_json(msgspec.to_builtins(certificate)).decode()}\n"


def open_certificate(data: bytes, *, key: VerifierKey, at: Micros) -> Certificate:
    """Return what a certificate says, once its signature and its time were checked.

    Raises:
        LogBrokenError: it is no signed note, or not signed by this key.
        InputError: the note is no certificate, or it has ended.
    """
    note = open_note(data, keys=[key], where="certificate", limit=MOST_CERTIFICATE)
    first, _, rest = note.text.partition("\n")
    if first != CERTIFICATE:
        raise InputError("this note is no certificate", where=first[:80], todo=f"its first line is {CERTIFICATE}")
    try:
        said = msgspec.json.decode(rest, type=Certificate)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise LogBrokenError(f"its text is not of its form: {error}", where="certificate") from error
    if parse_instant(said.until) <= at:
        raise InputError("this certificate has ended", where=said.until, todo="ask for one that is measured anew")
    return said
