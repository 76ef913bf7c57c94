"""A net out of the pipelines and searches around it, and its input out of theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknn_mnist._parameters import check_samples, invalid
from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._pixel_values import ScalesPixels

__all__ = ["net_and_input", "net_of", "unwrapped"]


def unwrapped(estimator: Any) -> tuple[list[Pipeline], Any]:
    """Return the pipelines around an estimator, the outermost first, and itself.

    A search stands for the best estimator that it has found. Fitted or not: what is
    found is not checked.
    """
    pipelines = []
    estimator = getattr(estimator, "best_estimator_", estimator)
    while isinstance(estimator, Pipeline) and estimator.steps:
        pipelines.append(estimator)
        estimator = getattr(estimator[-1], "best_estimator_", estimator[-1])
    return pipelines, estimator


def net_of(estimator: Any, owner: str) -> KerasEstimator:
    """Return the fitted net at the end of pipelines and searches."""
    return _fitted(estimator, owner)[1]


def net_and_input(
    estimator: Any, owner: str, X: Any
) -> tuple[KerasEstimator, np.ndarray]:
    """Return the net at the end of pipelines and searches, and its input for X."""
    pipelines, net = _fitted(estimator, owner)
    check_samples("X", X, owner)
    for pipeline in pipelines:
        if len(pipeline.steps) > 1:
            X = pipeline[:-1].transform(X)
    x = net._network_input(X)
    if isinstance(net, ScalesPixels):
        # Pixels in 8 bits, and rows that are read later, as the floats they stand for.
        x = np.asarray(x, dtype=net._dtype_of_data(reset=False))
    return net, x


def _fitted(estimator: Any, owner: str) -> tuple[list[Pipeline], KerasEstimator]:
    """Return what `unwrapped` does, if it is fitted, and a net of this package."""
    pipelines, net = unwrapped(estimator)
    for pipeline in pipelines:
        check_is_fitted(pipeline)
    if not isinstance(net, KerasEstimator):
        raise invalid(
            "estimator",
            owner,
            "an estimator of this package, or a pipeline or fitted search that ends "
            "in one",
            net,
        )
    check_is_fitted(net, "history_")
    return pipelines, net
