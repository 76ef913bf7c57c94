"""The training step of a classifier in its plainest form, with fewer operations.

A network of Keras's own that ends in a softmax, is trained by (sparse) categorical
cross-entropy on unweighted rows, and counts hits: nearly every classifier. Keras's
`train_step` computes for it what follows from options that were not taken; here is what
remains. Same numbers, to the bit, in the same order; all others take Keras's own step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from sknn_mnist.engine._keras_fit import overrides
from sknn_mnist.engine._nests import Nest
from sknn_mnist.engine._network_state import set_values
from sknn_mnist.engine._specs import has_graph
from sknn_mnist.networks._keras_own import is_own
from sknn_mnist.networks._keras_private import (
    arguments_in_function,
    compile_settings_of,
    mask_of,
)

__all__ = ["NotPlainError", "has_plain_metrics", "plain_step_of", "reset_means"]

# Losses, each with the metric that Keras takes for "accuracy" beside it.
_LOSSES = {
    keras.losses.SparseCategoricalCrossentropy: keras.metrics.SparseCategoricalAccuracy,
    keras.losses.CategoricalCrossentropy: keras.metrics.CategoricalAccuracy,
}

# What these losses must have been made with, where they have it at all.
_PLAIN_LOSS = {
    "from_logits": False,
    "ignore_class": None,
    "label_smoothing": 0.0,
    "axis": -1,
    "reduction": "sum_over_batch_size",
    "dtype": "float32",
}


class NotPlainError(Exception):
    """A network's graph is not what its layers promised."""


def plain_step_of(
    network: keras.Model, samples: Sequence[Nest]
) -> Callable[..., Any] | None:
    """Return a network's plain step; None where it is not plain.

    Parameters
    ----------
    network : keras.Model
        Compiled, of Keras's own code, its metrics built.
    samples : sequence of nests of tensors
        What it is trained on.
    """
    loss = network.loss
    metric = _LOSSES.get(type(loss))
    if metric is None or not _is_plain_loss(loss) or not has_plain_metrics(network):
        return None
    if not has_graph(network) or not all(map(_is_plain_layer, network.layers)):
        return None
    if any(overrides(network, name) for name in ("compute_loss", "compute_metrics")):
        return None
    is_sparse = type(loss) is keras.losses.SparseCategoricalCrossentropy
    if not _is_plain_optimizer(network) or not _are_plain(samples, is_sparse):
        return None
    means = _means_of(network)
    dtypes = {str(each.dtype) for mean in means for each in mean.variables}
    if dtypes != {"float32"} or not network.trainable_weights:
        return None
    if [type(each) for each in means] not in (
        [keras.metrics.Mean],
        [keras.metrics.Mean, metric],
    ):
        return None
    return _train_step(network, is_sparse)


def has_plain_metrics(network: keras.Model) -> bool:
    """Tell whether a network of one output counts hits, or nothing."""
    given = compile_settings_of(network)
    metrics = given.get("metrics") or []
    return (
        not isinstance(network.loss, list | tuple | dict)
        and isinstance(metrics, list)
        and (not metrics or metrics in (["accuracy"], ["acc"]))
        and not given.get("weighted_metrics")
        and given.get("loss_weights") is None
    )


def _train_step(network: keras.Model, is_sparse: bool) -> Callable[..., Any]:
    weights, (loss, *hits) = network.trainable_weights, _means_of(network)

    def train_step(data: Sequence[tf.Tensor]) -> dict[str, Any]:
        x, y = data
        with tf.GradientTape() as tape:
            predicted = network(x, training=True)
            logits = _logits_of(predicted)
            if network.losses or logits.shape.rank != 2:
                raise NotPlainError
            if not is_sparse and y.shape[-1] != logits.shape[-1]:
                raise NotPlainError  # Keras has a word for it
        n_rows = tf.cast(tf.shape(x)[0], tf.float32)
        losses, gradients = _cross_entropy(is_sparse)(features=logits, labels=y)
        # The mean's gradient is that of each row's loss, by as many.
        gradients = tape.gradient(
            logits, weights, output_gradients=gradients * (1.0 / n_rows)
        )
        _count(loss, tf.reduce_sum(losses) / n_rows * n_rows, n_rows)
        for each in hits:
            # Of the softmax, as Keras does: it may round two logits to the same.
            found = tf.argmax(predicted, -1, output_type=tf.int32)
            wanted = y if is_sparse else tf.argmax(y, -1, output_type=tf.int32)
            right = tf.equal(found, tf.cast(wanted, tf.int32))
            _count(each, tf.reduce_sum(tf.cast(right, tf.float32)), n_rows)
        network.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return {}

    return train_step


def reset_means(network: keras.Model) -> None:
    """Do what `reset_metrics` does, for a network with plain metrics."""
    for mean in _means_of(network):
        set_values(mean.variables, [0.0] * len(mean.variables))


def _is_plain_loss(loss: keras.losses.Loss) -> bool:
    held = {**loss.get_config(), "dtype": loss.dtype}
    held = {**held, **arguments_in_function(loss)}
    return all(held.get(name, plain) == plain for name, plain in _PLAIN_LOSS.items())


def _is_plain_layer(layer: keras.layers.Layer) -> bool:
    return (
        is_own(type(layer))
        and layer.activity_regularizer is None
        and not isinstance(layer, keras.layers.Masking)
        and not getattr(layer, "mask_zero", False)
        and layer.compute_dtype == "float32"
    )


def _is_plain_optimizer(network: keras.Model) -> bool:
    optimizer = network.optimizer
    return (
        is_own(type(optimizer))
        and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        and not getattr(optimizer, "loss_scale_factor", None)
    )


def _are_plain(samples: Sequence[Nest], is_sparse: bool) -> bool:
    if len(samples) != 2 or any(map(keras.tree.is_nested, samples)):
        return False  # weighted, or of several inputs
    y = samples[1]
    if is_sparse:
        return len(y.shape) == 1 and y.dtype in (tf.int32, tf.int64)
    return len(y.shape) == 2 and y.dtype == tf.float32


def _means_of(network: keras.Model) -> list[keras.metrics.Metric]:
    """Return the means that a network's logs tell: of the loss, and of hits."""
    return [
        mean
        for metric in network.metrics
        for mean in getattr(metric, "metrics", [metric])
    ]


def _count(mean: keras.metrics.Mean, added: tf.Tensor, n_rows: tf.Tensor) -> None:
    mean.total.value.assign_add(added, read_value=False)
    mean.count.value.assign_add(n_rows, read_value=False)


def _logits_of(predicted: tf.Tensor) -> tf.Tensor:
    # Layers within others may mask what comes out, which Keras's loss goes by.
    if mask_of(predicted) is not None or predicted.op.type != "Softmax":
        raise NotPlainError
    logits: tf.Tensor = predicted.op.inputs[0]
    return logits


def _cross_entropy(is_sparse: bool) -> Callable[..., Any]:
    if is_sparse:
        return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits
    return tf.raw_ops.SoftmaxCrossEntropyWithLogits
