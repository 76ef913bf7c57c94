"""Handwritten digits, MNIST and scikit-learn's in its shape; images of the user's own.

Nothing is downloaded unless it is asked for. Knows `images`, and the ground floor.
"""

from sknn_mnist._row_views import RowView
from sknn_mnist.datasets._digits28 import load_digits28
from sknn_mnist.datasets._images import load_images
from sknn_mnist.datasets._loaders import load_dataset
from sknn_mnist.datasets._locating import find_mnist
from sknn_mnist.datasets._mnist import load_mnist

__all__ = [
    "RowView",
    "find_mnist",
    "load_dataset",
    "load_digits28",
    "load_images",
    "load_mnist",
]
