"""Which fits compute on one thread: small nets, side by side with others.

Two fits that each use all threads wait for each other in every operation. Where joblib
runs fits in threads, as many as it was asked for, those of small nets take one core
each. What is computed is the same, but for the rounding of sums, as with another number
of TensorFlow's threads.
"""

from __future__ import annotations

import threading

import keras
from joblib.parallel import get_active_backend

from sknn_mnist.engine._nests import leaves_of
from sknn_mnist.engine._specs import has_graph

__all__ = ["has_small_steps", "is_beside_others"]

# Most multiplications of a step that is small: some milliseconds of one core. A larger
# one gains by more cores, also where fewer fits run than there are cores.
MOST_PRODUCTS = 150_000_000


def is_beside_others() -> bool:
    """Tell whether this is one of several threads in which joblib runs fits."""
    if threading.current_thread() is threading.main_thread():
        return False  # as in worker processes
    backend, _ = get_active_backend()
    shares = getattr(backend, "supports_sharedmem", False)
    return bool(shares and (backend.nesting_level or 0) > 0)


def has_small_steps(network: keras.Model, batch_size: int) -> bool:
    """Tell whether a training step is small, and made of products of matrices.

    Convolutions are not: on one thread they lose more than they gain.
    """
    shapes = [each.shape for each in network.weights]
    if any(len(shape) > 2 for shape in shapes) or not has_graph(network):
        return False
    # One product a row, and not one for each of its parts.
    outputs = [leaves_of(layer.output) for layer in network.layers if layer.weights]
    if any(len(each.shape) > 2 for found in outputs for each in found):
        return False
    numbers = sum(shape[0] * shape[1] for shape in shapes if len(shape) == 2)
    # Forward, and back to the weights and to what came in.
    return 3 * batch_size * numbers <= MOST_PRODUCTS
