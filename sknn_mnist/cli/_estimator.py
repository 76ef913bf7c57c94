"""The estimator of a command, found good before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sknn_mnist.cli._errors import expecting
from sknn_mnist.cli._network_options import MODELS

__all__ = ["accuracy", "make_estimator"]


def make_estimator(
    model: str, fixed: Mapping[str, Any], grid: Mapping[str, Any] | None = None
) -> Any:
    """Return the estimator, once it and every candidate of the grid are found good."""
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    from sknn_mnist import estimators

    estimator = getattr(estimators, MODELS[model])(**fixed)
    with expecting(code=2):
        for parameters in ParameterGrid(dict(grid or {})):
            clone(estimator).set_params(**parameters)._check_parameters()
    return estimator


def accuracy(net: Any, X: Any, y: Any) -> float:
    return float(net.score(X, y))
