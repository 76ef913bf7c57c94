"""Training and prediction: arrays and a compiled network in, numbers out.

Batches are drawn by a permutation of each epoch's own, made from a seed by a
stateless generator, so that no global random state is read or changed and an
epoch's batches do not depend on what ran before it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

__all__ = [
    "get_state",
    "has_diverged",
    "predict_batches",
    "set_state",
    "split_validation",
    "train",
]

# Rows a prediction call: large enough that the call costs nothing beside its
# arithmetic, small enough that a CNN's feature maps stay in memory.
PREDICT_ROWS = 2048

_forward: weakref.WeakKeyDictionary[keras.Model, Callable[..., Any]] = (
    weakref.WeakKeyDictionary()
)


def train(
    network: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    sample_weight: np.ndarray | None = None,
    *,
    epochs: int,
    initial_epoch: int = 0,
    batch_size: int = 128,
    shuffle: bool = True,
    seed: int = 0,
    validation_data: tuple[np.ndarray, ...] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
) -> dict[str, list[float]]:
    """Train a compiled network in place.

    It is `keras.Model.fit` that computes: same losses, metrics, callbacks.

    Parameters
    ----------
    network : keras.Model
        Compiled.
    x, y : ndarray of shape (n_samples, ...)
        What the network and its loss take.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights in the loss.
    epochs : int
        Epoch to stop before, counted from 0 with `initial_epoch`.
    initial_epoch : int, default=0
        Epoch to start with; its number takes part in its permutation.
    batch_size : int, default=128
        Samples a step; the last batch of an epoch may be smaller.
    shuffle : bool, default=True
        Whether each epoch takes the samples in an order of its own.
    seed : int, default=0
        Seeds the orders.
    validation_data : tuple (x, y) or (x, y, sample_weight) or None
        Evaluated after each epoch.
    callbacks : sequence of keras.callbacks.Callback
        Called as Keras calls them.
    verbose : {0, 1, 2}, default=0
        As in Keras.

    Returns
    -------
    dict of str to list of float
        The history, one value an epoch.
    """
    steps = -(-len(x) // batch_size)
    resident = [tf.constant(each) for each in (x, y, sample_weight) if each is not None]

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        rows = tf.range(len(x), dtype=tf.int32)
        if shuffle:
            rows = tf.random.experimental.stateless_shuffle(
                rows, seed=tf.stack([tf.constant(seed, tf.int64), epoch])
            )
        return tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)

    def samples_of(rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tf.gather(each, rows) for each in resident)

    dataset = (
        tf.data.Dataset.range(initial_epoch, epochs)
        .flat_map(batches_of)
        .map(samples_of)
        .prefetch(2)
    )
    options = tf.data.Options()
    # A dataset without a seed of its own would draw on the global generator.
    options.deterministic = True
    dataset = dataset.with_options(options)
    history = network.fit(
        dataset,
        epochs=epochs,
        initial_epoch=initial_epoch,
        steps_per_epoch=steps,
        shuffle=False,  # the dataset has done it
        validation_data=validation_data,
        validation_batch_size=PREDICT_ROWS,
        callbacks=list(callbacks),
        verbose=verbose,
    )
    return {
        name: [float(value) for value in values]
        for name, values in history.history.items()
    }


def predict_batches(network: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return the network's outputs for all rows of `x`.

    Traced once a network, with the number of rows left open.
    """
    if network not in _forward:
        shape = (None, *network.input_shape[1:])
        # The function must not keep alive the network it is the value of.
        reference: Any = weakref.ref(network)
        function = tf.function(lambda batch: reference()(batch, training=False))
        _forward[network] = function.get_concrete_function(
            tf.TensorSpec(shape, x.dtype)
        )
    forward = _forward[network]
    parts = [
        forward(tf.constant(x[start : start + PREDICT_ROWS])).numpy()
        for start in range(0, len(x), PREDICT_ROWS)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def split_validation(
    arrays: Sequence[np.ndarray | None], fraction: float, owner: str
) -> tuple[list[Any], list[Any]]:
    """Split off the last `fraction` of the rows, as Keras does, unshuffled."""
    n_rows = len(arrays[0])  # type: ignore[arg-type]
    start = int(np.floor(n_rows * (1.0 - fraction)))
    if start == 0 or start == n_rows:
        raise ValueError(
            f"validation_split={fraction} of {n_rows} samples leaves {owner} none to "
            f"{'train' if start == 0 else 'validate'} on."
        )
    return (
        [None if each is None else each[:start] for each in arrays],
        [None if each is None else each[start:] for each in arrays],
    )


def get_state(network: keras.Model) -> dict[str, list[np.ndarray]]:
    """Return all that training changes, as arrays: weights, seeds, optimizer."""
    return {
        "network": [variable.numpy() for variable in network.variables],
        "optimizer": [variable.numpy() for variable in network.optimizer.variables],
    }


def set_state(network: keras.Model, state: dict[str, list[np.ndarray]]) -> None:
    """Put back what `get_state` gave, into a network of the same build."""
    if not network.optimizer.built:
        network.optimizer.build(network.trainable_variables)
    for owner, name in ((network, "network"), (network.optimizer, "optimizer")):
        for variable, value in zip(owner.variables, state[name], strict=True):
            variable.assign(value)


def has_diverged(network: keras.Model) -> bool:
    """Tell whether any weight is NaN or infinite."""
    return not all(np.isfinite(weight).all() for weight in network.get_weights())
