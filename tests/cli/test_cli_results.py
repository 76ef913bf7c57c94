"""A search's files are its own; what is kept is said, with Ctrl-C too."""

import io
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from sknn_mnist import DenseClassifier
from sknn_mnist.cli import main
from sknn_mnist.cli._result_names import RESULTS
from sknn_mnist.reporting import _progress
from sknn_mnist.reporting._progress import SearchProgress

ROOT = Path(__file__).parents[2]
SMALL = ["--dataset", "digits", "--train-size", "100"]
GRID = ["search", *SMALL, "--cv", "2", "--epochs", "2", "--hidden-size", "2", "4"]
HALVING = [*GRID, "--halving", "2"]
HYPERBAND = [*GRID, "--hyperband", "2"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_training(monkeypatch):
    def fit(self, X, y):
        pytest.fail("training started")

    monkeypatch.setattr(DenseClassifier, "fit", fit)


def contents(folder):
    return {name: (folder / name).read_bytes() for name in RESULTS}


def assert_refused(command, held, capsys):
    capsys.readouterr()
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert held in line
    assert line.endswith("give another --out, or --overwrite to write over it")


@pytest.fixture
def no_other_training(monkeypatch):
    """Fail where a search that is refused trains."""

    def refused(command, held, capsys):
        with monkeypatch.context() as patch:
            patch.setattr(DenseClassifier, "fit", lambda *_: pytest.fail("it trains"))
            assert_refused(command, held, capsys)

    return refused


@pytest.mark.parametrize(
    ("first", "second", "held"),
    [
        pytest.param(GRID, HALVING, "a grid search", id="halving over grid"),
        pytest.param(
            HYPERBAND,
            HALVING,
            "a hyperband search",
            id="halving over hyperband",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            HALVING,
            GRID,
            "a halving search",
            id="grid over halving",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_another_kind_of_search_is_not_written_over(
    first, second, held, no_other_training, capsys, tmp_path
):
    folder = tmp_path / "out"
    out = ["--out", str(folder)]
    assert main([*first, *out]) == 0
    before = contents(folder)
    no_other_training([*second, *out], f"the results of {held} over Dense", capsys)
    assert contents(folder) == before
    for name in ("best_params.json", "report.html"):  # stopped before these
        (folder / name).unlink()
    no_other_training([*second, *out], f"the results of {held}:", capsys)
    assert main([*first, "--no-refit", *out]) == 0  # its own it may
    assert main([*second, *out, "--overwrite"]) == 0
    halving = "n_resources" in pd.read_csv(folder / "cv_results.csv")
    assert halving == ("--halving" in second)
    best = json.loads((folder / "best_params.json").read_text())
    assert best["search"] == ("halving" if halving else "grid")


def test_another_model_is_not_written_over(no_other_training, capsys, tmp_path):
    out = ["--out", str(tmp_path / "out")]
    assert main([*GRID, "--no-refit", *out]) == 0
    other = [*GRID, "--model", "cnn", *out]
    no_other_training(other, "a grid search over DenseClassifiers", capsys)


def test_help_and_messages_name_the_files_that_are_there(capsys, tmp_path):
    assert main([*GRID, "--out", str(tmp_path / "out")]) == 0
    files = {each.name for each in (tmp_path / "out").iterdir() if each.is_file()}
    assert files == set(RESULTS)
    (said,) = re.findall(r"^written to .*: (.*)$", capsys.readouterr().out, re.M)
    assert set(said.split(", ")) == files
    assert main(["search", "--help"]) == 0
    told = re.sub(r"\s+", " ", capsys.readouterr().out)
    (promised,) = re.findall(r"--out DIR write (.*?) there", told)
    assert set(re.split(", | and ", promised)) == files


def test_without_a_folder_each_kind_has_its_own(capsys, tmp_path):
    assert main(GRID) == 0
    before = contents(tmp_path / "runs" / "dense")
    assert main(HALVING) == 0
    assert f"written to {Path('runs', 'dense-halving')}: " in capsys.readouterr().out
    assert contents(tmp_path / "runs" / "dense") == before
    assert set(contents(tmp_path / "runs" / "dense-halving")) == set(RESULTS)


@pytest.mark.parametrize("name", RESULTS)
def test_files_that_no_search_wrote_are_not_written_over(
    name, capsys, tmp_path, no_training
):
    (tmp_path / name).write_text("mine\0")
    for command in (GRID, HALVING):
        held = f"holds {name}, which no search has written"
        assert_refused([*command, "--out", "."], held, capsys)
    assert (tmp_path / name).read_text() == "mine\0"


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"model": 1', "[" * 100_000, '{"model": null}', "\udcff"]
)
def test_results_that_are_damaged_are_no_results(text, capsys, tmp_path, no_training):
    data = text.encode(errors="surrogateescape")
    (tmp_path / "best_params.json").write_bytes(data)
    (tmp_path / "cv_results.csv").write_bytes(b'a,"b\n' + data)
    assert main([*GRID, "--out", "."]) == 2
    assert (tmp_path / "best_params.json").read_bytes() == data


def test_other_files_of_the_folder_are_nobodys_business(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert main([*GRID, "--no-refit", "--out", "."]) == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_no_files_means_none_to_overwrite(capsys, no_training):
    assert main([*GRID, "--no-files", "--overwrite"]) == 2
    assert "--no-files can't be combined with --overwrite" in capsys.readouterr().err


# -- what is kept ------------------------------------------------------------------


def kept_line(err):
    (line,) = (each for each in err.splitlines() if each.startswith("kept"))
    return line


def test_a_search_says_what_is_kept_and_how_to_clear_it(capsys, tmp_path):
    out = str(tmp_path / "a folder")
    assert main([*GRID, "--out", out]) == 0
    line = kept_line(capsys.readouterr().err)
    told = re.fullmatch(
        r"kept for next time: (\d+ states of \d+ trainings, [\d.]+ MB); to clear: "
        r"sknn-mnist cache --clear '(.*)'",
        line,
    )
    assert told[2] == out
    assert main(["cache", out]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: {told[1]}, last used ")
    assert main(["cache", "--clear", out]) == 0
    assert not list(Path(out).rglob("*.safetensors"))


def test_what_a_memory_keeps_is_said(capsys, tmp_path):
    memory = str(tmp_path / "memory")
    args = ["--memory", memory]
    assert main([*GRID, "--no-files", *args]) == 0
    assert kept_line(capsys.readouterr().err).endswith(f" {memory}")
    assert main(["fit", *SMALL, "--epochs", "1", *args]) == 0
    assert kept_line(capsys.readouterr().err).endswith(f" {memory}")


@pytest.mark.parametrize(
    "command",
    [[*GRID, "--no-files"], [*GRID, "--quiet"], ["fit", *SMALL, "--epochs", "1"]],
    ids=["no files", "quiet", "fit"],
)
def test_where_nothing_is_kept_or_asked_nothing_is_said(command, capsys):
    assert main(command) == 0
    assert "kept" not in capsys.readouterr().err


# -- Ctrl-C ------------------------------------------------------------------------

HINT = "sknn-mnist: interrupted; run the same command again to go on"
LONG = ["--epochs", "100000", "--hidden-size", "8"]


def interrupted(command, folder):
    """Run a command until its memory, if any, holds something; then Ctrl-C it."""
    code = f"""if True:
        import signal, sys, threading, time, os
        from pathlib import Path
        from sknn_mnist.engine import _training
        from sknn_mnist.cli import main

        train = _training.train

        def watched(*args, **options):
            threading.Thread(target=watch, daemon=True).start()
            return train(*args, **options)

        def watch():
            folder = {str(folder)!r} if {folder is not None} else None
            while folder and not list(Path(folder).rglob("*.safetensors")):
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)

        _training.train = watched
        sys.exit(main({command!r}))
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_ctrl_c_says_how_to_go_on_where_that_is_so(tmp_path, capsys):
    search = ["search", *SMALL, "--cv", "2", *LONG]
    fit = ["fit", *SMALL, *LONG]
    memory = ["--memory", str(tmp_path / "memory")]
    out = ["--out", str(tmp_path / "out")]
    assert interrupted([*search, *out], tmp_path / "out") == HINT
    assert interrupted([*fit, *memory], tmp_path / "memory") == HINT
    for command in ([*search, "--no-files"], fit):
        assert interrupted(command, None) == "sknn-mnist: interrupted"
    # And it is so.
    again = ["--epochs", "1", *LONG[2:], *out]
    assert main(["search", *SMALL, "--cv", "2", *again]) == 0
    assert re.search(r" (0|1) of their 2 epochs trained", capsys.readouterr().err)


def test_ctrl_c_of_other_commands_promises_nothing(capsys, monkeypatch):
    def stopped(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("sknn_mnist.cli._evaluate.load_net", stopped)
    assert main(["evaluate", "--load", "net"]) == 130
    assert capsys.readouterr().err == "sknn-mnist: interrupted\n"


# -- progress without a terminal ---------------------------------------------------


def test_a_log_gets_a_line_every_few_seconds(monkeypatch):
    """By a clock of the test's own: the search takes a minute."""
    now = 0.0

    class Clock:
        def wait(self, seconds):
            nonlocal now
            now += seconds
            return now > 60

        def set(self):
            pass

    monkeypatch.setattr(_progress, "perf_counter", lambda: now)
    fake = SimpleNamespace(Event=Clock, Thread=threading.Thread)
    monkeypatch.setattr(_progress, "threading", fake)
    stream = io.StringIO()
    with SearchProgress(6, 2, stream).search(len):
        for each in threading.enumerate():
            if each.name == "sknn-mnist-progress":
                each.join()
    lines = [line for line in stream.getvalue().splitlines() if " 6 left" in line]
    assert 6 <= len(lines) <= 30
