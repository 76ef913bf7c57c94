"""One's own networks, of any form, train as `keras.Model.fit` trains them."""

import copy
import pickle

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sknn_mnist import (
    KerasClassifier,
    KerasRegressor,
    clear_memory,
    clear_network_pool,
)
from sknn_mnist.engine import _pool

RNG = np.random.default_rng(0)
N = 90  # of 32: 2 batches and one of 26
ROWS = RNG.normal(size=(N, 8)).astype("float32")
LABELS = np.array(["a", "b", "c"])[np.arange(N) % 3]
TOKENS = RNG.integers(0, 30, (N, 7))
IMAGES = RNG.integers(0, 256, (N, 8, 8, 1)).astype("uint8")
SEQUENCES = ROWS.reshape(N, 4, 2)


def two_by_two():
    one, other = keras.Input((5,), name="one"), keras.Input((3,), name="other")
    hidden = layers.Concatenate()(
        [layers.Dense(6, activation="relu")(each) for each in (one, other)]
    )
    kind = layers.Dense(3, activation="softmax", name="kind")(hidden)
    sign = layers.Dense(1, activation="sigmoid", name="sign")(hidden)
    model = keras.Model([one, other], [kind, sign])
    model.compile(
        "adam",
        loss={"kind": "sparse_categorical_crossentropy", "sign": "binary_crossentropy"},
        metrics={"kind": ["accuracy"], "sign": ["AUC"]},
        loss_weights={"kind": 1.0, "sign": 0.3},
    )
    return model


def split_columns(X):
    return [X[:, :5], X[:, 5:]]


def two_columns(y):
    return np.column_stack([np.unique(y, return_inverse=True)[1], y == "a"]).astype(int)


class Subclassed(keras.Model):
    def __init__(self, width=6):
        super().__init__()
        self.hidden = layers.Dense(width, activation="relu")
        self.dropout = layers.Dropout(0.3)
        self.last = layers.Dense(3, activation="softmax")

    def call(self, inputs, training=False):
        return self.last(self.dropout(self.hidden(inputs), training=training))


def augmented(rate=0.1):
    return keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip(),
            layers.RandomRotation(rate),
            layers.RandomZoom(rate),
            layers.Conv2D(3, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(rate),
            layers.Dense(3, activation="softmax"),
        ]
    )


def recurrent():
    return keras.Sequential(
        [
            layers.Input((4, 2)),
            layers.GRU(4, return_sequences=True),
            layers.LSTM(3),
            layers.Dense(3),
        ]
    )


def embedding():
    return keras.Sequential(
        [
            layers.Input((7,), dtype="int32"),
            layers.Embedding(30, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3)),
            layers.Dense(3, activation="softmax"),
        ]
    )


class OfTokens(keras.Model):
    """It does not say what it takes."""

    def __init__(self):
        super().__init__()
        self.parts = [layers.Embedding(30, 4), layers.GlobalAveragePooling1D()]
        self.last = layers.Dense(3, activation="softmax")

    def call(self, inputs):
        return self.last(self.parts[1](self.parts[0](inputs)))


def pretrained():
    with_seed = keras.initializers.GlorotUniform(seed=1)
    base = keras.Sequential(
        [layers.Input((8,)), layers.Dense(6, "relu", kernel_initializer=with_seed)]
    )
    base.trainable = False
    head = layers.Dense(3, "softmax", kernel_initializer=with_seed)
    model = keras.Sequential([layers.Input((8,)), base, head])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def from_logits(model, X, y):
    routed = {"loss__from_logits": True, "loss": "sparse_categorical_crossentropy"}
    return KerasClassifier(model, **routed), X, y


CASES = {
    "two inputs and outputs": (
        KerasClassifier(two_by_two, feature_encoder=split_columns),
        ROWS,
        two_columns(LABELS),
    ),
    "subclassed": (KerasClassifier(Subclassed, width=5), ROWS, LABELS),
    "pretrained and frozen": (KerasClassifier(pretrained()), ROWS, LABELS),
    "augmentation and statistics": (KerasClassifier(augmented), IMAGES, LABELS),
    "recurrent": from_logits(recurrent, SEQUENCES, LABELS),
    "embedding": (KerasClassifier(embedding), TOKENS, LABELS),
    "embedding in code": (KerasClassifier(OfTokens), TOKENS, LABELS),
    "regression": (
        KerasRegressor(
            lambda: keras.Sequential([layers.Input((8,)), layers.Dense(2)]), loss="mse"
        ),
        ROWS,
        ROWS[:, :2],
    ),
}


def made(name):
    estimator, X, y = CASES[name]
    estimator = clone(estimator)
    estimator.set_params(epochs=3, batch_size=32, shuffle=False, random_state=3)
    return estimator, X, y


def flat(nest):
    return [np.asarray(each) for each in keras.tree.flatten(nest)]


def assert_equal(one, other):
    assert len(one) == len(other)
    for each, its in zip(one, other, strict=True):
        np.testing.assert_array_equal(each, its)


@pytest.mark.exact
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "validation_split", [0.0, pytest.param(0.2, marks=pytest.mark.slow)]
)
def test_it_equals_keras_on_the_same_batches(name, validation_split):
    estimator, X, y = made(name)
    estimator.set_params(validation_split=validation_split)
    # As the fit begins.
    untrained = clone(estimator).initialize(X, y)
    network = untrained.model_
    x = untrained.feature_encoder_.transform(untrained._validate_data(X)[0])
    taken = keras.tree.map_structure(np.asarray, untrained._as_taken(x))
    target = untrained.target_encoder_.transform(np.asarray(y))
    n_trained = N - int(N * validation_split)
    rows = [
        keras.tree.map_structure(lambda each, part=part: each[part], (taken, target))
        for part in (slice(n_trained), slice(n_trained, None))
    ]
    history = network.fit(
        *rows[0],
        epochs=3,
        batch_size=32,
        shuffle=False,
        verbose=0,
        validation_data=rows[1] if validation_split else None,
        validation_batch_size=N,
    ).history
    estimator.fit(X, y)
    assert estimator.history_.keys() == history.keys()
    for each, values in history.items():
        np.testing.assert_allclose(estimator.history_[each], values, rtol=1e-5)
    for value, expected in zip(
        flat(list(estimator.model_.variables)),
        flat(list(network.variables)),
        strict=True,
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.exact
@pytest.mark.parametrize("name", CASES)
def test_it_is_a_citizen(name):
    estimator, X, y = made(name)
    fitted = clone(estimator).fit(X, y)
    outputs = flat(fitted._predict_raw(X))
    assert_equal(flat(clone(estimator).fit(X, y)._predict_raw(X)), outputs)
    copies = [copy.deepcopy(fitted)]
    if name != "regression":  # a lambda can't be pickled
        copies.append(pickle.loads(pickle.dumps(fitted)))
    for each in copies:
        assert_equal(flat(each._predict_raw(X)), outputs)
        further = copy.deepcopy(fitted).partial_fit(X, y)._predict_raw(X)
        assert_equal(flat(each.partial_fit(X, y)._predict_raw(X)), flat(further))
    alone = flat(fitted._predict_raw(X[5:6]))
    assert_equal([each[0] for each in alone], [each[5] for each in outputs])
    warm = clone(estimator).set_params(warm_start=True, epochs=1).fit(X, y)
    warm.set_params(epochs=2).fit(X, y)
    assert_equal(flat(warm._predict_raw(X)), outputs)
    assert np.isfinite(cross_val_score(estimator, X, y, cv=3)).all()
    x = fitted._as_taken(fitted.feature_encoder_.transform(X))
    found = flat(fitted.model_(x, training=False))
    for one, other in zip(found, outputs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", [name for name in CASES if "code" not in name and name != "subclassed"]
)
def test_it_goes_on_from_the_memory(name):
    estimator, X, y = made(name)
    expected = flat(clone(estimator).fit(X, y)._predict_raw(X))
    clear_memory(":memory:")
    estimator.set_params(memory=":memory:", epochs=2).fit(X, y)
    later = clone(estimator).set_params(epochs=3).fit(X, y)
    assert later.initial_epoch_ == 2
    assert_equal(flat(later._predict_raw(X)), expected)
    clear_memory(":memory:")


def test_it_is_known_by_what_it_is_and_not_by_who_made_it():
    def one(width=4):
        return keras.Sequential(
            [layers.Input((8,)), layers.Dense(width), layers.Dense(3, "softmax")]
        )

    def other(unused=0):
        first = layers.Dense(4)
        return keras.Sequential([layers.Input((8,)), first, layers.Dense(3, "softmax")])

    clear_network_pool()
    memory = {"memory": ":memory:", "random_state": 0, "epochs": 2}
    clear_memory(":memory:")
    KerasClassifier(one, **memory).fit(ROWS, LABELS)
    found = KerasClassifier(other, **memory).fit(ROWS, LABELS)
    assert found.initial_epoch_ == 2
    KerasClassifier(other, unused=1, random_state=5).fit(ROWS, LABELS)
    assert len(_pool._idle) == 1
    KerasClassifier(one, width=5, **memory).fit(ROWS, LABELS)
    assert len(_pool._idle) == 2
    clear_memory(":memory:")


def test_code_of_ones_own_is_not_resumed_and_that_is_said():
    estimator = KerasClassifier(Subclassed, memory=":memory:", random_state=0, epochs=1)
    with pytest.warns(UserWarning, match="code of your own, which may have changed"):
        estimator.fit(ROWS, LABELS)


def test_a_fit_trains_a_copy_of_a_network():
    model = pretrained()
    before = flat(model.get_weights())
    estimator = KerasClassifier(model, epochs=2, random_state=0)
    scores = cross_val_score(estimator, ROWS, LABELS, cv=3)
    fitted = estimator.fit(ROWS, LABELS)
    assert_equal(flat(model.get_weights()), before)
    assert not np.array_equal(fitted.model_.get_weights()[-2], before[-2])
    # The frozen ones stay, and each fit starts from the same.
    np.testing.assert_array_equal(fitted.model_.get_weights()[0], before[0])
    np.testing.assert_array_equal(
        cross_val_score(estimator, ROWS, LABELS, cv=3), scores
    )
    assert clone(estimator).model is model


def test_nobodys_generators_are_disturbed():
    def begin():
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)

    begin()
    expected = np.random.rand(), keras.random.normal(())  # noqa: NPY002
    name = layers.Dense(1).name
    begin()
    KerasClassifier(augmented, epochs=1, random_state=0).fit(IMAGES, LABELS)
    assert (np.random.rand(), keras.random.normal(())) == expected  # noqa: NPY002
    assert layers.Dense(1).name == name


class OwnDense(layers.Dense):
    """A layer of the user's own."""


def shared_layer():
    return keras.Sequential([layers.Input((8,)), SHARED, layers.Dense(3, "softmax")])


SHARED = OwnDense(4)
OPTIMIZER = keras.optimizers.SGD(0.1, momentum=0.9)


def shared_optimizer():
    model = keras.Sequential(
        [layers.Input((8,)), OwnDense(4), layers.Dense(3, "softmax")]
    )
    model.compile(OPTIMIZER, "sparse_categorical_crossentropy")
    return model


def test_layers_that_are_handed_out_again_are_refused():
    estimator = KerasClassifier(shared_layer, epochs=1, random_state=0)
    estimator.fit(ROWS, LABELS).predict(ROWS)
    with pytest.raises(ValueError, match="shared_layer hands out layers again"):
        clone(estimator).fit(ROWS, LABELS)


def test_an_optimizer_that_functions_share_serves_each_fit():
    estimator = KerasClassifier(shared_optimizer, epochs=2, random_state=0)
    first = clone(estimator).fit(ROWS, LABELS).predict_proba(ROWS)
    np.testing.assert_array_equal(
        estimator.fit(ROWS, LABELS).predict_proba(ROWS), first
    )
    assert not OPTIMIZER.built


def test_what_is_set_of_variables_holds_in_copies():
    model = pretrained()
    kernel = model.layers[-1].kernel
    kernel.trainable = False
    model.layers[-1].bias.constraint = keras.constraints.NonNeg()
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = np.array(kernel)
    fitted = KerasClassifier(model, epochs=3, random_state=0).fit(ROWS, LABELS)
    np.testing.assert_array_equal(fitted.model_.layers[-1].kernel, before)
    assert (np.asarray(fitted.model_.layers[-1].bias) >= 0).all()


def test_a_network_has_its_dtype():
    with pytest.raises(ValueError, match=r"'dtype' .* None or 'float32', which the"):
        KerasClassifier(pretrained(), dtype="float64").fit(ROWS, LABELS)


def of_widths(widths):
    hidden = [layers.Dense(size, activation=name) for name, size in widths.items()]
    return keras.Sequential(
        [layers.Input((8,)), *hidden, layers.Dense(3, activation="softmax")]
    )


def test_a_function_is_called_for_each_order_of_its_arguments():
    # Equal dicts, and two networks.
    for widths in ({"relu": 5, "tanh": 4}, {"tanh": 4, "relu": 5}):
        estimator = KerasClassifier(of_widths, widths=widths, epochs=1, random_state=0)
        found = estimator.fit(ROWS, LABELS).model_.layers
        assert [each.units for each in found] == [*widths.values(), 3]


def last_before_first():
    last, first = keras.Input((4,), name="last"), keras.Input((4,), name="first")
    hidden = layers.Concatenate()([layers.Dense(3)(last), layers.Dense(2)(first)])
    return keras.Model([last, first], layers.Dense(3, activation="softmax")(hidden))


def test_inputs_in_a_list_and_by_name_are_the_same():
    # In Keras's order of names the other comes first, and both are of one shape.
    X = {"last": ROWS[:, :4], "first": ROWS[:, 4:]}
    estimator = KerasClassifier(last_before_first, epochs=2, random_state=0)
    expected = clone(estimator).fit([*X.values()], LABELS)
    by_name = clone(estimator).fit(X, LABELS)
    network = last_before_first()
    by_keras = [np.asarray(network(each)) for each in ([*X.values()], X)]
    same = [by_name.predict_proba(X), expected.predict_proba([*X.values()])]
    # Keras 3.6 itself takes a dict in the order of names.
    assert np.array_equal(*same) == np.array_equal(*by_keras)


def test_a_memory_knows_the_weights_that_a_network_starts_with():
    model = pretrained()
    estimator = KerasClassifier(model, epochs=2, random_state=0)
    clear_memory(":memory:")
    clone(estimator).set_params(memory=":memory:").fit(ROWS, LABELS)
    model.set_weights([each + 0.1 for each in model.get_weights()])
    expected = clone(estimator).fit(ROWS, LABELS).predict_proba(ROWS)
    again = clone(estimator).set_params(memory=":memory:").fit(ROWS, LABELS)
    assert again.initial_epoch_ == 0
    np.testing.assert_array_equal(again.predict_proba(ROWS), expected)
    clear_memory(":memory:")
