"""How long contributions are kept: retention clauses, purges, reviews, legal holds."""
