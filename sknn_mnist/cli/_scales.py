"""The scale of pixels: that of a saved net for those that it is shown.

A net that was fitted on integers of 0 to 255 knows its scale. One that was fitted on
values of 0 to 1 is shown such values, and standard error says what was done.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sknn_mnist._pixels import MOST_LEVELS
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._errors import tell

__all__ = [
    "divided",
    "for_pixels_of",
    "in_scale_of",
    "in_unit_range",
    "takes_unit_range",
]

WHITE = 255


def takes_unit_range(net: Any) -> bool:
    """Tell whether a net takes values of 0 to 1, by what it was fitted on.

    Parameters
    ----------
    net : estimator
        Fitted. Files of former versions don't say what nets were fitted on: they count
        as fitted on values of 0 to 1.

    Returns
    -------
    bool
        False where its own first layer brings pixels to its scale.
    """
    if getattr(net, "rescaling_", None) is not None:
        return False
    if np.dtype(getattr(net, "X_dtype_", float)).kind in "iu":
        return False  # a network of the user's own, which was given integers
    low, high = getattr(net, "value_range_", (0.0, 1.0))
    return low >= 0 and high <= 1


def in_scale_of(net: Any, X: Any) -> Any:
    """Return an array in the scale of a net, as its values tell, and say so.

    Parameters
    ----------
    net : estimator
        The net to be fed.
    X : ndarray
        Integers of 0 to 255 are divided by 255 for a net of values of 0 to 1; a few
        levels, such as 0 and 1, and floats are taken as they are.

    Returns
    -------
    ndarray
        The same, or divided.
    """
    if X.dtype.kind not in "iu" or not X.size or not takes_unit_range(net):
        return X
    low, high = X.min(), X.max()
    if low < 0 or high > WHITE:
        return X  # no pixels of 8 bits: the net warns of them
    if high <= 1:
        said = "are 0 and 1, and are taken as they are"
    elif high <= MOST_LEVELS:
        return X  # no pixels of 8 bits either
    else:
        said = f"of 0 to {WHITE} are divided by {WHITE}, for a net of values of 0 to 1"
        X = divided(X)
    tell(f"scale: integers {said}")
    return X


def for_pixels_of(net: Any, X: Any) -> Any:
    """Return pixels of 0 to 1 in the scale of a net.

    Parameters
    ----------
    net : estimator
        The net to be fed.
    X : ndarray of floats
        MNIST or the digits, as this package's loaders give them.

    Returns
    -------
    ndarray
        The same; times 255 for a net whose first layer divides by 255.
    """
    factor = getattr(net, "rescaling_", None)
    _, high = getattr(net, "value_range_", (0.0, 1.0))
    if factor is None or high <= 1 or not np.isclose(factor * WHITE, 1):
        return X
    tell(
        f"scale: values of 0 to 1 are multiplied by {WHITE}, for a net of pixels of "
        f"0 to {WHITE}"
    )
    return X * X.dtype.type(WHITE)


def in_unit_range(data: Data, quiet: bool = False) -> Data:
    """Return data with pixels from 0 to 1, as networks of the user's own are given.

    Parameters
    ----------
    data : Data
        Any. Pixels of 8 bits, unless they are a few levels, are divided by 255, as
        those of MNIST are where they are loaded.
    quiet : bool, default=False
        Whether to say nothing.

    Returns
    -------
    Data
        The same, or one that says so.
    """
    pixels = data.X_train
    if pixels.dtype != np.uint8 or pixels.max(initial=0) <= MOST_LEVELS:
        return data
    if not quiet:
        tell(
            f"scale: pixels of 0 to {WHITE} are divided by {WHITE}, as networks of "
            "your own are given those of MNIST"
        )
    return replace(
        data,
        X_train=divided(data.X_train),
        X_test=divided(data.X_test),
        is_divided=True,
    )


def divided(X: Any) -> Any:
    """Return pixels of 0 to 255 as floats of 0 to 1."""
    return np.divide(X, WHITE, dtype=np.float32)
