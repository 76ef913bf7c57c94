"""Which callbacks hear of batches, and which of those must see each one."""

from __future__ import annotations

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras

from sknn_mnist.engine._progress import FitProgress

__all__ = ["batch_listeners", "may_miss_batches"]


def batch_listeners(
    hooks: keras.callbacks.CallbackList, phase: str
) -> list[keras.callbacks.Callback]:
    """Return the callbacks that have batch methods of their own."""
    names = [f"on_{phase}_batch_begin", f"on_{phase}_batch_end"]
    if phase == "train":
        names += ["on_batch_begin", "on_batch_end"]
    return [
        callback
        for callback in hooks.callbacks
        if any(
            # Of the instance, where LambdaCallback puts them.
            getattr(getattr(callback, name), "__func__", None)
            is not getattr(keras.callbacks.Callback, name)
            for name in names
        )
    ]


def may_miss_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback's batch methods need not see each batch."""
    return isinstance(callback, keras.callbacks.ProgbarLogger | FitProgress) or (
        type(callback)
        in (keras.callbacks.ModelCheckpoint, keras.callbacks.BackupAndRestore)
        and callback.save_freq == "epoch"
    )
