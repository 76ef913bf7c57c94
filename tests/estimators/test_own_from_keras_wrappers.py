"""What users of Keras's wrappers do, of the old ones and of Keras 3's, done here."""

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_mnist import KerasClassifier, KerasRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
CODES = np.digitize(X[:, 0], [-0.5, 0.5])
SUMS = X.sum(axis=1)


def create_model(optimizer="adam", init="glorot_uniform", neurons=8):
    """Build and compile, as tutorials do."""
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(neurons, activation="relu", kernel_initializer=init),
            keras.layers.Dense(3, activation="softmax", kernel_initializer=init),
        ]
    )
    model.compile(
        loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"]
    )
    return model


def build_model(n_hidden=1, n_neurons=8, learning_rate=3e-3):
    """Take a learning rate that an estimator has as well."""
    model = keras.Sequential([keras.layers.Input((4,))])
    for _ in range(n_hidden):
        model.add(keras.layers.Dense(n_neurons, activation="relu"))
    model.add(keras.layers.Dense(1))
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(learning_rate))
    return model


def dynamic_model(X, y, layers=(10,)):
    """Build from the data, as Keras 3's wrapper wants it."""
    model = keras.Sequential([keras.layers.Input((X.shape[1],))])
    for size in layers:
        model.add(keras.layers.Dense(size, activation="relu"))
    model.add(keras.layers.Dense(y.shape[1], activation="softmax"))
    model.compile("rmsprop", "categorical_crossentropy")
    return model


def dynamic_model_of_meta(meta, layers=(10,)):
    """Build the same from what `meta` says of the data."""
    X = np.empty((1, meta["n_features_in_"]))
    return dynamic_model(X, np.empty((1, meta["n_classes_"])), layers)


class Builder:
    """An object that builds when it is called."""

    def __call__(self, neurons=8):
        return create_model(neurons=neurons)


def test_a_grid_over_the_functions_and_the_fits_parameters():
    grid = GridSearchCV(
        KerasClassifier(create_model, verbose=0, random_state=0),
        {
            "optimizer": ["rmsprop", "adam"],
            "init": ["glorot_uniform", "uniform"],
            "epochs": [1, 2],
            "batch_size": [32],
        },
        cv=2,
        error_score="raise",
    ).fit(X, CODES)
    model = grid.best_estimator_.model_
    best = grid.best_params_
    assert type(model.optimizer).__name__.lower() == best["optimizer"]
    assert len(grid.best_estimator_.history_["loss"]) == best["epochs"]
    assert len(grid.cv_results_["params"]) == 8


def test_a_learning_rate_of_both_is_searched_over():
    grid = GridSearchCV(
        KerasRegressor(build_model, epochs=2, random_state=0),
        {"n_hidden": [0, 1], "learning_rate": [1e-4, 0.05]},
        cv=2,
        error_score="raise",
    ).fit(X, SUMS)
    optimizer = grid.best_estimator_.model_.optimizer
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert float(optimizer.learning_rate.numpy()) == pytest.approx(0.05)
    assert grid.best_params_["learning_rate"] == 0.05


@pytest.mark.parametrize(
    "y", [CODES, CODES.astype(str), np.eye(3)[CODES]], ids=["codes", "words", "one-hot"]
)
def test_categorical_crossentropy_takes_labels_and_one_hot_rows(y):
    net = KerasClassifier(
        create_model, epochs=20, batch_size=8, learning_rate=0.02, random_state=0
    )
    assert net.fit(X, y).score(X, y) > 0.8
    assert net.predict_proba(X).shape == (90, 3)
    assert cross_val_score(net, X, y, cv=2, error_score="raise").min() > 0.5


def test_an_object_that_is_called_builds():
    net = KerasClassifier(Builder(), neurons=5, epochs=1)
    assert clone(net).fit(X, CODES).model_.layers[0].units == 5


def test_a_fit_returns_the_estimator_which_has_history_and_network():
    net = KerasClassifier(create_model, epochs=2, validation_split=0.2, random_state=0)
    assert net.fit(X, CODES) is net
    assert set(net.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert isinstance(net.model_, keras.Model)
    assert net.model is create_model


def test_scores_are_accuracy_and_r2_whatever_was_compiled():
    net = KerasClassifier(create_model, epochs=1, random_state=0).fit(X, CODES)
    assert net.score(X, CODES) == np.mean(net.predict(X) == CODES)
    net = KerasRegressor(build_model, epochs=1, random_state=0).fit(X, SUMS)
    errors = np.sum((net.predict(X) - SUMS) ** 2)
    expected = 1 - errors / np.sum((SUMS - SUMS.mean()) ** 2)
    assert net.score(X, SUMS) == pytest.approx(expected)


def test_misspelt_names_are_refused():
    with pytest.raises(TypeError, match="neurons"):
        KerasClassifier(create_model, neuron=3)
    with pytest.raises(TypeError, match="nb_epoch"):
        KerasClassifier(create_model, nb_epoch=3)


def test_a_function_of_the_data_takes_meta():
    for y in (CODES, CODES.astype(str)):
        net = KerasClassifier(
            dynamic_model_of_meta, layers=[5], epochs=1, random_state=0
        )
        assert net.fit(X, y).model_.layers[0].units == 5
        assert net.predict(X).dtype == y.dtype
    with pytest.raises((TypeError, ValueError), match=r"\bX\b"):
        KerasClassifier(dynamic_model, epochs=1).fit(X, CODES)


def test_clones_keep_what_a_fit_was_given():
    net = KerasClassifier(
        dynamic_model_of_meta, layers=[5], epochs=3, batch_size=16, shuffle=False
    )
    again = clone(net)
    assert again.get_params() == net.get_params()
    assert len(again.fit(X, CODES).history_["loss"]) == 3


def test_a_pipeline_is_searched_by_the_functions_keywords():
    pipe = make_pipeline(
        StandardScaler(), KerasClassifier(dynamic_model_of_meta, epochs=1)
    )
    grid = GridSearchCV(
        pipe,
        {"kerasclassifier__layers": [(3,), (5, 4)]},
        cv=2,
        error_score="raise",
    ).fit(X, CODES)
    assert grid.predict(X).shape == CODES.shape
