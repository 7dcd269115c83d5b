"""``python -m tocsin.cli``."""

from tocsin.cli.main import run

run()
