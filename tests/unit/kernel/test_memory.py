"""A serving process keeps the memory that it freed."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
from tocsin.kernel.memory import keep_memory
if sys.argv[1] == "kept" and not keep_memory():
    sys.exit(77)
def page():
    return b",".join([bytes(1_300) for _ in range(1_000)])
for _ in range(10):
    page()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    page()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", _FAULTS, how], check=False, capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("another C library than glibc")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_page_faults_no_memory_in_anew() -> None:
    # a page of 1.3 MB is 300 pages of memory; without it, each of the fifty faults them in
    assert _faults("kept") * 20 * 4_096 // resource.getpagesize() < _faults("as it comes")
