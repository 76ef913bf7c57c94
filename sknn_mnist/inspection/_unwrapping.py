"""A net out of the pipelines and searches around it, and its input out of theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknn_mnist._parameters import check_samples, invalid
from sknn_mnist.estimators._base import KerasEstimator

__all__ = ["net_and_input", "net_of"]


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
