"""What may happen, what it would cost, what is asked of members, and what the partnership pays for together."""
