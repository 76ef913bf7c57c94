"""Every example runs as it stands, learns, and draws its figures."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*/plot_*.py"), key=lambda path: path.name)
# They show convolution itself, and a net too large for this, and train nothing.
WITHOUT_A_NET = {"plot_07_convolution_by_hand", "plot_10_alexnet"}


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    image = pytest.importorskip("matplotlib.image")
    done = run(path, "--out", tmp_path / "figures", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"^([IWEF]\d{4} |\S+ \S+: [IWEF] )", done.stderr, re.M)
    accuracies = re.findall(r"accuracy on the test set: (\S+)", done.stdout)
    assert bool(accuracies) == (path.stem not in WITHOUT_A_NET)
    assert all(float(accuracy) > 0.85 for accuracy in accuracies), accuracies
    figures = list((tmp_path / "figures").iterdir())
    said = re.findall(r"^figure: (.+)$", done.stdout, flags=re.M)
    assert sorted(said) == sorted(map(str, figures))
    assert len(figures) >= 1
    for figure in figures:
        assert figure.name.startswith(path.stem.split("_")[1])
        pixels = image.imread(figure)[..., :3]
        height, width, _ = pixels.shape
        assert 200 <= height <= 2500
        assert 200 <= width <= 2500
        drawn = (np.abs(pixels - 1) > 0.1).any(axis=-1)
        assert 0.005 < drawn.mean() < 0.95, f"{figure.name} is empty or all ink"


def test_every_step_of_the_lesson_is_there():
    numbers = {"lesson": [], "further": []}
    for path in EXAMPLES:
        numbers[path.parent.name].append(int(path.stem.split("_")[1]))
    assert numbers == {"lesson": list(range(1, 15)), "further": list(range(21, 28))}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_starts_tensorflow_by_ours(path):
    """`sknn_mnist` starts it without chatter, where it comes before Keras."""
    modules = [
        name
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        for name in (
            [each.name for each in statement.names]
            if isinstance(statement, ast.Import)
            else [statement.module]
            if isinstance(statement, ast.ImportFrom)
            else []
        )
    ]
    loud = [modules.index(name) for name in ("keras", "tensorflow") if name in modules]
    ours = [place for place, name in enumerate(modules) if "sknn_mnist" in name]
    assert not loud or min(ours) < min(loud)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_reads_as_a_gallery_page(path):
    """A title, prose, the command that runs it, and cells that begin with prose."""
    text = path.read_text(encoding="utf-8")
    docstring = text.split('"""')[1]
    title, underline = docstring.splitlines()[1:3]
    assert set(underline) == {"="}
    assert len(underline) == len(title)
    assert f"\n    python {path.relative_to(FOLDER.parent)}" in docstring
    if "load(args" in text:
        assert f"{path.name} [--dataset mnist] [--full]" in docstring
    cells = re.findall(r"^# %%\n(.*)", text, flags=re.M)
    assert len(cells) >= 2
    assert all(re.match(r"# \S", line) for line in cells)
    # What it says is held against its numbers, and it ends with a question.
    assert text.count("claim(") >= 1
    assert re.search(
        r"^# Try it\n# ------\n(#.*\n)+# \.\. dropdown:: Answer", text, re.M
    )


def test_a_missing_data_set_is_one_line(tmp_path):
    done = run(EXAMPLES[0], "--dataset", "mnist", cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode != 0
    assert "MNIST" in done.stderr.splitlines()[-1]


def run(path, *options, cwd, **variables):
    env = {k: v for k, v in os.environ.items() if k != "SKNN_MNIST_DATA"}
    return subprocess.run(
        [sys.executable, str(path), *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**env, "MPLBACKEND": "Agg", **variables},
    )
