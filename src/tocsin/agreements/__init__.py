"""Agreements, what they permit and forbid, and the gate that decides every release by them."""
