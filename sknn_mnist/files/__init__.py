"""Fitted estimators as files that run no code when they are read.

Knows `estimators`, `engine` and `networks`.
"""

from sknn_mnist.files._estimator_files import load

__all__ = [
    "load",
]
