"""Networks that `keras.Model.fit` itself must train, and training by it.

A network whose settings or class say how a step is run would be another one in our
loop. What it computes is asked of it by calling its `call`, `compute_loss` and
`compute_metrics`, which the loop does as Keras does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import tensorflow as tf

from sknn_mnist._histories import plain_history
from sknn_mnist._row_views import RowView
from sknn_mnist.engine._batches import epoch_order
from sknn_mnist.engine._nests import leaves_of
from sknn_mnist.engine._network_state import get_state
from sknn_mnist.engine._plan import TrainingPlan
from sknn_mnist.engine._specs import rows_at_once
from sknn_mnist.engine._watch import Look, Watch
from sknn_mnist.networks._compile_settings import keras_chooses_xla

__all__ = ["fit_by_keras", "needs_keras_fit", "overrides"]

# What a class may say otherwise of how steps are run, and when.
_COURSE = (
    *("fit", "train_step", "make_train_function"),
    *("evaluate", "test_step", "make_test_function"),
)


def needs_keras_fit(network: keras.Model) -> bool:
    """Tell whether `keras.Model.fit` must train a compiled network.

    Where the user has it run eagerly, by XLA or several steps a call, or where its
    class has a course of its own.
    """
    return (
        bool(network.run_eagerly)
        or network.steps_per_execution > 1
        # On a GPU it is Keras that chooses XLA, and asks for nothing by that.
        or (bool(network.jit_compile) and not keras_chooses_xla())
        or any(overrides(network, name) for name in _COURSE)
    )


def overrides(network: keras.Model, name: str) -> bool:
    """Tell whether a network has another method of this name than Keras's own."""
    own = getattr(type(network), name) is getattr(keras.Model, name)
    return not own or name in vars(network)


def fit_by_keras(network: keras.Model, plan: TrainingPlan) -> dict[str, list[Any]]:
    """Train by `keras.Model.fit`, on the same batches as the loop takes.

    Parameters
    ----------
    network : keras.Model
        Compiled, in the state to start from, and used for nothing else: what Keras
        compiles for it stays with it.
    plan : TrainingPlan
        Its memory is not used.

    Returns
    -------
    dict of str to list
        The history.
    """
    data = plan.data.each(_constant)
    # Said when an epoch begins, since a callback may have Keras begin with another.
    number = tf.Variable(plan.initial_epoch, dtype=tf.int64, trainable=False)

    def batches_of(_: tf.Tensor) -> tf.data.Dataset:
        n_rows = plan.data.n_rows
        rows = epoch_order(n_rows, plan.shuffle, plan.seed, number.read_value())
        return tf.data.Dataset.from_tensor_slices(rows).batch(plan.batch_size)

    # Keras goes through it once an epoch.
    dataset = (
        tf.data.Dataset.range(1)
        .flat_map(batches_of)
        .map(partial(_samples_at, data))
        .prefetch(2)
        .apply(tf.data.experimental.assert_cardinality(plan.n_batches))
    )
    history = network.fit(
        dataset,
        epochs=plan.epochs,
        initial_epoch=plan.initial_epoch,
        shuffle=False,  # the dataset has done it
        **_validation(network, plan),
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: number.assign(epoch)
            ),
            *plan.callbacks,
            _watching(network, plan.watch),
        ],
        verbose=plan.verbose,
    )
    return plain_history(history.history)


def _validation(network: keras.Model, plan: TrainingPlan) -> dict[str, Any]:
    """Return what `keras.Model.fit` is told of the rows held out."""
    held_out = plan.validation_data
    if held_out is None:
        return {}
    size = plan.validation_batch_size or rows_at_once(network, held_out.x)
    if not any(isinstance(each, RowView) for each in leaves_of(held_out.x)):
        return {"validation_data": tuple(held_out), "validation_batch_size": size}
    data = held_out.each(_constant)
    batches = tf.data.Dataset.range(held_out.n_rows, output_type=tf.int32).batch(size)
    return {"validation_data": batches.map(partial(_samples_at, data))}


def _samples_at(data: Any, rows: tf.Tensor) -> Any:
    """Return the rows of these numbers, as a step takes them."""
    return tf.nest.map_structure(lambda each: _gathered(each, rows), data)


def _constant(array: Any) -> Any:
    return array if isinstance(array, RowView) else tf.constant(array)


def _gathered(rows: Any, numbers: tf.Tensor) -> tf.Tensor:
    if not isinstance(rows, RowView):
        return tf.gather(rows, numbers)
    read = tf.numpy_function(
        lambda chosen: rows[chosen].read(), [numbers], rows.dtype, stateful=False
    )
    return tf.ensure_shape(read, [None, *rows.shape[1:]])


def _watching(network: keras.Model, watch: Watch) -> keras.callbacks.Callback:
    """Return a callback that tells a watch of each epoch."""
    so_far: dict[str, list[Any]] = {}

    def end(epoch: int, logs: dict[str, Any]) -> None:
        for name, value in logs.items():
            so_far.setdefault(name, []).append(value)
        if watch.end(Look(epoch, lambda: so_far, lambda: get_state(network))):
            network.stop_training = True

    return keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: watch.begin(), on_epoch_end=end
    )
