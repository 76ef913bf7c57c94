"""The estimators: who the user meets.

The course of a fit, targets, parameters, scikit-learn's callbacks. Knows the wings
below: `engine`, `memory`, `networks`; `_adapter` alone knows SciKeras.
"""

from sknn_mnist.estimators._estimators import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
)

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "DenseClassifier",
    "DenseRegressor",
]
