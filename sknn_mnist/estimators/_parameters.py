"""The constructors: parameters that estimators share, each named once.

An estimator is a dataclass of the holders that it inherits from, so that its
constructor has all their fields as parameters, with their defaults, and assigns them
as they come; `fit` judges. The docstring of each estimator tells all of its
parameters, as scikit-learn's do; tests/test_docstrings.py compares them.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields
from typing import Any

__all__ = [
    "CNNParameters",
    "ClassParameters",
    "DenseParameters",
    "ImageParameters",
    "TrainingParameters",
    "names_of",
]

# Neither equality nor repr: scikit-learn's estimators have their own.


@dataclass(eq=False, repr=False)
class DenseParameters:
    """Parameters of `build_dense`."""

    hidden_size: Any = 32
    _: KW_ONLY
    activation: Any = "relu"
    dropout: float = 0.0
    batch_norm: bool = False


@dataclass(eq=False, repr=False)
class CNNParameters:
    """Parameters of `build_cnn`."""

    filters: Any = (32, 32)
    _: KW_ONLY
    kernel_size: Any = 3
    pool_size: Any = 2
    padding: str = "valid"
    hidden_size: Any = 64
    activation: Any = "relu"
    dropout: float = 0.0
    batch_norm: bool = False


@dataclass(eq=False, repr=False, kw_only=True)
class TrainingParameters:
    """Parameters of all estimators."""

    optimizer: Any = "adam"
    learning_rate: Any = None
    loss: Any = "auto"
    metrics: Any = None
    batch_size: int | None = 128
    epochs: int = 10
    validation_split: float = 0.0
    shuffle: bool = True
    callbacks: Any = None
    warm_start: bool = False
    memory: Any = None
    random_state: Any = None
    verbose: int = 0
    dtype: str = "float32"


@dataclass(eq=False, repr=False, kw_only=True)
class ImageParameters:
    """Parameters of all estimators whose networks take images."""

    image_shape: Any = "auto"


@dataclass(eq=False, repr=False, kw_only=True)
class ClassParameters:
    """Parameters of all classifiers."""

    class_weight: Any = None


def names_of(holder: type) -> tuple[str, ...]:
    """Return the parameters that a holder names."""
    return tuple(each.name for each in fields(holder))
