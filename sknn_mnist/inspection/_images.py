"""Images as networks take them: out of rows, and in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sknn_mnist._parameters import invalid
from sknn_mnist.estimators._images import shape_of_row

__all__ = ["as_images", "images_of", "in_batches"]

# Images per forward pass; only memory limits it.
BATCH = 512


def images_of(net: Any, x: np.ndarray) -> np.ndarray:
    """Return a network's input, or gradients with respect to it, as images.

    Parameters
    ----------
    net : estimator
        A fitted estimator of this package. It is not asked: the shape of `x` tells
        which images they are.
    x : ndarray of shape (n_samples, n_features) or (n_samples, height, width, channels)
        In the shape of the network's input. Rows of a dense net are taken as square
        images where their length allows it, of 1 or 3 channels, else as one line of
        pixels.

    Returns
    -------
    ndarray of shape (n_samples, height, width, channels)
        The same values.

    Raises
    ------
    ValueError or TypeError
        When `x` has another shape.

    Examples
    --------
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.inspection import images_of
    >>> X, _, y, _ = load_digits28(return_X_y=True)
    >>> clf = DenseClassifier(random_state=0).fit(X[:200], y[:200])
    >>> images_of(clf, X[:3]).shape
    (3, 28, 28, 1)
    """
    if getattr(x, "ndim", None) not in (2, 4):
        allowed = "an array of shape (n, features) or (n, height, width, channels)"
        raise invalid("x", "images_of", allowed, x)
    return as_images(x)


def as_images(x: np.ndarray) -> np.ndarray:
    """Return what `images_of` does, of an array that is known to be right."""
    if x.ndim == 3:  # a network of the user's own may take images without channels
        return x[..., None]
    return x if x.ndim == 4 else x.reshape(len(x), *shape_of_row(x.shape[1]))


def in_batches(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """Return what a function gives for arrays, called with so many rows at a time."""
    parts = [
        function(*(each[at : at + BATCH] for each in arrays))
        for at in range(0, len(arrays[0]), BATCH)
    ]
    return np.concatenate(parts)
