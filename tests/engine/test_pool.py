"""Networks are reused between fits, and nobody can tell but by the clock."""

import copy
import gc
import threading
import weakref

import keras
import numpy as np
import pytest
from sklearn.base import clone

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.engine import _forward, _loop, _pool

pytestmark = [pytest.mark.exact, pytest.mark.usefixtures("empty_pool")]

RNG = np.random.default_rng(0)
X = RNG.random((90, 64)).astype("float32")
Y = np.arange(90) % 3


@pytest.fixture
def traces(loops_noted):
    """Names of the loops compiled, as they are."""
    return loops_noted(lambda network, step, *more: step.__name__)


def dense(**parameters):
    return DenseClassifier(**{"random_state": 0, "epochs": 2, **parameters})


def proba(net):
    return net.fit(X, Y).predict_proba(X)


@pytest.mark.parametrize(
    "net",
    [
        dense(),
        dense(dropout=0.5, hidden_size=(16, 8)),
        dense(batch_norm=True, learning_rate=0.1),
        dense(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), learning_rate=None),
        CNNClassifier(filters=4, dropout=0.3, batch_norm=True, random_state=0),
    ],
    ids=["dense", "dropout", "batch_norm", "momentum", "cnn"],
)
def test_a_used_network_trains_as_a_new_one(net, traces):
    new = proba(clone(net))
    for seed, rate in [(1, 0.5), (2, 0.001)]:
        other = clone(net).set_params(random_state=seed, learning_rate=rate)
        assert not np.array_equal(proba(other), new)
    np.testing.assert_array_equal(proba(clone(net)), new)
    sknn_mnist.clear_network_pool()
    np.testing.assert_array_equal(proba(clone(net)), new)
    assert traces == ["train_step"] * 2


def test_sizes_of_data_and_batches_share_a_trace(traces):
    for n_rows, batch_size in [(90, 128), (60, 7), (31, 32)]:
        dense(batch_size=batch_size).fit(X[:n_rows], Y[:n_rows])
    assert traces == ["train_step"]
    dense().fit(X, Y, sample_weight=Y + 1.0)
    dense(validation_split=0.2).fit(X, Y)
    assert traces == ["train_step"] * 2 + ["test_step"]


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 33},
        {"activation": "tanh"},
        {"dropout": 0.1},
        {"batch_norm": True},
        {"dtype": "float64"},
        {"optimizer": "sgd"},
        {"optimizer": keras.optimizers.Adam(beta_1=0.5)},
        {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 9, 0.5)},
        {"loss": "categorical_crossentropy"},
        {"metrics": ["top_k_categorical_accuracy"], "loss": "categorical_crossentropy"},
    ],
    ids=lambda change: "-".join(change),
)
def test_what_trains_otherwise_shares_nothing(change, traces):
    expected = proba(dense())
    changed = proba(dense(**change))
    assert len(traces) == 2
    if "categorical_crossentropy" not in change.values():  # which computes the same
        assert not np.array_equal(changed, expected)
    np.testing.assert_array_equal(proba(dense()), expected)


def slow_relu(x):
    return keras.ops.relu(x)


def test_code_of_the_users_own_is_never_shared(traces):
    for _ in range(2):
        dense(activation=slow_relu).fit(X, Y)
        dense(loss=lambda *a: keras.losses.categorical_crossentropy(*a)).fit(X, Y)
    assert len(traces) == 4
    # and is what the next fit runs, when it changes under the same name
    factor = [1.0]

    def scaled(x):
        return factor[0] * keras.ops.relu(x)

    before = proba(dense(activation=scaled))
    factor[0] = 3.0
    assert not np.array_equal(proba(dense(activation=scaled)), before)


def test_later_fits_leave_predictions_and_held_networks_alone():
    first = dense().fit(X, Y)
    expected = first.predict_proba(X)
    held = first.model_
    held_weights = held.get_weights()
    dense(random_state=1).fit(X, Y)
    first_again = clone(first).fit(X, Y)
    first.partial_fit(X, Y)
    np.testing.assert_array_equal(first_again.predict_proba(X), expected)
    for before, after in zip(held_weights, held.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert first.model_ is not held
    np.testing.assert_allclose(held.predict(X, verbose=0), expected, rtol=1e-5)


def test_a_holder_may_change_model_and_the_estimator_follows():
    net = dense().fit(X, Y)
    other = dense().fit(X, Y)
    expected = other.predict_proba(X)
    net.model_.fit(X, Y, epochs=3, verbose=0)
    trained = net.predict_proba(X)
    np.testing.assert_allclose(
        trained, net.model_.predict(X, verbose=0), rtol=1e-4, atol=1e-6
    )
    assert not np.array_equal(trained, expected)
    np.testing.assert_array_equal(copy.deepcopy(net).predict_proba(X), trained)
    np.testing.assert_array_equal(other.predict_proba(X), expected)
    net.model_.get_layer("hidden_1").trainable = False
    np.testing.assert_array_equal(net.predict_proba(X), trained)


class Keeper(keras.callbacks.Callback):
    kept: list = []  # noqa: RUF012  shared by the copies of the callback

    def on_train_end(self, logs=None):
        self.kept.append(self.model)


def test_a_network_that_a_callback_kept_is_not_used_again():
    Keeper.kept.clear()
    net = dense(callbacks=Keeper()).fit(X, Y)
    expected = net.predict_proba(X)
    dense(random_state=1).fit(X, Y)
    dense(random_state=2, callbacks=Keeper()).fit(X, Y)
    first, second = Keeper.kept
    assert first is not second
    assert first is net.model_
    np.testing.assert_allclose(first.predict(X, verbose=0), expected, rtol=1e-5)
    np.testing.assert_array_equal(net.predict_proba(X), expected)


class Dies(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("raised", [KeyboardInterrupt, RuntimeError])
def test_a_fit_that_dies_leaves_nothing_behind(monkeypatch, raised):
    expected = proba(dense())
    net = dense().fit(X, Y)
    with monkeypatch.context() as patched:

        def die(*args, **kwargs):
            raise raised

        patched.setattr(_loop, "plain_logs", die)  # after the steps of an epoch
        with pytest.raises(raised):
            net.partial_fit(X, Y)
    np.testing.assert_array_equal(net.predict_proba(X), expected)
    np.testing.assert_array_equal(proba(dense()), expected)
    with pytest.raises(KeyboardInterrupt):
        dense(callbacks=Dies(), epochs=5).fit(X, Y)
    np.testing.assert_array_equal(proba(dense()), expected)


def test_threads_that_fit_the_same_net_do_not_meet():
    seeds = range(6)
    expected = [proba(dense(random_state=seed, epochs=4)) for seed in seeds]
    got = {}
    barrier = threading.Barrier(3)

    def work(which):
        for seed in which:
            barrier.wait()
            got[seed] = proba(dense(random_state=seed, epochs=4))

    threads = [
        threading.Thread(target=work, args=(which,))
        for which in ([0, 1], [2, 3], [4, 5])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in seeds:
        np.testing.assert_array_equal(got[seed], expected[seed])


def test_the_pool_is_bounded_and_empties(monkeypatch):
    for size in range(1, 6):
        monkeypatch.setattr(_pool, "MAX_NETWORKS", 3)
        monkeypatch.setattr(_forward, "MAX_FORWARDS", 3)
        dense(hidden_size=size).fit(X, Y).predict(X)
    assert len(_pool._idle) == len(_forward._forwards) == 3
    monkeypatch.setattr(_pool, "MAX_BYTES", 1)
    dense(hidden_size=7).fit(X, Y)
    assert len(_pool._idle) == 1  # the last used stays, whatever its size
    held = [weakref.ref(_pool._idle[0].fused.network)]
    sknn_mnist.clear_network_pool()
    gc.collect()
    assert held[0]() is None
    assert not _pool._idle
    assert not _forward._forwards


def test_prediction_is_traced_once_a_shape(monkeypatch):
    made = []
    original = _forward.Forward.__init__
    monkeypatch.setattr(
        _forward.Forward,
        "__init__",
        lambda self, *given: made.append(1) or original(self, *given),
    )
    calls = []
    stateless = keras.Sequential.stateless_call
    monkeypatch.setattr(
        keras.Sequential,
        "stateless_call",
        lambda *a, **k: calls.append(1) or stateless(*a, **k),
    )
    nets = [dense(random_state=seed).fit(X, Y) for seed in range(3)]
    for net in nets:
        for n_rows in (1, 2, 31, 90):
            assert net.predict(X[:n_rows]).shape == (n_rows,)
    many = np.tile(X, (60, 1))  # more than one call
    np.testing.assert_allclose(
        nets[0].predict_proba(many),
        np.tile(nets[0].predict_proba(X), (60, 1)),
        rtol=1e-5,
    )
    assert made == calls == [1]
