"""Bodies, motions, their counting, disputes and charters as values."""
