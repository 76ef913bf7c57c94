"""The command line: what it prints, writes, refuses and returns."""

import csv
import io
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

import sknn_mnist
from sknn_mnist import DenseClassifier
from sknn_mnist._whole_files import replacing
from sknn_mnist.cli import _datasets, _search, main
from sknn_mnist.cli._candidates import split_grid
from sknn_mnist.cli._network_options import MODELS
from sknn_mnist.cli._parser import parse
from sknn_mnist.datasets import load_digits28
from sknn_mnist.reporting import _progress
from sknn_mnist.reporting._progress import SearchProgress, polling
from sknn_mnist.reporting._records import CountingScorer, SearchRecords

ROOT = Path(__file__).parents[2]
COMMANDS = [
    *("search", "fit", "evaluate", "predict", "datasets", "cache", "examples"),
]
DIGITS = ["--dataset", "digits"]
SMALL = [*DIGITS, "--train-size", "300"]


@pytest.fixture(autouse=True)
def no_mnist(monkeypatch, tmp_path):
    """No MNIST at hand, wherever the tests run."""
    monkeypatch.delenv("SKNN_MNIST_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def no_training(monkeypatch):
    def fit(self, X, y):
        pytest.fail("training started")

    monkeypatch.setattr(DenseClassifier, "fit", fit)


@pytest.fixture
def small_mnist(tmp_path):
    """A file in MNIST's layout, of 100 training and 20 test rows."""
    X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    pixels, labels = (X[:120] * 255).astype(np.uint8), y[:120].astype(np.uint8)
    path = tmp_path / "mnist.npz"
    np.savez(
        path,
        x_train=pixels[:100],
        y_train=labels[:100],
        x_test=pixels[100:],
        y_test=labels[100:],
    )
    return path


@pytest.fixture(scope="module")
def net_file(tmp_path_factory):
    """A net fitted for one epoch, saved by `fit --save`; and what `fit` printed."""
    path = tmp_path_factory.mktemp("net") / "net.safetensors"
    printed = io.StringIO()
    with redirect_stdout(printed):
        args = ["fit", *SMALL, "--epochs", "1", "--hidden-size", "8,4"]
        assert main([*args, "--validation-split", "0.2", "--save", str(path)]) == 0
    return path, printed.getvalue()


def start(code, **kwargs):
    """Start Python on some code, with the package of this checkout."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **kwargs.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        **kwargs,
    )


def one_line_error(capsys):
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


# -- help and usage ---------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [["--help"], ["--version"], ["search", "--help"], ["datasets"], ["cache", "."]],
)
def test_answers_without_starting_tensorflow(args):
    code = f"""if True:
        import sys
        from sknn_mnist.cli import main
        code = main({args!r})
        heavy = {{"tensorflow", "keras", "sklearn.model_selection"}} & set(sys.modules)
        sys.exit(f"imported {{heavy}}" if heavy else code)
    """
    child = start(code, stdout=subprocess.PIPE)
    out, err = child.communicate()
    assert (child.returncode, err) == (0, "")
    assert out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sknn-mnist {sknn_mnist.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert "exit codes: 0 done" in capsys.readouterr().out
    assert main(["--help"]) == 0
    assert command in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["serch"], "invalid choice: 'serch'"),
        (["evaluate"], "the following arguments are required: --load"),
        (["search", "--epochs", "x"], "--epochs: invalid int value: 'x'"),
        (["search", "--epochs", "1", "0"], "must be an int in the range [1, inf). Got"),
        (["search", "--epochs", "1", "5", "1"], "--epochs names 1 more than once."),
        (
            ["search", "--dropout", "1.5"],
            "The 'dropout' parameter of DenseClassifier must be a float in the range "
            "[0.0, 1.0). Got 1.5 instead.",
        ),
        (["search", "--dropout", "0", "-0.5"], "Got -0.5 instead."),
        (["search", "--learning-rate", "nan"], "Got nan instead."),
        (["search", "--learning-rate", "fast"], "got 'fast'"),
        (["search", "--optimizer", "adma"], "a Keras optimizer (did you mean 'ada"),
        (["search", "--batch-norm", "maybe"], "expected true or false, got 'maybe'"),
        (["search", "--hidden-size", "8,x"], "got '8,x'"),
        (["search", "--hidden-size", "0"], "'hidden_size'"),
        (
            ["search", "--filters", "8", "16"],
            "--filters belongs to --model cnn, not to --model dense.",
        ),
        (["search", "--kernel-size", "3"], "--kernel-size belongs to --model cnn"),
        (["search", "--pool-size", "2"], "--pool-size belongs to --model cnn"),
        (["fit", "--filters", "8"], "--filters belongs to --model cnn"),
        (["search", "--scoring", "acuracy"], "(did you mean 'accuracy'?)"),
        (["search", "--cv", "1"], "expected an int of at least 2, got '1'"),
        (["search", "--n-jobs", "0"], "expected an int of at least 1, got '0'"),
        (["search", "--random-state", "-1"], "expected an int from 0 to 4294967295"),
        (["search", "--train-size", "0"], "expected an int of at least 1, got"),
        (["search", *DIGITS, "--train-size", "9999"], "more than the 1437 training"),
        (["search", *DIGITS, "--data", "x"], "--data says where images of your own"),
        (
            ["predict", "--load", "x", "--images", "y", *DIGITS],
            "--images can't be combined with --dataset",
        ),
        (["fit", "--epochs", "1", "2"], "unrecognized arguments: 2"),
        (["fit", "--epochs", "0"], "'epochs'"),
        (
            ["fit", "--validation-split", "1"],
            "--validation-split: expected a number from 0 to less than 1",
        ),
    ],
)
def test_wrong_usage_is_refused_before_training(args, message, capsys, no_training):
    assert main(args) == 2
    line = one_line_error(capsys)
    assert re.match(r"sknn-mnist( search| fit| evaluate)?: error: ", line)
    assert message in line


def test_without_options_the_lesson_is_searched():
    assert split_grid({}, "dense") == (
        {},
        {"epochs": [1, 5, 10], "hidden_size": [32, 64, 256]},
    )
    assert split_grid({}, "cnn") == ({}, {"epochs": [1, 3], "filters": [8, 32]})


def test_help_says_what_is_searched_without_options(capsys):
    assert main(["search", "--help"]) == 0
    _, lesson = capsys.readouterr().out.split("that of the lesson:\n")
    commands = lesson.split("\n\n")[0].splitlines()
    told = [parse(command.split()[1:]).network for command in commands]
    assert [each.model for each in told] == list(MODELS)
    for network in told:
        fixed, grid = split_grid(network.parameters, network.model)
        assert (fixed, grid) == split_grid({}, network.model)


def test_options_with_one_value_are_fixed():
    given = {"epochs": [1, 5], "dropout": [0.5], "batch_norm": [True]}
    fixed, grid = split_grid(given, "dense")
    assert fixed == {"dropout": 0.5, "batch_norm": True}
    assert grid == {"epochs": [1, 5]}


def test_a_single_candidate_is_told_by_its_options():
    assert split_grid({"epochs": [3], "dropout": [0.5]}, "dense") == (
        {},
        {"epochs": [3], "dropout": [0.5]},
    )


# -- search -----------------------------------------------------------------------


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A search without --out writes to the folder that it runs in."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search: its output, its messages, its folder."""
    folder = tmp_path_factory.mktemp("runs") / "new" / "dense"
    out, err = io.StringIO(), io.StringIO()
    args = [*SMALL, "--epochs", "1", "3", "--hidden-size", "8", "--cv", "2"]
    args += ["--learning-rate", "0.01", "--random-state", "3", "--out", str(folder)]
    with redirect_stdout(out), redirect_stderr(err):
        assert main(["search", *args]) == 0
    return out.getvalue(), err.getvalue(), folder


@pytest.fixture(scope="module")
def by_hand():
    """The same search in Python."""
    X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    net = DenseClassifier(hidden_size=8, learning_rate=0.01, random_state=3)
    search = GridSearchCV(net, {"epochs": [1, 3]}, cv=2, return_train_score=True)
    search.fit(X_train[:300], y_train[:300])
    return search, search.score(X_test, y_test)


def test_search_finds_what_grid_search_finds(searched, by_hand):
    _, _, folder = searched
    search, test_accuracy = by_hand
    written = pd.read_csv(folder / "cv_results.csv")
    for name, values in search.cv_results_.items():
        if name.endswith("_score") and "time" not in name:
            np.testing.assert_allclose(written[name], values, rtol=1e-12)
    best = json.loads((folder / "best_params.json").read_text())
    assert best["params"] == search.best_params_
    assert best["cv_score"] == pytest.approx(search.best_score_)
    assert best["test_accuracy"] == pytest.approx(test_accuracy)


def test_search_writes_what_it_was(searched):
    _, _, folder = searched
    assert sorted(path.name for path in folder.iterdir()) == [
        "best_params.json",
        "cv_results.csv",
        "pivot.csv",
        "pivot.md",
        "report.html",
        "training_states",
    ]
    best = json.loads((folder / "best_params.json").read_text())
    assert best["model"] == "DenseClassifier"
    assert best["fixed_params"] == {
        "hidden_size": 8,
        "learning_rate": 0.01,
        "random_state": 3,
    }
    assert best["dataset"] == {
        "name": "digits",
        "source": "sklearn.datasets.load_digits",
        "train_rows": 300,
        "test_rows": 360,
    }
    assert best["versions"]["sknn_mnist"] == sknn_mnist.__version__
    assert {"python", "sklearn", "keras", "tensorflow"} <= set(best["versions"])


def test_search_prints_the_table_and_the_best(searched, by_hand):
    out, _, folder = searched
    search, test_accuracy = by_hand
    table, rest = out.split("\n\n", 1)
    assert table + "\n" == (folder / "pivot.md").read_text(encoding="utf-8")
    assert "mean_train_score" in table
    assert "hidden_size" not in table
    assert rest == (
        f"best parameters: epochs={search.best_params_['epochs']}\n"
        f"cross-validated accuracy: {search.best_score_:.4f}\n"
        f"test accuracy: {test_accuracy:.4f} (on 360 rows of digits)\n"
        f"written to {folder}: cv_results.csv, pivot.csv, pivot.md, best_params.json, "
        f"report.html\nopen {folder / 'report.html'} to see it\n"
    )
    pivot = pd.read_csv(folder / "pivot.csv", index_col="epochs")
    assert list(pivot.index) == [1, 3]
    np.testing.assert_allclose(
        pivot["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_search_tells_on_standard_error_what_goes_on(searched):
    _, err, folder = searched
    about, start, end, refit, kept = err.splitlines()
    assert about == (
        "data: digits (sklearn.datasets.load_digits), 300 training rows, 360 test rows"
    )
    assert start == "searching: 4 fits"
    assert re.fullmatch(
        r"searched: 4 fits in \d+\.\d s; 6 of their 8 epochs trained, the others found",
        end,
    )
    assert refit == "refitting the best on 300 rows"
    assert kept.startswith("kept for next time: ")
    assert kept.endswith(f"; to clear: sknn-mnist cache --clear {folder}")


@pytest.mark.parametrize("return_train_score", [True, False])
def test_progress_knows_how_often_the_search_scores_a_fit(
    return_train_score, capsys, monkeypatch
):
    make_search = _search.make_search

    def made(*args):
        return make_search(*args).set_params(return_train_score=return_train_score)

    monkeypatch.setattr(_search, "make_search", made)
    sknn_mnist.clear_memory(":memory:")
    args = [*SMALL, "--epochs", "3", "--hidden-size", "4", "--cv", "2"]
    assert main(["search", *args, "--no-files"]) == 0
    assert "; 6 of their 6 epochs trained" in capsys.readouterr().err


def test_quiet_search_without_refit_and_with_a_score(capsys, tmp_path):
    args = [*SMALL, "--epochs", "1", "--cv", "2", "--scoring", "f1_macro"]
    args += ["--quiet", "--no-refit", "--out", str(tmp_path)]
    assert main(["search", *args]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "best parameters: epochs=1\ncross-validated f1_macro: 0." in printed.out
    assert "test accuracy" not in printed.out
    best = json.loads((tmp_path / "best_params.json").read_text())
    assert (best["test_accuracy"], best["scoring"]) == (None, "f1_macro")


def test_a_search_without_options_for_files_tells_of_its_report(capsys, tmp_path):
    args = [*SMALL, "--epochs", "1", "--hidden-size", "4", "--cv", "2"]
    assert main(["search", *args]) == 0
    report = Path("runs", "dense", "report.html")
    assert f"open {report} to see it" in capsys.readouterr().out
    assert (tmp_path / report).stat().st_size > 10_000
    assert main(["search", *args, "--no-files", "--out", "x"]) == 2
    assert "--no-files can't be combined with --out" in capsys.readouterr().err


def test_a_failed_fit_is_shown(capsys):
    args = [*SMALL, "--learning-rate", "1e38", "0.01", "--epochs", "1", "--cv", "2"]
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        assert main(["search", *args, "--optimizer", "sgd", "--no-refit"]) == 0
    out = capsys.readouterr().out
    assert "failed" in out
    assert "best parameters: learning_rate=0.01" in out


def test_a_search_whose_every_fit_failed_fails(capsys):
    args = [*SMALL, "--learning-rate", "1e38", "--epochs", "1", "--cv", "2"]
    assert main(["search", *args, "--optimizer", "sgd", "--quiet"]) == 1
    assert one_line_error(capsys).startswith(
        "sknn-mnist: error: every fit failed: Training of DenseClassifier diverged"
    )


@pytest.mark.filterwarnings("ignore::UserWarning")  # scikit-learn's, of each score
def test_a_search_without_any_score_fails(capsys):
    # Needs probabilities of two classes, and the digits have ten.
    args = [*SMALL, "--scoring", "roc_auc", "--epochs", "1", "--cv", "2", "--quiet"]
    assert main(["search", *args]) == 1
    assert capsys.readouterr().err == (
        "sknn-mnist: error: no candidate could be scored by --scoring roc_auc\n"
    )


def test_an_output_folder_that_cannot_be_is_refused_first(
    capsys, tmp_path, no_training
):
    file = tmp_path / "results"
    file.write_text("mine")
    assert main(["search", *SMALL, "--out", str(file)]) == 1
    assert one_line_error(capsys) == (
        f"sknn-mnist: error: can't write to the folder {file}: a file"
    )
    assert main(["search", *SMALL, "--out", str(file / "below")]) == 1
    assert f"can't write to the folder {file / 'below'}" in one_line_error(capsys)
    assert file.read_text() == "mine"


def test_too_many_folds_are_refused_in_one_sentence(capsys):
    args = [*DIGITS, "--train-size", "30", "--cv", "20", "--epochs", "1", "--quiet"]
    assert main(["search", *args]) == 1
    assert "n_splits=20 cannot be greater than" in one_line_error(capsys)


@pytest.mark.slow
def test_search_over_convolutional_nets(capsys):
    args = [*SMALL, "--model", "cnn", "--filters", "2", "2,2", "--epochs", "1"]
    args += ["--batch-norm", "true", "false", "--kernel-size", "3,5", "--cv", "2"]
    assert main(["search", *args, "--n-jobs", "2"]) == 0
    table, _ = capsys.readouterr().out.split("\n\n", 1)
    assert len(table.splitlines()) == 2 + 4
    assert "(2, 2)" in table


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_ctrl_c_leaves_no_traceback():
    code = """if True:
        import sys
        from sknn_mnist.cli import main
        sys.exit(main("search --dataset digits --epochs 900 1000".split()))
    """
    child = start(code, stdout=subprocess.PIPE)
    before = ""
    for line in child.stderr:
        before += line
        if line.startswith("searching"):
            break
    child.send_signal(signal.SIGINT)
    out, after = child.communicate()
    assert child.returncode == 130, before + after
    hint = "; run the same command again to go on"  # once an epoch is through
    assert after.replace(hint, "") == "sknn-mnist: interrupted\n"
    assert out == ""


# -- progress ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_search():
    X, y = make_classification(n_samples=60, random_state=0)
    tree = DecisionTreeClassifier(random_state=0)

    def search(**options):
        grid = {"max_depth": [1, 2]}
        found = GridSearchCV(tree, grid, cv=3, return_train_score=True, **options)
        return found.fit(X, y)

    search.scorer = check_scoring(tree)
    return search


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_counting_leaves_the_results_alone(small_search, n_jobs, tmp_path):
    path = tmp_path / "calls"
    path.touch()
    scorer = CountingScorer(small_search.scorer, path, ["max_depth"])
    counted = small_search(scoring=scorer, n_jobs=n_jobs).cv_results_
    plain = small_search().cv_results_
    assert list(counted) == list(plain)
    for name in plain:
        if "time" not in name and name != "params":
            np.testing.assert_array_equal(counted[name], plain[name])
    records = SearchRecords(path, calls_per_fit=2, n_folds=3)
    records.update()
    assert records.fits == 6
    assert (records.epochs, records.trained_epochs) == (0, 0)  # a tree has none
    best = plain["mean_test_score"].argmax()
    assert records.best == (
        pytest.approx(plain["mean_test_score"][best]),
        f"max_depth={plain['params'][best]['max_depth']}",
    )


def test_scorer_counts_failures_and_raises_them(tmp_path):
    def fails(estimator, X, y):
        raise ValueError("no score")

    path = tmp_path / "calls"
    path.touch()
    with pytest.raises(ValueError, match="no score"):
        CountingScorer(fails, path)(None, [], [])
    records = SearchRecords(path, calls_per_fit=1, n_folds=1)
    records.update()
    assert records.fits == 1
    assert records.best is None  # not a NaN


def test_scorer_without_its_file_still_scores(tmp_path):
    path = tmp_path / "gone" / "calls"
    scorer = pickle.loads(pickle.dumps(CountingScorer(len, path)))
    assert scorer([1, 2]) == 2
    path.parent.mkdir()
    assert scorer([1, 2]) == 2
    assert not path.exists()


class Fitted:
    def __init__(self, epochs, initial_epoch, size=32):
        self.history_ = {"loss": [0.0] * epochs}
        self.initial_epoch_ = initial_epoch
        self.size = size


@pytest.mark.parametrize(
    ("calls", "calls_per_fit", "fits"), [(0, 2, 0), (1, 2, 0), (5, 2, 2), (5, 1, 5)]
)
def test_fits_are_counted_from_calls(calls, calls_per_fit, fits, tmp_path):
    path = tmp_path / "calls"
    path.touch()
    for _ in range(calls):
        CountingScorer(lambda net: 0.5, path)(Fitted(1, 0))
    records = SearchRecords(path, calls_per_fit, n_folds=1)
    with path.open("ab") as file:
        file.write(b'{"epochs": 3')  # of a call that is being counted
    records.update()
    assert records.fits == fits
    records.update()
    assert records.fits == fits


def test_no_file_means_no_fits(tmp_path):
    records = SearchRecords(tmp_path / "none", 2, 3)
    records.update()
    assert (records.fits, records.epochs, records.best) == (0, 0, None)


def test_epochs_are_counted_and_the_best_is_known(tmp_path):
    path = tmp_path / "calls"
    path.touch()
    records = SearchRecords(path, calls_per_fit=2, n_folds=2)
    scores = iter([0.5, 1.0, 0.7, 1.0, 0.9, 1.0, 0.8, 1.0])
    scorer = CountingScorer(lambda net: next(scores), path, ["size"])
    seen = []
    for net in (Fitted(5, 0), Fitted(10, 5), Fitted(10, 10, 64), Fitted(5, 5, 64)):
        scorer(net), scorer(net)  # of the held-out rows, and of those of training
        records.update()
        seen.append(records.best)
    assert (records.fits, records.epochs, records.trained_epochs) == (4, 30, 10)
    first, second = (pytest.approx(0.6), "size=32"), (pytest.approx(0.85), "size=64")
    assert seen == [None, first, first, second]


def test_polling_shows_while_the_block_runs_and_once_after():
    shown = threading.Event()
    by = []

    def show():
        by.append(threading.current_thread())
        shown.set()

    with polling(show):
        assert shown.wait(60)
    assert by[0] is not threading.main_thread()
    assert by[-1] is threading.main_thread()
    assert by[0] not in threading.enumerate()


class Terminal(io.StringIO):
    def isatty(self):
        return True

    @property
    def text(self):
        """What was written, without colours and cursor movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


def test_a_terminal_shows_a_bar(small_search):
    stream = Terminal()
    progress = SearchProgress(6, 2, stream, names=["max_depth"], n_folds=3)
    with progress.search(small_search.scorer) as scorer:
        assert isinstance(scorer, CountingScorer)
        progress.tell_stage("bracket [1] of 2")
        found = small_search(scoring=scorer)
    assert "bracket [1] of 2\n" in stream.text
    assert "6/6 fits" in stream.text
    assert f"best so far {found.best_score_:.4f} (max_depth=" in stream.text
    assert not Path(scorer.path).parent.exists()
    with progress.refit(60):
        pass
    assert "refitting the best on 60 rows" in stream.text


def test_an_interrupted_bar_cleans_up(small_search):
    stream = Terminal()
    with (
        pytest.raises(KeyboardInterrupt),
        SearchProgress(6, 2, stream).search(small_search.scorer) as scorer,
    ):
        raise KeyboardInterrupt
    assert "6/6" not in stream.text
    assert not Path(scorer.path).parent.exists()
    names = {thread.name for thread in threading.enumerate()}
    assert "sknn-mnist-progress" not in names


def test_a_pipe_gets_two_lines_and_quiet_none(small_search):
    for stream, quiet in ((io.StringIO(), False), (Terminal(), True)):
        progress = SearchProgress(6, 2, stream, quiet)
        with progress.search(small_search.scorer) as scorer:
            small_search(scoring=scorer)
        lines = stream.getvalue().splitlines()
        assert len(lines) == (0 if quiet else 2)
        assert not Path(scorer.path).parent.exists()


def test_a_log_gets_a_line_now_and_then(small_search, monkeypatch):
    monkeypatch.setattr(_progress, "LINE_SECONDS", 0)
    stream = io.StringIO()
    progress = SearchProgress(6, 2, stream, names=["max_depth"], n_folds=3)
    with progress.search(small_search.scorer) as scorer:
        found = small_search(scoring=scorer)
    assert (
        f"searching: 6 of 6 fits done, 0 left, best so far {found.best_score_:.4f} "
        "(max_depth=" in stream.getvalue()
    )


# -- one net ----------------------------------------------------------------------


def test_fit_prints_history_and_accuracy(net_file):
    path, out = net_file
    net = sknn_mnist.load(path)
    assert net.hidden_size == (8, 4)
    table, rest = out.split("\n\n", 1)
    assert re.findall(r"\w+", table.splitlines()[0]) == ["epoch", *net.history_]
    assert "val_loss" in net.history_
    X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    assert rest == (
        f"train accuracy: {net.score(X_train[:300], y_train[:300]):.4f}\n"
        f"test accuracy: {net.score(X_test, y_test):.4f}\n"
        f"saved to {path}\n"
    )


def test_evaluate_a_saved_net(net_file, capsys):
    path, fitted = net_file
    assert main(["evaluate", "--load", str(path), *DIGITS]) == 0
    out = capsys.readouterr().out
    accuracy = re.search(r"test accuracy: (\S+)", fitted)[1]
    assert out.startswith(f"test accuracy: {accuracy} (on 360 rows of digits)\n\n")
    assert re.search(r"^ +7 ( +\d\.\d{4}){3} +\d+$", out, re.MULTILINE)


def test_predict_with_a_saved_net(net_file, capsys, tmp_path):
    path, _ = net_file
    assert main(["predict", "--load", str(path), *DIGITS]) == 0
    printed = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(printed)))
    _, X_test, _, y_test = load_digits28(return_X_y=True)
    net = sknn_mnist.load(path)
    assert [int(row["index"]) for row in rows] == list(range(360))
    np.testing.assert_array_equal(
        [int(row["prediction"]) for row in rows], net.predict(X_test)
    )
    np.testing.assert_allclose(
        [float(row["probability"]) for row in rows],
        net.predict_proba(X_test).max(axis=1),
        atol=1e-6,
    )
    np.testing.assert_array_equal([int(row["label"]) for row in rows], y_test)
    file = tmp_path / "predictions.csv"
    assert main(["predict", "--load", str(path), *DIGITS, "--out", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert file.read_text() == printed


def test_predict_images_of_each_kind_alike(net_file, capsys, tmp_path):
    path, _ = net_file
    _, X_test, _, _ = load_digits28(return_X_y=True)
    pixels = np.round(X_test[:3] * 255).astype(np.uint8)
    printed = set()
    for images in (
        pixels,
        pixels.reshape(3, 28, 28),
        pixels.reshape(3, 28, 28, 1).astype(np.int64),
        (pixels / 255).astype(np.float32),
    ):
        np.save(tmp_path / "scans.npy", images)
        args = ["--load", str(path), "--images", str(tmp_path / "scans.npy")]
        assert main(["predict", *args]) == 0
        printed.add(capsys.readouterr().out)
    (out,) = printed
    header, *rows = out.splitlines()
    assert header == "index,prediction,probability"
    assert len(rows) == 3


@pytest.mark.slow
def test_a_saved_convolutional_net_predicts_images(capsys, tmp_path):
    net, scans = str(tmp_path / "cnn.safetensors"), str(tmp_path / "scans.npy")
    args = [*SMALL, "--model", "cnn", "--filters", "2", "--epochs", "1"]
    assert main(["fit", *args, "--save", net]) == 0
    assert main(["evaluate", "--load", net, *DIGITS]) == 0
    capsys.readouterr()
    np.save(scans, np.zeros((2, 28, 28)))
    assert main(["predict", "--load", net, "--images", scans]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    np.save(scans, np.zeros((2, 14, 56)))
    assert main(["predict", "--load", net, "--images", scans]) == 1
    assert "expecting images of shape (28, 28, 1)" in one_line_error(capsys)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file or directory"),
        (b"", "can't be loaded as an estimator that `save` wrote"),
        (b"neither a pickle\nnor a net", "it is no safetensors file"),
        (pickle.dumps(DenseClassifier()), "it is no safetensors file"),
    ],
)
def test_a_file_without_a_net_is_refused(content, message, capsys, tmp_path):
    path = tmp_path / "net.safetensors"
    if content is not None:
        path.write_bytes(content)
    np.save(tmp_path / "scans.npy", np.zeros((1, 784)))
    images = ["--images", str(tmp_path / "scans.npy")]
    for args in (["evaluate", *DIGITS], ["predict", *images]):
        assert main([*args, "--load", str(path)]) == 1
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("sknn-mnist: error: ")
        assert message in line


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (None, "no such file or directory"),
        (b"", "nor a .npy or .npz file of numbers"),
        (b"P5 28 28 255", "nor a .npy or .npz file of numbers"),
        (np.array([{}], dtype=object), "nor a .npy or .npz file of numbers"),
        (np.zeros(784), "but holds float64 of shape (784,)"),
        (np.array([["a"]]), "but holds <U1 of shape (1, 1)"),
        (np.zeros((2, 28)), "X has 28 features, but DenseClassifier is expecting 784"),
        (np.full((1, 784), np.nan), "Input X contains NaN."),
    ],
)
def test_images_that_are_none_are_refused(images, message, net_file, capsys, tmp_path):
    path = tmp_path / "scans.npy"
    if isinstance(images, bytes):
        path.write_bytes(images)
    elif images is not None:
        np.save(path, images, allow_pickle=True)
    args = ["--load", str(net_file[0]), "--images", str(path)]
    assert main(["predict", *args]) == 1
    assert message in one_line_error(capsys)


def test_where_nothing_can_be_saved_nothing_is_trained(capsys, tmp_path, no_training):
    assert main(["fit", *SMALL, "--save", str(tmp_path)]) == 1
    assert one_line_error(capsys) == (
        f"sknn-mnist: error: can't write the file {tmp_path}: it is a folder"
    )


def test_training_that_diverges_is_one_sentence(capsys):
    args = [*SMALL, "--epochs", "1", "--optimizer", "sgd", "--learning-rate", "1e38"]
    assert main(["fit", *args]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "error: Training of DenseClassifier diverged" in line


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("old")

    def stopped():
        with replacing(path) as draft:
            draft.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert path.read_text() == "old"
    with replacing(path) as draft:
        draft.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


# -- data -------------------------------------------------------------------------


def first_message(capsys):
    return capsys.readouterr().err.splitlines()[0]


def test_auto_says_which_data_it_is(net_file, capsys, monkeypatch, small_mnist):
    args = ["evaluate", "--load", str(net_file[0])]
    assert main(args) == 0
    assert first_message(capsys) == (
        "data: digits (sklearn.datasets.load_digits), 1,437 training rows, "
        "360 test rows"
    )
    mnist = f"data: mnist ({small_mnist}), 100 training rows, 20 test rows"
    assert main([*args, "--data", str(small_mnist)]) == 0
    assert first_message(capsys) == mnist
    monkeypatch.setenv("SKNN_MNIST_DATA", str(small_mnist))
    assert main(args) == 0
    assert first_message(capsys) == mnist
    assert main([*args, *DIGITS]) == 0
    assert first_message(capsys).startswith("data: digits")


def test_missing_mnist_is_one_sentence(net_file, capsys, tmp_path):
    args = ["evaluate", "--load", str(net_file[0])]
    assert main([*args, "--dataset", "mnist"]) == 1
    line = one_line_error(capsys)
    assert "MNIST was not found. Looked at" in line
    assert line.endswith("(here: --data PATH, --download or --dataset digits)")
    assert main([*args, "--data", str(tmp_path / "none" / "mnist.npz")]) == 1
    assert f"path={tmp_path / 'none'}" in one_line_error(capsys)


def test_a_bad_file_of_mnist_is_one_sentence(net_file, capsys, tmp_path):
    path = tmp_path / "mnist.npz"
    path.write_bytes(b"PK no archive")
    args = ["evaluate", "--load", str(net_file[0]), "--data", str(path)]
    assert main(args) == 1
    assert str(path) in one_line_error(capsys)


def test_datasets_lists_what_is_available(capsys, monkeypatch, small_mnist, tmp_path):
    assert main(["datasets"]) == 0
    digits, mnist = capsys.readouterr().out.splitlines()
    assert digits.startswith("digits: available")
    assert digits.endswith("1,437 training rows, 360 test rows")
    assert mnist.startswith("mnist: not found. MNIST was not found. Looked at ")
    assert str(tmp_path / "keras") in mnist
    monkeypatch.setenv("SKNN_MNIST_DATA", str(small_mnist))
    assert main(["datasets"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == (
        f"mnist: available, {small_mnist}, 100 training rows, 20 test rows"
    )


def test_download_is_asked_for_by_name(capsys, monkeypatch, small_mnist):
    asked = []

    def download():
        asked.append(True)
        return small_mnist

    monkeypatch.setattr("sknn_mnist.datasets._mnist.download_mnist", download)
    assert main(["datasets"]) == 0
    assert not asked
    assert main(["datasets", "--download"]) == 0
    assert asked
    assert str(small_mnist) in capsys.readouterr().out


def test_a_failed_download_fails(capsys, monkeypatch):
    def download():
        raise OSError("MNIST could not be downloaded")

    monkeypatch.setattr("sknn_mnist.datasets._mnist.download_mnist", download)
    assert main(["datasets", "--download"]) == 1
    assert capsys.readouterr().err == (
        "sknn-mnist: error: MNIST could not be downloaded\n"
    )


# -- ends -------------------------------------------------------------------------


def test_programming_errors_keep_their_traceback(monkeypatch):
    def broken(args):
        raise TypeError("a bug")

    monkeypatch.setattr(_datasets, "run_datasets", broken)
    with pytest.raises(TypeError, match="a bug"):
        main(["datasets"])


def test_ctrl_c_is_130(monkeypatch, capsys):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_datasets, "run_datasets", interrupted)
    assert main(["datasets"]) == 130
    assert capsys.readouterr().err == "sknn-mnist: interrupted\n"


@pytest.mark.skipif(os.name == "nt", reason="pipes are those of POSIX")
def test_a_closed_pipe_is_left_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    code = "import sys; from sknn_mnist.cli import main; sys.exit(main(['datasets']))"
    child = start(code, stdout=writing)
    os.close(writing)
    _, err = child.communicate()
    assert (child.returncode, err) == (141, "")
