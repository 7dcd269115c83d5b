"""Risk: what may happen, what is asked of members, and what the partnership pays for together."""
