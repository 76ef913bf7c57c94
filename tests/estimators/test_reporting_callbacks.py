"""Callbacks that report to others: studies that prune, boards, runs, for real."""

import copy
import functools
import threading

import joblib
import keras
import numpy as np
import optuna
import pytest
import tensorflow as tf
from optuna_integration import KerasPruningCallback, OptunaSearchCV
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from sknn_mnist import DenseClassifier, KerasClassifier
from sknn_mnist.memory import _stores

# Optuna 5 deprecates what its own search calls.
pytestmark = pytest.mark.filterwarnings("ignore:.*optuna.terminator:FutureWarning")

EPOCHS = 4
N_TRIALS = 7


@pytest.fixture(scope="module")
def data(digits):
    X, _, y, _ = digits
    return X[:300].astype("float32"), y[:300]


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(_stores, "_said", set())
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def study(**options):
    return optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=3),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2),
        **options,
    )


def rate_of(trial):
    return trial.suggest_float("rate", 1e-4, 1e-1, log=True)


def make(width=8, rate=0.01):
    """A network that starts with the same weights each time."""
    seeded = keras.initializers.GlorotUniform(seed=1)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(width, "relu", kernel_initializer=seeded),
            keras.layers.Dense(10, "softmax", kernel_initializer=seeded),
        ]
    )
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


FIT = {"epochs": EPOCHS, "batch_size": 32, "validation_split": 0.2, "shuffle": False}


def dense(**options):
    return DenseClassifier(hidden_size=8, random_state=0, **{**FIT, **options})


def by_keras(trial, data):
    prunes = KerasPruningCallback(trial, "val_accuracy")
    model = make(rate=rate_of(trial))
    past = model.fit(*data, callbacks=[prunes], verbose=0, **FIT)
    return past.history["val_accuracy"][-1]


def by_dense_in_keras(trial, data):
    """As `DenseClassifier` makes and starts it."""
    prunes = KerasPruningCallback(trial, "val_accuracy")
    rate = rate_of(trial)
    started = dense(epochs=1, optimizer="sgd", learning_rate=1e-30).fit(*data).model_
    model = keras.models.clone_model(started)
    model.set_weights(started.get_weights())
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    past = model.fit(*data, callbacks=[prunes], verbose=0, **FIT)
    return past.history["val_accuracy"][-1]


def by_dense(trial, data, **options):
    prunes = KerasPruningCallback(trial, "val_accuracy")
    net = dense(learning_rate=rate_of(trial), callbacks=prunes, **options)
    return net.fit(*data).history_["val_accuracy"][-1]


def by_own(trial, data):
    prunes = KerasPruningCallback(trial, "val_accuracy")
    net = KerasClassifier(
        make, rate=rate_of(trial), callbacks=[prunes], random_state=0, **FIT
    )
    return clone(net).fit(*data).history_["val_accuracy"][-1]


def trials_of(objective, data, **options):
    searched = study()
    searched.optimize(
        functools.partial(objective, data=data), n_trials=N_TRIALS, **options
    )
    return [(each.state.name, each.intermediate_values) for each in searched.trials]


@pytest.mark.parametrize("kind", ["dense", pytest.param("own", marks=pytest.mark.slow)])
def test_optuna_prunes_what_it_prunes_of_keras(kind, data):
    ours, theirs = {
        "dense": (by_dense, by_dense_in_keras),
        "own": (by_own, by_keras),
    }[kind]
    found, expected = trials_of(ours, data), trials_of(theirs, data)
    assert [state for state, _ in found] == [state for state, _ in expected]
    assert 2 <= [state for state, _ in found].count("PRUNED") < N_TRIALS
    for (_, values), (_, reported) in zip(found, expected, strict=True):
        assert values == pytest.approx(reported)


def test_trials_in_threads_report_for_themselves(data):
    searched = study()
    searched.optimize(
        functools.partial(by_dense, data=data), n_trials=N_TRIALS, n_jobs=2
    )
    assert len(searched.trials) == N_TRIALS
    for trial in searched.trials:
        assert trial.state.name in ("COMPLETE", "PRUNED")
        alone = dense(learning_rate=trial.params["rate"]).fit(*data)
        told = alone.history_["val_accuracy"][: len(trial.intermediate_values)]
        assert list(trial.intermediate_values.values()) == told


@pytest.mark.slow
def test_with_a_memory_it_prunes_as_without_one_and_says_so(data):
    with pytest.warns(UserWarning, match="without its memory: its callback KerasPrun"):
        told = trials_of(functools.partial(by_dense, memory=":memory:"), data)
    assert told == trials_of(by_dense, data)


@pytest.mark.parametrize("way", ["clone", "search", "threads", "deepcopy"])
def test_one_study_hears_of_all_fits(way, data):
    searched = study()
    trial = searched.ask()
    net = dense(callbacks=[KerasPruningCallback(trial, "accuracy")], epochs=2)
    fits = {
        "clone": lambda: clone(net).fit(*data),
        "deepcopy": lambda: copy.deepcopy(net).fit(*data),
        "search": lambda: GridSearchCV(net, {"batch_size": [32]}, cv=2).fit(*data),
        "threads": lambda: GridSearchCV(net, {"batch_size": [32]}, cv=2, n_jobs=2).fit(
            *data
        ),
    }
    with joblib.parallel_config("threading"):
        fits[way]()
    assert set(searched.trials[0].intermediate_values) == {0, 1}


class TakesPart(KerasPruningCallback):
    """Is not copied, nor is its study, wherever scikit-learn clones."""

    seen = 0

    def __sklearn_clone__(self):
        return self

    def on_epoch_end(self, epoch, logs=None):
        self.seen += 1
        super().on_epoch_end(epoch, logs)


@pytest.mark.parametrize("way", ["fit", "clone", "candidates", "lists", "own"])
def test_a_callback_may_take_part_itself(way, data):
    searched = study()
    callback = TakesPart(searched.ask(), "accuracy")
    own = KerasClassifier(make, callbacks={"prunes": callback}, **{**FIT, "epochs": 2})
    fits = {
        "fit": (lambda: dense(callbacks=callback, epochs=2).fit(*data), 1),
        "clone": (lambda: clone(dense(callbacks=[callback], epochs=2)).fit(*data), 1),
        "candidates": (
            lambda: GridSearchCV(
                dense(epochs=2), {"callbacks": [callback, None]}, cv=2, refit=False
            ).fit(*data),
            2,
        ),
        "lists": (
            lambda: GridSearchCV(
                dense(epochs=2), {"callbacks": [[callback]]}, cv=2, refit=False
            ).fit(*data),
            2,
        ),
        "own": (lambda: clone(own).fit(*data), 1),
    }
    run, n_fits = fits[way]
    run()
    assert callback.seen == 2 * n_fits
    assert set(searched.trials[0].intermediate_values) == {0, 1}
    assert callback.model is None


def test_a_class_in_a_grid_makes_callbacks_of_one_study(data):
    """Classes are not copied by scikit-learn, which copies objects with their study."""
    searched = study()
    trial = searched.ask()

    class Prunes(KerasPruningCallback):
        def __init__(self):
            super().__init__(trial, "accuracy")

    grid = {"callbacks": [Prunes]}
    GridSearchCV(dense(epochs=2), grid, cv=2, refit=False).fit(*data)
    assert set(searched.trials[0].intermediate_values) == {0, 1}


class Unready(type):
    """As MLflow's metaclass, which wraps methods."""


class Logs(keras.callbacks.Callback, metaclass=Unready):
    """As MLflow's callback, which has no `super().__init__()`, and runs by thread."""

    def __init__(self, lines):
        self.lines = lines
        self.runs = threading.local()

    def on_train_begin(self, logs=None):
        self.runs.of = len(self.model.optimizer.get_config())
        self.model.summary(print_fn=lambda line, **_: None)

    def on_epoch_end(self, epoch, logs=None):
        assert self.runs.of
        self.lines.write(f"{epoch}\n")

    def on_test_end(self, logs=None):
        self.lines.write(f"{sorted(logs)}\n")


def test_callbacks_that_do_not_call_keras_are_taken(data, tmp_path):
    with open(tmp_path / "lines", "w") as lines:
        net = dense(callbacks=Logs(lines), epochs=2)
        for each in (net, clone(net), copy.deepcopy(net)):
            each.fit(*data)
    told = (tmp_path / "lines").read_text()
    assert told == "['accuracy', 'loss']\n0\n['accuracy', 'loss']\n1\n" * 3


@pytest.mark.parametrize(
    "backend", ["sequential", "threading", pytest.param("loky", marks=pytest.mark.slow)]
)
def test_tensorboard_has_each_fit(backend, data, tmp_path):
    board = keras.callbacks.TensorBoard(str(tmp_path))
    search = GridSearchCV(
        dense(epochs=2, callbacks=[board]), {"hidden_size": [4, 8]}, cv=2, n_jobs=2
    )
    with joblib.parallel_config(backend):
        search.fit(*data)
    for part in ("train", "validation"):
        files = list((tmp_path / part).glob("events*"))
        told = [
            (event.step, value.tag)
            for file in files
            for event in tf.compat.v1.train.summary_iterator(str(file))
            for value in event.summary.value
        ]
        n_fits = 5
        for step in (0, 1):
            assert told.count((step, "epoch_loss")) == n_fits


def tuned(net, name, data, **options):
    X, y = data
    search = OptunaSearchCV(
        net,
        {name: optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)},
        cv=KFold(2),
        enable_pruning=True,
        max_iter=4,
        n_trials=N_TRIALS,
        random_state=0,
        error_score="raise",
        study=study(),
        **options,
    )
    return search.fit(X, y)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("kind", ["dense", "own"])
def test_optuna_search_prunes(kind, data):
    X, y = data
    if kind == "own":
        y = np.array([f"digit {each}" for each in range(10)])[y]
    net, name = {
        "dense": (dense(validation_split=0.0), "learning_rate"),
        "own": (
            KerasClassifier(make, batch_size=32, shuffle=False, random_state=0),
            "rate",
        ),
    }[kind]
    search = tuned(net, name, (X, y))
    states = [each.state.name for each in search.trials_]
    assert 1 <= states.count("PRUNED") < N_TRIALS
    assert search.classes_.tolist() == np.unique(y).tolist()
    # What it reports is what as many calls of partial_fit come to.
    for trial in search.trials_[:2]:
        scores = []
        for train, test in KFold(2).split(X):
            each = clone(net).set_params(**trial.params)
            for _ in trial.intermediate_values:
                each.partial_fit(X[train], y[train], classes=np.unique(y))
            scores.append(each.score(X[test], y[test]))
        last = max(trial.intermediate_values)
        assert trial.intermediate_values[last] == pytest.approx(np.mean(scores))
    assert search.score(X, y) > 0.5
