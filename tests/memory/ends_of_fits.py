"""What several tests of the memory look at, and how they end fits."""

from pathlib import Path

import numpy as np

from sknn_mnist.engine import _loop
from sknn_mnist.memory import _stores
from sknn_mnist.memory._state_files import FolderStore


def epochs_kept(memory):
    """Epochs, and whether each is kept for good."""
    if memory == ":memory:":
        places = [place[1:] for place in _stores._process_store._kept]
    else:
        files = FolderStore(Path(memory), 1).files()
        places = [(each.epoch, each.passing) for each in files]
    return sorted((epoch, passing is None) for epoch, passing in places)


class DyingError(Exception):
    """Stands for whatever ends a fit."""


class Stopper:
    """A callback of scikit-learn's that stops after some epochs."""

    max_propagation_depth = None

    def __init__(self, after):
        self.after = after

    def setup(self, estimator, context):
        self.done = 0

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.done += 1
        return self.done == self.after


class Interrupt:
    """Raises where an epoch's logs are made, of the epoch with this number."""

    def __init__(self, monkeypatch, epoch):
        self.left = 2 * epoch  # a training and a validation part each
        original = _loop.plain_logs
        monkeypatch.setattr(
            _loop, "plain_logs", lambda logs: self.count() or original(logs)
        )

    def count(self):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


def assert_same(one, other, known):
    np.testing.assert_equal(one.history_, other.history_)
    models = one.model_, other.model_
    for a, b in zip(*(each.variables for each in models), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for a, b in zip(*(each.optimizer.variables for each in models), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for a, b in zip(one.callbacks_, other.callbacks_, strict=True):
        assert type(a) is type(b)
        np.testing.assert_equal(known(a), known(b))
