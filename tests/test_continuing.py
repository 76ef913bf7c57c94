"""`warm_start` and `partial_fit` go on from what is there, or refuse."""

import keras
import numpy as np
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
