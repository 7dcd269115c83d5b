"""Baselines: what is required, what members say that they have, who confirmed it, and what is missing."""
