"""Sanitised versions: made at intake beside the original, consented to, published in slots, led back to their owner."""
