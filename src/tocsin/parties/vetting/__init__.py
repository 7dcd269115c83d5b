"""Vetting: how a candidate becomes a member's peer, for how long, and who looks again when."""
