"""Early stopping on the shell: `fit`, `search`, refits, a search that is killed."""

import json
import re
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from own_images import bars

import sknn_mnist
from sknn_mnist import DenseClassifier, KerasClassifier
from sknn_mnist.cli import main
from sknn_mnist.cli._arguments import Stopping
from sknn_mnist.cli._candidates import candidates_of
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._parser import parse
from sknn_mnist.cli._plan import Plan
from sknn_mnist.cli._reproduction import python_of_search
from sknn_mnist.cli._searcher import make_search
from sknn_mnist.cli._stopping import parameters_of_stopping
from sknn_mnist.datasets import load_digits28
from sknn_mnist.memory._state_files import FolderStore

SMALL = ["--dataset", "digits", "--train-size", "300"]
STOP = ["--early-stopping", "--n-iter-no-change", "2"]
NET = ["--hidden-size", "16", "--learning-rate", "0.03"]
SEARCH = ["search", *SMALL, "--cv", "2", "--learning-rate", "0.03"]
GRID = [*SEARCH, "--hidden-size", "8", "16", *STOP]

NETS = """
import keras

def make_model(hidden_size=16):
    return keras.Sequential([
        keras.layers.Input((784,)),
        keras.layers.Dense(hidden_size, "relu"),
        keras.layers.Dense(10, "softmax"),
    ])
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKNN_MNIST_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    sknn_mnist.clear_memory(":memory:")
    yield
    sknn_mnist.clear_memory(":memory:")


def data():
    X, X_test, y, y_test = load_digits28(return_X_y=True)
    return X[:300], X_test, y[:300], y_test


def net_of(*options):
    """Return the estimator of a `fit` on the digits."""
    asked = parse(["fit", *options])
    seed = asked.network.random_state
    parameters = parameters_of_stopping(asked.stopping, seed)
    return DenseClassifier(
        16, learning_rate=0.03, random_state=seed, **parameters
    ).set_params(epochs=asked.network.parameters.get("epochs", 10))


def table(folder):
    frame = pd.read_csv(folder / "cv_results.csv")
    return frame[[name for name in frame.columns if "time" not in name]]


# -- usage -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--monitor", "val_accuracy"], "--monitor needs --early-stopping"),
        (["--n-iter-no-change", "3"], "--n-iter-no-change needs --early-stopping"),
        (["--tol", "0"], "--tol needs --early-stopping"),
        (["--stratify"], "--stratify needs --validation-split, or --early-stopping"),
        (["--stratify", "--validation-split", "0"], "--stratify needs"),
        (
            ["--early-stopping", "--monitor", "loss", "--stratify"],
            "--stratify needs --validation-split",
        ),
        (
            ["--early-stopping", "--validation-split", "0"],
            "needs rows to judge by: --validation-split must be more than 0",
        ),
        (["--early-stopping", "--tol", "-1"], "expected a number of at least 0"),
        (["--early-stopping", "--tol", "inf"], "expected a number of at least 0"),
        (["--early-stopping", "--tol", "nan"], "expected a number of at least 0"),
        (["--early-stopping", "--n-iter-no-change", "0"], "an int of at least 1"),
        (["--validation-split", "1"], "expected a number from 0 to less than 1"),
        (["--validation-split", "nan"], "expected a number from 0 to less than 1"),
        (["--early-stopping", "3"], "unrecognized arguments: 3"),
    ],
)
@pytest.mark.parametrize("command", ["fit", "search"])
def test_what_does_not_go_together_is_wrong_usage(command, options, said, capsys):
    assert main([command, *options]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert said in line
    assert printed.out == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--refit-epochs", "median"], "--refit-epochs needs --early-stopping"),
        (
            ["--refit-epochs", "median", "--early-stopping", "--no-refit"],
            "--refit-epochs can't be combined with --no-refit",
        ),
        (["--refit-epochs", "most", "--early-stopping"], "invalid choice: 'most'"),
    ],
)
def test_refits_of_nothing_are_wrong_usage(options, said, capsys):
    assert main(["search", *options]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["early_stopping", "n_iter_no_change", "tol", "monitor", "validation_split"]
)
@pytest.mark.parametrize("command", ["fit", "search"])
def test_own_networks_have_the_options_and_not_settings(command, name, capsys):
    args = [command, "--model", "nets.py:make_model", "--set", f"{name}=1"]
    assert main(args) == 2
    flag = "--" + name.replace("_", "-")
    assert f"{name} is given by {flag}, not by --set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", "{}"),
        ("--validation-split 0", "{}"),
        ("--validation-split 0.25", "{'validation_split': 0.25}"),
        (
            "--early-stopping --validation-split 0.2 --tol 0.5",
            "{'validation_split': 0.2, 'early_stopping': True, 'tol': 0.5}",
        ),
        (
            "--early-stopping --monitor loss --n-iter-no-change 4",
            "{'early_stopping': True, 'n_iter_no_change': 4, 'monitor': 'loss'}",
        ),
        (
            "--early-stopping --random-state 7",
            "{'validation_split': StratifiedShuffleSplit(n_splits=1, random_state=7, "
            "test_size=0.1, train_size=None), 'early_stopping': True}",
        ),
        (
            "--stratify --validation-split 0.3",
            "{'validation_split': StratifiedShuffleSplit(n_splits=1, random_state=0, "
            "test_size=0.3, train_size=None)}",
        ),
    ],
)
def test_which_parameters_options_are(options, expected):
    asked = parse(["fit", *options.split()])
    found = parameters_of_stopping(asked.stopping, asked.network.random_state)
    assert " ".join(repr(found).split()) == expected


def test_help_says_what_is_held_out(capsys):
    for command in ("fit", "search"):
        assert main([command, "--help"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "Without --validation-split it judges by 0.1 of the rows" in said
    assert Stopping(early_stopping=True).fraction == 0.1


# -- fit -------------------------------------------------------------------------------


def test_fit_stops_and_tells_the_best_epoch(tmp_path, capsys):
    options = ["--epochs", "60", *STOP]
    file = str(tmp_path / "net.safetensors")
    assert main(["fit", *SMALL, *NET, *options, "--save", file]) == 0
    printed = capsys.readouterr()
    X, X_test, y, y_test = data()
    net = net_of(*options).fit(X, y)
    assert net.n_iter_ < 60
    assert (
        f"\nstopped after {net.n_iter_} of 60 epochs; best: epoch "
        f"{net.best_epoch_ + 1}, val_loss {net.best_score_:.4f}\n"
    ) in printed.out
    assert f"test accuracy: {net.score(X_test, y_test):.4f}" in printed.out
    assert (
        "early stopping by val_loss on 0.1 of the rows of each fit, held out of its "
        "training: the same share of each class\n"
    ) in printed.err
    loaded = sknn_mnist.load(file)
    np.testing.assert_array_equal(loaded.predict(X_test), net.predict(X_test))
    assert loaded.best_epoch_ == net.best_epoch_


def test_fit_to_the_end_says_so(capsys):
    options = ["--epochs", "2", "--early-stopping", "--monitor", "val_accuracy"]
    assert main(["fit", *SMALL, *NET, *options]) == 0
    out = capsys.readouterr().out
    assert re.search(
        r"\ntrained all 2 epochs; best: epoch [12], val_accuracy 0\.\d{4}\n", out
    )


def test_without_early_stopping_nothing_of_it_is_said(capsys):
    options = ["--epochs", "1", "--validation-split", "0.2", "--stratify"]
    assert main(["fit", *SMALL, *NET, *options]) == 0
    printed = capsys.readouterr()
    assert "best" not in printed.out
    assert "early" not in printed.err
    assert "val_loss" in printed.out


def test_rows_sorted_by_class_are_held_out_class_by_class(capsys):
    X, y = bars(90)
    order = np.argsort(y)
    bars_by_class = {"x_train": X[order], "y_train": y[order]}
    np.savez("bars.npz", **bars_by_class, x_test=X[:9], y_test=y[:9])
    base = ["fit", "--data", "bars.npz", "--hidden-size", "8", "--epochs", "2"]
    last = [*base, "--early-stopping", "--validation-split", "0.1"]
    with pytest.warns(UserWarning, match="lack"):
        main(last)
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main([*base, "--early-stopping"]) == 0
    assert "the same share of each class" in capsys.readouterr().err


def test_own_networks_stop(tmp_path, capsys):
    (tmp_path / "nets_that_stop.py").write_text(NETS)
    own = ["--model", "nets_that_stop.py:make_model"]
    rate = ["--learning-rate", "0.03"]
    options = ["--epochs", "60", *STOP]
    assert main(["fit", *SMALL, *own, *rate, *options]) == 0
    out = capsys.readouterr().out
    X, _, y, _ = data()
    from nets_that_stop import make_model

    parameters = net_of(*options).get_params()
    net = KerasClassifier(make_model, random_state=0).set_params(
        **{
            name: parameters[name]
            for name in (
                *("early_stopping", "n_iter_no_change", "validation_split"),
                *("epochs", "learning_rate"),
            )
        }
    )
    net.fit(X, y)
    assert f"stopped after {net.n_iter_} of 60 epochs; best: epoch" in out
    command = ["search", *SMALL, *own, *rate, "--cv", "2", *options, "--quiet"]
    command += ["--set", "hidden_size=4,16", "--refit-epochs", "median"]
    assert main(command) == 0
    assert re.search(
        r"refit of the best: \d+ epochs on all 300", capsys.readouterr().out
    )


# -- search ----------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [["40"], ["2", "5", "40"]], ids=" ".join)
def test_a_search_stops_and_says_what_that_spared(epochs, tmp_path, capsys):
    command = [*GRID, "--epochs", *epochs, "--out", str(tmp_path / "out")]
    assert main(command) == 0
    printed = capsys.readouterr()
    search = make_search(parse(command), candidates_of(parse(command)))
    X, X_test, y, y_test = data()
    search.fit(X, y)
    frame = table(tmp_path / "out")
    for name in ("split0_test_score", "split1_train_score", "split0_test_best_epoch"):
        np.testing.assert_allclose(frame[name], search.cv_results_[name], rtol=1e-12)
    assert not [name for name in frame if "rank_test_best" in name]
    assert not [name for name in frame if "train_best_epoch" in name]
    # Epochs of all fits, by hand.
    n_epochs, trained = [], {}
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    for parameters in search.cv_results_["params"]:
        for fold, (train, _) in enumerate(StratifiedKFold(2).split(X, y)):
            net = clone(search.estimator).set_params(**parameters, memory=None)
            n_epochs.append(net.fit(X[train], y[train]).n_iter_)
            training = parameters["hidden_size"], fold
            trained[training] = max(n_epochs[-1], trained.get(training, 0))
    most = 4 * sum(map(int, epochs))
    spared = most - sum(n_epochs)
    assert spared > 0
    assert (
        f"; {sum(trained.values()):,} of their {sum(n_epochs):,} epochs trained, the "
        f"others found; early stopping spared {spared:,} of at most {most:,}\n"
    ) in printed.err
    assert "early stopping by val_loss on 0.1 of the rows" in printed.err
    index = int(np.argmax(search.cv_results_["mean_test_score"]))
    folds = [int(frame[f"split{fold}_test_best_epoch"][index]) for fold in (0, 1)]
    median = int(np.floor(np.mean(folds) + 0.5))
    told = f"best epochs in the folds of the best: {folds[0]}, {folds[1]} (median "
    assert f"{told}{median})\n" in printed.out
    best = clone(search.estimator).set_params(**search.cv_results_["params"][index])
    best.fit(X, y)
    assert f"refit of the best: stopped after {best.n_iter_} of 40 epochs; best: epoch "
    assert f"test accuracy: {best.score(X_test, y_test):.4f}" in printed.out
    record = json.loads((tmp_path / "out" / "best_params.json").read_text())
    assert record["fixed_params"]["early_stopping"] is True
    assert record["fixed_params"]["validation_split"] == (
        "StratifiedShuffleSplit(n_splits=1, random_state=0, test_size=0.1, "
        "train_size=None)"
    )


def test_a_refit_for_the_median(tmp_path, capsys):
    command = [*GRID, "--epochs", "40", "--refit-epochs", "median"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    frame = table(tmp_path / "out")
    best = frame.loc[frame["rank_test_score"].argmin()]
    median = int(
        (best["split0_test_best_epoch"] + best["split1_test_best_epoch"] + 1) / 2
    )
    assert f"refit of the best: {median} epochs on all 300 rows\n" in out
    X, X_test, y, y_test = data()
    net = DenseClassifier(
        int(best["param_hidden_size"]),
        learning_rate=0.03,
        epochs=median,
        random_state=0,
    ).fit(X, y)
    assert f"test accuracy: {net.score(X_test, y_test):.4f}" in out


@pytest.mark.parametrize("refit", [[], ["--refit-epochs", "median"], ["--no-refit"]])
def test_halving_stops_too(refit, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    command = [*SEARCH, "--hidden-size", "2", "4", "16", *STOP, "--epochs", "9"]
    assert main([*command, "--halving", *refit, *out]) == 0
    printed = capsys.readouterr().out
    frame = table(tmp_path / "out")
    assert frame["n_resources"].tolist() == [3, 3, 3, 9]
    assert re.search(r"\nepochs: \d+ trained, .* from scratch: at most 54\n", printed)
    assert "best parameters: hidden_size=" in printed
    assert ", epochs=9\n" in printed
    assert f"cross-validated accuracy: {frame['mean_test_score'][3]:.4f}" in printed
    assert ("refit of the best" in printed) == (refit != ["--no-refit"])


def test_a_score_that_fails_in_some_folds_is_not_the_end(monkeypatch, capsys):
    from sknn_mnist.cli import _stopping

    calls = []

    class Failing(_stopping.Forgiving):
        def __init__(self, scorer):
            def fails(*args):
                calls.append(0)
                if len(calls) == 1:
                    raise ValueError("no score today")
                return scorer(*args)

            super().__init__(fails)

    from sknn_mnist.cli import _search

    monkeypatch.setattr(_search, "Forgiving", Failing)
    command = [*GRID, "--epochs", "2", "--no-refit", "--no-files"]
    with pytest.warns(UserWarning, match="failed: no score today"):
        assert main(command) == 0
    assert "best parameters: hidden_size=16" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore")
def test_no_score_at_all_is_one_sentence(capsys):
    command = [*GRID, "--epochs", "2", "--no-files", "--scoring", "roc_auc"]
    assert main(command) == 1
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.endswith("no candidate could be scored by --scoring roc_auc")


@pytest.mark.filterwarnings("ignore")
def test_an_unknown_monitor_is_one_sentence(capsys):
    for command in (["fit", *SMALL], [*SEARCH, "--no-files"]):
        args = [*command, "--epochs", "2", "--early-stopping", "--monitor", "val_f1"]
        assert main(args) == 1
        line = capsys.readouterr().err.splitlines()[-1]
        assert "The 'monitor' parameter of DenseClassifier must be the name" in line


# -- the Python of the report ----------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        "--early-stopping",
        "--early-stopping --refit-epochs median --scoring f1_macro",
        "--early-stopping --no-refit --validation-split 0.2 --tol 0.01",
        "--early-stopping --monitor loss --n-iter-no-change 3 --n-jobs 2",
        "--early-stopping --halving --epochs 9 --hidden-size 8 16",
        "--early-stopping --halving --epochs 9 --hidden-size 8 16 --no-refit",
        "--early-stopping --hyperband --hidden-size 8 16",
        "--early-stopping --hyperband --dropout 0:0.5 --refit-epochs median",
        "--validation-split 0.2 --stratify --random-state 4",
    ],
)
def test_its_python_makes_the_same_search(options):
    asked = parse(["search", "--dataset", "digits", *options.split()])
    candidates = candidates_of(asked)
    made = make_search(asked, candidates)
    digits = Data([], [], [], [], "digits", "there")
    code = python_of_search(Plan(asked, candidates, digits, None))
    namespace = {}
    exec(compile(code.split("search.fit(")[0], "report.html", "exec"), namespace)
    again = namespace["search"]
    assert type(again) is type(made)
    assert told(again) == told(made)
    if "StratifiedShuffleSplit" in code.split("search =")[0]:
        assert "StratifiedShuffleSplit(" in code.split("search =")[1]


def told(search):
    parameters = search.get_params(deep=True)
    for name in ("estimator", "refit", "estimator__memory"):
        del parameters[name]
    return {name: repr(value) for name, value in parameters.items()}


@pytest.mark.parametrize(
    "options", [[], ["--refit-epochs", "median"]], ids=["stop", "median"]
)
def test_its_python_gives_the_same_scores(options, tmp_path, capsys):
    out = tmp_path / "out"
    command = [*GRID, "--epochs", "3", "30", *options, "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    asked = parse(command)
    plan = Plan(
        asked, candidates_of(asked), Data([], [], [], [], "digits", "there"), None
    )
    namespace = {}
    exec(compile(python_of_search(plan), "report.html", "exec"), namespace)
    score = float(capsys.readouterr().out.splitlines()[-1])
    assert f"test accuracy: {score:.4f}" in printed
    found = pd.DataFrame(namespace["search"].cv_results_)
    frame = table(out)
    numbers = [name for name in frame if re.match("(mean|std|split)", name)]
    np.testing.assert_allclose(found[numbers], frame[numbers], rtol=1e-12)


# -- killed ----------------------------------------------------------------------------


def epochs_done(folder):
    """Count the epochs that nobody needs to train again, of all trainings."""
    longest = {}
    for each in FolderStore(folder, 1).files():
        longest[each.key] = max(each.epoch, longest.get(each.key, 0))
    return sum(longest.values())


def trained_in(err):
    return int(re.search(r"; ([\d,]+) of their", err)[1].replace(",", ""))


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--halving"]], ids=["grid", "halving"])
def test_a_killed_search_goes_on(more, tmp_path):
    epochs = ["54"] if more else ["5", "200"]

    def command(out):
        return [
            *(sys.executable, "-m", "sknn_mnist.cli", "search", "--dataset", "digits"),
            *("--cv", "3", "--hidden-size", "16", "32", "64", "--epochs", *epochs),
            *("--early-stopping", "--n-iter-no-change", "3", "--learning-rate", "0.01"),
            *("--refit-epochs", "median", "--out", str(tmp_path / out), *more),
        ]

    whole = subprocess.run(command("whole"), capture_output=True, text=True, check=True)
    killed = subprocess.Popen(command("killed"), stderr=subprocess.PIPE, text=True)
    while not killed.stderr.readline().startswith("searching"):
        assert killed.poll() is None
    half = trained_in(whole.stderr) // 2
    while epochs_done(tmp_path / "killed") < half:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()  # SIGKILL
    killed.wait()
    killed.stderr.close()
    done = epochs_done(tmp_path / "killed")
    assert not (tmp_path / "killed" / "cv_results.csv").exists()
    again = subprocess.run(
        command("killed"), capture_output=True, text=True, check=True
    )
    assert trained_in(again.stderr) == trained_in(whole.stderr) - done
    pd.testing.assert_frame_equal(table(tmp_path / "killed"), table(tmp_path / "whole"))
    expected = whole.stdout.replace("whole", "killed")
    if more:  # says how many epochs were found, and by now they are more
        expected, found = (
            re.sub(r"\nepochs: .*", "", each) for each in (expected, again.stdout)
        )
        assert found == expected
    else:
        assert again.stdout == expected
