"""What may happen, what it would cost, what is done about it, and who pays."""
