"""Seeded means reproducible, and leaves the process's generators alone."""

import random

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone

from sknn_mnist import (
    CNNClassifier,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
)

pytestmark = pytest.mark.exact


def make_model(meta, dropout=0.3):
    return keras.Sequential(
        [
            keras.layers.Input((meta["n_features_in_"],)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


NETS = [
    DenseClassifier(epochs=2, dropout=0.3, hidden_size=(32, 16)),
    CNNClassifier(epochs=2, filters=(4, 4), dropout=0.3, batch_norm=True),
    DenseRegressor(epochs=2, batch_norm=True),
    KerasClassifier(make_model, epochs=2),
]
IDS = [type(net).__name__ for net in NETS]


def weights_of(net, X, y):
    return net.fit(X, y).model_.get_weights()


def assert_same_bits(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("net", NETS, ids=IDS)
def test_same_seed_same_bits_whatever_ran_before(digits, net):
    X, _, y, _ = digits
    net = clone(net).set_params(random_state=0)
    first = weights_of(net, X, y)
    assert_same_bits(weights_of(net, X, y), first)
    clone(net).set_params(random_state=1, epochs=1).fit(X[:100], y[:100])
    np.random.default_rng().random(3)
    tf.random.uniform(())
    assert_same_bits(weights_of(clone(net), X, y), first)
    other = weights_of(clone(net).set_params(random_state=1), X, y)
    assert not np.array_equal(other[0], first[0])


def test_same_bits_in_a_worker(digits):
    X, _, y, _ = digits
    net = clone(NETS[1]).set_params(random_state=0)
    here = weights_of(net, X, y)
    # With as many threads as this process has.
    n_threads = joblib.cpu_count()
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=n_threads):
        (there,) = joblib.Parallel()([joblib.delayed(weights_of)(clone(net), X, y)])
    assert_same_bits(here, there)


@pytest.mark.parametrize("net", NETS, ids=IDS)
def test_a_seeded_fit_leaves_global_generators_alone(digits, net):
    X, _, y, _ = digits

    def draw():
        return np.random.random(), random.random(), float(tf.random.uniform(()))

    drawn = []
    for fits in (0, 1):
        np.random.seed(7)
        random.seed(7)
        tf.random.set_seed(7)
        draw()
        if fits:
            clone(net).set_params(random_state=0, validation_split=0.1).fit(X, y)
        drawn.append(draw())
    assert drawn[0] == drawn[1]


def test_random_state_instances_move_on_as_in_scikit_learn(digits):
    X, _, y, _ = digits
    one, other = np.random.RandomState(3), np.random.RandomState(3)
    first = weights_of(DenseClassifier(epochs=1, random_state=one), X, y)
    assert_same_bits(
        weights_of(DenseClassifier(epochs=1, random_state=other), X, y), first
    )
    second = weights_of(DenseClassifier(epochs=1, random_state=one), X, y)
    assert not np.array_equal(first[0], second[0])


def test_none_follows_numpys_seed(digits):
    X, _, y, _ = digits
    fits = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        fits.append(weights_of(DenseClassifier(epochs=1), X, y))
    assert_same_bits(fits[0], fits[1])
    assert not np.array_equal(fits[0][0], fits[2][0])
