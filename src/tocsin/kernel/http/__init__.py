"""The edge to HTTP: one guard, one table from errors to statuses, bounded bodies, and answers that show no insides."""
