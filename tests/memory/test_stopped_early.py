"""Early stopping and memory: the same to the bit, and no epoch trained twice."""

import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ends_of_fits import DyingError, Stopper, epochs_kept
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import sknn_mnist
from sknn_mnist import DenseClassifier
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.memory._epochs import EpochKeeper
from sknn_mnist.memory._states import KeptState

pytestmark = [pytest.mark.usefixtures("nothing_kept"), pytest.mark.exact]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 8)).astype("float32")
Y = (X[:, 0] + RNG.normal(scale=0.7, size=150) > 0).astype(int)


def net(memory=None, **parameters):
    return DenseClassifier(
        memory=memory,
        **{
            **{"hidden_size": 16, "epochs": 40, "batch_size": 32, "random_state": 0},
            **{"learning_rate": 0.02, "validation_split": 0.2},
            **{"early_stopping": True, "n_iter_no_change": 4},
            **parameters,
        },
    )


def assert_same(one, other):
    assert one.history_ == other.history_
    for name in ("n_iter_", "best_epoch_", "best_score_"):
        assert getattr(one, name, None) == getattr(other, name, None)
    states = one._network.state, other._network.state
    for part in ("network", "optimizer"):
        for value, its in zip(states[0][part], states[1][part], strict=True):
            np.testing.assert_array_equal(value, its)


@pytest.fixture
def trained(monkeypatch):
    """Count the epochs that are trained."""
    counted = []
    original = FusedNetwork.fit

    def fit(self, plan, *args):
        before = plan.watch.before_epoch

        def begin():
            counted.append(1)
            if before is not None:
                before()

        watch = replace(plan.watch, before_epoch=begin)
        return original(self, replace(plan, watch=watch), *args)

    monkeypatch.setattr(FusedNetwork, "fit", fit)
    return counted


def expected_epochs(fitted):
    """Powers of two, the best epoch, and the last one, all for good."""
    n = fitted.n_iter_
    powers = {2**each for each in range(10) if 2**each <= n}
    return [(epoch, True) for epoch in sorted({*powers, fitted.best_epoch_ + 1, n})]


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy", "loss"])
def test_it_is_the_same_with_and_without(memory, monitor, trained):
    alone = net(monitor=monitor, tol=0.01).fit(X, Y)
    n = len(trained)
    assert n == alone.n_iter_ > alone.best_epoch_ + 1
    first = net(memory, monitor=monitor, tol=0.01).fit(X, Y)
    assert_same(first, alone)
    assert len(trained) == 2 * n
    assert epochs_kept(memory) == expected_epochs(alone)
    # All found, by a process that has not trained it as well.
    sknn_mnist.clear_network_pool()
    again = net(memory, monitor=monitor, tol=0.01).fit(X, Y)
    assert_same(again, alone)
    assert again.initial_epoch_ == again.n_iter_
    assert len(trained) == 2 * n
    assert epochs_kept(memory) == expected_epochs(alone)


def test_patience_tolerance_and_number_of_epochs_share_their_epochs(memory, trained):
    candidates = [
        {"n_iter_no_change": 2},
        {"n_iter_no_change": 8},
        {"epochs": 5},
        {"epochs": 9, "tol": 0.05},
        {"early_stopping": False, "epochs": 30},
        {"n_iter_no_change": 1},
        {"monitor": "val_accuracy"},
        {"epochs": 60, "n_iter_no_change": 20},
    ]
    plain = [net(**each).fit(X, Y) for each in candidates]
    trained.clear()
    longest, found = 0, []
    for each, alone in zip(candidates, plain, strict=True):
        found.append(net(memory, **each).fit(X, Y))
        assert_same(found[-1], alone)
        longest = max(longest, alone.n_iter_)
    # Beside the longest, what lies between those kept for good and one of them.
    assert len(trained) < sum(each.n_iter_ for each in plain) / 2
    assert longest <= len(trained)


@pytest.mark.parametrize("done", range(1, 9))
def test_a_fit_that_dies_goes_on_where_it_was(memory, done, monkeypatch, trained):
    alone = net().fit(X, Y)
    assert alone.best_epoch_ + 1 < 8 < alone.n_iter_
    trained.clear()
    original, left = EpochKeeper.keep, [done]

    def keep(self, *args):
        original(self, *args)
        left[0] -= 1
        if not left[0]:
            raise DyingError

    monkeypatch.setattr(EpochKeeper, "keep", keep)
    with pytest.raises(DyingError):
        net(memory).fit(X, Y)
    again = net(memory).fit(X, Y)
    assert_same(again, alone)
    assert again.initial_epoch_ == done
    assert len(trained) == alone.n_iter_  # none of them twice
    # Nothing is left of what was in flight.
    assert epochs_kept(memory) == expected_epochs(alone)


class Recorder:
    """A store that takes down what it is told to keep, and what goes for it."""

    def __init__(self):
        self.told = []

    def put(self, key, kept, passing=None, instead_of=()):
        self.told.append((kept.epoch, passing is None, sorted(instead_of)))
        return True


def test_the_best_epoch_of_a_dead_fit_goes_where_there_is_a_better_one():
    def kept(epoch, passing=None):
        return KeptState(epoch, {"network": [], "optimizer": []}, {}, passing=passing)

    store = Recorder()
    with EpochKeeper(store, "key", kept(6, "dead"), kept(3, "dead")) as keeper:
        keeper.keep(kept(7), end=False)
        keeper.keep(kept(9), end=False, best=True)
        keeper.keep(kept(10), end=True)
    ours = keeper._fit
    assert store.told == [
        (7, False, []),
        (9, False, [(3, "dead"), (7, ours)]),
        (10, True, [(6, "dead")]),
    ]


@pytest.mark.parametrize("epochs", [20, 40])
def test_a_longer_training_was_found(memory, epochs, trained):
    net(memory, epochs=epochs, early_stopping=False).fit(X, Y)
    alone = net().fit(X, Y)
    trained.clear()
    found = net(memory).fit(X, Y)
    assert_same(found, alone)
    # At most from the last one kept for good to the best epoch.
    assert len(trained) < alone.best_epoch_ + 1
    assert_same(net(memory).fit(X, Y), alone)
    assert (alone.best_epoch_ + 1, True) in epochs_kept(memory)


def test_callbacks_take_part(memory, tmp_path):
    def logged(memory, name):
        from keras.callbacks import CSVLogger

        callbacks = [CSVLogger(str(tmp_path / name)), "ReduceLROnPlateau"]
        return net(memory, callbacks=callbacks).fit(X, Y)

    alone = logged(None, "alone.csv")
    for name in ("first.csv", "again.csv"):
        assert_same(logged(memory, name), alone)
        written = (tmp_path / name).read_text()
        assert written == (tmp_path / "alone.csv").read_text()


def test_whoever_watches_may_stop_before(memory):
    pytest.importorskip("sklearn.callback")

    def watched(memory):
        return net(memory).set_callbacks(Stopper(3)).fit(X, Y)

    alone = watched(None)
    assert alone.n_iter_ == 3
    assert_same(watched(memory), alone)
    net(memory).fit(X, Y)
    assert_same(watched(memory), alone)


SEARCH = """
import sys, numpy as np
from sklearn.model_selection import GridSearchCV
sys.path.insert(0, {tests!r})
from test_stopped_early import X, Y, net
grid = {{"hidden_size": [8, 16, 24], "epochs": [10, 200]}}
search = GridSearchCV(net({memory!r}, verbose=1), grid, cv=2)
search.fit(X, Y)
print("scores", search.cv_results_["mean_test_score"].tolist())
"""


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on(tmp_path):
    memory = str(tmp_path / "states")
    source = SEARCH.format(tests=str(Path(__file__).parent), memory=memory)
    command = [sys.executable, "-c", source]
    alone = GridSearchCV(
        net(), {"hidden_size": [8, 16, 24], "epochs": [10, 200]}, cv=2
    ).fit(X, Y)
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            lines.append(line)
            if len(lines) == 4:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    *fits, scores = again.splitlines()
    expected = alone.cv_results_["mean_test_score"].tolist()
    assert scores == f"scores {expected}"
    # What the killed one had done is found.
    assert sum("found" in line for line in fits) >= len(lines)


def test_what_an_interrupted_fit_says(memory, capsys, monkeypatch):
    original = EpochKeeper.keep

    def keep(self, kept, *args):
        original(self, kept, *args)
        if kept.epoch == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(EpochKeeper, "keep", keep)
    with pytest.raises(KeyboardInterrupt):
        net(memory, verbose=1).fit(X, Y)
    assert re.search(r"[56] of 40 epochs are kept", capsys.readouterr().out)
    monkeypatch.undo()
    assert clone(net(memory)).fit(X, Y).initial_epoch_ == 6
