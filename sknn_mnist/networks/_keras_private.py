"""What is private to Keras and TensorFlow and can't be done without, in one place.

Each function does nothing where what it needs has moved; test_keras_private.py tells.
What `_forks` asks of TensorFlow itself is asked here as well.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sknn_mnist.networks._quiet_start import without_chatter  # before Keras

# isort: split
import keras
import tensorflow as tf

__all__ = [
    "FUNCTIONAL",
    "VARIABLES",
    "apply_adam_in_place",
    "arguments_in_function",
    "compile_settings_of",
    "config_of_optimizer",
    "exclude_from_weight_decay",
    "forget_kernels",
    "fresh_generators",
    "has_started",
    "is_bookkeeping",
    "is_deterministic",
    "mask_of",
    "rate_of_optimizer",
    "sum_no_replicas",
    "take_restored_epoch",
    "uses_onednn",
    "variables_of_optimizer",
]


try:  # older versions make variables of another class than the public one
    from keras.src.backend import Variable

    VARIABLES: tuple[Any, ...] = (keras.Variable, Variable)
except ImportError:
    VARIABLES = (keras.Variable,)


# The class of what `keras.Model(inputs, outputs)` makes.
try:
    from keras.src.models.functional import Functional

    FUNCTIONAL: Any = Functional
except ImportError:
    FUNCTIONAL = None


def sum_no_replicas(optimizer: keras.optimizers.Optimizer) -> None:
    """Spare an optimizer the sum of gradients over replicas, where there is one.

    TensorFlow's `all_reduce` registers a custom gradient for each trace, under a
    name of its own and for ever, and that keeps the whole traced graph: some 2 MB
    per network.
    """
    for each in (optimizer, getattr(optimizer, "inner_optimizer", None)):
        if each is not None and hasattr(each, "_all_reduce_sum_gradients"):
            each._all_reduce_sum_gradients = _as_they_are


def apply_adam_in_place(optimizer: keras.optimizers.Optimizer) -> None:
    """Let Keras's plain Adam compute its step in half the passes over memory.

    Keras composes a step of a dozen operations per weight, each of which writes an
    array. Here the same arithmetic, number by number, by the operations that
    TensorFlow has for updating in place: the results are the same to the bit, which
    TensorFlow's own Adam's are not, since it rounds ``1 - beta`` differently.

    Does nothing to any other optimizer, nor to an Adam that clips, decays, averages
    or accumulates; nor where there is a GPU, which rounds these operations otherwise.
    """
    parts = _parts_of_plain_adam(optimizer)
    if parts is None or tf.config.get_visible_devices("GPU"):
        return
    weights = parts[0]
    keras_apply = optimizer.apply

    def apply(grads: Any, trainable_variables: Any = None) -> None:
        grads = list(grads)
        given = weights if trainable_variables is None else list(trainable_variables)
        if [id(each) for each in given] != [id(each) for each in weights] or not all(
            isinstance(each, tf.Tensor) for each in grads
        ):
            keras_apply(grads, trainable_variables)
        else:
            _step_in_place(optimizer, grads, *parts)

    optimizer.apply = apply


def _parts_of_plain_adam(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return weights, means and squares of an Adam that does nothing else, or None."""
    if type(optimizer) is not keras.optimizers.Adam or any(
        getattr(optimizer, name, None)
        for name in (
            *("amsgrad", "use_ema", "weight_decay", "loss_scale_factor"),
            *("clipnorm", "global_clipnorm", "clipvalue"),
            "gradient_accumulation_steps",
        )
    ):
        return None
    try:
        weights = list(optimizer._trainable_variables)
        means, squares = list(optimizer._momentums), list(optimizer._velocities)
        handles = [each.value.handle for each in (*weights, *means, *squares)]
    except AttributeError:
        return None
    has_one_dtype = len({each.dtype for each in weights}) == 1
    plain = all(each.constraint is None for each in weights)
    if not plain or not has_one_dtype or len(handles) != 3 * len(weights):
        return None
    return weights, means, squares


def _step_in_place(
    optimizer: Any,
    grads: list[tf.Tensor],
    weights: list[Any],
    means: list[Any],
    squares: list[Any],
) -> None:
    dtype = tf.as_dtype(weights[0].dtype)
    step = tf.cast(optimizer.iterations.value + 1, dtype)
    betas = (optimizer.beta_1, optimizer.beta_2)
    # By way of float32, as Keras does.
    decay = [tf.cast(each, dtype) for each in betas]
    rate = (
        tf.cast(optimizer.learning_rate, dtype)
        * tf.sqrt(1 - tf.pow(decay[1], step))
        / (1 - tf.pow(decay[0], step))
    )
    rates = [tf.constant(1 - each, dtype) for each in betas]
    epsilon = tf.constant(optimizer.epsilon, dtype)
    for grad, weight, mean, square in zip(grads, weights, means, squares, strict=True):
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


def forget_kernels() -> None:
    """Free what TensorFlow keeps of each operation that it ran outside of functions.

    It is kept by shape and for ever, some 0.5 MB per network. (`keras.utils.
    clear_session` does so, too, and forgets the names of the user's layers.)
    """
    try:
        from tensorflow.python.eager import context

        context.context().clear_kernel_cache()
    except (ImportError, AttributeError):
        pass


def arguments_in_function(value: Any) -> dict[str, Any]:
    """Return the arguments that a loss or metric hands to the function it wraps.

    Its `get_config` leaves some of them out: Huber's delta, CosineSimilarity's axis.
    """
    return dict(getattr(value, "_fn_kwargs", None) or {})


def mask_of(outputs: Any) -> Any:
    """Return the mask that layers left at a network's outputs; None for none."""
    return getattr(outputs, "_keras_mask", None)


def rate_of_optimizer(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return the learning rate as it was given: a float, a schedule or a callable."""
    rate = getattr(optimizer, "_learning_rate", None)
    return float(rate.numpy()) if isinstance(rate, VARIABLES) else rate


def config_of_optimizer(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Return an optimizer's config, whose learning rate need not have one.

    Keras trains with a schedule that has no `get_config`, and with any callable.
    """
    if not callable(rate_of_optimizer(optimizer)):
        return optimizer.get_config()
    stand_in = object.__new__(type(optimizer))  # the optimizer may be in use
    vars(stand_in).update({**vars(optimizer), "_learning_rate": tf.constant(0.0)})
    return stand_in.get_config()


def exclude_from_weight_decay(
    optimizer: keras.optimizers.Optimizer | None, like: keras.optimizers.Optimizer
) -> list[str] | None:
    """Exclude from weight decay what another optimizer excludes, by name.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer or None
        Whose variables to exclude; None to be told alone.
    like : keras.optimizers.Optimizer
        The other.

    Returns
    -------
    list of str or None
        Patterns of names; None where nothing is excluded.

    Raises
    ------
    ValueError
        When the other excludes variables themselves, which are not this one's.
    """
    if getattr(like, "_exclude_from_weight_decay", None):
        raise ValueError(
            "exclude_from_weight_decay(var_list=...) names variables of another "
            "network; give var_names=[...] instead"
        )
    pattern = getattr(like, "_exclude_from_weight_decay_pattern", None)
    if pattern is None:
        return None
    names = sorted(pattern.pattern.split("|"))  # whose order is a set's
    if optimizer is not None:
        optimizer.exclude_from_weight_decay(var_names=names)
    return names


def variables_of_optimizer(
    network: keras.Model, optimizer: keras.optimizers.Optimizer | None = None
) -> list[keras.Variable]:
    """Return all variables that a network's optimizer holds, but for the network's.

    Those that it lists, and those that it does not: Nadam's product of decays, where
    another optimizer scales the loss.
    """
    optimizer = optimizer or network.optimizer
    listed = list(optimizer.variables)
    known = {id(each) for each in [*listed, *network.variables]}
    found = _variables_in(optimizer, set())
    return listed + [each for each in found if id(each) not in known]


# Attributes of losses, metrics and optimizers that come with building and use.
_BUILT_BY_USE = {
    *("built", "_built", "_trainable_variables", "_trainable_variables_indices"),
    *("_exclude_from_weight_decay_cache", "_exclude_from_weight_decay"),
    *("_exclude_from_weight_decay_pattern", "_variables", "_metrics", "_lock"),
    *("_iterations", "_var_to_optimizer_idx", "_tracker", "_mesh"),
}


def is_bookkeeping(name: str) -> bool:
    """Tell whether an attribute is TensorFlow's, or comes with use: nobody chose it."""
    return name in _BUILT_BY_USE or name.startswith("_self_")


def _variables_in(value: Any, seen: set[int]) -> list[keras.Variable]:
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, VARIABLES):
        return [value]
    if isinstance(value, keras.optimizers.Optimizer):
        value = vars(value)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [found for each in value for found in _variables_in(each, seen)]
    return []


def compile_settings_of(network: keras.Model) -> dict[str, Any]:
    """Return what a compiled network was compiled with, as it was given.

    Losses and metrics by name, function or object; `get_compile_config` has no more
    than the names of functions.
    """
    held = getattr(network, "_compile_config", None)
    config = getattr(held, "config", None)
    if not isinstance(config, dict):
        config = keras.saving.deserialize_keras_object(network.get_compile_config())
    return dict(config)


# What Keras counts and draws from for the whole thread: the names of layers and
# metrics, and the seeds of operations that are given none.
_OF_THE_THREAD = ("object_name_uids", "global_seed_generator")


@contextmanager
def fresh_generators(seed: int) -> Iterator[Callable[[], bool]]:
    """Have Keras name, and Keras and TensorFlow draw, as in a new process.

    For a block, on this thread; what was before is put back.

    Parameters
    ----------
    seed : int
        TensorFlow's global seed in the block.

    Yields
    ------
    callable
        Tells whether an operation of TensorFlow's has drawn its seed in the block. Its
        kernel is kept with a generator that goes on, so that the same block would draw
        other numbers, unless `forget_kernels` was called before.
    """
    try:
        from keras.src.backend.common import global_state
        from tensorflow.python.eager import context

        settings = vars(context.context())
        held = {name: settings[name] for name in ("_seed", "_rng") if name in settings}
        before = {
            name: global_state.get_global_attribute(name) for name in _OF_THE_THREAD
        }
    except (ImportError, AttributeError):
        yield lambda: False
        return
    try:
        for name in _OF_THE_THREAD:
            global_state.set_global_attribute(name, None)
        settings.update(_seed=seed, _rng=random.Random(seed))
        fresh = settings["_rng"].getstate()
        yield lambda: bool(settings["_rng"].getstate() != fresh)
    finally:
        settings.pop("_rng", None)
        settings.update({"_seed": None, **held})
        for name, value in before.items():
            global_state.set_global_attribute(name, value)


def take_restored_epoch(network: keras.Model) -> int | None:
    """Return the epoch that `keras.callbacks.BackupAndRestore` goes on with.

    Taken off the network, so that the next fit starts at its own.
    """
    epoch = getattr(network, "_initial_epoch", None)
    if epoch is not None:
        network._initial_epoch = None
    return epoch


def is_deterministic() -> bool | None:
    """Tell whether TensorFlow was told to compute by deterministic operations alone."""
    try:
        from tensorflow.python.framework import config

        return bool(config.is_op_determinism_enabled())
    except (ImportError, AttributeError):
        return None


def has_started() -> bool:
    """Tell whether TensorFlow has started its threads."""
    threading = tf.config.threading
    before = threading.get_intra_op_parallelism_threads()
    try:
        # Its number can be changed until then, and not any more after.
        threading.set_intra_op_parallelism_threads(before + 1)
    except RuntimeError:
        return True
    threading.set_intra_op_parallelism_threads(before)
    return False


def uses_onednn() -> bool | None:
    """Tell whether TensorFlow computes by oneDNN; None where it does not tell.

    It decides once, when it starts, by the variable ``TF_ENABLE_ONEDNN_OPTS`` or else
    by the processor.
    """
    try:
        from tensorflow.python.util import _pywrap_util_port

        with without_chatter():  # the first to ask is told on standard error
            return bool(_pywrap_util_port.IsMklEnabled())
    except (ImportError, AttributeError):
        return None


def _as_they_are(gradients_and_variables: Any) -> list[Any]:
    return list(gradients_and_variables)
