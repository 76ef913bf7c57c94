"""Which rows are a batch, and the compiled loop of a step over many batches."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf

__all__ = ["Logs", "any_rows", "compiled_loop", "epoch_order", "rows_at_once"]

Logs = dict[str, Any]

# Rows per validation or prediction step: enough that the cost of the call does not
# count, and so few that the largest feature maps take no more than so many bytes.
MOST_ROWS, LEAST_ROWS, BYTES_OF_MAPS = 2048, 32, 16 * 2**20


def epoch_order(n_rows: int, shuffle: bool, seed: int, epoch: int) -> tf.Tensor:
    """Return the order of the rows in an epoch; each epoch has its own."""
    return _shuffled(n_rows, (seed, epoch)) if shuffle else tf.range(n_rows)


@tf.function(
    autograph=False,
    input_signature=(tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int64)),
)
def _shuffled(n_rows: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    # A stateless generator: no global random state is read or changed, and an
    # epoch's order does not depend on what ran before it.
    return tf.random.experimental.stateless_shuffle(tf.range(n_rows), seed=seed)


def rows_at_once(network: keras.Model) -> int:
    """Return how many rows a validation or prediction step should take."""
    largest = max(prod(layer.output.shape[1:]) for layer in network.layers)
    n_bytes = largest * np.dtype(network.inputs[0].dtype).itemsize
    return max(LEAST_ROWS, min(MOST_ROWS, BYTES_OF_MAPS // n_bytes))


def compiled_loop(
    network: keras.Model, step: Callable[..., Any], data: tuple[tf.Tensor, ...]
) -> Callable[..., Logs]:
    """Compile a loop of `step` over batches, for any number of rows and steps."""

    def loop(
        rows: tf.Tensor,
        first: tf.Tensor,
        last: tf.Tensor,
        batch_size: tf.Tensor,
        block_size: tf.Tensor,
        *data: tf.Tensor,
    ) -> Logs:
        # Gathered by blocks of batches: many rows at once are gathered by all cores,
        # and a batch is then a slice of them.
        def one_block(begin: tf.Tensor) -> tuple[tf.Tensor]:
            end = tf.minimum(begin + block_size, last)
            chosen = rows[begin * batch_size : end * batch_size]
            block = tuple(tf.gather(each, chosen) for each in data)

            def one_step(number: tf.Tensor) -> tuple[tf.Tensor]:
                batch = slice(number * batch_size, (number + 1) * batch_size)
                step(tuple(each[batch] for each in block))
                return (number + 1,)

            _repeat(one_step, tf.constant(0), end - begin)
            return (end,)

        _repeat(one_block, first, last)
        return network.get_metrics_result()

    scalar = tf.TensorSpec([], tf.int32)
    return tf.function(loop, autograph=False).get_concrete_function(
        tf.TensorSpec([None], tf.int32),
        *(scalar, scalar, scalar, scalar),
        *(any_rows(each) for each in data),
    )


def _repeat(
    body: Callable[[tf.Tensor], tuple[tf.Tensor]], first: tf.Tensor, last: tf.Tensor
) -> None:
    tf.while_loop(lambda number: number < last, body, (first,), parallel_iterations=1)


def any_rows(data: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec([None, *data.shape[1:]], data.dtype)
