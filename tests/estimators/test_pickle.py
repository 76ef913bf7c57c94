"""Estimators survive being copied and stored, and go on from where they were."""

import copy
import pickle
import re
import subprocess
import sys

import joblib
import keras
import numpy as np
import pytest
from sklearn.base import clone

from sknn_mnist import (
    CNNClassifier,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
    KerasRegressor,
)


class Scale(keras.layers.Layer):
    """A layer of one's own."""

    def call(self, x):
        return x / 2


def make_classifier(meta, hidden_size=32):
    inputs = keras.Input((meta["n_features_in_"],))
    hidden = keras.layers.Dense(hidden_size, activation="relu")(inputs)
    hidden = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(hidden))
    outputs = keras.layers.Dense(meta["n_classes_"], activation="softmax")(hidden)
    return keras.Model(inputs, outputs)


def make_regressor(meta):
    return keras.Sequential(
        [
            keras.layers.Input((meta["n_features_in_"],)),
            Scale(),
            keras.layers.Dense(1),
        ]
    )


def through_joblib(estimator, tmp_path):
    joblib.dump(estimator, tmp_path / "net.joblib")
    return joblib.load(tmp_path / "net.joblib")


def text_of(estimator):
    """The repr without the addresses of Keras's objects."""
    return re.sub(r" at 0x\w+", "", repr(estimator))


COPIES = {
    "pickle": lambda estimator, _: pickle.loads(pickle.dumps(estimator)),
    "joblib": through_joblib,
    "deepcopy": lambda estimator, _: copy.deepcopy(estimator),
}

NETS = {
    "plain": DenseClassifier(epochs=2, random_state=0),
    "optimizer object": DenseClassifier(
        epochs=2, optimizer=keras.optimizers.Adam(0.01, clipnorm=1.0), random_state=0
    ),
    "callbacks": DenseClassifier(
        epochs=3,
        callbacks=[
            keras.callbacks.EarlyStopping(
                monitor="val_loss", restore_best_weights=True
            ),
            "ReduceLROnPlateau",
        ],
        validation_split=0.2,
        random_state=0,
    ),
    "warm start": DenseClassifier(epochs=2, warm_start=True, random_state=0),
    "cnn": CNNClassifier(
        filters=4, epochs=2, dropout=0.3, batch_norm=True, random_state=0
    ),
    "regressor": DenseRegressor(
        epochs=2, loss=keras.losses.Huber(0.5), metrics=["mae"], random_state=0
    ),
    "own": KerasClassifier(
        make_classifier,
        epochs=2,
        model__hidden_size=8,
        optimizer="sgd",
        optimizer__momentum=0.5,
        random_state=0,
    ),
    "own code": KerasRegressor(make_regressor, epochs=2, random_state=0),
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("name", NETS)
def test_copies_of_fitted_estimators_are_whole(digits, tmp_path, name, way):
    X, X_test, y, _ = digits
    net = clone(NETS[name]).fit(X, y)
    twin = COPIES[way](net, tmp_path)
    np.testing.assert_array_equal(net.predict(X_test), twin.predict(X_test))
    assert text_of(twin) == text_of(net)
    assert twin.history_ == net.history_
    before = net.predict(X_test)
    twin.partial_fit(X, y)
    np.testing.assert_array_equal(net.predict(X_test), before)
    net.partial_fit(X, y)  # training goes on alike in both
    for a, b in zip(net.model_.get_weights(), twin.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class HoldsAFile(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.file = open(__file__)  # noqa: SIM115

    def on_train_end(self, logs=None):
        self.file.close()


def test_a_callback_that_cannot_be_pickled_is_left_out_and_named(digits):
    X, _, y, _ = digits
    callbacks = [HoldsAFile(), keras.callbacks.TerminateOnNaN()]
    net = DenseClassifier(epochs=1, callbacks=callbacks, random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="callbacks_ is stored without its HoldsAFile"):
        twin = pickle.loads(pickle.dumps(net))
    assert [type(each).__name__ for each in twin.callbacks_] == ["TerminateOnNaN"]
    assert len(net.callbacks_) == 2


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("name", NETS)
def test_copies_of_unfitted_estimators_fit_alike(digits, tmp_path, name, way):
    X, X_test, y, _ = digits
    twin = COPIES[way](clone(NETS[name]), tmp_path)
    np.testing.assert_array_equal(
        clone(NETS[name]).fit(X, y).predict(X_test), twin.fit(X, y).predict(X_test)
    )


def test_a_fresh_process_predicts_and_trains_alike(digits, tmp_path):
    X, X_test, y, _ = digits
    net = clone(NETS["cnn"]).fit(X, y)
    joblib.dump((net, X, y, X_test), tmp_path / "all.joblib")
    code = f"""
import joblib
net, X, y, X_test = joblib.load({str(tmp_path / "all.joblib")!r})
before = net.predict_proba(X_test)
joblib.dump((before, net.partial_fit(X, y).predict_proba(X_test)),
            {str(tmp_path / "there.joblib")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    before, after = joblib.load(tmp_path / "there.joblib")
    np.testing.assert_array_equal(before, net.predict_proba(X_test))
    np.testing.assert_array_equal(after, net.partial_fit(X, y).predict_proba(X_test))


def test_parameters_changed_after_fit_do_not_spoil_the_copy(digits):
    X, X_test, y, _ = digits
    net = DenseClassifier(epochs=1, random_state=0).fit(X, y)
    net.set_params(hidden_size=7, optimizer="sgd", dtype="float64")
    twin = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(net.predict(X_test), twin.predict(X_test))
    assert twin.hidden_size == 7


@pytest.mark.parametrize("name", NETS)
def test_clone_keeps_parameters_and_forgets_the_fit(digits, name):
    X, _, y, _ = digits
    net = clone(NETS[name]).fit(X, y)
    twin = clone(net)
    assert not hasattr(twin, "model_")
    assert twin.get_params().keys() == net.get_params().keys()
    assert text_of(twin) == text_of(net)


def test_a_fitted_estimator_owns_its_network(digits):
    X, X_test, y, _ = digits
    first = DenseClassifier(epochs=1, random_state=0).fit(X, y)
    held, expected = first.model_, first.predict_proba(X_test)
    clone(first).set_params(random_state=1).fit(X, y)
    np.testing.assert_array_equal(first.predict_proba(X_test), expected)
    first.fit(X, 9 - y)
    np.testing.assert_allclose(np.asarray(held(X_test)), expected, rtol=1e-5)
