"""What a replay holds collections for annexes and the settling of their ends to: the entries before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.agreements.annexes.model import History, Run, annex_id, annex_terms
from tocsin.agreements.annexes.wire import AnnexAct
from tocsin.errors import InputError, LogBrokenError
from tocsin.exchange.emergency.model import MADE_FOR, destroyed, parse_run, run_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.agreements.replay import Agreed
    from tocsin.exchange.retention.keeping import Keeping
    from tocsin.kernel.clock import Micros

__all__ = ["require_lasting", "require_settled"]


def require_lasting(agreed: Agreed, reference: str, *, made_for: str, at: Micros) -> None:
    """Refuse what is offered anew for an annex that is not active, or in a collection made for something else.

    Raises:
        LogBrokenError: it is.
    """
    if made_for != MADE_FOR + reference:
        raise LogBrokenError("it offers for one thing in a collection made for another")
    try:
        name, version, annex, number = parse_run(reference)
    except InputError as error:
        raise LogBrokenError(str(error)) from error
    history = agreed.emergencies.histories.get(name, History())
    if not any(run.number == number and run.active(at) for run in history.runs(annex, version)):
        raise LogBrokenError("it offers anew for an annex that is not active")


def require_settled(agreed: Agreed, data: Mapping[str, Any], keeping: Keeping) -> None:
    """Refuse that an end was settled while something that only the annex let out was not ordered back.

    Raises:
        LogBrokenError: it is told so.
    """
    said = msgspec.convert(data, AnnexAct)
    document = agreed.versions[f"{said.agreement}/{said.version}"].activated.document
    terms, run = annex_terms(document, said.annex), Run(activations=tuple(said.activations))
    under, basis = annex_id(document, said.annex), run_name(said.agreement, run)
    ordered = {key for one in keeping.recalled.recalls.values() if one.recall.basis == basis for key in one.keys}
    for key in keeping.let_out(under, since=run.starts, until=run.last):
        if destroyed(terms, run, key[1].partition("--")[0]) and key not in ordered:
            raise LogBrokenError("it was settled, and what only the annex let out was not ordered back")
