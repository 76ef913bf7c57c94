"""Building what draws from global generators, and leaving these as they were.

Layers that are given no seed draw one from Python's global generator, and a function of
the user's may draw from NumPy's or TensorFlow's. So they are seeded while a network is
built, and put back after. Keras numbers layers and metrics by what the process has made
before (``dense_7``); here the first of a kind is always the first.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np

from sknn_mnist._parameters import PRECISIONS
from sknn_mnist.networks._keras_private import fresh_generators

__all__ = ["isolated"]

# The generators are the process's, so one builds at a time.
_lock = threading.RLock()


@contextmanager
def isolated(seed: int, dtype: str | None = None) -> Iterator[Callable[[], bool]]:
    """Seed the global generators for a block, and put back what they were.

    Parameters
    ----------
    seed : int
        Their seed in the block, of 0 to 2**31 - 1.
    dtype : str or None, default=None
        Keras's dtype policy in the block, and the default of its inputs; None for those
        that are set.

    Yields
    ------
    callable
        As of `fresh_generators`.
    """
    with _lock:
        states = random.getstate(), np.random.get_state()  # noqa: NPY002
        policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
        try:
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            if dtype is not None:
                keras.config.set_dtype_policy(dtype)
                keras.config.set_floatx(PRECISIONS[dtype])
            with fresh_generators(seed) as has_drawn:
                yield has_drawn
        finally:
            if dtype is not None:
                keras.config.set_floatx(floatx)
                keras.config.set_dtype_policy(policy)
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
