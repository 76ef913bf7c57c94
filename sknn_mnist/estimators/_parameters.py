"""The constructors: parameters that estimators share, each named once.

The holders' fields become the parameters of the constructors of the estimators that
inherit from them, which assign them as they come; `fit` judges. The docstring of each
estimator tells all of its parameters, as scikit-learn's do; tests/test_docstrings.py
compares them.

By attrs, since estimators must not be dataclasses: Dask and others tell those by their
fields alone, and would take two that were fitted on different data for the same.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field, fields

__all__ = [
    "CNNParameters",
    "ClassParameters",
    "DenseParameters",
    "ImageParameters",
    "TrainingParameters",
    "is_auto",
    "names_of",
]

# Neither equality nor repr: scikit-learn's estimators have their own. Each field says
# whether it is keyword-only, where some are: older attrs let a class overrule it.


@define(eq=False, repr=False, slots=False)
class DenseParameters:
    """Parameters of `build_dense`."""

    hidden_size: Any = 32
    activation: Any = field(default="relu", kw_only=True)
    dropout: float = field(default=0.0, kw_only=True)
    batch_norm: bool = field(default=False, kw_only=True)


@define(eq=False, repr=False, slots=False)
class CNNParameters:
    """Parameters of `build_cnn`."""

    filters: Any = (32, 32)
    kernel_size: Any = field(default=3, kw_only=True)
    pool_size: Any = field(default=2, kw_only=True)
    padding: str = field(default="valid", kw_only=True)
    hidden_size: Any = field(default=64, kw_only=True)
    activation: Any = field(default="relu", kw_only=True)
    dropout: float = field(default=0.0, kw_only=True)
    batch_norm: bool = field(default=False, kw_only=True)


@define(eq=False, repr=False, slots=False, kw_only=True)
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


@define(eq=False, repr=False, slots=False, kw_only=True)
class ImageParameters:
    """Parameters of all estimators whose networks take images."""

    image_shape: Any = "auto"


@define(eq=False, repr=False, slots=False, kw_only=True)
class ClassParameters:
    """Parameters of all classifiers."""

    class_weight: Any = None


def is_auto(value: Any) -> bool:
    """Tell whether a parameter leaves it to the estimator what it means."""
    return isinstance(value, str) and value == "auto"


def names_of(holder: type) -> tuple[str, ...]:
    """Return the parameters that a holder names."""
    return tuple(each.name for each in fields(holder))
