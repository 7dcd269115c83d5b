"""What is refused names the field that is wrong, and no id of a thing that never came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from tocsin.agreements.grants import Grant
from tocsin.errors import InputError
from tocsin.exchange.recall.model import Answer, Demand, check_attestation
from tocsin.governance.model.disputes import Dispute, DisputeKind
from tocsin.governance.model.motions import Motion
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

ALFA, BRAVO = "https://alfa.example", "https://bravo.example"
UUID: Final = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
GRANT: Final = Grant(
    uuid=UUID,
    owner=ALFA,
    party=BRAVO,
    object_id=f"indicator--{UUID}",
    version=None,
    purposes=frozenset({"detect"}),
    given_at=0,
    until=DAY,
)
DISPUTE: Final = Dispute(
    uuid=UUID,
    kind=DisputeKind.LABEL,
    complainant=ALFA,
    respondent=BRAVO,
    subject=f"indicator--{UUID}",
    statement="marked too strictly",
    filed_by="alfa",
    filed_at=0,
)
MOTION: Final = Motion(
    uuid=UUID,
    body="council",
    title="a title",
    reasons="a reason",
    mover="sig@alfa",
    tabled_at=0,
    deadline=DAY,
    until=2 * DAY,
)
REFUSED: Final[dict[str, tuple[Callable[[], object], str]]] = {
    "a grant to oneself": (lambda: msgspec.structs.replace(GRANT, party=ALFA), "to"),
    "a grant for nothing": (lambda: msgspec.structs.replace(GRANT, purposes=frozenset()), "for"),
    "a grant that is over": (lambda: msgspec.structs.replace(GRANT, until=0), "until"),
    "a dispute with oneself": (lambda: msgspec.structs.replace(DISPUTE, respondent=ALFA), "against"),
    "a dispute that says nothing": (lambda: msgspec.structs.replace(DISPUTE, statement=" "), "statement"),
    "a dispute of no object": (lambda: msgspec.structs.replace(DISPUTE, subject=""), "subject"),
    "a motion without a title": (lambda: msgspec.structs.replace(MOTION, title=""), "title"),
    "a motion without a reason": (lambda: msgspec.structs.replace(MOTION, reasons=""), "reason"),
    "a motion that closed": (lambda: msgspec.structs.replace(MOTION, deadline=0), "deadline"),
    "a motion that ends before it": (lambda: msgspec.structs.replace(MOTION, until=DAY), "until"),
    "a motion of no right": (lambda: msgspec.structs.replace(MOTION, subject="something"), "right"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_the_field_is_named(case: tuple[Callable[[], object], str]) -> None:
    make, where = case
    with pytest.raises(InputError) as refused:
        make()
    assert refused.value.where == where
    assert UUID not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "until", "said"),
    [(Answer.EXCEPT_BACKUPS, None, "is missing"), (Answer.DESTROYED, 2 * DAY, "only 'destroyed-except-backups'")],
)
def test_an_attestation_says_whether_the_day_is_missing_or_too_much(
    answer: Answer, until: int | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        check_attestation(answer, until=until, remark="", at=DAY, demand=Demand.DESTROY, before=None)
