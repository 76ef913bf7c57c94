"""Keras nets for image data as scikit-learn estimators.

The names below load on first use, so that ``import sknn_mnist`` does not start
TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sknn_mnist._checkpoints import clear_memory
    from sknn_mnist._pool import clear_network_pool
    from sknn_mnist._saved_files import load
    from sknn_mnist.builders import build_cnn, build_dense
    from sknn_mnist.datasets import load_digits28, load_mnist
    from sknn_mnist.estimators import (
        CNNClassifier,
        CNNRegressor,
        DenseClassifier,
        DenseRegressor,
    )
    from sknn_mnist.reporting import pivot_cv_results

__version__ = "0.1.0"

_ROOM_OF = {
    "CNNClassifier": "estimators",
    "CNNRegressor": "estimators",
    "DenseClassifier": "estimators",
    "DenseRegressor": "estimators",
    "build_cnn": "builders",
    "build_dense": "builders",
    "clear_memory": "_checkpoints",
    "clear_network_pool": "_pool",
    "load": "_saved_files",
    "load_digits28": "datasets",
    "load_mnist": "datasets",
    "pivot_cv_results": "reporting",
}

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "DenseClassifier",
    "DenseRegressor",
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


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
