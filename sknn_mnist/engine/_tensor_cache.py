"""Arrays as tensors, the last ones kept for whoever comes with the same numbers.

A search fits and scores on a few folds again and again, each time in an array of its
own. TensorFlow's copy of one costs more than telling that it is the same.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import tensorflow as tf

from sknn_mnist.memory._fingerprints import digest

__all__ = ["forget_residents", "may_stay", "resident"]

# Of all that stay: the folds of a search over some ten thousand images.
MAX_BYTES = 128 * 2**20
# A smaller one is copied as fast as told.
MIN_BYTES = 2**20

_lock = threading.Lock()
_residents: OrderedDict[Any, tf.Tensor] = OrderedDict()  # the last used at the end


def resident(array: np.ndarray) -> tf.Tensor:
    """Return the array as a tensor, maybe one that is there already."""
    if not may_stay(array):
        return tf.constant(array)
    key = digest(array)
    with _lock:
        if key in _residents:
            _residents.move_to_end(key)
            return _residents[key]
    made = tf.constant(array)
    with _lock:
        _residents[key] = made
        while sum(_n_bytes(each) for each in _residents.values()) > MAX_BYTES:
            _residents.popitem(last=False)
    return made


def may_stay(array: np.ndarray) -> bool:
    """Tell whether the array is of a size that is worth keeping."""
    # Not one that would push out all others.
    return MIN_BYTES <= array.nbytes <= MAX_BYTES // 2


def forget_residents() -> None:
    """Give the memory back."""
    with _lock:
        _residents.clear()


def _n_bytes(tensor: tf.Tensor) -> int:
    return tensor.shape.num_elements() * tensor.dtype.size
