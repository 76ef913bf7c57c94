"""``sknn-mnist examples``: the lesson's scripts, for who has installed the package."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sknn_mnist.cli import _examples, main

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*/plot_*.py"), key=lambda path: path.name)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def commands_in(text):
    return [
        shlex.split(line)[1:]
        for line in text.splitlines()
        if line.startswith("  python ")
    ]


def test_all_examples_are_copied_listed_and_can_be_run(capsys):
    assert main(["examples", "--out", "a lesson"]) == 0
    said = capsys.readouterr().out
    listed = [line.split(": ") for line in said.splitlines() if ".py: " in line]
    assert [Path(name).name for name, *_ in listed] == [path.name for path in EXAMPLES]
    for (name, *title), path in zip(listed, EXAMPLES, strict=True):
        assert Path("a lesson", name).read_bytes() == path.read_bytes()
        assert path.read_text("utf-8").splitlines()[1] == ": ".join(title)
    assert f"\n{len(EXAMPLES)} examples written to a lesson" in said
    (first,), (everything,) = commands_in(said)
    assert Path(first).name == EXAMPLES[0].name
    done = subprocess.run(
        [sys.executable, everything, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--full" in done.stdout


def test_without_a_folder_their_commands_are_those_they_tell_of(capsys):
    assert main(["examples"]) == 0
    (first,), _ = commands_in(capsys.readouterr().out)
    assert f"python {Path(first).as_posix()} " in Path(first).read_text("utf-8")


def test_nothing_is_written_over(capsys):
    mine = Path("out", "lesson", EXAMPLES[1].name)
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert main(["examples", "--out", "out"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("which are not written over; give another --out")
    assert [path for path in Path("out").rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("file", ["out", "out/lesson"])
def test_a_file_in_the_place_of_a_folder_is_one_line(file, capsys):
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text("mine")
    assert main(["examples", "--out", "out"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sknn-mnist: error: ")
    assert file in line
    assert Path(file).read_text() == "mine"


def test_without_matplotlib_it_says_what_they_need(capsys, monkeypatch):
    monkeypatch.setattr(_examples, "find_spec", lambda name: None)
    assert main(["examples"]) == 0
    assert "sknn-mnist[plot]" in capsys.readouterr().err
