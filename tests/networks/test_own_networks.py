"""A network of Keras's own layers is known by its config, and made again by it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from sknn_mnist.networks._own_networks import (
    copied_network,
    made_by_function,
    made_from_config,
    recognised,
    values_of,
)


def dense():
    return keras.Sequential(
        [layers.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)]
    )


def augmented():
    return keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip(),
            layers.RandomRotation(0.1),
            layers.Conv2D(2, 3, kernel_regularizer="l2", kernel_constraint="max_norm"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.1),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def recurrent():
    return keras.Sequential(
        [
            layers.Input((5,)),
            layers.Embedding(9, 3, mask_zero=True),
            layers.Bidirectional(layers.LSTM(2, dropout=0.1)),
            layers.Dense(2),
        ]
    )


def branching():
    one, other = keras.Input((3,), name="one"), keras.Input((2,), name="other")
    hidden = layers.Concatenate()([layers.Dense(4)(one), layers.Dense(4)(other)])
    hidden = hidden * 2 + 1
    return keras.Model(
        [one, other], {"a": layers.Dense(1, name="a")(hidden), "b": hidden}
    )


def frozen_within():
    base = keras.Sequential([layers.Input((4,)), layers.Dense(3)], name="base")
    base.trainable = False
    return keras.Sequential([layers.Input((4,)), base, layers.Dense(2)])


class Doubled(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


class Dense(layers.Dense):
    """Named as Keras's, and not it."""

    __module__ = layers.Dense.__module__


def relu(x):
    return keras.ops.relu(x) + 1


def with_a_frozen_kernel():
    network = dense()
    network.layers[0].kernel.trainable = False
    return network


def with_a_method_of_its_own():
    network = dense()
    network.layers[0].call = lambda inputs: inputs
    return network


def adapted():
    scaling = layers.Normalization()
    scaling.adapt(np.arange(8.0).reshape(2, 4))
    return keras.Sequential([layers.Input((4,)), scaling, layers.Dense(1)])


def about(variable):
    return variable.name, tuple(variable.shape), variable.dtype


KNOWN = [dense, augmented, recurrent, branching, frozen_within]


@pytest.mark.parametrize("make", KNOWN)
def test_it_is_made_again(make):
    network = make()
    kind, config = recognised(network)
    again = made_from_config(kind=kind, config=config, dtype="float32", seed=0)
    for part in ("variables", "trainable_variables"):
        found, expected = getattr(again, part), getattr(network, part)
        assert list(map(about, found)) == list(map(about, expected))
    again.set_weights(network.get_weights())
    rng = np.random.default_rng(0)
    x = [
        rng.integers(0, 9, (3, *each.shape[1:])).astype(each.dtype)
        for each in network.inputs
    ]
    x = x if len(x) > 1 else x[0]
    for one, other in zip(
        keras.tree.flatten(network(x, training=False)),
        keras.tree.flatten(again(x, training=False)),
        strict=True,
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "network",
    [
        lambda: keras.Sequential([layers.Input((4,)), Doubled()]),
        lambda: keras.Sequential([layers.Input((4,)), Dense(2)]),
        lambda: keras.Sequential([layers.Input((4,)), layers.Lambda(lambda x: x)]),
        lambda: keras.Sequential([layers.Input((4,)), layers.Dense(2, relu)]),
        lambda: type("Own", (keras.Sequential,), {})([layers.Input((4,))]),
        *(with_a_frozen_kernel, with_a_method_of_its_own, adapted),
    ],
)
def test_what_its_config_does_not_tell_is_not(network):
    assert recognised(network()) is None


@pytest.mark.parametrize("make", [*KNOWN, lambda: draws_from_tensorflow()])
def test_a_function_makes_the_same_by_the_same_seed(make):
    spec = tf.TensorSpec([None, 4])
    options = {"function": make, "arguments": {}, "spec": spec, "dtype": None}
    first = made_by_function(**options, seed=3)
    keras.utils.set_random_seed(1)
    again = made_by_function(**options, seed=3)
    other = made_by_function(**options, seed=4)
    pairs = list(zip(values_of(first), values_of(again), strict=True))
    assert all(np.array_equal(*pair) for pair in pairs)
    assert [each.name for each in first.layers] == [each.name for each in again.layers]
    assert not all(map(np.array_equal, values_of(first), values_of(other)))


def draws_from_tensorflow():
    network = dense()
    network.layers[0].kernel.assign(tf.random.normal((4, 3)))
    return network


def test_a_function_gets_copies_of_what_networks_train():
    given = {"optimizer": keras.optimizers.Adam(), "base": dense()}
    seen = []

    def make(optimizer, base):
        seen.append((optimizer, base))
        return keras.Sequential([layers.Input((4,)), base])

    made_by_function(
        function=make,
        arguments=given,
        spec=tf.TensorSpec([None, 4]),
        dtype=None,
        seed=0,
    )
    (optimizer, base) = seen[0]
    assert optimizer is not given["optimizer"]
    assert base is not given["base"]
    assert all(map(np.array_equal, values_of(base), values_of(given["base"])))


def test_a_function_that_makes_no_network_is_refused():
    with pytest.raises(TypeError, match=r"must return a keras\.Model. Got 'int'"):
        made_by_function(
            function=int,
            arguments={},
            spec=tf.TensorSpec([None, 4]),
            dtype=None,
            seed=0,
        )


def test_a_copy_has_the_weights_and_not_the_network():
    network = dense()
    copied = copied_network(model=network, dtype=None, seed=0)
    assert all(map(np.array_equal, values_of(copied), values_of(network)))
    copied.layers[0].kernel.assign(copied.layers[0].kernel + 1)
    assert not np.array_equal(copied.get_weights()[0], network.get_weights()[0])
