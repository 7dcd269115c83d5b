"""Benchmarks: `python -m bench`, as ratios against peers in the same run."""

import sys
from pathlib import Path

# a hub for a benchmark is made as a hub for a test is: through the public services, by the tests' own support
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
