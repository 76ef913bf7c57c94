"""Every example runs as it stands, and ends with a net that has learned."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    done = subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "SKNN_MNIST_DATA"},
    )
    assert done.returncode == 0, done.stderr
    accuracy = float(re.findall(r"accuracy on the test set: (\S+)", done.stdout)[-1])
    assert accuracy > 0.9


def test_there_are_examples():
    assert len(EXAMPLES) >= 2
