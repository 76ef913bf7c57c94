"""What is private to Keras and TensorFlow and can't be done without, in one place.

Each function does nothing where what it needs has moved; `tests/test_pool.py` tells.
"""

from __future__ import annotations

import inspect
from typing import Any

import keras
import tensorflow as tf

__all__ = [
    "apply_adam_in_place",
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


def apply_adam_in_place(optimizer: keras.optimizers.Optimizer) -> None:
    """Let Keras's plain Adam compute its step in half the passes over memory.

    Keras composes a step of a dozen operations a weight, each of which writes an
    array. Here the same arithmetic, number by number, by the operations that
    TensorFlow has for updating in place: the results are the same to the bit, which
    TensorFlow's own Adam's are not, since it rounds ``1 - beta`` differently.

    Does nothing to any other optimizer, nor to an Adam that clips, decays, averages
    or accumulates.
    """
    if type(optimizer) is not keras.optimizers.Adam or any(
        getattr(optimizer, name, None)
        for name in (
            *("amsgrad", "use_ema", "weight_decay", "loss_scale_factor"),
            *("clipnorm", "global_clipnorm", "clipvalue"),
            "gradient_accumulation_steps",
        )
    ):
        return
    try:
        weights = list(optimizer._trainable_variables)
        means, squares = list(optimizer._momentums), list(optimizer._velocities)
        handles = [each.value.handle for each in (*weights, *means, *squares)]
    except AttributeError:
        return
    dtypes = {each.dtype for each in weights}
    plain = all(each.constraint is None for each in weights)
    if not plain or len(dtypes) != 1 or len(handles) != 3 * len(weights):
        return
    dtype = tf.as_dtype(dtypes.pop())
    keras_apply = optimizer.apply

    def apply(grads: Any, trainable_variables: Any = None) -> None:
        grads = list(grads)
        given = weights if trainable_variables is None else list(trainable_variables)
        if [id(each) for each in given] != [id(each) for each in weights] or not all(
            isinstance(each, tf.Tensor) for each in grads
        ):
            keras_apply(grads, trainable_variables)
            return
        step = tf.cast(optimizer.iterations.value + 1, dtype)
        # By way of float32, as Keras does.
        decay = [tf.cast(each, dtype) for each in (optimizer.beta_1, optimizer.beta_2)]
        rate = (
            tf.cast(optimizer.learning_rate, dtype)
            * tf.sqrt(1 - tf.pow(decay[1], step))
            / (1 - tf.pow(decay[0], step))
        )
        rates = [
            tf.constant(1 - each, dtype)
            for each in (optimizer.beta_1, optimizer.beta_2)
        ]
        epsilon = tf.constant(optimizer.epsilon, dtype)
        for grad, weight, mean, square in zip(
            grads, weights, means, squares, strict=True
        ):
            mean, square = mean.value, square.value
            for slot, value, slot_rate in (
                (mean, grad, rates[0]),
                (square, tf.square(grad), rates[1]),
            ):
                tf.raw_ops.ResourceApplyGradientDescent(
                    var=slot.handle, alpha=slot_rate, delta=slot - value
                )
            tf.raw_ops.ResourceApplyAdagradV2(
                var=weight.value.handle,
                accum=square.handle,
                lr=rate,
                epsilon=epsilon,
                grad=mean,
                update_slots=False,
            )
        optimizer.iterations.assign_add(1)

    optimizer.apply = apply


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
