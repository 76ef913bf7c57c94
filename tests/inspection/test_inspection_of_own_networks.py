"""One's own networks are looked into as the package's are, where they are graphs."""

import keras
import numpy as np
import pytest
from keras import layers

from sknn_mnist import CNNClassifier, KerasClassifier
from sknn_mnist.inspection import (
    feature_maps,
    gradient_saliency,
    maximize_activation,
    occlusion,
)


def as_the_tiny_cnn(filters=4):
    return keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(filters, 3, activation="relu", name="conv_1"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.parts = [layers.Dense(8), layers.Dense(10, activation="softmax")]

    def call(self, inputs):
        return self.parts[1](self.parts[0](inputs))


@pytest.fixture(scope="module")
def fitted(digits):
    X, _, y, _ = digits
    own = KerasClassifier(as_the_tiny_cnn, epochs=1, random_state=0).fit(X, y)
    ours = CNNClassifier(filters=4, hidden_size=16, epochs=1, random_state=0).fit(X, y)
    # Trained or not, the pictures are those of the weights.
    own.model_.set_weights(ours.model_.get_weights())
    return own, ours


def test_the_arrays_are_those_of_the_same_network(fitted, digits):
    own, ours = fitted
    X = digits[1][:4]
    assert np.array_equal(own.predict(X), ours.predict(X))
    for look in (
        lambda net: feature_maps(net, X),
        lambda net: gradient_saliency(net, X),
        lambda net: occlusion(net, X, patch_size=3),
        lambda net: maximize_activation(net, n_steps=2, random_state=0)[0],
    ):
        np.testing.assert_allclose(look(own), look(ours), rtol=1e-4, atol=1e-5)


def test_code_can_be_looked_at_from_outside_alone(digits):
    X, _, y, _ = digits
    net = KerasClassifier(Subclassed, epochs=1, random_state=0).fit(X, y)
    assert occlusion(net, X[:2], patch_size=4, stride=4).shape == (2, 8, 8)
    for look in (
        lambda: feature_maps(net, X[:2], "dense"),
        lambda: gradient_saliency(net, X[:2]),
    ):
        with pytest.raises(ValueError, match="Sequential or functional network of one"):
            look()
