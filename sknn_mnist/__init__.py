"""Keras nets for image data as scikit-learn estimators.

The names below load on first use, so that ``import sknn_mnist`` does not start
TensorFlow.
"""

from __future__ import annotations

from importlib import import_module

from sknn_mnist._moved import know_moved_modules
from sknn_mnist._version import __version__

# As type checkers know it by its name. `typing` would take most of the import's time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sknn_mnist.datasets import load_digits28, load_mnist
    from sknn_mnist.engine import clear_network_pool
    from sknn_mnist.estimators import (
        CNNClassifier,
        CNNRegressor,
        DenseClassifier,
        DenseRegressor,
        KerasClassifier,
        KerasRegressor,
    )
    from sknn_mnist.files import load
    from sknn_mnist.images import ImageReader
    from sknn_mnist.memory import clear_memory
    from sknn_mnist.networks import build_cnn, build_dense
    from sknn_mnist.reporting import pivot_cv_results

_WING_OF = {
    "CNNClassifier": "estimators",
    "CNNRegressor": "estimators",
    "DenseClassifier": "estimators",
    "DenseRegressor": "estimators",
    "ImageReader": "images",
    "KerasClassifier": "estimators",
    "KerasRegressor": "estimators",
    "build_cnn": "networks",
    "build_dense": "networks",
    "clear_memory": "memory",
    "clear_network_pool": "engine",
    "load": "files",
    "load_digits28": "datasets",
    "load_mnist": "datasets",
    "pivot_cv_results": "reporting",
}

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "DenseClassifier",
    "DenseRegressor",
    "ImageReader",
    "KerasClassifier",
    "KerasRegressor",
    "__version__",
    "build_cnn",
    "build_dense",
    "clear_memory",
    "clear_network_pool",
    "load",
    "load_digits28",
    "load_mnist",
    "pivot_cv_results",
]

know_moved_modules()


def __getattr__(name: str) -> Any:
    if name not in _WING_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WING_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
