"""Handwritten digits: MNIST, and scikit-learn's digits in MNIST's shape.

Nothing is downloaded unless it is asked for. Knows the ground floor alone.
"""

from sknn_mnist.datasets._digits28 import load_digits28
from sknn_mnist.datasets._loaders import load_dataset
from sknn_mnist.datasets._locating import find_mnist
from sknn_mnist.datasets._mnist import load_mnist

__all__ = [
    "find_mnist",
    "load_dataset",
    "load_digits28",
    "load_mnist",
]
