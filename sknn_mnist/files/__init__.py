"""Fitted estimators as files that run no code when they are read.

Knows `estimators` and the wings below.
"""

from sknn_mnist.files._estimator_files import load, save_estimator

__all__ = [
    "load",
    "save_estimator",
]
