"""Compiled predictions; a row's is the same to the bit whatever rows come with it."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist.engine._batches import rows_at_once
from sknn_mnist.engine._row_blocks import find_sizes, in_blocks
from sknn_mnist.networks._forks import check_not_forked
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["Forward", "clear_forwards", "forward_of"]

# Most compiled predictions kept; the last used stay.
MAX_FORWARDS = 16

_lock = threading.Lock()
_forwards: OrderedDict[Any, Forward] = OrderedDict()


def forward_of(recipe: NetworkRecipe) -> Forward:
    """Return the recipe's compiled prediction, made on first use."""
    key = recipe.network_key
    with _lock:
        if key in _forwards:
            _forwards.move_to_end(key)
            return _forwards[key]
    made = Forward(recipe)
    if key is not None:
        with _lock:
            _forwards[key] = made
            while len(_forwards) > MAX_FORWARDS:
                _forwards.popitem(last=False)
    return made


def clear_forwards() -> None:
    """Free their memory."""
    with _lock:
        _forwards.clear()


class Forward:
    """A network's outputs as a compiled function of its variables and its input.

    The variables come from outside, so that estimators share it, in threads too.
    Compiled once, with the number of rows left open, and computed in blocks of rows
    that were found to give a row the same bits whatever rows come with it.
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

    The initial values, with small numbers added to biases and to what batch
    normalisation starts with: adding a bias of 0 does not show how sums are rounded.
    With larger values a softmax would give nothing but 0 and 1.
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
