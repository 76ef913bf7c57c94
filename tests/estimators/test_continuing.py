"""`warm_start` and `partial_fit` go on from what is there, or refuse."""

import keras
import numpy as np
import pandas as pd
import pytest

from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor

pytestmark = pytest.mark.exact

RNG = np.random.default_rng(0)
X = RNG.random((60, 16)).astype("float32")
Y = np.arange(60) % 3


def started(**parameters):
    options = {"warm_start": True, "epochs": 2, "random_state": 0, "batch_size": 20}
    return DenseClassifier(**{**options, **parameters}).fit(X, Y)


def iterations(net):
    return int(net.model_.optimizer.iterations.numpy())


@pytest.mark.parametrize(
    ("loss", "other"),
    [
        ("auto", "categorical_crossentropy"),
        ("categorical_crossentropy", "auto"),
        ("categorical_crossentropy", "sparse_categorical_crossentropy"),
        ("auto", "mse"),
        ("auto", "binary_crossentropy"),
    ],
)
def test_a_loss_of_other_targets_is_refused(loss, other):
    net = started(loss=loss)
    expected = net.predict_proba(X)
    net.set_params(loss=other)
    for method in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match=f"fitted with loss='{loss}' as one with"):
            method(X, Y)
    np.testing.assert_array_equal(net.predict_proba(X), expected)
    assert net.set_params(loss=loss).partial_fit(X, Y).current_epoch == 3


def test_a_loss_of_the_same_targets_is_taken():
    net = started(loss="categorical_crossentropy").set_params(loss="kl_divergence")
    assert iterations(net.fit(X, Y)) == 12


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 1e-30},
        {"metrics": ["accuracy", "sparse_top_k_categorical_accuracy"]},
        {"optimizer": keras.optimizers.Adam()},
    ],
    ids=["rate", "metrics", "equal"],
)
def test_the_optimizer_goes_on(change):
    net = started(optimizer=keras.optimizers.Adam()).set_params(**change)
    before = net.model_.get_weights()
    net.fit(X, Y)
    assert iterations(net) == 12
    moved = max(
        np.abs(one - other).max()
        for one, other in zip(before, net.model_.get_weights(), strict=True)
    )
    assert (moved < 1e-20) == ("learning_rate" in change)


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "sgd"},
        {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 9, 0.5)},
    ],
    ids=["sgd", "schedule"],
)
def test_another_optimizer_starts_anew(change):
    assert iterations(started().set_params(**change).fit(X, Y)) == 6


def test_parameters_that_mean_the_same_are_the_same():
    sizes = [8, 4]
    net = started(hidden_size=sizes)
    for same in ((8, 4), np.array([8, 4])):
        net.set_params(hidden_size=same).fit(X, Y)
    net.set_params(hidden_size=sizes)
    sizes.append(2)
    with pytest.raises(ValueError, match=r"can't continue .* hidden_size=\(8, 4\)"):
        net.fit(X, Y)


def test_images_of_another_shape_are_refused():
    net = CNNClassifier(filters=2, warm_start=True, random_state=0).fit(X, Y)
    net.set_params(image_shape=(4, 4)).fit(X, Y)
    with pytest.raises(ValueError, match="image_shape"):
        net.set_params(image_shape=(2, 8)).fit(X, Y)


def test_history_keeps_what_either_part_measured():
    net = started(validation_split=0.2)
    net.set_params(validation_split=0.0).partial_fit(X, Y)
    assert np.isfinite(net.history_["val_loss"]).tolist() == [True, True, False]
    assert np.isfinite(net.history_["loss"]).all()


def test_an_estimator_is_not_half_made():
    assert not hasattr(DenseRegressor(), "initialize")


# -- labels ---------------------------------------------------------------------------

THREE = np.arange(60) % 3
TWO = np.arange(60) % 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (THREE, TWO),  # fewer
        (TWO, THREE),  # more
        (TWO, TWO + 1),  # others
        (TWO, TWO == 1),
        (TWO == 1, TWO),
        (TWO, TWO.astype(str)),
        (TWO.astype(str), TWO),
        (THREE.astype(float), (THREE + 3).astype(float)),
        (np.array(["a", "b"])[TWO], np.array(["a", "c"])[TWO]),
    ],
    ids=lambda labels: f"{labels.dtype}-{len(np.unique(labels))}",
)
def test_other_classes_are_refused_when_going_on(before, after):
    net = DenseClassifier(epochs=1, warm_start=True, random_state=0).fit(X, before)
    expected = net.predict_proba(X)
    with pytest.raises(ValueError, match="same classes as in the previous call to fit"):
        net.fit(X, after)
    np.testing.assert_array_equal(net.predict_proba(X), expected)
    fewer = set(np.unique(after).tolist()) < set(np.unique(before).tolist())
    if fewer and after.dtype == before.dtype:  # a part of the data may lack some
        assert net.partial_fit(X, after).current_epoch == 2
        return
    with pytest.raises(ValueError, match="y holds unknown classes: "):
        net.partial_fit(X, after)
    if after.dtype.kind != before.dtype.kind:
        with pytest.raises(ValueError, match="not the same as on last call"):
            net.partial_fit(X, before, classes=np.unique(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TWO, TWO.astype("int8")),
        (TWO, TWO.astype(float)),  # 1.0 is 1, for scikit-learn too
        (TWO.astype(float), TWO),
        (TWO.astype(str), TWO.astype(str).astype(object)),
        (TWO.astype(str).astype(object), TWO.astype(str)),
        (TWO == 1, (TWO == 1).tolist()),
        (TWO, pd.Series(TWO, dtype="category")),
        (TWO.astype(str), pd.Series(TWO.astype(str), dtype="string")),
    ],
)
def test_the_same_classes_in_other_arrays_are_taken(before, after):
    net = DenseClassifier(epochs=1, warm_start=True, random_state=0).fit(X, before)
    net.fit(X, after).partial_fit(X, after, classes=np.unique(after))
    straight = DenseClassifier(epochs=3, random_state=0).fit(X, before)
    np.testing.assert_array_equal(net.predict_proba(X), straight.predict_proba(X))
    assert net.classes_.dtype == straight.classes_.dtype


def test_indicators_of_other_columns_are_refused():
    matrix = (RNG.random((60, 3)) > 0.5).astype(int)
    net = DenseClassifier(epochs=1, warm_start=True, random_state=0).fit(X, matrix)
    for other in (matrix[:, :2], THREE):
        with pytest.raises(ValueError, match="was fitted with"):
            net.fit(X, other)
    assert net.fit(X, matrix).current_epoch == 2
