"""Cases that broke an earlier version, each once."""

import os

import keras
import numpy as np
import pytest

from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.cli import main
from sknn_mnist.reporting import pivot_cv_results

RNG = np.random.default_rng(0)
X = RNG.random((60, 16)).astype("float32")
Y = np.arange(60) % 3
TARGET = X.sum(axis=1)


def classifier(**parameters):
    return DenseClassifier(4, **{"epochs": 1, "random_state": 0, **parameters})


def regressor(**parameters):
    return DenseRegressor(4, **{"epochs": 1, "random_state": 0, **parameters})


@pytest.mark.parametrize("batch_size", [61, 2**31, 2**32 + 1, 2**70])
def test_a_batch_larger_than_the_data_is_all_of_it(batch_size):
    expected = classifier(batch_size=60, epochs=2).fit(X, Y).history_
    assert classifier(batch_size=batch_size, epochs=2).fit(X, Y).history_ == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_keep_their_arguments(dtype):
    def loss_of(loss):
        return regressor(loss=loss, dtype=dtype).fit(X, TARGET).history_["loss"]

    losses = [loss_of(keras.losses.Huber(delta=delta)) for delta in (0.01, 1.0, 100.0)]
    assert losses[0] < losses[1] < losses[2]
    assert loss_of("huber") == losses[1]


def test_weights_of_any_scale_are_weights():
    for dtype, scale in [("float64", 1e308), ("float32", 1e-60), ("float32", 1e300)]:
        net = classifier(dtype=dtype).fit(X, Y, sample_weight=np.full(60, scale))
        equal = classifier(dtype=dtype).fit(X, Y)
        np.testing.assert_allclose(
            net.history_["loss"], equal.history_["loss"], rtol=1e-5
        )
    for weights in ({0: 0, 1: 0, 2: 0}, {0: 1e300}):
        with pytest.raises(ValueError, match="class_weight"):
            classifier(class_weight=weights).fit(X, Y)


def test_a_changed_optimizer_object_is_taken_when_going_on():
    optimizer = keras.optimizers.SGD(1e-4)
    options = {"optimizer": optimizer, "learning_rate": None, "warm_start": True}
    net = classifier(**options).fit(X, Y)
    optimizer.learning_rate = 5.0
    net.fit(X, Y)
    assert float(net.model_.optimizer.learning_rate.numpy()) == 5.0


def test_candidates_of_one_repr_are_two():
    arrays = [np.zeros(3000), np.zeros(3000)]
    arrays[1][1500] = 1
    table = pivot_cv_results(
        {
            "params": [{"priors": array} for array in arrays],
            "param_priors": arrays,
            "mean_test_score": [0.1, 0.9],
        }
    )
    assert table["mean_test_score"].tolist() == [0.1, 0.9]


def test_the_global_policy_and_data_format_do_not_reach_in():
    expected = classifier().fit(X, Y).predict_proba(X)
    image = CNNClassifier(2, hidden_size=4, epochs=1, random_state=0)
    expected_image = image.fit(X, Y).predict_proba(X)
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_image_data_format("channels_first")
    try:
        net = classifier().fit(X, Y)
        assert isinstance(net.model_.optimizer, keras.optimizers.Adam)
        np.testing.assert_array_equal(net.predict_proba(X), expected)
        for each in (image, CNNClassifier(3, hidden_size=4, epochs=1)):
            each.fit(X, Y)
        np.testing.assert_array_equal(image.predict_proba(X), expected_image)
    finally:
        keras.config.set_dtype_policy("float32")
        keras.config.set_image_data_format("channels_last")


def test_a_holder_may_compile_model_anew():
    net = classifier().fit(X, Y)
    net.model_.compile("sgd", "sparse_categorical_crossentropy")
    net.model_.fit(X, Y, verbose=0)
    held = net.predict_proba(X)
    assert not np.array_equal(held, net.partial_fit(X, Y).predict_proba(X))


@pytest.mark.parametrize(
    "optimizer", ["Lamb", "lamb", keras.optimizers.Lamb, keras.optimizers.Lamb()]
)
def test_every_optimizer_of_keras_is_known(optimizer):
    net = classifier(optimizer=optimizer).fit(X, Y)
    assert isinstance(net.model_.optimizer, keras.optimizers.Lamb)


def test_a_config_is_left_as_it_was():
    config = {"class_name": "Adam", "config": {"learning_rate": 0.01}}
    classifier(optimizer=config).fit(X, Y)
    assert config == {"class_name": "Adam", "config": {"learning_rate": 0.01}}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"metrics": "AUC"}, "'loss' or 'metrics' parameter of DenseClassifier"),
        ({"metrics": "F1Score"}, "'metrics' parameter of DenseClassifier must name"),
        ({"learning_rate": np.array([0.1, 0.2])}, "'learning_rate' parameter"),
        ({"learning_rate": np.datetime64("2020")}, "'learning_rate' parameter"),
        ({"class_weight": {0: 10**400}}, "class_weight"),
        ({"activation": keras.layers.ReLU}, "'activation' parameter"),
        ({"activation": keras.layers.PReLU()}, "'activation' parameter"),
    ],
    ids=["AUC", "F1", "rates", "date", "huge", "layer-class", "layer"],
)
def test_what_does_not_fit_is_named(parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        classifier(**parameters).fit(X, Y)


def test_matrices_that_are_no_indicators_are_refused():
    with pytest.raises(ValueError, match=r"each value must be 0 or 1. Got \[-1, 1\]"):
        classifier().fit(X, np.where(RNG.random((60, 3)) > 0.5, 1, -1))


def test_a_failed_fit_draws_nothing():
    random_state = np.random.RandomState(0)
    before = random_state.get_state()[2]
    with pytest.raises(ValueError, match="NaN"):
        classifier(random_state=random_state).fit(X * np.nan, Y)
    assert random_state.get_state()[2] == before


def test_targets_that_overflow_are_refused():
    with pytest.raises(ValueError, match="y contains values too large"):
        regressor().fit(X, TARGET.astype(float) * 1e300)
    with pytest.raises((ValueError, TypeError), match="Input"):
        classifier().fit(X, "abc")


def test_results_are_written_through_links_and_pipes(tmp_path, capsys):
    real, link = tmp_path / "real.joblib", tmp_path / "link.joblib"
    real.write_bytes(b"")
    link.symlink_to(real)
    size = ["--hidden-size", "4", "--epochs", "1"]
    assert main(["fit", "--dataset", "digits", *size, "--save", str(link)]) == 0
    assert link.is_symlink()
    assert real.stat().st_size > 0
    predict = ["predict", "--load", str(link), "--dataset", "digits"]
    assert main([*predict, "--out", os.devnull]) == 0
    assert not os.path.isfile(os.devnull)


def test_a_net_without_probabilities_is_refused(tmp_path, capsys):
    DenseRegressor(epochs=1).fit(X, Y).save(tmp_path / "net.safetensors")
    np.save(tmp_path / "scans.npy", np.zeros((2, 16)))
    args = ["--load", str(tmp_path / "net.safetensors")]
    assert main(["predict", *args, "--images", str(tmp_path / "scans.npy")]) == 1
    assert "holds no classifier, but a DenseRegressor" in capsys.readouterr().err
