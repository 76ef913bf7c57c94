"""`--model nets.py:make_model`: networks of the user's own from the command line."""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

import sknn_mnist
from sknn_mnist import KerasClassifier
from sknn_mnist.cli import main
from sknn_mnist.cli._arguments import Place
from sknn_mnist.cli._candidates import candidates_of
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._own_options import read_model, read_setting, read_settings
from sknn_mnist.cli._parser import parse
from sknn_mnist.cli._plan import Plan
from sknn_mnist.cli._reproduction import python_of_search
from sknn_mnist.cli._searcher import make_search
from sknn_mnist.datasets import load_digits28

ROOT = Path(__file__).parents[2]
SMALL = ["--dataset", "digits", "--train-size", "300"]
FAST = [*SMALL, "--cv", "2", "--quiet"]
OWN = ["--model", "nets.py:make_model"]
RESULTS = {
    *("best_params.json", "cv_results.csv", "pivot.csv", "pivot.md"),
    "report.html",
}

NETS = '''
import keras
from keras import layers

SIZE = 32


def make_model(optimizer="adam", hidden_size=32, activation="relu"):
    """The lesson's."""
    sizes = hidden_size if isinstance(hidden_size, tuple) else (hidden_size,)
    hidden = [layers.Dense(size, activation=activation) for size in sizes]
    output = layers.Dense(10, activation="softmax")
    model = keras.Sequential([layers.Input((784,)), *hidden, output])
    model.compile(
        optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def convolutional(*inputs):
    return keras.Sequential(
        [
            *inputs,
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def make_cnn():
    return convolutional(layers.Input((28, 28, 1)))


def make_rows():
    return keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.SimpleRNN(32),
            layers.Dense(10, activation="softmax"),
        ]
    )


def make_without_input():
    return convolutional()


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = convolutional()

    def call(self, x):
        return self.inner(x)


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


def make_doubled(hidden_size=8):
    return keras.Sequential(
        [
            layers.Input((784,)),
            Doubled(),
            layers.Dense(hidden_size, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


class Nets:
    make = staticmethod(make_model)


def make_faults(hidden_size=8):
    return keras.Sequential([layers.Dense(hiden_size)])


def make_nothing():
    pass


def make_other_images():
    return convolutional(layers.Input((32, 32, 1)))
'''


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """A folder of its own with nets.py in it, no MNIST, nothing kept or imported."""
    monkeypatch.delenv("SKNN_MNIST_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    folder = tmp_path / "lesson"
    folder.mkdir()
    (folder / "nets.py").write_text(NETS, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    sknn_mnist.clear_memory(":memory:")
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.fixture
def no_training(monkeypatch):
    def fit(self, X, y):
        pytest.fail("training started")

    monkeypatch.setattr(KerasClassifier, "fit", fit)


def said(capsys, *args, code=0):
    """Return what a command prints on standard output."""
    assert main([*map(str, args)]) == code, capsys.readouterr().err
    return capsys.readouterr().out


def refusal(capsys, *args, code=2):
    """Return the one sentence with which a command ends, and nothing else."""
    assert main([*map(str, args)]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    *_, line = printed.err.splitlines()
    assert line.count("error: ") == 1
    return line


# -- what is typed ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("hidden_size=32,64,256", "hidden_size", [32, 64, 256]),
        ("hidden_size=(32,32),64", "hidden_size", [(32, 32), 64]),
        ("hidden_size=(32,)", "hidden_size", [(32,)]),
        ("rate=0.5, 1e-3,-1", "rate", [0.5, 0.001, -1]),
        ("activation=relu,tanh", "activation", ["relu", "tanh"]),
        ("activation='relu',None", "activation", ["relu", None]),
        ("batch_norm=True,False", "batch_norm", [True, False]),
        ("text='a,b',\"c=d\",e=f", "text", ["a,b", "c=d", "e=f"]),
        ("none='none',''", "none", ["none", ""]),
        (
            "layers=[8,[4,2]],{'a':1,'b':(2,)}",
            "layers",
            [[8, [4, 2]], {"a": 1, "b": (2,)}],
        ),
        ("quoted=')',(8,')')", "quoted", [")", (8, ")")]),
        ("optimizer__momentum=0.9", "optimizer__momentum", [0.9]),
        ("callbacks__0__patience=1,2", "callbacks__0__patience", [1, 2]),
        ("name=007,1.2.3", "name", ["007", "1.2.3"]),
    ],
)
def test_settings_are_values_of_python_or_text(text, name, values):
    assert read_settings(text) == (name, values)
    assert [type(each) for each in read_settings(text)[1]] == [*map(type, values)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hidden_size", "expected NAME=VALUE"),
        ("=3", "expected NAME=VALUE"),
        ("hidden size=3", "expected NAME=VALUE"),
        ("3=3", "expected NAME=VALUE"),
        ("hidden_size=", "a value is missing"),
        ("hidden_size=32,", "a value is missing"),
        ("hidden_size=32,,64", "a value is missing"),
        ("batch_norm=true,false", "write True, or \"'true'\" for the text"),
        ("rate=none", "may be None or a text"),
        ("size=(32,32", "is no value of Python's"),
        ("size=(32,x)", "is no value of Python's"),
        ("text='a", "is no value of Python's"),
        ("rate=1e999", "expected numbers, texts"),
        ("rate=1j", "expected numbers, texts"),
        ("rate=b'x'", "expected numbers, texts"),
        ("rate={1,2}", "expected numbers, texts"),
    ],
)
def test_settings_that_are_none_are_refused(text, why):
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(why)):
        read_settings(text)


def test_a_fit_takes_single_values():
    assert read_setting("size=(32,32)") == ("size", (32, 32))
    with pytest.raises(argparse.ArgumentTypeError, match=r"size=\(32, 64\)"):
        read_setting("size=32,64")


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("dense", "dense"),
        ("nets.py:make_model", Place("nets.py", "make_model")),
        ("a/b c/nets.py:Nets.make", Place("a/b c/nets.py", "Nets.make")),
        ("C:\\nets.py:make", Place("C:\\nets.py", "make")),
        ("package.nets:make", Place("package.nets", "make")),
    ],
)
def test_a_model_is_a_name_or_a_place(text, model):
    assert read_model(text, ["dense", "cnn"]) == model
    assert not isinstance(model, Place) or str(model) == text


def test_the_last_setting_of_a_name_counts():
    asked = parse(["search", *OWN, "--set", "a=1,2", "--set", "b=1", "--set", "a=3"])
    assert asked.network.settings == {"a": [3], "b": [1]}
    assert parse(["fit", *OWN, "--set", "a=(1,)"]).network.settings == {"a": (1,)}


# -- what is refused --------------------------------------------------------------


@pytest.mark.parametrize("command", ["search", "fit"])
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--model", "nets.py"],
            "expected FILE.py:FUNCTION or package.module:FUNCTION",
        ),
        (["--model", "dens"], "(did you mean 'dense'?), got 'dens'"),
        (["--model", "nets.py:"], "such as nets.py:make_model, got 'nets.py:'"),
        (["--model", "nets.txt:f()"], "got 'nets.txt:f()'"),
        (["--model", "net.py:make_model"], "net.py: no such file"),
        (["--model", ".:make_model"], "got '.:make_model'"),
        (["--model", "net:make_model"], "no module named net, neither installed nor"),
        (["--model", "nets.sub:make_model"], "no module named nets.sub"),
        (
            ["--model", "nets.py:make_modle"],
            "nets.py has no make_modle (did you mean 'make_model'?)",
        ),
        (["--model", "nets.py:x"], "nets.py has no x; it has make_model, conv"),
        (["--model", "nets.py:Nets.x"], "nets.py:Nets has no x"),
        (["--model", "nets.py:SIZE"], "must be a function that returns a network, or"),
        ([*OWN, "--hidden-size", "8"], "of nets.py:make_model give --set hidden_size="),
        (
            [*OWN, "--batch-norm", "true"],
            "--batch-norm belongs to --model dense or cnn",
        ),
        ([*OWN, "--filters", "8"], "--filters belongs to --model cnn: of nets.py:make"),
        ([*OWN, "--set", "epochs=1"], "epochs is given by --epochs, not by --set."),
        ([*OWN, "--set", "memory=x"], "memory is given by --memory, not by --set."),
        ([*OWN, "--set", "hiden_size=8"], "did you mean 'hidden_size'?"),
        ([*OWN, "--set", "optimizer__learnin_rate=1"], "'optimizer__learnin_rate'"),
        ([*OWN, "--set", "batch_norm=true"], "--set: 'true' in 'batch_norm=true' may"),
        (["--set", "hidden_size=8"], "--set hidden_size belongs to a function of your"),
        (["--model", "nets.py:make_faults"], "NameError: name 'hiden_size' is not def"),
        (["--model", "nets.py:make_nothing"], "must return a keras.Model"),
        (["--model", "nets.py:make_other_images"], "(32, 32, 1)"),
    ],
)
def test_wrong_usage_is_refused_before_training(
    command, args, message, capsys, no_training
):
    line = refusal(capsys, command, *SMALL, *args)
    assert line.startswith("sknn-mnist")
    assert message in line


def test_a_fault_of_the_function_names_its_line(capsys, no_training):
    line = refusal(capsys, "search", *FAST, "--model", "nets.py:make_faults")
    number = 1 + NETS.splitlines().index(
        "    return keras.Sequential([layers.Dense(hiden_size)])"
    )
    assert line.endswith(f"(line {number} of nets.py)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError: "),
        ("x = 1\n\n1 / 0\n", "ZeroDivisionError: division by zero (line 3 of bad.py)"),
        ("import kears\n", "ModuleNotFoundError: No module named 'kears'"),
        (
            "import sys\nsys.exit('usage: x')\n",
            "SystemExit: usage: x (line 2 of bad.py)",
        ),
        ("from . import nets\n", "ImportError: attempted relative import"),
        ("raise RuntimeError\n", "import of bad.py raised RuntimeError: RuntimeError"),
    ],
)
def test_a_file_that_raises_is_one_sentence(text, message, alone, capsys):
    (alone / "bad.py").write_text(text, encoding="utf-8")
    line = refusal(capsys, "search", "--model", "bad.py:make_model")
    assert line.startswith("sknn-mnist: error: import of bad.py raised ")
    assert message in line


def test_a_file_whose_name_is_none_of_python_is_refused(alone, capsys):
    (alone / "my-nets.py").write_text(NETS, encoding="utf-8")
    (alone / "json.py").write_text(NETS, encoding="utf-8")
    line = refusal(capsys, "fit", *SMALL, "--model", "my-nets.py:make_model")
    assert "can't be imported by its name: call it my_nets.py" in line
    line = refusal(capsys, "fit", *SMALL, "--model", "json.py:make_model")
    assert "Python has another module of this name" in line


def test_help_says_that_files_are_run(capsys):
    for command in ("search", "fit", "evaluate", "predict"):
        told = " ".join(said(capsys, command, "--help").split())
        assert re.search(
            r"--model .*? The file or module is imported, which runs it", told, re.I
        )


def test_what_a_file_prints_is_no_result(alone, capsys):
    text = NETS + "\nprint('hello from nets.py')\n"
    (alone / "nets.py").write_text(text, encoding="utf-8")
    assert main(["search", *FAST, *OWN, "--epochs", "1", "--no-files"]) == 0
    printed = capsys.readouterr()
    assert "hello from nets.py" in printed.err
    assert "hello" not in printed.out


# -- search -----------------------------------------------------------------------


@pytest.mark.slow
def test_a_search_is_that_of_python(alone, capsys):
    out = said(
        capsys,
        "search",
        *FAST,
        *OWN,
        "--set",
        "hidden_size=8,(16,8)",
        "--set",
        "activation=tanh",
        "--epochs",
        "1",
        "3",
    )
    folder = alone / "runs" / "make_model"
    assert {each.name for each in folder.iterdir()} >= RESULTS
    sys.path.insert(0, str(alone))
    from nets import make_model

    X, X_test, y, y_test = load_digits28(return_X_y=True)
    search = GridSearchCV(
        KerasClassifier(make_model, activation="tanh", random_state=0),
        {"epochs": [1, 3], "hidden_size": [8, (16, 8)]},
        cv=2,
    ).fit(X[:300], y[:300])
    results = pd.read_csv(folder / "cv_results.csv")
    np.testing.assert_allclose(
        results["mean_test_score"], search.cv_results_["mean_test_score"]
    )
    assert results["param_hidden_size"].tolist() == ["8", "(16, 8)"] * 2
    best = json.loads((folder / "best_params.json").read_text())
    assert best["model"] == "KerasClassifier(make_model)"
    assert best["function"] == "nets.py:make_model"
    assert best["fixed_params"] == {"activation": "tanh", "random_state": 0}
    assert best["test_accuracy"] == pytest.approx(search.score(X_test, y_test))
    assert f"test accuracy: {best['test_accuracy']:.4f}" in out
    report = (folder / "report.html").read_text()
    assert "KerasClassifier(make_model) on digits" in report
    assert "from nets import make_model" in report


def test_without_settings_epochs_are_searched(alone, capsys):
    asked = parse(["search", "--dataset", "digits", *OWN])
    assert candidates_of(asked).grid == {"epochs": [1, 5, 10]}


@pytest.mark.slow
def test_halving_and_the_memory(alone, capsys):
    command = ["search", *SMALL, "--cv", "2", *OWN, "--halving", "2", "--epochs", "4"]
    command += ["--set", "hidden_size=2,4,8,32"]
    out = said(capsys, *command)
    assert "epochs: 16 trained, 8 found in the memory; all candidates to 4" in out
    folder = alone / "runs" / "make_model-halving"
    frame = pd.read_csv(folder / "cv_results.csv")
    assert frame["n_resources"].tolist() == [1] * 4 + [2] * 2 + [4]
    assert (folder / "training_states").is_dir()
    assert "epochs: 0 trained, 24 found" in said(capsys, *command)


def test_results_of_other_functions_are_not_written_over(capsys):
    options = [*FAST, "--epochs", "1", "--out", "there", "--no-refit"]
    said(capsys, "search", *options, *OWN)
    said(capsys, "search", *options, "--model", "nets:make_model")
    for other in ("nets.py:make_cnn", "dense"):
        line = refusal(capsys, "search", *options, "--model", other)
        assert (
            "holds the results of a grid search over KerasClassifier(make_mod" in line
        )


OF_IMAGES = ["make_cnn", "make_rows", "make_without_input", "Subclassed"]


@pytest.mark.parametrize("function", OF_IMAGES)
def test_images_go_in_as_the_network_takes_them(function, capsys):
    options = ["--epochs", "10", "--set", "optimizer__learning_rate=0.01"]
    out = said(capsys, "fit", *SMALL, "--model", f"nets.py:{function}", *options)
    accuracy = re.search(r"test accuracy: (\S+)", out)[1]
    assert float(accuracy) > 0.5


@pytest.mark.parametrize("function", OF_IMAGES)
def test_saved_networks_take_images_of_any_layout(function, capsys):
    model = ["--model", f"nets.py:{function}"]
    out = said(capsys, "fit", *SMALL, *model, "--epochs", "1", "--save", "net")
    needed = model if function == "Subclassed" else []
    load = ["--load", "net", *needed]
    accuracy = re.search(r"test accuracy: \S+", out)[0]
    assert accuracy in said(capsys, "evaluate", "--dataset", "digits", *load)
    predicted = said(capsys, "predict", "--dataset", "digits", *load)
    _, X, _, _ = load_digits28(layout="image", return_X_y=True)
    for images in (X, X[..., None], X.reshape(len(X), -1)):
        np.save("images.npy", images)
        table = said(capsys, "predict", *load, "--images", "images.npy")
        assert [line.split(",")[:3] for line in table.splitlines()] == [
            line.split(",")[:3] for line in predicted.splitlines()
        ]


def test_modules_are_found_as_by_python_m(alone, capsys):
    package = alone / "course"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "sizes.py").write_text("HIDDEN = 8", encoding="utf-8")
    text = f"from .sizes import HIDDEN\n{NETS}"
    (package / "nets.py").write_text(text, encoding="utf-8")
    options = [*FAST, "--epochs", "1", "--no-refit"]
    said(capsys, "search", *options, "--model", "course.nets:Nets.make")
    assert (alone / "runs" / "Nets.make" / "report.html").exists()
    line = refusal(capsys, "search", *options, "--model", "course/nets.py:make_model")
    assert "attempted relative import" in line
    said(capsys, "search", *options, "--model", "sknn_mnist.builders:build_dense")


def test_a_network_itself_may_be_named(alone, capsys):
    text = NETS + "\nnet = make_model()\n"
    (alone / "nets.py").write_text(text, encoding="utf-8")
    said(capsys, "search", *FAST, "--model", "nets.py:net", "--epochs", "1", "2")
    assert (alone / "runs" / "net" / "report.html").exists()


@pytest.mark.slow
def test_a_killed_search_goes_on(alone):
    command = ["-m", "sknn_mnist.cli", "search", "--dataset", "digits", *OWN]
    command += ["--set", "hidden_size=64,256", "--epochs", "2", "30", "--cv", "3"]
    whole = run([*command, "--out", "whole"], cwd=alone)
    assert whole.returncode == 0, whole.stderr
    killed = subprocess.Popen([sys.executable, *command], env=environment(), cwd=alone)
    while len(list(alone.glob("runs/make_model/training_states/*"))) < 4:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not (alone / "runs" / "make_model" / "cv_results.csv").exists()
    again = run(command, cwd=alone)
    assert "fits resume from matching states" in again.stderr
    assert again.stdout.replace("runs/make_model", "whole") == whole.stdout


# -- the Python that does it again ------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        "--model nets.py:make_model",
        "--model nets:Nets.make --set hidden_size=8,(8,4) --epochs 3 --no-refit",
        "--model nets.py:make_model --halving --set hidden_size=8,4,2 --epochs 9",
        "--model nets.py:make_model --hyperband --set hidden_size=4:8 --n-jobs 2",
        "--model nets.py:make_model --set activation=relu,tanh --optimizer sgd",
    ],
)
def test_its_python_makes_the_same_search(options, alone):
    asked = parse(["search", "--dataset", "digits", *options.split()])
    candidates = candidates_of(asked)
    made = make_search(asked, candidates)
    digits = Data([], [], [], [], "digits", "there")
    code = python_of_search(Plan(asked, candidates, digits, None))
    namespace = {}
    exec(compile(code.split("search.fit(")[0], "report.html", "exec"), namespace)
    assert parameters(namespace["search"]) == parameters(made)


def parameters(search):
    of_all = search.get_params(deep=True)
    estimator = of_all.pop("estimator")
    del of_all["refit"], of_all["estimator__memory"]
    return {**of_all, "estimator": type(estimator)}


@pytest.mark.slow
@pytest.mark.parametrize("function", ["make_model", "make_without_input"])
def test_its_python_finds_the_function_from_elsewhere(
    function, alone, capsys, tmp_path
):
    options = ["--model", f"nets.py:{function}", "--epochs", "1", "2", "--cv", "2"]
    out = said(capsys, "search", *SMALL, *options)
    report = (alone / "runs" / function / "report.html").read_text()
    code = re.search(r"<pre><code>(.*?)</code></pre>", report, re.S)[1]
    (tmp_path / "again.py").write_text(unescape(code), encoding="utf-8")
    done = run(["again.py"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *_, score = done.stdout.splitlines()
    assert f"test accuracy: {float(score):.4f}" in out


def environment():
    env = {k: v for k, v in os.environ.items() if k != "SKNN_MNIST_DATA"}
    return {**env, "PYTHONPATH": str(ROOT)}


def run(args, cwd):
    return subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(),
    )


@pytest.mark.slow
def test_a_network_that_tells_little_has_a_report(alone, capsys):
    said(capsys, "search", *FAST, "--model", "nets.py:Subclassed", "--epochs", "1", "2")
    report = (alone / "runs" / "Subclassed" / "report.html").read_text()
    assert "Sequential" in report
    assert "X_train = X_train.reshape(-1, 28, 28, 1)" in report


# -- layers of one's own ----------------------------------------------------------


def test_files_of_own_layers_are_loaded_by_the_function(alone, capsys):
    doubled = ["--model", "nets.py:make_doubled"]
    options = ["--epochs", "2", "--set", "hidden_size=16", "--save", "net"]
    out = said(capsys, "fit", *SMALL, *doubled, *options)
    accuracy = re.search(r"test accuracy: \S+", out)[0]
    load = ["evaluate", "--dataset", "digits", "--load", "net"]
    line = refusal(capsys, *load, code=1)
    assert "Doubled" in line
    assert accuracy in said(capsys, *load, *doubled)
    predicted = said(capsys, "predict", "--dataset", "digits", *load[3:], *doubled)
    assert predicted.startswith("index,prediction,probability,label\n")


def test_loading_runs_nothing_unless_asked(alone, capsys):
    options = ["--epochs", "1", "--save", "net"]
    said(capsys, "fit", *SMALL, *OWN, *options)
    (alone / "nets.py").write_text("raise RuntimeError('run')", encoding="utf-8")
    sys.modules.pop("nets")
    said(capsys, "evaluate", "--dataset", "digits", "--load", "net")
    line = refusal(capsys, "predict", "--load", "net", *OWN)
    assert "raised RuntimeError: run" in line


# -- other processes --------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "where", [["--n-jobs", "2"], ["--dask", "local", "--n-jobs", "2"]]
)
def test_other_processes_find_the_function(where, alone):
    options = ["--set", "hidden_size=4,8", "--epochs", "1", "--no-refit"]
    command = ["search", *SMALL, "--cv", "2", *OWN, *options]
    for out, more in (("one", []), ("several", where)):
        done = run(["-m", "sknn_mnist.cli", *command, *more, "--out", out], cwd=alone)
        assert done.returncode == 0, done.stderr
    one, several = (
        pd.read_csv(alone / out / "cv_results.csv")["mean_test_score"]
        for out in ("one", "several")
    )
    np.testing.assert_allclose(one, several)
