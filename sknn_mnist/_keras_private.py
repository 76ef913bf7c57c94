"""What is private to Keras and TensorFlow and can't be done without, in one place.

Each function does nothing where what it needs has moved; `tests/test_pool.py` tells.
"""

from __future__ import annotations

import inspect
from typing import Any

import keras

__all__ = [
    "forget_kernels",
    "loss_config",
    "sum_no_replicas",
    "take_restored_epoch",
]


def sum_no_replicas(optimizer: keras.optimizers.Optimizer) -> None:
    """Spare an optimizer the sum of gradients over replicas, where there is one.

    TensorFlow's `all_reduce` registers a custom gradient for each trace, under a
    name of its own and for ever, and that keeps the whole traced graph: some 2 MB
    a network.
    """
    for each in (optimizer, getattr(optimizer, "inner_optimizer", None)):
        if each is not None and hasattr(each, "_all_reduce_sum_gradients"):
            each._all_reduce_sum_gradients = _as_they_are


def forget_kernels() -> None:
    """Free what TensorFlow keeps of each operation that it ran outside of functions.

    It is kept by shape and for ever, some 0.5 MB a network. `keras.utils.
    clear_session` does the same, and forgets the names of the user's layers besides.
    """
    try:
        from tensorflow.python.eager import context

        context.context().clear_kernel_cache()
    except (ImportError, AttributeError):
        pass


def loss_config(loss: keras.losses.Loss) -> dict[str, Any]:
    """Return a loss's config, with the arguments that `get_config` leaves out.

    Huber's delta and CosineSimilarity's axis are such.
    """
    named = inspect.signature(type(loss).__init__).parameters
    arguments = getattr(loss, "_fn_kwargs", {})
    return {
        **loss.get_config(),
        **{name: value for name, value in arguments.items() if name in named},
    }


def take_restored_epoch(network: keras.Model) -> int | None:
    """Return the epoch that `keras.callbacks.BackupAndRestore` goes on with.

    Taken off the network, so that the next fit starts at its own.
    """
    epoch = getattr(network, "_initial_epoch", None)
    if epoch is not None:
        network._initial_epoch = None
    return epoch


def _as_they_are(gradients_and_variables: Any) -> list[Any]:
    return list(gradients_and_variables)
