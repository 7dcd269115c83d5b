"""The one intake: bound, parse, validate, scrub, label, offer.

Parsing happens before the writer's turn; labelling, storing, offering and logging happen in one transaction, so that a
bundle is in with all its good objects and its log entry, or not at all.

``service`` is what the doors call, ``transaction`` what happens in the writer's turn: ``choosing`` labels every object
and finds out which are new, ``entering`` stores, offers and logs them.
"""

from __future__ import annotations

from tocsin.exchange.intake.entering import MAX_NEW_LABELS_A_DAY
from tocsin.exchange.intake.model import Submission
from tocsin.exchange.intake.service import READING, STORING, Intake

__all__ = ["MAX_NEW_LABELS_A_DAY", "READING", "STORING", "Intake", "Submission"]
