"""Callbacks of own networks: by class, object, name, dict and list, with parameters."""

import pickle
import re

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknn_mnist import KerasClassifier, KerasRegressor


def without_addresses(value):
    """Name a case alike in each of pytest's workers."""
    return re.sub(r" at 0x\w+", "", str(value))


RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
LABELS = np.digitize(X[:, 0], [-0.5, 0.5])
NUMBERS = X[:, 0] - X[:, 1]
QUICK = {"epochs": 4, "batch_size": 64, "random_state": 0}
EarlyStopping = keras.callbacks.EarlyStopping
# Nothing improves by as much, so that a fit ends with the second epoch.
UNREACHABLE = {"monitor": "loss", "min_delta": 100.0}


def make_model(hidden_size=3):
    return keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def make_regression():
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])


def halved(epoch, rate):
    return rate / 2


class Until(keras.callbacks.Callback):
    """Ends a fit when a metric is large enough."""

    def __init__(self, monitor, threshold=0.0):
        super().__init__()
        self.monitor = monitor
        self.threshold = threshold

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.monitor] > self.threshold:
            self.model.stop_training = True


class Counts(keras.callbacks.Callback):
    """Counts what it is told, in a list that its copies share."""

    told = []  # noqa: RUF012

    def __init__(self, name="one"):
        super().__init__()
        self.name = name

    def on_train_begin(self, logs=None):
        self.told.append((self.name, "train"))

    def on_test_begin(self, logs=None):
        self.told.append((self.name, "test"))

    def on_predict_begin(self, logs=None):
        self.told.append((self.name, "predict"))


def routed(options):
    """Return the parameters of UNREACHABLE, by their names for an estimator."""
    return {f"callbacks__{options}{name}": each for name, each in UNREACHABLE.items()}


@pytest.mark.parametrize(
    "options",
    [
        {"callbacks": EarlyStopping, **routed("")},
        {"callbacks": "EarlyStopping", **routed("")},
        {"callbacks": [EarlyStopping], **routed("0__")},
        {"callbacks": [EarlyStopping], **routed("")},
        {"callbacks": {"stop": EarlyStopping}, **routed("stop__")},
        {"callbacks": {"stop": EarlyStopping}, **routed("")},
        {"callbacks": {"stop": "EarlyStopping"}, **routed("stop__")},
        {"callbacks": EarlyStopping(**UNREACHABLE)},
        {"callbacks": [EarlyStopping(**UNREACHABLE)]},
        {"callbacks": {"stop": EarlyStopping(**UNREACHABLE)}},
        {"fit__callbacks": [EarlyStopping(**UNREACHABLE)]},
        {"callbacks": Until, "callbacks__monitor": "loss"},
    ],
    ids=[
        *["class", "name", "list by index", "list by all", "dict by key"],
        *["dict by all", "dict of names", "object", "list of objects"],
        *["dict of objects", "fit__callbacks", "one's own"],
    ],
)
def test_callbacks_of_every_form_end_a_fit(options):
    net = KerasClassifier(make_model, **options, **QUICK)
    for each in (net, clone(net), pickle.loads(pickle.dumps(net))):
        assert len(each.fit(X, LABELS).history_["loss"]) < 4
    assert [type(each).__name__ for each in net.callbacks_] in (
        ["EarlyStopping"],
        ["Until"],
    )


def test_several_callbacks_each_have_their_own_parameters():
    net = KerasClassifier(
        make_model,
        callbacks={"stop": EarlyStopping, "slow": keras.callbacks.ReduceLROnPlateau},
        callbacks__monitor="loss",
        callbacks__stop__patience=7,
        callbacks__slow__patience=3,
        callbacks__slow__factor=0.25,
        **QUICK,
    ).fit(X, LABELS)
    stop, slow = net.callbacks_
    assert (stop.monitor, slow.monitor) == ("loss", "loss")
    assert (stop.patience, slow.patience, slow.factor) == (7, 3, 0.25)
    # One's own outweighs that of all.
    net.set_params(callbacks__stop__monitor="accuracy").fit(X, LABELS)
    assert [each.monitor for each in net.callbacks_] == ["accuracy", "loss"]


def test_a_grid_over_the_patience_of_a_callback():
    grid = GridSearchCV(
        KerasClassifier(
            make_model,
            callbacks={"stop": EarlyStopping},
            callbacks__stop__monitor="loss",
            callbacks__stop__min_delta=100.0,
            **QUICK,
        ),
        {"callbacks__stop__patience": [0, 1]},
        cv=2,
        error_score="raise",
    ).fit(X, LABELS)
    best = grid.best_estimator_
    patience = grid.best_params_["callbacks__stop__patience"]
    assert best.callbacks_[0].patience == patience
    # The first epoch always improves on nothing.
    assert len(best.history_["loss"]) == 1 + max(patience, 1)


def test_a_schedule_is_a_parameter_of_its_callback():
    net = KerasClassifier(
        make_model,
        optimizer="sgd",
        learning_rate=0.5,
        callbacks=keras.callbacks.LearningRateScheduler,
        callbacks__schedule=halved,
        **{**QUICK, "epochs": 2},
    ).fit(X, LABELS)
    assert float(net.model_.optimizer.learning_rate.numpy()) == 0.125


def test_callbacks_of_all_and_of_fit_are_both_called():
    Counts.told.clear()
    KerasClassifier(
        make_model,
        callbacks=Counts,
        fit__callbacks=Counts("fit"),
        validation_split=0.2,
        **{**QUICK, "epochs": 1},
    ).fit(X, LABELS)
    assert sorted(Counts.told) == [
        ("fit", "test"),
        ("fit", "train"),
        ("one", "test"),
        ("one", "train"),
    ]


def test_a_callback_of_ones_own_sees_the_metrics_of_validation():
    options = {
        "metrics": ["accuracy"],
        "validation_split": 0.2,
        "callbacks": [Until("val_accuracy", -1.0)],
    }
    net = KerasClassifier(make_model, **options, **QUICK).fit(X, LABELS)
    assert len(net.history_["val_accuracy"]) == 1
    # The callback that was given is as it was.
    assert options["callbacks"][0].model is None
    assert net.callbacks_[0] is not options["callbacks"][0]


def test_an_estimator_pickles_with_its_callbacks_and_goes_on():
    net = KerasRegressor(
        make_regression, callbacks=[keras.callbacks.Callback()], **QUICK
    ).fit(X, NUMBERS)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    again.partial_fit(X, NUMBERS)
    assert len(again.history_["loss"]) == 5


@pytest.mark.parametrize(
    "options",
    [
        {"callbacks": object()},
        {"callbacks": "EarlyStoping"},
        {"callbacks": {"stop": 3}},
        {"callbacks": [make_model]},
        {"callbacks": EarlyStopping, "callbacks__patienc": 3},
        {"callbacks": EarlyStopping(), "callbacks__patience": 3},
        {"callbacks__patience": 3},
        {"callbacks": Until},
    ],
    ids=without_addresses,
)
def test_callbacks_that_can_not_be_made_are_refused(options):
    with pytest.raises((TypeError, ValueError), match="callbacks"):
        KerasClassifier(make_model, **options, **QUICK).fit(X, LABELS)


@pytest.mark.parametrize(
    ("callbacks", "name", "message"),
    [
        (
            {"stop": EarlyStopping},
            "stop__patiense",
            "'patiense', for 'callbacks__stop__patiense' (did you mean 'patience'?)",
        ),
        (
            {"stop": EarlyStopping},
            "stopp__patience",
            "must have the key 'stopp', for 'callbacks__stopp__patience' (did you mean "
            "'stop'?). Got the keys 'stop' instead.",
        ),
        (
            [EarlyStopping, EarlyStopping],
            "2__patience",
            "must have the key '2', for 'callbacks__2__patience'. Got the keys '0', ",
        ),
    ],
)
def test_a_name_that_reaches_no_callback_is_said_whole(callbacks, name, message):
    net = KerasClassifier(make_model, callbacks=callbacks, **QUICK)
    net.set_params(**{f"callbacks__{name}": 3})
    with pytest.raises(ValueError, match=re.escape(message)):
        net.fit(X, LABELS)
