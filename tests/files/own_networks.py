"""Networks of one's own for the tests of files, with their data."""

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from sknn_mnist import KerasClassifier, KerasRegressor

RNG = np.random.default_rng(0)
N = 60
WIDE = RNG.random((N, 9)).astype("float32")
NARROW = RNG.random((N, 4)).astype("float32")
IMAGES = RNG.random((N, 8, 8, 1)).astype("float32")
TOKENS = RNG.integers(0, 20, (N, 7))
SEQUENCES = RNG.random((N, 6, 3)).astype("float32")
CODES = np.arange(N) % 3
LABELS = np.array(["red", "green", "blue"])[CODES]
NUMBERS = np.c_[WIDE[:, 0] + 1, WIDE[:, 1] * 2].astype("float64")

layers = keras.layers


@dataclass
class Case:
    """A function, data, and further parameters of an estimator."""

    function: Any
    X: Any = field(default_factory=lambda: WIDE)
    y: Any = field(default_factory=lambda: LABELS)
    parameters: dict[str, Any] = field(default_factory=dict)
    kind: Any = KerasClassifier

    def fitted(self):
        options = {"epochs": 2, "batch_size": 32, "random_state": 0, **self.parameters}
        return self.kind(self.function, **options).fit(self.X, self.y)


def dense(hidden_size=8, optimizer="adam", rate=0.2):
    model = keras.Sequential(
        [
            keras.Input((9,)),
            layers.Dense(hidden_size, "relu", kernel_regularizer="l2"),
            layers.Dropout(rate),
            layers.Dense(3, "softmax", kernel_constraint="max_norm"),
        ]
    )
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model


def augmented():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(2.0, -1.0),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1),
            layers.Conv2D(3, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ]
    )


def recurrent():
    tokens = keras.Input((7,), dtype="int32")
    vectors = layers.Embedding(20, 4, mask_zero=True)(tokens)
    hidden = layers.Bidirectional(layers.GRU(3, unroll=True))(vectors)
    return keras.Model(tokens, layers.Dense(3, "softmax")(hidden))


def stepwise():
    return keras.Sequential(
        [
            keras.Input((6, 3)),
            layers.TimeDistributed(layers.Dense(4, "tanh")),
            layers.RNN([layers.LSTMCell(3), layers.LSTMCell(2)]),
            layers.Dense(3, "softmax"),
        ]
    )


def operations():
    """Operations of keras.ops, an activation that is a layer, a layer called twice."""
    inputs = keras.Input((9,))
    shared = layers.Dense(9, activation=layers.LeakyReLU(negative_slope=0.1))
    hidden = keras.ops.maximum(shared(shared(inputs)) * 2.0 + inputs, 0.1)
    return keras.Model(inputs, layers.Dense(3, "softmax")(hidden))


def logits(scale=0.5):
    model = keras.Sequential([keras.Input((9,)), layers.Dense(3)])
    model.compile(
        keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(scale, 50), 0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)],
    )
    return model


def frozen(n_classes=3):
    base = keras.Sequential(
        [keras.Input((9,)), layers.Dense(6, "relu"), layers.BatchNormalization()],
        name="base",
    )
    base.compile("adam", "mse")  # as a pretrained network may be
    base.trainable = False
    inputs = keras.Input((9,))
    return keras.Model(inputs, layers.Dense(n_classes, "softmax")(base(inputs)))


def two_inputs(named_outputs=True):
    wide, narrow = keras.Input((9,), name="wide"), keras.Input((4,), name="narrow")
    hidden = layers.Concatenate()([layers.Dense(8, "relu")(wide), narrow])
    kind = layers.Dense(3, "softmax", name="kind")(hidden)
    size = layers.Dense(2, "softmax", name="size")(hidden)
    model = keras.Model(
        {"wide": wide, "narrow": narrow},
        {"kind": kind, "size": size} if named_outputs else [kind, size],
    )
    loss = "sparse_categorical_crossentropy"
    model.compile(
        "adam",
        {"kind": loss, "size": loss} if named_outputs else [loss, loss],
        loss_weights={"kind": 1.0, "size": 0.5} if named_outputs else [1.0, 0.5],
        metrics={"kind": ["accuracy"], "size": ["accuracy"]}
        if named_outputs
        else [["accuracy"], ["accuracy"]],
    )
    return model


def multilabel():
    return keras.Sequential([keras.Input((9,)), layers.Dense(3, "sigmoid")])


def two_numbers():
    inputs = keras.Input((9,))
    return keras.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(1)(inputs)])


def numbers(units=2, activation=keras.activations.tanh):
    return keras.Sequential(
        [keras.Input((9,)), layers.Dense(5, activation), layers.Dense(units)]
    )


BOTH = {"narrow": NARROW, "wide": WIDE}
SEVERAL = np.c_[CODES, CODES % 2]
CASES = {
    "dense": Case(dense, parameters={"hidden_size": 5, "learning_rate": 0.01}),
    "one-hot": Case(dense, y=np.eye(3)[CODES]),
    "dtype": Case(stepwise, SEQUENCES, parameters={"dtype": "float64"}),
    "mixed": Case(dense, parameters={"dtype": "mixed_float16"}),
    "routed": Case(
        dense,
        parameters={
            "optimizer": "sgd",
            "optimizer__momentum": 0.9,
            "fit__validation_split": 0.2,
            "callbacks": {"stop": keras.callbacks.EarlyStopping},
            "callbacks__stop__patience": 3,
            "class_weight": {"red": 2.0},
        },
    ),
    "augmented": Case(augmented, IMAGES),
    "recurrent": Case(recurrent, TOKENS, CODES),
    "stepwise": Case(stepwise, SEQUENCES),
    "operations": Case(operations),
    "logits": Case(logits, parameters={"scale": 0.2}),
    "frozen": Case(frozen),
    "prebuilt": Case(frozen()),
    "two inputs by name": Case(two_inputs, BOTH, SEVERAL),
    "two outputs in a list": Case(two_inputs, BOTH, SEVERAL, {"named_outputs": False}),
    "multilabel": Case(multilabel, y=np.c_[CODES < 2, CODES > 0, CODES == 1] * 1),
    "one number": Case(
        numbers, y=NUMBERS[:, 0], parameters={"units": 1}, kind=KerasRegressor
    ),
    "numbers": Case(numbers, y=NUMBERS, kind=KerasRegressor),
    "numbers of two outputs": Case(two_numbers, y=NUMBERS, kind=KerasRegressor),
}


# -- code -----------------------------------------------------------------------------


class Double(layers.Layer):
    def call(self, inputs):
        return inputs * 2.0


class Network(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.hidden = layers.Dense(units, "relu")
        self.out = layers.Dense(3, "softmax")

    def call(self, inputs):
        return self.out(self.hidden(inputs))


def own_loss(y_true, y_pred):
    return keras.losses.categorical_crossentropy(y_true, y_pred) * 2.0


def with_layer(units=4, shift=0.0):
    return keras.Sequential(
        [
            keras.Input((9,)),
            layers.Dense(
                units, "relu", bias_initializer=keras.initializers.Constant(shift)
            ),
            Double(name="doubled"),
            layers.Dense(3, "softmax"),
        ]
    )


def subclassed(units=4):
    return Network(units)


def compiled_with_code(units=4):
    model = keras.Sequential(
        [keras.Input((9,)), layers.Dense(units), layers.Dense(3, "softmax")]
    )
    model.compile("adam", own_loss, metrics=["accuracy"])
    return model


def with_lambda(units=4):
    return keras.Sequential(
        [
            keras.Input((9,)),
            layers.Lambda(lambda x: x + 1.0, name="shifted"),
            layers.Dense(3, "softmax"),
        ]
    )


def looked_up():
    return keras.Sequential(
        [
            keras.Input((7,), dtype="int64"),
            layers.IntegerLookup(vocabulary=list(range(20)), name="numbers"),
            layers.Embedding(21, 2),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ]
    )


def sliced():
    inputs = keras.Input((9,))
    return keras.Model(inputs, layers.Dense(3, "softmax")(inputs[:, 2:]))


CODE = {
    "layer": (
        Case(with_layer, parameters={"units": 6}),
        r"layers of your own \('doubled' \(Double\)\)",
    ),
    "network": (
        Case(subclassed, parameters={"units": 6}),
        r"a class of your own \(Network\)",
    ),
    "loss": (
        Case(compiled_with_code, parameters={"units": 6}),
        "code of your own: loss, where .*own_loss",
    ),
    "lambda": (
        Case(with_lambda),
        r"layers that run code or read files \('shifted' \(Lambda\)\)",
    ),
    "vocabulary": (
        Case(looked_up, TOKENS, CODES),
        r"layers that run code or read files \('numbers' \(IntegerLookup\)\)",
    ),
    "slices": (Case(sliced), "code or settings of your own that no config tells of"),
}
