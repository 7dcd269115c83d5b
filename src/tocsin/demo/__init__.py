"""The demonstration partnership: built, run and proven through the public services only."""
