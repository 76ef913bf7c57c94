"""Handwritten digits: MNIST, and scikit-learn's digits in MNIST's shape.

Nothing is downloaded unless it is asked for. Knows the ground floor alone.
"""

from sknn_mnist.datasets._loaders import (
    find_mnist,
    load_dataset,
    load_digits28,
    load_mnist,
)

__all__ = [
    "find_mnist",
    "load_dataset",
    "load_digits28",
    "load_mnist",
]
