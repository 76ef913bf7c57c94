"""Networks of any kind for the tests: by functions that compile, and their data."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from sknn_mnist.engine._network_state import get_state
from sknn_mnist.networks._recipes import NetworkRecipe

RNG = np.random.default_rng(0)
N = 150  # 4 batches of 32 and one of 22
WIDE = RNG.random((N, 9)).astype("float32")
NARROW = RNG.random((N, 4)).astype("float32")
IMAGES = RNG.random((N, 8, 8, 1)).astype("float32")
SEQUENCES = RNG.random((N, 6, 3)).astype("float32")
TOKENS = RNG.integers(0, 20, (N, 7)).astype("int32")
LABELS = (np.arange(N) % 3).astype("int32")
NUMBERS = (WIDE[:, :2] @ [[1.0], [2.0]]).astype("float32")
WEIGHTS = RNG.random(N).astype("float32")

layers = keras.layers


@dataclass(frozen=True)
class MadeByFunction(NetworkRecipe):
    """A recipe whose builder is code of the user's own, which also compiles."""

    def new_network(self, compiled=True):
        keras.utils.set_random_seed(self.seed)
        return self.builder()

    @property
    def network_key(self):
        return None

    @property
    def key(self):
        return None

    @property
    def initial_learning_rate(self):
        return None


def recipe_of(builder, input_spec=None, initial=None):
    return MadeByFunction(
        builder, {}, {}, "test", 3, initial=initial, input_spec=input_spec, own=False
    )


def compiled(network, **options):
    options = {
        "optimizer": "adam",
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        **options,
    }
    network.compile(**options)
    network.optimizer.build(network.trainable_variables)
    return network


def by_keras(recipe, x, y, sample_weight=None, held_out=None, **options):
    """Train a network of the recipe by Keras itself; its state and history."""
    network = recipe.new_network()
    options = {"batch_size": 32, "epochs": 3, "shuffle": False, **options}
    history = network.fit(
        x,
        y,
        sample_weight=sample_weight,
        validation_data=held_out,
        verbose=0,
        **options,
    )
    return network, get_state(network), history.history


def assert_alike(trained, state, history):
    """Compare what the engine trained with what Keras did."""
    ours: Any = trained.state if trained.model is None else get_state(trained.model)
    for part, values in state.items():
        for one, other in zip(ours[part], values, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert list(trained.history) == list(history)
    for name, values in history.items():
        np.testing.assert_allclose(
            trained.history[name], values, rtol=1e-4, atol=1e-6, err_msg=name
        )


# -- graphs ---------------------------------------------------------------------------


def two_heads(named_inputs=False, named_outputs=False, **options):
    wide, narrow = keras.Input((9,), name="wide"), keras.Input((4,), name="narrow")
    hidden = layers.Concatenate()([layers.Dense(8, "relu")(wide), narrow])
    kind = layers.Dense(3, "softmax", name="kind")(hidden)
    size = layers.Dense(1, name="size")(hidden)
    inputs = {"wide": wide, "narrow": narrow} if named_inputs else [wide, narrow]
    outputs = {"kind": kind, "size": size} if named_outputs else [kind, size]
    options = {
        "loss": ["sparse_categorical_crossentropy", "mse"],
        "metrics": [["accuracy"], ["mae"]],
        **options,
    }
    return compiled(keras.Model(inputs, outputs), **options)


def recurrent():
    return compiled(
        keras.Sequential(
            [keras.Input((None, 3)), layers.LSTM(5), layers.Dense(3, "softmax")]
        )
    )


def embedded():
    tokens = keras.Input((7,), dtype="int32")
    vectors = layers.Embedding(20, 4, mask_zero=True)(tokens)
    hidden = layers.Bidirectional(layers.GRU(3))(vectors)
    return compiled(keras.Model(tokens, layers.Dense(3, "softmax")(hidden)))


def augmented():
    return compiled(
        keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.Rescaling(2.0),
                layers.RandomFlip(seed=1),
                layers.RandomTranslation(0.1, 0.1, seed=2),
                layers.Conv2D(3, 3),
                layers.BatchNormalization(),
                layers.Activation("relu"),
                layers.GlobalAveragePooling2D(),
                layers.Dropout(0.3, seed=3),
                layers.Dense(3, "softmax"),
            ]
        )
    )


def nested():
    """A network in a network, partly frozen, and a layer called twice."""
    base = keras.Sequential(
        [keras.Input((9,)), layers.Dense(6, "relu"), layers.Dense(6)], name="base"
    )
    base.layers[0].trainable = False
    inputs = keras.Input((9,))
    shared = layers.Dense(9, "tanh", name="shared")
    hidden = base(shared(shared(inputs)))
    return compiled(keras.Model(inputs, layers.Dense(3, "softmax")(hidden)))


# -- code -----------------------------------------------------------------------------


class Penalised(layers.Layer):
    def call(self, inputs):
        self.add_loss(0.1 * keras.ops.mean(keras.ops.square(inputs)))
        return inputs


def penalised():
    inputs = keras.Input((9,))
    hidden = layers.Dense(
        8, "relu", kernel_regularizer="l2", activity_regularizer="l1"
    )(inputs)
    outputs = layers.Dense(3, "softmax")(Penalised()(hidden))
    return compiled(keras.Model(inputs, outputs))


class Code(keras.Model):
    """A subclass whose `call` is all that it says, without `training`."""

    def __init__(self, n_units=8):
        super().__init__()
        self.hidden = layers.Dense(n_units, "relu")
        self.drop = layers.Dropout(0.2, seed=1)
        self.out = layers.Dense(3, "softmax")

    def call(self, inputs):
        return self.out(self.drop(self.hidden(inputs)))


def of_code(kind=Code, x=WIDE, **options):
    network = kind()
    network(x[:1])
    return compiled(network, **options)


class OwnLoss(Code):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return 2.0 * super().compute_loss(x, y, y_pred, sample_weight)


class OwnLogs(Code):
    """Shows what no metric of its holds."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        logs = super().compute_metrics(x, y, y_pred, sample_weight)
        return {**logs, "surest": keras.ops.max(y_pred), "units": 3.0}


class OwnTracker(Code):
    def __init__(self):
        super().__init__()
        self.tracker = keras.metrics.Mean(name="mean_output")

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        self.tracker.update_state(y_pred[:, 0])
        return super().compute_metrics(x, y, y_pred, sample_weight)


class OwnStep(Code):
    def train_step(self, data):
        x, y = data
        return super().train_step((x, y, keras.ops.ones_like(y) * 2))


class TwoOfCode(keras.Model):
    """Takes a dict and gives a dict."""

    def __init__(self):
        super().__init__()
        self.kind = layers.Dense(3, "softmax")
        self.size = layers.Dense(1)

    def call(self, inputs, training=None):
        both = keras.ops.concatenate([inputs["wide"], inputs["narrow"]], axis=1)
        return {"kind": self.kind(both), "size": self.size(both)}


def two_of_code():
    network = TwoOfCode()
    network({"wide": WIDE[:1], "narrow": NARROW[:1]})
    return compiled(
        network,
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
