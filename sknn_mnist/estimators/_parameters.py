"""Parameters that estimators share, each named once.

They become the parameters of the constructors of the estimators that inherit from
their holders; constructors assign, `fit` judges. The docstring of each estimator tells
all of its parameters, as scikit-learn's do; tests/test_docstrings.py compares them.
"""

# Without `annotations` of `__future__`, so that those of the constructors are types.
from dataclasses import field
from typing import Any

from sknn_mnist.estimators._constructors import holder

__all__ = [
    "CNNParameters",
    "ClassParameters",
    "DenseParameters",
    "ImageParameters",
    "PixelParameters",
    "TrainingParameters",
    "is_auto",
]


@holder
class DenseParameters:
    """Parameters of `build_dense`."""

    hidden_size: Any = field(default=32, kw_only=False)
    activation: Any = "relu"
    dropout: float = 0.0
    batch_norm: bool = False


@holder
class CNNParameters:
    """Parameters of `build_cnn`."""

    filters: Any = field(default=(32, 32), kw_only=False)
    kernel_size: Any = 3
    pool_size: Any = 2
    padding: str = "valid"
    hidden_size: Any = 64
    activation: Any = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    augmentation: Any = None


@holder
class TrainingParameters:
    """Parameters of all estimators."""

    optimizer: Any = "adam"
    learning_rate: Any = None
    loss: Any = "auto"
    metrics: Any = None
    batch_size: int | None = 128
    epochs: int = 10
    validation_split: Any = 0.0
    early_stopping: bool = False
    n_iter_no_change: int = 10
    tol: float = 0.0
    monitor: str = "val_loss"
    shuffle: bool = True
    callbacks: Any = None
    warm_start: bool = False
    memory: Any = None
    random_state: Any = None
    verbose: int = 0
    dtype: Any = "float32"


@holder
class ImageParameters:
    """Parameters of all estimators whose networks take images."""

    image_shape: Any = "auto"
    cache_images: bool = False


@holder
class PixelParameters:
    """Parameters of all estimators whose networks may scale pixels."""

    rescaling: Any = "auto"


@holder
class ClassParameters:
    """Parameters of all classifiers."""

    class_weight: Any = None


def is_auto(value: Any) -> bool:
    """Tell whether a parameter leaves it to the estimator what it means."""
    return isinstance(value, str) and value == "auto"
