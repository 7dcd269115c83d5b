"""The account of a party: who received its data, when, and by what right."""
