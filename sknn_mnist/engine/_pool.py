"""Compiled networks kept between fits, and compiled predictions.

A fit borrows a network, and nobody else has it until it comes back. What the fit
leaves behind are arrays: no estimator holds a network of the pool.
"""

from __future__ import annotations

import gc
import itertools
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sknn_mnist._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
import tensorflow as tf

from sknn_mnist._keras_private import forget_kernels
from sknn_mnist.engine._loop import FusedNetwork, State, rows_at_once, set_state
from sknn_mnist.engine._processes import (
    check_not_forked,
    take_share_of_cores,
    take_share_of_gpus,
)
from sknn_mnist.engine._row_blocks import find_sizes, in_blocks
from sknn_mnist.engine._tensor_cache import forget_residents
from sknn_mnist.networks._builders import initial_values
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["Forward", "borrow", "clear_network_pool", "forward_of", "give_up"]

# Before anything is computed, after which TensorFlow keeps its number of threads.
take_share_of_cores()
take_share_of_gpus()

# Networks kept idle at most, and the bytes of their variables: a search tries fewer
# shapes than that at a time.
MAX_NETWORKS = 16
MAX_BYTES = 256 * 2**20

# Networks given up between two times of freeing what is left of them, which takes some
# tenths of a second, as much as making one of them.
FREE_EVERY = 8

_OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)

_lock = threading.Lock()
_idle: list[tuple[Any, FusedNetwork]] = []  # the last used at the end
_forwards: OrderedDict[Any, Forward] = OrderedDict()
_given_up = itertools.count(1)


def clear_network_pool() -> None:
    """Give back the memory of the compiled networks and the data kept for later fits.

    Fitted estimators are not touched: they own what they need. The next fit and the
    next prediction of each shape compile anew, some tenths of a second each.

    Examples
    --------
    >>> import sknn_mnist
    >>> sknn_mnist.clear_network_pool()
    """
    with _lock:
        _idle.clear()
        _forwards.clear()
    forget_residents()
    forget_kernels()


@contextmanager
def borrow(
    recipe: NetworkRecipe, state: State | None, keep: bool = False
) -> Iterator[FusedNetwork]:
    """Lend a network of the recipe, in `state` or in its seed's initial one.

    It comes back to the pool when the block ends, unless the borrower means to `keep`
    it: then it is a new one. It comes back when the block raises, too, since all that
    training changes is set anew when it is next lent; but not where something of it
    was only half made, or memory ran out.
    """
    check_not_forked()
    known = recipe.key
    key = None if keep else known
    fused = None
    try:
        kept = _take(key)
        fused = kept or FusedNetwork(recipe.new_network(), keep, known is not None)
        if kept is not None or state is not None:
            _set(fused, recipe, state)
        yield fused
    except BaseException as err:
        if fused is None or not fused.is_whole or isinstance(err, _OUT_OF_MEMORY):
            key = None
        raise
    finally:
        if key is None or fused is None:
            give_up()
        else:
            _put(key, fused)


def give_up(n_networks: int = 1) -> None:
    """Tell that networks will not be lent again.

    TensorFlow keeps something of each, and their graphs are cycles of Python's that
    hold memory which Python's collector does not know of: both are freed after some.
    """
    for _ in range(n_networks):
        if next(_given_up) % FREE_EVERY == 0:
            gc.collect()
            forget_kernels()


def forward_of(recipe: NetworkRecipe) -> Forward:
    """Return the recipe's compiled prediction, made the first time."""
    key = recipe.network_key
    with _lock:
        if key in _forwards:
            _forwards.move_to_end(key)
            return _forwards[key]
    made = Forward(recipe)
    if key is not None:
        with _lock:
            _forwards[key] = made
            while len(_forwards) > MAX_NETWORKS:
                _forwards.popitem(last=False)
    return made


class Forward:
    """A network's outputs as a compiled function of its variables and its input.

    The variables come from outside, so that estimators share it, in threads too.
    Compiled once, with the number of rows left open, and computed in blocks of rows
    that were found to give each row the same bits whatever its company.
    """

    def __init__(self, recipe: NetworkRecipe) -> None:
        network = recipe.new_network(compiled=False)
        place = {id(each): i for i, each in enumerate(network.variables)}
        self._trainable = [place[id(v)] for v in network.trainable_variables]
        self._others = [place[id(v)] for v in network.non_trainable_variables]

        def outputs(
            x: tf.Tensor, trainable: list[tf.Tensor], others: list[tf.Tensor]
        ) -> tf.Tensor:
            return network.stateless_call(trainable, others, x, training=False)[0]

        def spec(variable: Any) -> tf.TensorSpec:
            return tf.TensorSpec(variable.shape, variable.dtype)

        self._function: Callable[..., tf.Tensor] = tf.function(
            outputs, autograph=False
        ).get_concrete_function(
            tf.TensorSpec(network.inputs[0].shape, network.inputs[0].dtype),
            [spec(variable) for variable in network.trainable_variables],
            [spec(variable) for variable in network.non_trainable_variables],
        )
        inputs = network.inputs[0]
        self._sizes = find_sizes(
            self._computing(_values_to_try(network)),
            inputs.shape[1:],
            inputs.dtype,
            most_rows=rows_at_once(network),
        )
        if max(self._sizes) == 1:
            warnings.warn(
                f"{recipe.owner} predicts row by row, which is slow: on this machine "
                "no block of rows gives each row the same output at every place.",
                stacklevel=2,
            )

    def __call__(self, values: list[np.ndarray], x: np.ndarray) -> np.ndarray:
        """Return the outputs for all rows of `x`, with `values` as the variables."""
        check_not_forked()
        return in_blocks(self._computing(values), x, self._sizes)

    def _computing(self, values: list[np.ndarray]) -> Callable[[Any], np.ndarray]:
        trainable = [tf.constant(values[i]) for i in self._trainable]
        others = [tf.constant(values[i]) for i in self._others]

        def compute(rows: Any) -> np.ndarray:
            return self._function(tf.convert_to_tensor(rows), trainable, others).numpy()

        return compute


def _values_to_try(network: keras.Model) -> list[np.ndarray]:
    """Return values for a network's variables that sum and round as trained ones do.

    The initial ones but for biases of 0, which are added without a trace, and for what
    batch normalisation starts with. Larger ones would make a softmax say 0 or 1 alone.
    """
    rng = np.random.default_rng(0)
    values = []
    for variable in network.variables:
        value = np.asarray(variable.value)
        if "float" in str(variable.dtype) and value.ndim == 1:
            # Positive, as variances are, and so that units are seldom dead.
            value = value + rng.uniform(0.01, 0.1, value.shape).astype(value.dtype)
        values.append(value)
    return values


def _set(fused: FusedNetwork, recipe: NetworkRecipe, state: State | None) -> None:
    """Put all that training changes to what a new network would have."""
    if state is not None and "optimizer" in state:
        set_state(fused.network, state)
        return
    values = (
        initial_values(fused.network, fused.initial["network"], recipe.seed)
        if state is None
        else state["network"]
    )
    set_state(
        fused.network, {"network": values, "optimizer": fused.initial["optimizer"]}
    )
    if recipe.initial_learning_rate is not None:
        fused.network.optimizer.learning_rate = recipe.initial_learning_rate


def _take(key: Any) -> FusedNetwork | None:
    with _lock:
        for place in reversed(range(len(_idle))):
            if key is not None and _idle[place][0] == key:
                return _idle.pop(place)[1]
    return None


def _put(key: Any, fused: FusedNetwork) -> None:
    n_given_up = 0
    with _lock:
        _idle.append((key, fused))
        while len(_idle) > MAX_NETWORKS or (
            len(_idle) > 1 and sum(each.n_bytes for _, each in _idle) > MAX_BYTES
        ):
            _idle.pop(0)
            n_given_up += 1
    give_up(n_given_up)  # outside: what is collected may run anything
