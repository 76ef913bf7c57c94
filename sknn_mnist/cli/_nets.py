"""Saved nets, and what they take: images or flat rows, of which shape."""

from __future__ import annotations

import os
from math import prod
from typing import Any

from sknn_mnist.cli._arguments import Place
from sknn_mnist.cli._own_networks import import_function

__all__ = ["as_fitted_on", "image_shape_of", "load_net"]


def load_net(path: str | os.PathLike[str], model: Place | None = None) -> Any:
    """Load a classifier that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file. Nothing in it is run.
    model : Place, default=None
        The function that made its network, for files that need it.

    Returns
    -------
    DenseClassifier, CNNClassifier or KerasClassifier
        The fitted classifier.
    """
    from sklearn.base import is_classifier

    from sknn_mnist.files import load

    function = import_function(model).function if model else None
    net = load(path) if function is None else load(path, model=function)
    if not is_classifier(net):
        raise ValueError(f"{path} holds no classifier, but a {type(net).__name__}")
    return net


def as_fitted_on(net: Any, X: Any) -> Any:
    """Return images, or flat rows, in the layout of those that a net was fitted on.

    Parameters
    ----------
    net : estimator
        The net to be fed.
    X : ndarray of shape (n_samples, ...)
        Of any layout.

    Returns
    -------
    ndarray of shape (n_samples, ...)
        The same values; as they were where rows of the net have other sizes.
    """
    # A convolutional net sees for itself whether images have its shape.
    if hasattr(net, "image_shape_"):
        return X
    n_features = prod(X.shape[1:])
    row_shape = getattr(net, "X_shape_", (None, n_features))[1:]
    if len(row_shape) > 1 and prod(row_shape) != n_features:
        return X  # which the net refuses
    return X.reshape(len(X), *(row_shape if len(row_shape) > 1 else [n_features]))


def image_shape_of(net: Any) -> tuple[int, int, int] | None:
    """Return the shape of the images that a net takes, for image files.

    Parameters
    ----------
    net : estimator
        A fitted classifier.

    Returns
    -------
    tuple of three ints, or None
        (height, width, channels). Of a net of flat rows the square image of 1 or 3
        channels, or None where the rows are none.
    """
    from sknn_mnist.estimators._images import shape_of_row

    shape = getattr(net, "image_shape_", None)
    if shape is None:
        shape = getattr(net, "X_shape_", (None, getattr(net, "n_features_in_", 1)))[1:]
    if len(shape) == 1:
        shape = shape_of_row(shape[0])
        return None if shape[0] == 1 else shape
    if len(shape) == 2:
        shape = (*shape, 1)
    return tuple(shape) if len(shape) == 3 else None
