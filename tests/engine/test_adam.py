"""Adam's step in place is Keras's own, number by number."""

import platform

import keras
import numpy as np
import pytest
import tensorflow as tf

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.engine._loop import FusedNetwork
from sknn_mnist.engine._network_state import get_state
from sknn_mnist.engine._plan import Samples, TrainingPlan
from sknn_mnist.networks._keras_private import apply_adam_in_place

pytestmark = pytest.mark.exact

RNG = np.random.default_rng(0)
X = RNG.random((90, 36)).astype("float32")
Y = np.arange(90) % 3


def network_of(net):
    net._check_parameters()
    X_, y_ = net._initialize(X, Y)
    network = net._network.recipe.new_network()
    shape = network.inputs[0].shape[1:]
    y_ = net.target_encoder_.transform(y_)
    return network, np.reshape(X_, (-1, *shape)), y_


def decay():
    return keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.7)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DenseClassifier(),
        lambda: DenseClassifier((64, 8), batch_norm=True, dropout=0.3),
        lambda: CNNClassifier(filters=(4, 4), hidden_size=8, batch_norm=True),
        lambda: DenseClassifier(learning_rate=decay()),
        lambda: DenseClassifier(learning_rate=0.1),
        lambda: DenseClassifier(
            optimizer=keras.optimizers.Adam(beta_1=0.85, beta_2=0.95, epsilon=1e-5)
        ),
        lambda: DenseClassifier(dtype="float64"),
    ],
    ids=["dense", "batch norm", "cnn", "schedule", "rate", "constants", "float64"],
)
def test_the_step_is_that_of_keras_to_the_bit(make):
    states = []
    for kept in (True, False):
        network, x, y = network_of(make().set_params(random_state=0))
        fused = FusedNetwork(network, kept=kept)
        assert ("apply" in vars(network.optimizer)) is not kept
        fused.fit(TrainingPlan(Samples(x, y), epochs=20, batch_size=16), "test")
        states.append(get_state(network))
    # Elsewhere a multiplication and an addition may be one operation, rounded once.
    exact = platform.machine() in {"x86_64", "AMD64"}
    for part, values in states[0].items():
        for one, other in zip(values, states[1][part], strict=True):
            np.testing.assert_allclose(one, other, rtol=0 if exact else 1e-4, atol=0)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(),
        keras.optimizers.AdamW(),
        keras.optimizers.Adam(amsgrad=True),
        keras.optimizers.Adam(clipnorm=1.0),
        keras.optimizers.Adam(global_clipnorm=1.0),
        keras.optimizers.Adam(clipvalue=1.0),
        keras.optimizers.Adam(weight_decay=0.1),
        keras.optimizers.Adam(use_ema=True),
        keras.optimizers.Adam(loss_scale_factor=2.0),
        keras.optimizers.Adam(gradient_accumulation_steps=2),
        type("Mine", (keras.optimizers.Adam,), {})(),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_other_optimizers_are_left_alone(optimizer):
    optimizer.build([keras.Variable(np.ones(3, "float32"))])
    apply_adam_in_place(optimizer)
    assert "apply" not in vars(optimizer)


def test_an_adam_that_is_not_built_is_left_alone():
    optimizer = keras.optimizers.Adam()
    apply_adam_in_place(optimizer)
    assert "apply" not in vars(optimizer)


def test_constraints_are_left_to_keras():
    weight = keras.Variable(np.ones(3, "float32"))
    weight.constraint = keras.constraints.NonNeg()
    optimizer = keras.optimizers.Adam()
    optimizer.build([weight])
    apply_adam_in_place(optimizer)
    assert "apply" not in vars(optimizer)


def test_a_weight_without_gradient_is_left_to_keras():
    weights = [keras.Variable(np.ones(3, "float32")) for _ in range(2)]
    optimizer = keras.optimizers.Adam(0.5)
    optimizer.build(weights)
    apply_adam_in_place(optimizer)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([tf.ones(3), None], weights)
    assert (weights[0].numpy() < 1).all()
    assert (weights[1].numpy() == 1).all()
    assert int(optimizer.iterations.numpy()) == 1
