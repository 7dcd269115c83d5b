"""What the rooms of risk keep: records as their steps make them, and members' figures, sealed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String, Table, UniqueConstraint

from tocsin.kernel.db.metadata import METADATA, big_id, blob, environment, text

__all__ = ["RISK_FIGURES", "RISK_RECORDS"]

# One row for each scenario, sheet, roll-up, catalogue, target and assessment: what the log's entries make of it.
RISK_RECORDS: Final = Table(
    "risk_records",
    METADATA,
    big_id("record_id"),
    environment(),
    Column("noun", String(32), nullable=False),
    text("key"),
    blob("body"),
    UniqueConstraint("environment", "noun", "key"),
)

# The log holds a commitment to them and never they themselves.
RISK_FIGURES: Final = Table(
    "risk_figures",
    METADATA,
    big_id("figures_id"),
    environment(),
    Column("uuid", String(36), nullable=False),
    blob("sealed"),
    UniqueConstraint("environment", "uuid"),
)
