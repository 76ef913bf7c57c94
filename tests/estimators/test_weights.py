"""Weights of samples and classes: those of the rows trained on average 1."""

import keras
import numpy as np
import pytest

from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.builders import build_dense

RNG = np.random.default_rng(0)
X = RNG.random((90, 16))
Y = np.arange(90) % 3
WEIGHTS = RNG.integers(0, 4, 90)
# An optimizer that, unlike Adam, feels the scale of the loss.
SETTINGS = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 3, "random_state": 0}
SETTINGS |= {"dtype": "float64", "batch_size": 1000}


def fitted(X=X, Y=Y, sample_weight=None, Estimator=DenseClassifier, **parameters):
    net = Estimator(**{**SETTINGS, **parameters})
    return net.fit(X, Y, sample_weight=sample_weight)


def weights_of(net):
    return net._network.state["network"]


def assert_same(one, other, rtol=1e-10):
    for ours, theirs in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-12)
    assert list(one.history_) == list(other.history_)
    for name, values in one.history_.items():
        np.testing.assert_allclose(values, other.history_[name], rtol=1e-9)


@pytest.mark.parametrize("Estimator", [DenseClassifier, CNNClassifier])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_weight_for_all_is_none(Estimator, dtype):
    options = {"Estimator": Estimator, "dtype": dtype, "validation_split": 0.2}
    plain = fitted(**options)
    for other in (
        fitted(sample_weight=np.full(90, 100.0), **options),
        fitted(class_weight={0: 100, 1: 100, 2: 100}, **options),
        fitted(class_weight="balanced", **{**options, "validation_split": 0.0}),
    ):
        alike = plain if len(other.history_) == 4 else fitted(
            Estimator=Estimator, dtype=dtype
        )  # fmt: skip
        assert other.history_ == alike.history_
        for one, two in zip(weights_of(other), weights_of(alike), strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 7, 1e200])
def test_no_scale_of_weights_matters(scale):
    classes = {0: 1.0, 1: 2.0, 2: 0.5}
    scaled = {label: weight * scale for label, weight in classes.items()}
    for options in ({}, {"validation_split": 0.3}):
        assert_same(
            fitted(sample_weight=WEIGHTS, class_weight=classes, **options),
            fitted(sample_weight=WEIGHTS * scale, class_weight=scaled, **options),
        )


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 5.0, 2: 0.5}, {1: 0}])
def test_a_weight_of_n_is_the_row_n_times(class_weight):
    weighted = fitted(sample_weight=WEIGHTS, class_weight=class_weight)
    repeated = fitted(
        X.repeat(WEIGHTS, axis=0), Y.repeat(WEIGHTS), class_weight=class_weight
    )
    for ours, theirs in zip(weights_of(weighted), weights_of(repeated), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        weighted.history_["loss"], repeated.history_["loss"], rtol=1e-9
    )


@pytest.mark.parametrize("batch_size", [1000, 8])
def test_a_class_without_weight_is_absent(batch_size):
    """From training; the net still has an output for it."""
    options = {"batch_size": batch_size, "loss": "sparse_categorical_crossentropy"}
    without = fitted(class_weight={1: 0}, **options)
    absent = DenseClassifier(**{**SETTINGS, **options, "epochs": 1})
    for _ in range(3):
        absent.partial_fit(X[Y != 1], Y[Y != 1], classes=[0, 1, 2])
    assert_same(without, absent)


def test_rows_trained_on_average_one_and_so_do_those_held_out():
    classes = {0: 0.5, 1: 1.0, 2: 3.0}
    # Those held out weigh most: scaled with them, the others would average less.
    weights = np.where(np.arange(90) < 60, WEIGHTS + 1, 50.0 + WEIGHTS)
    net = fitted(
        sample_weight=weights,
        class_weight=classes,
        validation_split=1 / 3,
        shuffle=False,
        batch_size=20,
    )
    network = build_dense((16,), 3, dtype="float64", seed=net._seed)
    network.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(dtype="float64"),
    )
    both = (weights * [classes[label] for label in Y])[:60]
    held_out = weights[60:] / weights[60:].mean()  # in Keras, too, of no class
    history = network.fit(
        X[:60],
        Y[:60],
        sample_weight=both / both.mean(),
        validation_data=(X[60:], Y[60:], held_out),
        batch_size=20,
        epochs=3,
        shuffle=False,
        verbose=0,
    )
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(net.history_[name], history.history[name], rtol=1e-6)
    for ours, theirs in zip(weights_of(net), network.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_regressors_hold_the_same_rule():
    y, weights = X.sum(axis=1), np.where(np.arange(90) < 60, 1.0, 50.0)
    options = {"Estimator": DenseRegressor, "validation_split": 1 / 3}
    assert_same(fitted(X, y, weights, **options), fitted(X, y, **options))


def test_balanced_is_of_what_the_rows_weigh():
    weights = np.where(Y == 0, 6.0, 1.0)
    assert_same(
        fitted(sample_weight=weights, class_weight="balanced"),
        fitted(class_weight=None),
    )


def test_partial_fit_scales_the_rows_it_gets():
    parts = [DenseClassifier(**SETTINGS) for _ in range(2)]
    for start in (0, 45):
        rows = slice(start, start + 45)
        for part, scale in zip(parts, (1, 1 + start), strict=True):
            part.partial_fit(
                X[rows], Y[rows], [0, 1, 2], sample_weight=(WEIGHTS + 1)[rows] * scale
            )
    assert_same(*parts)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_further_apart_than_the_dtype_tells(dtype):
    apart = 1e60 if dtype == "float32" else 1e308
    options = {"class_weight": {0: apart, 1: 1 / apart}, "dtype": dtype}
    with pytest.raises(ValueError, match=f"so far apart that {dtype} rounds"):
        fitted(**options)
    with pytest.raises(ValueError, match="they must not be all 0"):
        fitted(class_weight=dict.fromkeys(range(3), 0), dtype=dtype)
    # Samples next to nothing are nothing: boosting makes such weights.
    tiny = np.where(np.arange(90) < 60, 1.0, 1e-300)
    few = fitted(X[:60], Y[:60], dtype=dtype)
    for ours, theirs in zip(
        weights_of(fitted(sample_weight=tiny, dtype=dtype)),
        weights_of(few),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_rows_without_weight_are_gone_before_any_are_held_out():
    weights = np.ones(90)
    weights[:30] = 0
    kept = weights > 0
    assert_same(
        fitted(sample_weight=weights, validation_split=0.3),
        fitted(X[kept], Y[kept], validation_split=0.3),
    )
