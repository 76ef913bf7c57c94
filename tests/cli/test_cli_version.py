"""``sknn-mnist --version`` says what it computes with, when asked."""

import os
import subprocess
import sys

import pytest

import sknn_mnist
from sknn_mnist.cli import main


def test_the_version_alone_starts_nothing(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sknn-mnist {sknn_mnist.__version__}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "oneDNN: on, by sknn_mnist"),
        ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "oneDNN: off, by TF_ENABLE_ONEDNN_OPTS"),
        ({"TF_ENABLE_ONEDNN_OPTS": "1"}, "oneDNN: on, by TF_ENABLE_ONEDNN_OPTS"),
        ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, "ONEDNN_MAX_CPU_ISA: AVX2"),
    ],
    ids=["as is", "off", "on", "another processor"],
)
def test_with_verbose_it_tells_how_it_computes(variables, said):
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TF_", "ONEDNN_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "sknn_mnist.cli", "--version", "--verbose"],
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = done.stdout.splitlines()
    assert said in lines
    assert lines[0] == f"sknn-mnist {sknn_mnist.__version__}"
    names = [line.partition(":")[0] for line in lines]
    for name in ("python", "keras", "tensorflow", "sklearn", "numpy", "processors"):
        assert name in names
    assert done.stderr == ""


@pytest.mark.parametrize("argv", [[], ["--verbose"]])
def test_without_a_command_the_usage_is_wrong(argv, capsys):
    assert main(argv) == 2
    assert "error: " in capsys.readouterr().err
