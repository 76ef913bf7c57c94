"""Weights of samples, by one rule: of the rows trained on they average 1.

A weight of 2 then does what the row twice would, one of 0 is the row's absence, and
the learning rate keeps its meaning whatever scale the weights came in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from sknn_mnist.engine._nests import rows_of

__all__ = ["balanced", "check_sample_weight", "near_one", "weighed"]


def check_sample_weight(sample_weight: Any, n_samples: int) -> np.ndarray:
    """Return weights as float64, the largest of them close to 1."""
    weights = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if weights.shape != (n_samples,):
        raise ValueError(
            "sample_weight must be of shape (n_samples,), here "
            f"({n_samples},). Got {weights.shape} instead."
        )
    if (weights < 0).any():
        raise ValueError(
            "sample_weight must not be negative. Got a smallest weight of "
            f"{weights.min()}."
        )
    if not weights.any():
        raise ValueError(
            "sample_weight must hold at least one positive weight. Got only zeros."
        )
    return near_one(weights)


def near_one(weights: np.ndarray) -> np.ndarray:
    """Return weights scaled by a power of two, so that the largest is close to 1.

    So scaled they lose no digit, and no sum or product of them overflows.
    """
    return np.ldexp(weights, -np.frexp(weights.max())[1])


def weighed(
    X: Any, y: Any, weights: np.ndarray | None, dtype: str
) -> tuple[Any, Any, np.ndarray | None]:
    """Return rows and weights as a loss takes them: an average of 1, none of 0.

    Weights have the dtype of what they are multiplied with: that of the data.
    """
    if weights is None:
        return X, y, None
    weights = near_one(weights)
    kept = weights.astype(dtype) > 0
    if not kept.all():
        X, y, weights = rows_of(X, kept), rows_of(y, kept), weights[kept]
    # A mean of equal weights may be rounded.
    alike = (weights == weights[0]).all()
    scaled = np.ones_like(weights) if alike else weights / weights.mean()
    return X, y, scaled.astype(dtype)


def balanced(
    codes: np.ndarray, n_classes: int, sample_weight: np.ndarray | None
) -> np.ndarray:
    """Return weights by which all classes weigh the same, rows' weights counted in.

    A class without rows weighs 1.
    """
    of_class = np.bincount(codes, sample_weight, minlength=n_classes).astype(float)
    present = of_class > 0
    weights = np.ones(n_classes)
    weights[present] = of_class.sum() / (present.sum() * of_class[present])
    return weights
