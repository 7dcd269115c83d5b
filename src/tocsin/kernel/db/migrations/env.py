"""Alembic asks this module how to run; the program hands it the connection."""

from __future__ import annotations

from alembic import context

from tocsin.kernel.db.metadata import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
