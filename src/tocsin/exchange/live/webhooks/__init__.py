"""Webhooks: a party's machine is told that there is something to fetch, or given it, as Standard Webhooks has it."""
