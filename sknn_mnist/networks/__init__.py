"""Networks: builders, how to make one again, Keras objects from names and configs.

Knows the ground floor alone. What a network computes depends on is said here, once;
the wings above ask. `_keras_private` is the one door to private parts of Keras and
TensorFlow, and `_quiet_start` comes before them.
"""

from sknn_mnist.networks._builders import build_cnn, build_dense

__all__ = [
    "build_cnn",
    "build_dense",
]
