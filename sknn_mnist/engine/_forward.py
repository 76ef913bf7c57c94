"""Compiled predictions; a row's is the same to the bit whatever rows come with it."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist.engine._compiled import CompiledFunction
from sknn_mnist.engine._nests import Nest, each_of, leaves_of
from sknn_mnist.engine._row_blocks import find_sizes, in_blocks
from sknn_mnist.engine._specs import has_graph, input_spec_of, rows_at_once
from sknn_mnist.networks._forks import check_not_forked
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["Forward", "clear_forwards", "forward_of", "up_to_layer"]

# Most compiled predictions kept; the last used stay.
MAX_FORWARDS = 16

_lock = threading.Lock()
_forwards: OrderedDict[Any, Forward] = OrderedDict()


def forward_of(recipe: NetworkRecipe, layer: str | int | None = None) -> Forward:
    """Return the recipe's compiled prediction, made on first use.

    Parameters
    ----------
    recipe : NetworkRecipe
        The network. Where it has no key, what is returned is the caller's alone.
    layer : str, int or None, default=None
        Name or number of the layer whose outputs are asked for; None for the network's.
    """
    known = recipe.network_key
    key = None if known is None else (known, layer)
    with _lock:
        if key is not None and key in _forwards:
            _forwards.move_to_end(key)
            return _forwards[key]
    made = Forward(recipe, layer)
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

    def __init__(self, recipe: NetworkRecipe, layer: str | int | None = None) -> None:
        whole = recipe.new_network(compiled=False)
        inputs = input_spec_of(recipe, whole)
        network = whole
        if layer is not None:
            network = up_to_layer(whole, layer, inputs, recipe.owner)
        place = {id(each): i for i, each in enumerate(whole.variables)}
        self._trainable = [place[id(v)] for v in network.trainable_variables]
        self._others = [place[id(v)] for v in network.non_trainable_variables]

        def outputs(
            x: list[tf.Tensor], trainable: list[tf.Tensor], others: list[tf.Tensor]
        ) -> Nest:
            packed = keras.tree.pack_sequence_as(inputs, x)
            found = _call(network, trainable, others, packed)
            # Said again, since TensorFlow 2.18's optimiser warns of unknown shapes.
            return each_of(lambda each: tf.ensure_shape(each, each.shape), found)

        def spec(variable: Any) -> tf.TensorSpec:
            return tf.TensorSpec(variable.shape, variable.dtype)

        self._function = CompiledFunction(
            tf.function(outputs, autograph=False).get_concrete_function(
                leaves_of(inputs),
                [spec(variable) for variable in network.trainable_variables],
                [spec(variable) for variable in network.non_trainable_variables],
            )
        )
        self._taken = leaves_of(inputs)
        self._owner = recipe.owner
        self._rows_at_once = partial(rows_at_once, whole)
        self._to_try: list[np.ndarray] | None = _values_to_try(whole)
        self._sizes: dict[Any, tuple[int, ...]] = {}
        if all(None not in each.shape[1:] for each in leaves_of(inputs)):
            self._sizes_for(inputs)
            self._to_try = None  # rows of other shapes won't come

    def __call__(
        self, values: list[np.ndarray], x: Nest, most_rows: int | None = None
    ) -> Nest:
        """Return the outputs for all rows of `x`, with `values` as the variables.

        Parameters
        ----------
        values : list of ndarray
            In the order of the network's variables.
        x : nest of ndarrays
            What the network takes.
        most_rows : int or None, default=None
            Most rows at once, to save memory, as far as a smaller block gives the
            same bits; None for as many as are computed well at once.
        """
        check_not_forked()
        sizes = self._sizes_for(x)
        if most_rows is not None:
            sizes = tuple(size for size in sizes if size <= most_rows) or sizes[:1]
        return in_blocks(self._computing(values), x, sizes)

    def _sizes_for(self, x: Nest) -> tuple[int, ...]:
        """Return sizes of blocks for such rows, found when they are first asked for."""
        shapes = tuple(tuple(each.shape[1:]) for each in leaves_of(x))
        if shapes not in self._sizes:
            if self._to_try is None:
                # Rows that the network does not take: TensorFlow will say why.
                return (1,)
            computing = self._computing(self._to_try)
            found = find_sizes(computing, x, most_rows=self._rows_at_once(x))
            self._sizes[shapes] = found
            if max(found) == 1:
                warnings.warn(
                    f"{self._owner} predicts row by row, which is slow: on this "
                    "machine no block of rows gives each row the same output at every "
                    "place.",
                    stacklevel=3,
                )
        return self._sizes[shapes]

    def _computing(self, values: list[np.ndarray]) -> Callable[[Nest], Nest]:
        trainable = [tf.constant(values[i]) for i in self._trainable]
        others = [tf.constant(values[i]) for i in self._others]

        def compute(rows: Nest) -> Nest:
            x = [
                _as_spec(each, taken)
                for each, taken in zip(leaves_of(rows), self._taken, strict=True)
            ]
            return each_of(_array, self._function(*x, *trainable, *others))

        return compute


def up_to_layer(
    network: keras.Model, layer: str | int, inputs: Nest, owner: str
) -> keras.Model:
    """Return a network's part from its inputs to the outputs of a layer.

    Parameters
    ----------
    network : keras.Model
        The network, whose layers the part shares.
    layer : str or int
        Name or number of one of its layers.
    inputs : nest of TensorSpec
        What the network is given.
    owner : str
        Name of the estimator, for messages.

    Raises
    ------
    ValueError
        When the network has no such layer, or is no graph of layers.
    """
    if not has_graph(network):
        raise ValueError(
            f"The network of {owner} is a {type(network).__name__}, whose layers "
            f"{type(network).__name__}.call alone knows: the outputs of layer "
            f"{layer!r} can't be had. Make it of keras.Sequential or "
            "keras.Model(inputs, outputs)."
        )
    names = [each.name for each in network.layers]
    number = names.index(layer) if layer in names else layer
    if isinstance(number, str) or not -len(names) <= number < len(names):
        raise ValueError(
            f"The network of {owner} has no layer {layer!r}. Its layers are, from 0 "
            f"on: {', '.join(names)}."
        )
    return keras.Model(_named(network.inputs, inputs), network.layers[number].output)


def _named(tensors: list[Any], inputs: Nest) -> Nest:
    """Return a network's inputs in the form in which it is given them."""
    if isinstance(inputs, dict):
        by_name = {each.name: each for each in tensors}
        if by_name.keys() >= inputs.keys():
            return {name: by_name[name] for name in inputs}
    return keras.tree.pack_sequence_as(inputs, tensors)


def _call(
    network: keras.Model, trainable: list[Any], others: list[Any], x: Nest
) -> Nest:
    if has_graph(network):
        return network.stateless_call(trainable, others, x, training=False)[0]
    # Not its `call` itself, which need not take `training`, and does not cast.
    variables = [*network.trainable_variables, *network.non_trainable_variables]
    mapping = list(zip(variables, [*trainable, *others], strict=True))
    with keras.StatelessScope(state_mapping=mapping):
        return network(x, training=False)


def _as_spec(rows: Any, taken: tf.TensorSpec) -> tf.Tensor:
    """Return rows as a tensor; pixels in 8 bits as the floats that they stand for."""
    tensor = tf.convert_to_tensor(np.asarray(rows))
    is_pixels = tensor.dtype == tf.uint8 and taken.dtype.is_floating
    return tf.cast(tensor, taken.dtype) if is_pixels else tensor


def _array(tensor: tf.Tensor) -> np.ndarray:
    return tensor.numpy()


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
