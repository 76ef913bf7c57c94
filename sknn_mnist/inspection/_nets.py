"""What the functions of this wing are given: a net, its layers, its input."""

from __future__ import annotations

from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknn_mnist._parameters import as_finite_float, check_samples, invalid, refused
from sknn_mnist.estimators._base import KerasEstimator

__all__ = [
    "BATCH",
    "convolution",
    "finite",
    "layer_with_maps",
    "net_and_input",
    "net_of",
]

# Images per forward pass; only memory limits it.
BATCH = 512


def net_of(estimator: Any, owner: str) -> KerasEstimator:
    """Return the net at the end of pipelines and searches."""
    net = getattr(estimator, "best_estimator_", estimator)
    if isinstance(net, Pipeline):
        check_is_fitted(net)
        return net_of(net[-1], owner)
    if not isinstance(net, KerasEstimator):
        raise invalid(
            "estimator",
            owner,
            "an estimator of this package, or a pipeline or fitted search that ends "
            "in one",
            net,
        )
    check_is_fitted(net, "history_")
    return net


def net_and_input(
    estimator: Any, owner: str, X: Any
) -> tuple[KerasEstimator, np.ndarray]:
    """Return the net at the end of pipelines and searches, and its input for X."""
    net = net_of(estimator, owner)
    check_samples("X", X, owner)
    while estimator is not net:
        estimator = getattr(estimator, "best_estimator_", estimator)
        if isinstance(estimator, Pipeline):
            if len(estimator.steps) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
    X, _ = net._validate_data(X)
    return net, net.feature_encoder_.transform(X)


def convolution(net: KerasEstimator, layer: Any, owner: str) -> keras.layers.Conv2D:
    found = [
        each for each in net.model_.layers if isinstance(each, keras.layers.Conv2D)
    ]
    return _chosen(found, layer, owner, net, "a convolution")


def layer_with_maps(net: KerasEstimator, layer: Any, owner: str) -> keras.layers.Layer:
    if not isinstance(layer, str):
        return convolution(net, layer, owner)
    found = [each for each in net.model_.layers if len(each.output.shape) == 4]
    return _chosen(found, layer, owner, net, "a layer that gives maps")


def _chosen(found: list[Any], layer: Any, owner: str, net: Any, what: str) -> Any:
    if not found:
        raise refused("estimator", owner, "have convolutions", repr(net))
    names = [each.name for each in found]
    if isinstance(layer, str) and layer in names:
        return found[names.index(layer)]
    is_number = isinstance(layer, int | np.integer) and not isinstance(layer, bool)
    if is_number and -len(found) <= layer < len(found):
        return found[layer]
    numbers = f"a number from 0 to {len(found) - 1}, or " if what[2] == "c" else ""
    raise invalid("layer", owner, f"{what}: {numbers}one of {names}", layer)


def finite(name: str, value: Any, owner: str) -> float:
    number = as_finite_float(value)
    if number is None:
        raise invalid(name, owner, "a finite number", value)
    return number
