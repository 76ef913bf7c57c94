"""A cache of arrays as tensors, found again by what the arrays hold.

A search fits and scores on a few folds again and again, each time in a new array.
Copying one to a tensor costs more than hashing it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import tensorflow as tf

from sknn_mnist._row_views import RowView
from sknn_mnist.memory._fingerprints import digest

__all__ = ["cached_tensor", "clear_tensor_cache"]

# Of all cached tensors: the folds of a search over some ten thousand images.
MAX_BYTES = 128 * 2**20
# A smaller array is copied as fast as it is hashed.
MIN_BYTES = 2**20

_lock = threading.Lock()
_cache: OrderedDict[Any, tf.Tensor] = OrderedDict()  # the last used at the end


def cached_tensor(array: np.ndarray | RowView) -> tf.Tensor | RowView:
    """Return the array as a tensor: the cached one with these values or a new one.

    What is read when it is needed stays what it is.
    """
    if isinstance(array, RowView):
        return array
    if not _is_worth_caching(array):
        return tf.constant(array)
    key = digest(array)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    made = tf.constant(array)
    with _lock:
        _cache[key] = made
        while sum(_n_bytes(each) for each in _cache.values()) > MAX_BYTES:
            _cache.popitem(last=False)
    return made


def clear_tensor_cache() -> None:
    """Free the memory."""
    with _lock:
        _cache.clear()


def _is_worth_caching(array: np.ndarray) -> bool:
    # Not one that would push out all others.
    return MIN_BYTES <= array.nbytes <= MAX_BYTES // 2


def _n_bytes(tensor: tf.Tensor) -> int:
    return tensor.shape.num_elements() * tensor.dtype.size
