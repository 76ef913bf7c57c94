"""Which rows are a batch, and the compiled loop of a step over many batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from sknn_mnist.engine._nests import Nest, leaves_of
from sknn_mnist.networks._input_specs import any_rows

__all__ = ["Logs", "compiled_loop", "epoch_order"]

Logs = dict[str, Any]


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


def compiled_loop(
    network: keras.Model,
    step: Callable[..., Any],
    samples: tuple[Nest, ...],
    logs_of_last: dict[str, tf.TensorSpec] | None = None,
) -> Callable[..., Logs]:
    """Compile a loop of a step over batches, for any number of rows and steps.

    Parameters
    ----------
    network : keras.Model
        The network.
    step : callable
        Its `train_step` or `test_step`.
    samples : tuple of nests of tensors
        Samples, targets, and weights if there are any; the loop takes their leaves.
    logs_of_last : dict of str to TensorSpec or None
        What the step returns, where that is not what the network's metrics say in the
        end: then the loop returns what the last step did.
    """
    names = sorted(logs_of_last or {})
    specs = [(logs_of_last or {})[name] for name in names]

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
        def one_block(begin: tf.Tensor, *logs: tf.Tensor) -> tuple[tf.Tensor, ...]:
            end = tf.minimum(begin + block_size, last)
            chosen = rows[begin * batch_size : end * batch_size]
            block = tuple(tf.gather(each, chosen) for each in data)

            def one_step(number: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, ...]:
                batch = slice(number * batch_size, (number + 1) * batch_size)
                found = step(packed(each[batch] for each in block))
                return number + 1, *_as_specified(found, names, specs)

            _, *after = _repeat(one_step, end - begin, tf.constant(0), logs, specs)
            return end, *after

        packed = _packing(samples)
        nothing = [_nothing_like(each) for each in specs]
        _, *logs = _repeat(one_block, last, first, nothing, specs)
        return dict(zip(names, logs, strict=True)) or network.get_metrics_result()

    scalar = tf.TensorSpec([], tf.int32)
    return tf.function(loop, autograph=False).get_concrete_function(
        tf.TensorSpec([None], tf.int32),
        *(scalar, scalar, scalar, scalar),
        *(any_rows(each) for each in leaves_of(samples)),
    )


def _repeat(
    body: Callable[..., tuple[tf.Tensor, ...]],
    last: tf.Tensor,
    first: tf.Tensor,
    others: Sequence[tf.Tensor],
    specs: Sequence[tf.TensorSpec],
) -> list[tf.Tensor]:
    """Repeat a body that takes a number and others, and returns the next of them."""
    return list(
        tf.while_loop(
            lambda number, *_: number < last,
            body,
            (first, *others),
            shape_invariants=(first.shape, *(each.shape for each in specs)),
            parallel_iterations=1,
        )
    )


def _packing(samples: tuple[Nest, ...]) -> Callable[..., tuple[Nest, ...]]:
    """Return what makes a step's data of the leaves of `samples`."""
    if not any(map(keras.tree.is_nested, samples)):
        return tuple
    return lambda leaves: keras.tree.pack_sequence_as(samples, list(leaves))


def _as_specified(
    found: Logs, names: list[str], specs: list[tf.TensorSpec]
) -> list[tf.Tensor]:
    return [
        tf.ensure_shape(tf.convert_to_tensor(found[name], spec.dtype), spec.shape)
        for name, spec in zip(names, specs, strict=True)
    ]


def _nothing_like(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.zeros([side or 0 for side in spec.shape], spec.dtype)
