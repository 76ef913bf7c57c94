"""What is Keras's own is what Keras has under its name: nothing passes for it."""

import functools

import keras
import numpy as np
import pytest

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.networks._keras_own import name_of_own

RNG = np.random.default_rng(0)
X = RNG.random((80, 9)).astype("float32")
Y = np.arange(80) % 2
NUMBERS = X @ np.arange(9.0).astype("float32")


@pytest.fixture(autouse=True)
def empty_pool():
    sknn_mnist.clear_network_pool()
    sknn_mnist.clear_memory(":memory:")
    yield
    sknn_mnist.clear_network_pool()
    sknn_mnist.clear_memory(":memory:")


@functools.wraps(keras.losses.mean_squared_error)
def wrapped_loss(y_true, y_pred):
    return 1000 * keras.losses.mean_squared_error(y_true, y_pred)


@functools.wraps(keras.activations.relu)
def wrapped_activation(x):
    return 3.0 * keras.activations.relu(x)


class ClaimingLoss(keras.losses.MeanSquaredError):
    def call(self, y_true, y_pred):
        return 1000 * super().call(y_true, y_pred)


class ClaimingSGD(keras.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(1000 * gradient, variable, learning_rate)


class ClaimingMetric(keras.metrics.MeanSquaredError):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(1000 * y_true, 1000 * y_pred, sample_weight)


class ClaimingDecay(keras.optimizers.schedules.ExponentialDecay):
    def __call__(self, step):
        return 1000 * super().__call__(step)


for kind, module in (
    (ClaimingLoss, "keras.src.losses.losses"),
    (ClaimingSGD, "keras.src.optimizers.sgd"),
    (ClaimingMetric, "keras.metrics"),
    (ClaimingDecay, "keras.src.optimizers.schedules.learning_rate_schedule"),
):
    kind.__module__ = module
    kind.__qualname__ = kind.__name__ = kind.__mro__[1].__name__


def regressor(**parameters):
    options = {"epochs": 1, "random_state": 0, "shuffle": False, **parameters}
    return DenseRegressor(**options)


PRETENDERS = {
    "wrapped loss": ({"loss": "mse"}, {"loss": wrapped_loss}),
    "partial loss": (
        {"loss": "huber"},
        {"loss": functools.partial(keras.losses.huber, delta=0.01)},
    ),
    "subclass of a loss": ({"loss": "mse"}, {"loss": ClaimingLoss()}),
    "class of a loss": ({"loss": "mse"}, {"loss": ClaimingLoss}),
    "wrapped activation": (
        {"activation": "relu"},
        {"activation": wrapped_activation},
    ),
    "partial activation": (
        {"activation": "leaky_relu"},
        {
            "activation": functools.partial(
                keras.activations.leaky_relu, negative_slope=0.9
            )
        },
    ),
    "subclass of an optimizer": (
        {"optimizer": "sgd", "learning_rate": 1e-5},
        {"optimizer": ClaimingSGD(1e-5)},
    ),
    "subclass of a schedule": (
        {"learning_rate": keras.optimizers.schedules.ExponentialDecay(1e-5, 10, 0.9)},
        {"learning_rate": ClaimingDecay(1e-5, 10, 0.9)},
    ),
    "subclass of a metric": (
        {"metrics": [keras.metrics.MeanSquaredError(name="m")]},
        {"metrics": [ClaimingMetric(name="m")]},
    ),
    "a method of one object": (
        {"loss": keras.losses.MeanSquaredError()},
        {"loss": "patched"},
    ),
}


def patched_loss():
    loss = keras.losses.MeanSquaredError()
    loss.call = lambda y_true, y_pred: 1000 * keras.ops.square(y_true - y_pred)
    return loss


@pytest.mark.slow
@pytest.mark.parametrize("name", PRETENDERS)
@pytest.mark.parametrize("memory", [None, ":memory:"])
@pytest.mark.filterwarnings("ignore:.*trains without its memory")
def test_what_looks_like_keras_computes_what_it_is(name, memory):
    own, pretending = PRETENDERS[name]
    if pretending == {"loss": "patched"}:
        pretending = {"loss": patched_loss()}
    plain = regressor(**own, memory=memory).fit(X, NUMBERS)
    after_the_other = regressor(**pretending, memory=memory).fit(X, NUMBERS)
    sknn_mnist.clear_network_pool()
    sknn_mnist.clear_memory(":memory:")
    alone = regressor(**pretending).fit(X, NUMBERS)
    assert after_the_other.initial_epoch_ == 0
    assert after_the_other.history_ == alone.history_
    np.testing.assert_array_equal(after_the_other.predict(X), alone.predict(X))
    assert after_the_other.history_ != plain.history_ or not np.array_equal(
        after_the_other.predict(X), plain.predict(X)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", PRETENDERS)
def test_what_looks_like_keras_trains_as_keras_trains_it(name):
    _, pretending = PRETENDERS[name]
    if pretending == {"loss": "patched"}:
        pretending = {"loss": patched_loss()}
    net = regressor(**pretending, batch_size=16)
    net._check_parameters()
    net._initialize(X, NUMBERS)
    given = net._network.recipe.compile_options
    keras_network = net._network.recipe.new_network(compiled=False)
    options = {"optimizer": given["optimizer"], "metrics": list(given["metrics"])}
    if given["learning_rate"] is not None:
        kind = type(keras.optimizers.get(given["optimizer"]))
        options["optimizer"] = kind(given["learning_rate"])
    keras_network.compile(loss=given["loss"], **options)
    expected = keras_network.fit(
        X, NUMBERS[:, None], batch_size=16, shuffle=False, verbose=0
    )
    net.fit(X, NUMBERS)
    for metric, values in expected.history.items():
        np.testing.assert_allclose(net.history_[metric], values, rtol=1e-4)


def test_names_are_those_of_keras_and_of_nothing_else():
    assert name_of_own(keras.losses.Huber) == "keras.losses.Huber"
    assert name_of_own(keras.activations.get("relu")) == "keras.activations.relu"
    assert name_of_own(keras.ops.tanh) == "keras.ops.tanh"
    pretenders = [wrapped_loss, wrapped_activation, ClaimingSGD, ClaimingLoss]
    for pretender in [*pretenders, keras.losses.Huber(), "huber", None, 3]:
        assert name_of_own(pretender) is None


def test_a_replaced_function_of_keras_is_not_its_own(monkeypatch):
    def mine(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    mine.__module__ = "keras.losses"
    mine.__name__ = "mean_squared_error"
    monkeypatch.setattr(keras.losses, "mean_squared_error", mine)
    assert name_of_own(keras.losses.mean_squared_error) is None


def test_the_same_thing_by_any_name_shares_a_network(monkeypatch):
    keys = set()
    for activation in ("relu", keras.activations.relu):
        for optimizer in (
            "adam",
            "Adam",
            keras.optimizers.Adam,
            keras.optimizers.Adam(),
        ):
            for metrics in (None, "accuracy", ["accuracy"]):
                net = DenseClassifier(
                    activation=activation,
                    optimizer=optimizer,
                    metrics=metrics,
                    epochs=1,
                    random_state=0,
                ).fit(X, Y)
                keys.add(net._network.recipe.key)
    assert len(keys) == 1
    assert None not in keys


# -- metrics that Keras numbers ---------------------------------------------------

NUMBERED = ["AUC", "Precision", "Recall", "TruePositives", "FalseNegatives"]


def ways_to_say(name):
    kind = getattr(keras.metrics, name)
    return {
        "string": name,
        "class": kind,
        "config": {"class_name": name, "config": {}},
        "object": kind(name=name.lower()),
    }


@pytest.mark.parametrize("way", ["string", "class", "config", "object"])
@pytest.mark.parametrize("name", NUMBERED)
def test_a_metric_keeps_its_name_from_fit_to_fit(name, way):
    keys = set()
    found = []
    for epochs in (1, 2, 3):
        net = DenseClassifier(
            metrics=ways_to_say(name)[way],
            epochs=epochs,
            memory=":memory:",
            random_state=0,
        ).fit(X, Y)
        keys.add(net._network.recipe.key)
        found.append(net.initial_epoch_)
    assert len(keys) == 1
    assert found == [0, 1, 2]
    # As a fresh process of Keras calls it: by a string as it was said.
    snake = {"TruePositives": "true_positives", "FalseNegatives": "false_negatives"}
    expected = {"string": name, "object": name.lower()}.get(
        way, snake.get(name, name.lower())
    )
    assert expected in net.history_
    assert len(net.history_[expected]) == 3


def test_metrics_of_one_kind_are_numbered_from_the_first():
    kind = keras.metrics.AUC
    pr = {"class_name": "AUC", "config": {"curve": "PR"}}
    for _ in range(2):
        net = DenseClassifier(metrics=[kind, pr, "accuracy"], epochs=1, random_state=0)
        net.fit(X, Y)
        assert {"auc", "auc_1", "accuracy"} <= set(net.history_)
    named = {"class_name": "AUC", "config": {"name": "area"}}
    assert "area" in DenseClassifier(metrics=named, epochs=1).fit(X, Y).history_


def test_early_stopping_finds_a_numbered_metric():
    stopping = keras.callbacks.EarlyStopping("val_auc", mode="max", min_delta=10)
    for _ in range(2):
        net = DenseClassifier(
            metrics=keras.metrics.AUC,
            callbacks=stopping,
            epochs=20,
            validation_split=0.2,
            random_state=0,
        ).fit(X, Y)
        assert len(net.history_["val_auc"]) == 2


# -- schedules --------------------------------------------------------------------


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule without get_config, with which Keras trains."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate * 0.9 ** keras.ops.cast(step, "float32")


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {"learning_rate": Halving(0.01)},
        {"optimizer": keras.optimizers.SGD(Halving(0.01))},
        {"optimizer": keras.optimizers.Adam(lambda: 0.01)},
        {"optimizer": "sgd", "learning_rate": Halving(0.01), "dtype": "mixed_float16"},
    ],
    ids=["parameter", "in an optimizer", "a callable", "scaled"],
)
@pytest.mark.parametrize("kind", [DenseClassifier, CNNClassifier])
def test_a_schedule_needs_no_get_config(kind, parameters):
    options = {"epochs": 2, "random_state": 0, "batch_size": 16, **parameters}
    net = kind(**options).fit(X, Y)
    again = kind(**options).fit(X, Y)
    np.testing.assert_array_equal(net.predict_proba(X), again.predict_proba(X))
    slower = kind(**{**options, "optimizer": "sgd", "learning_rate": 1e-9})
    slower.set_params(epochs=2).fit(X, Y)
    assert not np.array_equal(net.predict_proba(X), slower.predict_proba(X))
    net.set_params(warm_start=True).fit(X, Y)
    assert len(net.history_["loss"]) == 4
