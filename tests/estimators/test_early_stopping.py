"""early_stopping: as Keras's EarlyStopping stops, by scikit-learn's words."""

import copy
import pickle

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from sknn_mnist import (
    CNNClassifier,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
    KerasRegressor,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 8)).astype("float32")
Y = (X[:, 0] + RNG.normal(scale=0.7, size=150) > 0).astype(int) + (X[:, 1] > 1)
NUMBERS = X[:, 0] + RNG.normal(scale=0.3, size=150)
SETTINGS = {
    **{"epochs": 40, "batch_size": 32, "learning_rate": 0.02, "random_state": 0},
    **{"validation_split": 0.2, "early_stopping": True, "n_iter_no_change": 3},
}
N_TRAINED = 120


def net(**parameters):
    return DenseClassifier(**{"hidden_size": 16, **SETTINGS, **parameters})


def weights(estimator):
    return [np.asarray(each) for each in estimator.model_.get_weights()]


def all_equal(one, other):
    pairs = zip(one, other, strict=True)
    return all(np.array_equal(each, its) for each, its in pairs)


def is_same(one, other):
    return all_equal(weights(one), weights(other))


def state_of(estimator):
    return [each for part in estimator._network.state.values() for each in part]


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(16, activation="relu")
        self.last = layers.Dense(3, activation="softmax")

    def call(self, inputs):
        return self.last(self.hidden(inputs))


def sequential(units=3, activation="softmax"):
    return keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(units, activation=activation),
        ]
    )


CASES = {
    "val_loss": (net(), Y),
    "val_accuracy": (net(monitor="val_accuracy", n_iter_no_change=4), Y),
    "loss": (net(monitor="loss", tol=0.02, validation_split=0.0), Y),
    "tol": (net(tol=0.01), Y),
    "dropout": (net(dropout=0.3, batch_norm=True, hidden_size=(16, 16)), Y),
    "float64": (net(dtype="float64"), Y),
    "regressor": (
        DenseRegressor(**{**SETTINGS, "monitor": "val_mae", "metrics": ["mae"]}),
        NUMBERS,
    ),
    "own": (KerasClassifier(sequential, **SETTINGS), Y),
    "own code": (KerasClassifier(Subclassed, **SETTINGS), Y),
    "own numbers": (
        KerasRegressor(sequential, model__units=1, activation=None, **SETTINGS),
        NUMBERS,
    ),
    "eagerly": (KerasClassifier(sequential, run_eagerly=True, **SETTINGS), Y),
}
# Trained step by step in Python.
NAMES = [
    pytest.param(each, marks=pytest.mark.slow) if each == "eagerly" else each
    for each in CASES
]


@pytest.mark.exact
@pytest.mark.parametrize("name", NAMES)
def test_it_equals_keras_on_the_same_batches(name):
    estimator, y = CASES[name]
    estimator = clone(estimator).set_params(shuffle=False)
    fitted = clone(estimator).fit(X, y)
    network = clone(estimator).set_params(epochs=1).fit(X, y)._network.recipe
    network = network.new_network()  # as the fit begins
    target = fitted.target_encoder_.transform(y)
    stopping = keras.callbacks.EarlyStopping(
        fitted.monitor,
        min_delta=fitted.tol,
        patience=fitted.n_iter_no_change,
        restore_best_weights=True,
    )
    held_out = fitted.validation_split > 0
    n_trained = N_TRAINED if held_out else len(X)
    history = network.fit(
        X[:n_trained],
        target[:n_trained],
        epochs=40,
        batch_size=32,
        shuffle=False,
        verbose=0,
        validation_data=(X[n_trained:], target[n_trained:]) if held_out else None,
        callbacks=[stopping],
    ).history
    assert fitted.best_epoch_ == stopping.best_epoch
    assert fitted.n_iter_ == len(history["loss"]) < 40
    assert fitted.best_score_ == pytest.approx(float(stopping.best), rel=1e-4)
    for value, expected in zip(weights(fitted), network.get_weights(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.exact
@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_is_the_best_epoch_as_if_training_had_ended_there(name):
    estimator, y = CASES[name]
    stopped = clone(estimator).fit(X, y)
    assert stopped.best_epoch_ < stopped.n_iter_ == len(stopped.history_["loss"])
    monitored = stopped.history_[stopped.monitor]
    assert stopped.best_score_ == monitored[stopped.best_epoch_]
    there = clone(estimator).set_params(
        epochs=stopped.best_epoch_ + 1, early_stopping=False
    )
    there.fit(X, y)
    assert there.n_iter_ == stopped.best_epoch_ + 1
    assert not hasattr(there, "best_epoch_")
    assert not hasattr(there, "best_score_")
    # The optimizer's state and the seeds of layers as well.
    assert all_equal(state_of(stopped), state_of(there))


class Watching(keras.callbacks.Callback):
    """One's own: the network that it saw is not to be used for anything else."""

    def on_epoch_end(self, epoch, logs=None):
        logs["own"] = -abs(epoch - 2.0)


@pytest.mark.exact
def test_in_company_of_callbacks():
    alone = net().fit(X, Y)
    beside = net(callbacks=[Watching(), "TerminateOnNaN"]).fit(X, Y)
    assert is_same(beside, alone)
    assert beside.best_epoch_ == alone.best_epoch_
    # The stricter of two stops; what is put back is ours.
    both = net(callbacks=keras.callbacks.EarlyStopping(patience=1)).fit(X, Y)
    assert both.n_iter_ < alone.n_iter_
    assert is_same(
        both, net(epochs=both.best_epoch_ + 1, early_stopping=False).fit(X, Y)
    )


def test_a_number_that_a_callback_adds_can_be_watched():
    with pytest.raises(ValueError, match="whether more is better"):
        net(callbacks=Watching(), monitor="own").fit(X, Y)

    class Losses(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["own_loss"] = abs(epoch - 2.0)

    found = net(callbacks=Losses(), monitor="own_loss", validation_split=0.0).fit(X, Y)
    assert (found.best_epoch_, found.n_iter_) == (2, 6)


def test_all_epochs_are_trained_where_none_is_enough():
    found = net(epochs=4, n_iter_no_change=10).fit(X, Y)
    assert found.n_iter_ == 4
    best = int(np.argmin(found.history_["val_loss"]))
    assert found.best_epoch_ == best


# -- going on ----------------------------------------------------------------------


@pytest.mark.exact
def test_warm_start_goes_on_from_the_best_epoch():
    warm = net(warm_start=True).fit(X, Y)
    first = warm.n_iter_
    before = copy.deepcopy(warm)
    warm.fit(X, Y)
    assert warm.n_iter_ > first
    assert warm.best_epoch_ >= first  # each fit judges its own epochs
    assert warm.history_["val_loss"][:first] == before.history_["val_loss"]
    assert warm.best_score_ == min(warm.history_["val_loss"][first:])
    # As one without early stopping goes on from there.
    before.set_params(early_stopping=False, epochs=warm.best_epoch_ + 1 - first)
    assert is_same(before.fit(X, Y), warm)


@pytest.mark.exact
def test_partial_fit_is_one_epoch_and_its_own_best():
    found = net()
    for done in range(1, 4):
        found.partial_fit(X, Y, classes=[0, 1, 2])
        assert (found.n_iter_, found.best_epoch_) == (done, done - 1)
        assert found.best_score_ == found.history_["val_loss"][-1]
    plain = net(early_stopping=False)
    for _ in range(3):
        plain.partial_fit(X, Y, classes=[0, 1, 2])
    assert is_same(found, plain)


@pytest.mark.exact
def test_copies_know_it():
    fitted = net().fit(X, Y)
    for each in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert each.best_epoch_ == fitted.best_epoch_
        assert each.best_score_ == fitted.best_score_
        assert each.n_iter_ == fitted.n_iter_
        assert is_same(each.partial_fit(X, Y), copy.deepcopy(fitted).partial_fit(X, Y))
    assert not hasattr(clone(fitted), "best_epoch_")
    fitted.set_params(early_stopping=False).fit(X, Y)
    assert not hasattr(fitted, "best_epoch_")


# -- searches ----------------------------------------------------------------------


@pytest.mark.exact
@pytest.mark.parametrize("memory", [None, ":memory:"])
def test_a_search_refits_by_the_same_rule(memory):
    grid = {"hidden_size": [4, 16], "epochs": [5, 40]}
    search = GridSearchCV(net(memory=memory), grid, cv=3).fit(X, Y)
    best = search.best_estimator_
    assert is_same(best, clone(best).set_params(memory=None).fit(X, Y))
    assert best.n_iter_ <= search.best_params_["epochs"]
    assert best.best_epoch_ < best.n_iter_


def test_halving_gives_epochs_as_the_most_there_are():
    search = HalvingGridSearchCV(
        net(),
        {"hidden_size": [4, 8, 16]},
        resource="epochs",
        min_resources=3,
        max_resources=27,
        cv=2,
        random_state=0,
    ).fit(X, Y)
    assert search.best_estimator_.n_iter_ <= 27
    assert hasattr(search.best_estimator_, "best_epoch_")


# -- errors ------------------------------------------------------------------------


@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_without_rows_to_judge_by_it_is_one_error(fit):
    asked = net(validation_split=0.0)
    options = {"classes": [0, 1, 2]} if fit == "partial_fit" else {}
    with pytest.raises(ValueError, match=r"needs rows to judge by.*validation_split"):
        getattr(asked, fit)(X, Y, **options)
    assert not hasattr(asked, "history_")
    getattr(asked, fit)(X, Y, X_val=X[:50], y_val=Y[:50], **options)


@pytest.mark.parametrize(
    "estimator",
    [
        net(monitor="val_f1"),
        CNNClassifier(filters=2, image_shape=(2, 4), **SETTINGS, monitor="val_f1"),
        KerasClassifier(sequential, **SETTINGS, monitor="val_f1"),
    ],
    ids=["dense", "cnn", "own"],
)
def test_what_is_not_in_the_history_is_refused_before_training(estimator, monkeypatch):
    from sknn_mnist.engine._loop import FusedNetwork

    monkeypatch.delattr(FusedNetwork, "fit")
    with pytest.raises(ValueError, match=r"'monitor' parameter.*'val_loss'.*'val_f1'"):
        clone(estimator).fit(X, Y)


@pytest.mark.parametrize("memory", [None, ":memory:"])
def test_a_metric_that_does_not_say_which_way_is_better_is_refused(memory):
    def closeness(y_true, y_pred):
        return keras.ops.mean(y_pred)

    asked = net(metrics=[closeness], monitor="val_closeness", memory=memory)
    with pytest.raises(ValueError, match=r"'monitor'.*mode='max'"):
        asked.fit(X, Y)


def test_a_training_that_diverges_is_still_refused():
    with pytest.raises(ValueError, match="diverged"):
        net(optimizer="sgd", learning_rate=1e30).fit(X, Y)


def test_where_no_epoch_can_be_judged_the_first_is_kept_and_told():
    far = np.full(50, 1e38, dtype="float32")
    asked = DenseRegressor(**{**SETTINGS, "validation_split": 0.0, "epochs": 5})
    with pytest.warns(ConvergenceWarning, match="val_loss .*each epoch, and the first"):
        asked.fit(X, NUMBERS, X_val=X[:50], y_val=far)
    assert asked.best_epoch_ == 0
    assert asked.n_iter_ in (3, 4)  # Keras 3.6 counts the first as one of three
