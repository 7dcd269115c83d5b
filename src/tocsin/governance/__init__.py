"""Who decides: bodies, motions and the mandates that they mint, disputes, the charter."""
