"""Fits that fail leave nothing behind: no network, no graph, no memory."""

import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import sknn_mnist
from sknn_mnist import DenseClassifier
from sknn_mnist.engine import _loop, _pool

pytestmark = pytest.mark.usefixtures("empty_pool")

X = np.random.default_rng(0).random((60, 9)).astype("float32")
Y = np.arange(60) % 3


@pytest.fixture
def made(monkeypatch):
    """Weak references to the networks that are made."""
    seen = []
    original = _pool.FusedNetwork

    def make(*args):
        fused = original(*args)
        seen.append(weakref.ref(fused.network))
        return fused

    monkeypatch.setattr(_pool, "FusedNetwork", make)
    return seen


def net(**parameters):
    return DenseClassifier(4, **{"random_state": 0, "epochs": 2, **parameters})


def refused(x):
    raise ValueError("mine")


class Refuses(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("mine")


def raising(what):
    def raise_it(*args, **kwargs):
        raise what

    return raise_it


# A metric that takes the targets when it is traced, and not when it runs.
def does_not_fit():
    return net(metrics=[keras.metrics.MeanIoU(num_classes=2, name="iou")])


@pytest.mark.parametrize(
    "what",
    [
        KeyboardInterrupt(),
        RuntimeError("of a callback of Keras's"),
        tf.errors.InvalidArgumentError(None, None, "does not fit"),
    ],
    ids=lambda what: type(what).__name__,
)
def test_what_is_compiled_well_comes_back_however_a_fit_ends(what, made, monkeypatch):
    expected = net().fit(X, Y).predict_proba(X)
    for _ in range(4):
        with monkeypatch.context() as patched:
            patched.setattr(_loop, "plain_logs", raising(what))  # after the steps
            with pytest.raises((type(what), ValueError)):
                net().fit(X, Y)
    np.testing.assert_array_equal(net().fit(X, Y).predict_proba(X), expected)
    assert len(made) == 1


def test_a_metric_that_does_not_fit_is_compiled_once(made):
    for _ in range(4):
        with pytest.raises(ValueError, match="does not fit the targets"):
            does_not_fit().fit(X, Y)
    assert len(made) == 1


@pytest.mark.parametrize(
    "what",
    [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "too large")],
    ids=lambda what: type(what).__name__,
)
def test_where_memory_runs_out_nothing_is_held(what, made, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(_loop, "plain_logs", raising(what))
        with pytest.raises(type(what)):
            net().fit(X, Y)
    assert not _pool._idle


@pytest.mark.parametrize("name", ["compiled_loop", "build_metrics"])
def test_what_was_half_made_is_not_lent_again(name, made, monkeypatch):
    expected = net().fit(X, Y).predict_proba(X)
    sknn_mnist.clear_network_pool()
    with monkeypatch.context() as patched:
        patched.setattr(_loop, name, raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            net().fit(X, Y)
    assert not _pool._idle
    np.testing.assert_array_equal(net().fit(X, Y).predict_proba(X), expected)


@pytest.mark.parametrize(
    "parameters",
    [
        {"metrics": [keras.metrics.F1Score(name="f1")]},
        {"callbacks": Refuses()},
        {"loss": lambda y_true, y_pred: refused(y_true)},
        {"metrics": [lambda y_true, y_pred: refused(y_true)]},
    ],
    ids=["metric", "callback", "loss", "own metric"],
)
def test_networks_that_can_not_come_back_are_freed(parameters, made, monkeypatch):
    freed = []
    original = _pool.forget_kernels
    monkeypatch.setattr(_pool, "forget_kernels", lambda: freed.append(1) or original())
    monkeypatch.setattr(_pool, "FREE_EVERY", 3)
    n_fits = 6
    for _ in range(n_fits):
        with pytest.raises((ValueError, RuntimeError)):
            net(**parameters).fit(X, Y)
    assert len(freed) == 2
    assert len(made) == n_fits
    # Without anybody's calling Python's collector.
    assert sum(each() is not None for each in made) <= _pool.FREE_EVERY


def test_networks_that_fail_to_be_built_are_counted_too(monkeypatch):
    freed = []
    monkeypatch.setattr(_pool, "forget_kernels", lambda: freed.append(1))
    for _ in range(_pool.FREE_EVERY):
        with pytest.raises(ValueError, match="mine"):
            net(activation=refused).fit(X, Y)
    assert freed == [1]


def test_what_a_failed_fit_has_marked_does_not_reach_the_next(tmp_path):
    def fail(logs):
        raise RuntimeError("on purpose")

    def net(*callbacks, epochs=3):
        return DenseClassifier(
            4, epochs=epochs, random_state=0, callbacks=list(callbacks)
        )

    expected = net(epochs=5).fit(X, Y)
    folder = str(tmp_path / "backup")
    backup = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
    net(backup).fit(X, Y)
    failing = keras.callbacks.LambdaCallback(on_train_begin=fail)
    again = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
    with pytest.raises(RuntimeError, match="on purpose"):
        net(again, failing).fit(X, Y)
    after = net(epochs=5).fit(X, Y)
    assert after.history_ == expected.history_
    np.testing.assert_array_equal(after.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize("said", ["", "two\nlines"])
def test_a_metric_that_raises_is_named_with_its_estimator(said):
    class Raises(keras.metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            raise TypeError(said)

        def result(self):
            return 0.0

    expected = f"'metrics' parameter of DenseClassifier .* says: {said[:3] or 'TypeEr'}"
    with pytest.raises(ValueError, match=expected):
        net(metrics=[Raises(name="raises")]).fit(X, Y)
