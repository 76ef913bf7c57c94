"""The estimators: who the user meets.

The course of a fit, targets, parameters, scikit-learn's callbacks. Knows `engine`,
`memory`, `networks` and the ground floor; `_scikeras` alone knows SciKeras.
"""

from sknn_mnist.estimators._cnn import CNNClassifier, CNNRegressor
from sknn_mnist.estimators._dense import DenseClassifier, DenseRegressor
from sknn_mnist.estimators._own_classifier import KerasClassifier
from sknn_mnist.estimators._own_regressor import KerasRegressor

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "DenseClassifier",
    "DenseRegressor",
    "KerasClassifier",
    "KerasRegressor",
]
