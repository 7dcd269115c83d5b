"""Tocsin runs a public-private security partnership: one intake, one gate, one log, one map."""

__version__ = "0.1.0"
