"""Fits leave no memory behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

MEMORY = Path(__file__).parents[1] / "benchmarks" / "memory.py"


@pytest.mark.slow
@pytest.mark.parametrize("shapes", [1, 12])
def test_memory_is_flat_over_300_fits(shapes):
    done = subprocess.run(
        [sys.executable, str(MEMORY), "--shapes", str(shapes)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = dict(re.findall(r"\| (\d+) \| ([\d.]+) \|", done.stdout))
    assert float(rows["300"]) - float(rows["30"]) < 30
