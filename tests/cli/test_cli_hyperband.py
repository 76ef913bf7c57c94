"""Hyperband on the shell: what is searched, shown, ended early, repeated, killed."""

import copy
import json
import pickle
import re
import subprocess
import sys
import time
from html import unescape

import pandas as pd
import pytest

import sknn_mnist
from sknn_mnist import _loans
from sknn_mnist.cli import _report, main
from sknn_mnist.cli._candidates import candidates_of
from sknn_mnist.cli._network_options import DEFAULT_SPACES
from sknn_mnist.cli._parser import parse
from sknn_mnist.cli._rungs import telling_rungs
from sknn_mnist.memory._state_files import FolderStore
from sknn_mnist.model_selection import HyperbandSearchCV, Range, _course

DATA = ["--dataset", "digits", "--train-size", "200", "--cv", "2"]
SMALL = ["search", *DATA, "--hyperband", "2", "--epochs", "2"]
# Three candidates: two to 1 epoch, one of them and another to 2; two folds.
RATES = [*SMALL, "--learning-rate", "1e-3:1e-1:log", "--hidden-size", "8"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKNN_MNIST_DATA", raising=False)
    sknn_mnist.clear_memory(":memory:")
    yield
    sknn_mnist.clear_memory(":memory:")


def table(folder):
    frame = pd.read_csv(folder / "cv_results.csv")
    return frame[[name for name in frame.columns if "time" not in name]]


# -- what is searched ------------------------------------------------------------------


@pytest.mark.parametrize("model", DEFAULT_SPACES)
@pytest.mark.parametrize("options", [[], ["--epochs", "27"]], ids=["", "epochs"])
def test_without_options_a_space_of_its_own_is_searched(model, options, capsys):
    found = candidates_of(parse(["search", "--hyperband", "--model", model, *options]))
    assert list(found.grid) == list(DEFAULT_SPACES[model])
    assert found.grid["learning_rate"] == Range(1e-4, 1e-1, log=True)
    assert found.epochs == int(options[-1] if options else 81)
    assert found.fixed == {"random_state": 0}
    assert main(["search", "--help"]) == 0
    space = r"\s+".join(
        ["--model", model]
        + [
            "--" + name.replace("_", "-") + " " + " ".join(map(str, values)).lower()
            for name, values in DEFAULT_SPACES[model].items()
        ]
    )
    assert re.search(space, capsys.readouterr().out)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--epochs 1 2", "a single value with it, the maximum. Got 1 2 instead."),
        ("--batch-size 8", "other than --epochs several values, or a range."),
        ("--epochs 0", "The 'epochs' parameter of DenseClassifier must be an int"),
        ("--hidden-size 0:9", "The 'hidden_size' parameter of DenseClassifier must"),
        ("--dropout 0:1", "The 'dropout' parameter of DenseClassifier must be"),
        ("--dropout 0 0.1 1 --hidden-size 8:9", "The 'dropout' parameter of Dense"),
    ],
)
def test_what_can_not_be_searched_is_refused_before_any_fit(options, said, capsys):
    assert main(["search", "--hyperband", "--no-files", *options.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


# -- a search --------------------------------------------------------------------------


def test_a_search_shows_its_rungs_and_what_it_spared(tmp_path, capsys):
    assert main(RATES) == 0
    printed = capsys.readouterr()
    folder = tmp_path / "runs" / "dense-hyperband"
    frame = table(folder)
    assert frame["n_resources"].tolist() == [1, 1, 2, 2, 2]
    assert "searching: by Hyperband, 4 candidates in 2 brackets\n" in printed.err
    told = re.findall("^searching: (bracket .*? epochs?)(.*)$", printed.err, re.M)
    assert [line for line, _ in told] == [
        "bracket 1 of 2, rung 1 of 2: 2 candidates to 1 epoch",
        "bracket 1 of 2, rung 2 of 2: 1 candidate to 2 epochs",
        "bracket 2 of 2, rung 1 of 1: 2 candidates to 2 epochs",
    ]
    best = frame["mean_test_score"][:2].max()
    assert told[0][1] == ""
    assert told[1][1].startswith(f", best so far {best:.4f} (epochs=1, learning_rate=")
    assert (
        "\nepochs: 14 trained, 2 found in the memory; all 4 candidates to 2 from "
        "scratch: 16\n"
    ) in printed.out
    assert "ended by" not in printed.out
    record = json.loads((folder / "best_params.json").read_text())
    assert record["search"] == "hyperband"
    assert {name: type(each) for name, each in record["params"].items()} == {
        "learning_rate": float,
        "epochs": int,
    }
    assert record["fixed_params"] == {"hidden_size": 8, "random_state": 0}
    assert record["cv_score"] == frame["mean_test_score"].max()
    assert len(pd.read_csv(folder / "pivot.csv")) == 5
    # Again, over its own results: all is found. And its Python does the same.
    assert main([*RATES, "--quiet"]) == 0
    again = capsys.readouterr()
    assert again.err == ""
    assert "\nepochs: 0 trained, 16 found" in again.out
    pd.testing.assert_frame_equal(table(folder), frame)
    report = (folder / "report.html").read_text(encoding="utf-8")
    code = unescape(re.search(r"<pre><code>(.*?)</code></pre>", report, re.S)[1])
    namespace = {}
    exec(compile(code, "report.html", "exec"), namespace)
    found = pd.DataFrame(namespace["search"].cv_results_)
    scores = [name for name in frame if "score" in name and "rank" not in name]
    pd.testing.assert_frame_equal(
        found[scores], frame[scores], check_exact=False, rtol=1e-12
    )
    score = float(capsys.readouterr().out.splitlines()[-1])
    assert f"test accuracy: {score:.4f}" in printed.out


def test_patience_ends_it_and_a_long_table_is_cut(monkeypatch, capsys):
    monkeypatch.setattr(_report, "MOST_ROWS", 3)
    monkeypatch.setattr(_report, "BEST_ROWS", 2)
    # The same two candidates in each of four brackets, to 1 and 2 epochs.
    options = ["--hyperband-iterations", "2", "--patience", "1", "--no-refit"]
    rates = ["--learning-rate", "0.01", "0.1", "--hidden-size", "8"]
    assert main([*SMALL, *rates, *options, "--no-files"]) == 0
    printed = capsys.readouterr()
    ended = re.search(
        r"^ended by --patience 1, after bracket ([23]) of 4: so many candidates have "
        r"not bettered the best score$",
        printed.out,
        re.M,
    )
    assert ended
    assert "kept" not in printed.err
    rows = [line for line in printed.out.splitlines() if line.startswith("| ")][1:]
    scores = [float(row.split("|")[-2]) for row in rows]
    assert len(scores) == 2  # of the four that there are
    assert scores == sorted(scores, reverse=True)
    assert f"cross-validated accuracy: {scores[0]:.4f}" in printed.out
    assert "\nthe best of 4 rows; 2 more are left out\n" in printed.out


def test_own_networks_are_searched_over_ranges(tmp_path, capsys):
    (tmp_path / "nets_by_hyperband.py").write_text(
        "import keras\n\n\n"
        "def make_model(hidden_size=16):\n"
        "    return keras.Sequential([\n"
        "        keras.layers.Input((784,)),\n"
        "        keras.layers.Dense(hidden_size, 'relu'),\n"
        "        keras.layers.Dense(10, 'softmax'),\n"
        "    ])\n"
    )
    own = ["--model", "nets_by_hyperband.py:make_model", "--set", "hidden_size=4:32"]
    assert main([*SMALL, *own, "--early-stopping", "--refit-epochs", "median"]) == 0
    out = capsys.readouterr().out
    frame = table(tmp_path / "runs" / "make_model-hyperband")
    assert frame["param_hidden_size"].between(4, 32).all()
    assert f"cross-validated accuracy: {frame['mean_test_score'].max():.4f}" in out
    assert re.search(r"refit of the best: [12] epochs on all 200 rows", out)
    assert "from scratch: at most 16" in out


def test_rungs_are_told_where_the_search_is_and_not_in_its_workers():
    told = []
    search = HyperbandSearchCV(None, {})
    telling_rungs(search, told.append)
    reached, brackets = _course.Reached(0, 1, 1, 9), _course.brackets_of(9, 3)
    sent = pickle.loads(pickle.dumps(search))
    sent.on_rung_begin(reached, brackets)
    assert told == []
    copy.copy(search).on_rung_begin(reached, brackets)
    assert told == ["bracket 1 of 3, rung 2 of 3: 1 candidate to 9 epochs"]


# -- ended by the clock ----------------------------------------------------------------


def test_minutes_that_are_over_at_once_are_one_sentence(capsys):
    assert main([*RATES, "--minutes", "1e-9"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "sknn-mnist: error: --minutes 1e-09 were over before the first rung was done: "
        "2 candidates to 1 epoch(s) in each of 2 folds, the start of workers among "
        "them; give more"
    )


def test_a_single_candidate_is_no_search(capsys):
    assert main([*RATES, "--epochs", "2", "--hyperband", "3"]) == 2
    said = capsys.readouterr().err
    assert "--hyperband 3 up to 2 epoch(s) has a single candidate" in said
    assert "give --epochs 3 or more" in said


def test_minutes_end_it_with_the_best_so_far(monkeypatch, capsys):
    """By a clock of the test's own, which comes to its end in the second bracket."""
    now = time.time()

    class Clock:
        @staticmethod
        def time():
            return now

    for room in (_loans, _course):
        monkeypatch.setattr(room, "time", Clock)
    evaluated = _course._Bracket._evaluated

    def later(self, reached, *args):
        nonlocal now
        now += 59 * reached.bracket
        return evaluated(self, reached, *args)

    monkeypatch.setattr(_course._Bracket, "_evaluated", later)
    assert main([*RATES, "--minutes", "0.5"]) == 0
    out = capsys.readouterr().out
    assert (
        "\nended by --minutes 0.5, after bracket 1 of 2, rung 2 of 2; the same command "
        "goes on from there\n"
    ) in out
    assert "all 2 candidates to 2 from scratch: 8\n" in out
    assert "test accuracy: " in out


# -- killed ----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_search_goes_on(tmp_path):
    def command(out):
        return [
            *(sys.executable, "-m", "sknn_mnist.cli", "search", "--dataset", "digits"),
            *("--cv", "2", "--hyperband", "--epochs", "9", "--train-size", "900"),
            *("--learning-rate", "1e-3:1e-1:log", "--hidden-size", "16"),
            *("--out", str(tmp_path / out)),
        ]

    def epochs_done():
        longest = {}
        for each in FolderStore(tmp_path / "killed", 1).files():
            longest[each.key] = max(each.epoch, longest.get(each.key, 0))
        return sum(longest.values())

    whole = subprocess.run(command("whole"), capture_output=True, text=True, check=True)
    trained = int(re.search(r"; ([\d,]+) of their", whole.stderr)[1])
    for moment in (0.05, 0.4, 0.7):
        killed = subprocess.Popen(command("killed"), stderr=subprocess.PIPE, text=True)
        while epochs_done() < moment * trained:
            assert killed.poll() is None
            time.sleep(0.01)
        killed.kill()  # SIGKILL
        killed.communicate()
        assert not (tmp_path / "killed" / "cv_results.csv").exists()
    done = epochs_done()
    again = subprocess.run(
        command("killed"), capture_output=True, text=True, check=True
    )
    left = int(re.search(r"; ([\d,]+) of their", again.stderr)[1])
    assert left == trained - done
    pd.testing.assert_frame_equal(table(tmp_path / "killed"), table(tmp_path / "whole"))
    expected, found = (
        re.sub(r"\nepochs: .*", "", each.stdout.replace("whole", "killed"))
        for each in (whole, again)
    )
    assert found == expected
