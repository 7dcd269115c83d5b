"""The map: what must not fail, what it depends on, and what falls when something does."""
