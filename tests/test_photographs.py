"""From photographs to a report: the three commands of the page on own images."""

import re
import shlex
from pathlib import Path

import pytest

from sknn_mnist.cli import main

PAGE = Path(__file__).parents[1] / "docs" / "how_to" / "own_images.md"


@pytest.mark.slow
def test_photographs_to_a_report_in_three_commands(photos):
    commands = [
        shlex.split(line)[1:]
        for line in re.findall(r"^(sknn-mnist .*)$", PAGE.read_text("utf-8"), re.M)
        if "photos" in line
    ]
    assert [command[0] for command in commands] == ["search", "fit", "predict"]
    for command in commands:
        assert main(command) in (None, 0)
    report = Path("runs/photos/report.html").read_text("utf-8")
    assert "china" in report
    assert "flower" in report
    lines = Path("predictions.csv").read_text("utf-8").splitlines()
    assert len(lines) == 21
    right = [line.split("_")[0].split(",")[-1] in line.split(",")[-2] for line in lines]
    assert sum(right) >= 18
