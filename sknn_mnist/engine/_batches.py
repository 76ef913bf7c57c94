"""Which rows are a batch, and the compiled loop of a step over many batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import keras
import tensorflow as tf

from sknn_mnist.engine._compiled import CompiledFunction, called_inline
from sknn_mnist.engine._nests import Nest, leaves_of
from sknn_mnist.networks._input_specs import any_rows

__all__ = ["Logs", "compiled_loop", "epoch_order"]

Logs = dict[str, Any]


def epoch_order(n_rows: int, shuffle: bool, seed: int, epoch: int) -> tf.Tensor:
    """Return the order of the rows in an epoch; each epoch has its own."""
    if not shuffle:
        return tf.range(n_rows)
    if tf.inside_function():  # an epoch's number is then a tensor
        return _shuffled(n_rows, tf.stack([tf.constant(seed, tf.int64), epoch]))
    return _compiled_shuffle()(n_rows, tf.constant([seed, epoch], tf.int64))


def _shuffled(n_rows: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    # A stateless generator: no global random state is read or changed, and an
    # epoch's order does not depend on what ran before it.
    return tf.random.experimental.stateless_shuffle(tf.range(n_rows), seed=seed)


@cache
def _compiled_shuffle() -> CompiledFunction:
    traced = tf.function(_shuffled, autograph=False).get_concrete_function(
        tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int64)
    )
    return CompiledFunction(traced)


def compiled_loop(
    network: keras.Model,
    step: Callable[..., Any],
    samples: tuple[Nest, ...],
    logs_of_last: dict[str, tf.TensorSpec] | None = None,
    on_one_thread: bool = False,
) -> CompiledFunction:
    """Compile a loop of a step over batches, for any number of rows and steps.

    It takes the first step's number, the order of the rows, the last step's number, the
    sizes of batches and blocks, and the data; it returns the logs.

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
    on_one_thread : bool, default=False
        Whether to compute on one thread, where the step can be.
    """
    names = sorted(logs_of_last or {})
    specs = [(logs_of_last or {})[name] for name in names]

    packed = _packing(samples)

    def one_batch(*leaves: tf.Tensor) -> list[tf.Tensor]:
        return _as_specified(step(packed(leaves)), names, specs)

    if on_one_thread:
        alone = called_inline(
            one_batch, [any_rows(each) for each in leaves_of(samples)]
        )
        on_one_thread, one_batch = alone is not None, alone or one_batch

    def loop(
        first: tf.Tensor,
        rows: tf.Tensor,
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
                return number + 1, *one_batch(*(each[batch] for each in block))

            _, *after = _repeat(one_step, end - begin, tf.constant(0), logs, specs)
            return end, *after

        nothing = [_nothing_like(each) for each in specs]
        _, *logs = _repeat(one_block, last, first, nothing, specs)
        return dict(zip(names, logs, strict=True)) or network.get_metrics_result()

    scalar = tf.TensorSpec([], tf.int32)
    traced = tf.function(loop, autograph=False).get_concrete_function(
        scalar,
        tf.TensorSpec([None], tf.int32),
        *(scalar, scalar, scalar),
        *(any_rows(each) for each in leaves_of(samples)),
    )
    return CompiledFunction(traced, on_one_thread)


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


def _packing(samples: tuple[Nest, ...]) -> Callable[..., Any]:
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
