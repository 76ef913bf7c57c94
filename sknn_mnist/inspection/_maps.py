"""Kernels of convolutions, and feature maps of images."""

from __future__ import annotations

from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np

from sknn_mnist.inspection._images import in_batches
from sknn_mnist.inspection._layers import convolution, graph_of, layer_with_maps
from sknn_mnist.inspection._unwrapping import net_and_input, net_of

__all__ = ["convolution_kernels", "feature_maps"]


def convolution_kernels(estimator: Any, layer: int | str = 0) -> np.ndarray:
    """Return the kernels of a convolution.

    Parameters
    ----------
    estimator : estimator
        A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that ends
        in one.
    layer : int or str, default=0
        Which convolution: its number from 0 (-1 is the last), or the name of its
        layer.

    Returns
    -------
    ndarray of shape (kernel_height, kernel_width, channels, filters)
        A copy, in Keras's layout.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When it has no convolutions, or not this one.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import convolution_kernels
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(8, 16), random_state=0).fit(X[:200], y[:200])
    >>> convolution_kernels(clf, 1).shape
    (3, 3, 8, 16)
    """
    owner = "convolution_kernels"
    found = convolution(net_of(estimator, owner), layer, owner)
    return np.array(keras.ops.convert_to_numpy(found.kernel))


def feature_maps(estimator: Any, X: Any, layer: int | str = 0) -> np.ndarray:
    """Return the feature maps of images at a layer.

    Parameters
    ----------
    estimator : estimator
        A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that ends
        in one.
    X : array-like of shape (n_samples, ...)
        Images, as `predict` takes them.
    layer : int or str, default=0
        Number of a convolution from 0 (-1 is the last), or the name of any layer
        that gives maps: ``"conv_1"``, ``"batch_norm_1"``, ``"pool_1"``.

    Returns
    -------
    ndarray of shape (n_samples, height, width, filters)
        The maps.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When the estimator is not fitted.
    TypeError or ValueError
        When there is no such layer, or X is not what `predict` takes.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.inspection import feature_maps
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=8, random_state=0).fit(X[:200], y[:200])
    >>> feature_maps(clf, X[:5]).shape, feature_maps(clf, X[:5], "pool_1").shape
    ((5, 26, 26, 8), (5, 13, 13, 8))
    """
    owner = "feature_maps"
    found = layer_with_maps(net_of(estimator, owner), layer, owner)
    net, images = net_and_input(estimator, owner, X)
    network = keras.Model(graph_of(net, owner).inputs[0], found.output)

    def maps(part: np.ndarray) -> np.ndarray:
        return keras.ops.convert_to_numpy(network(part, training=False))

    return in_batches(maps, images)
