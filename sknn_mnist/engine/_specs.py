"""What networks take and give, and how large: shapes and dtypes, nothing computed."""

from __future__ import annotations

from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist.engine._nests import Nest, as_tuples, each_of, leaves_of
from sknn_mnist.networks._input_specs import any_rows
from sknn_mnist.networks._keras_private import FUNCTIONAL
from sknn_mnist.networks._model_changes import layers_of
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = [
    "has_graph",
    "input_spec_of",
    "output_spec_of",
    "outputs_of_recipe",
    "rows_at_once",
]

# Rows per validation or prediction step: enough that the cost of the call does not
# count, and so few that the largest feature maps take no more than so many bytes.
MOST_ROWS, LEAST_ROWS, BYTES_OF_MAPS = 2048, 32, 16 * 2**20


def has_graph(network: keras.Model) -> bool:
    """Tell whether a network is Keras's graph of layers: functional or sequential.

    Others are classes whose `call` is code; a class of the user's own may be one that
    is made as a graph, and is taken for code all the same.
    """
    return type(network) in (keras.Sequential, FUNCTIONAL)


def input_spec_of(recipe: NetworkRecipe, network: keras.Model) -> Nest:
    """Return the specs of what a network of the recipe is given."""
    if recipe.input_spec is not None:
        return as_tuples(recipe.input_spec)
    only = network.inputs[0]
    return tf.TensorSpec(only.shape, only.dtype)


def output_spec_of(network: keras.Model, input_spec: Nest) -> Nest:
    """Return the specs of a network's outputs, for inputs of these specs.

    Traced, and not computed: what is code has no other outputs than its `call`'s.
    """
    if type(network) is keras.Sequential:
        only = network.outputs[0]
        return tf.TensorSpec(only.shape, only.dtype)

    def call(x: Nest) -> Nest:
        # No variable is updated, and no loss is left behind.
        with keras.StatelessScope():
            return network(x, training=False)

    traced = tf.function(call, autograph=False).get_concrete_function(input_spec)
    return traced.structured_outputs


def outputs_of_recipe(recipe: NetworkRecipe, network: keras.Model) -> Nest:
    """Return the specs of the outputs of a recipe's network."""
    return output_spec_of(network, input_spec_of(recipe, network))


def rows_at_once(network: keras.Model, inputs: Nest) -> int:
    """Return how many rows a validation or prediction step should take.

    Parameters
    ----------
    network : keras.Model
        The network.
    inputs : nest of arrays, tensors or specs
        What it is given; any number of rows.
    """
    length = _length_of(inputs)
    sizes = [_largest_output(layer, length) for layer in layers_of(network)]
    known = leaves_of(inputs)
    if None in sizes or not sizes:
        # Layers that only code calls: what comes out is known.
        outputs = output_spec_of(network, each_of(any_rows, as_tuples(inputs)))
        known = [*known, *leaves_of(outputs)]
    largest = max(
        *(size for size in sizes if size is not None),
        *(_size(each.shape, length) for each in known),
        1,
    )
    n_bytes = largest * _bytes_of_number(inputs)
    return max(LEAST_ROWS, min(MOST_ROWS, BYTES_OF_MAPS // n_bytes))


def _largest_output(layer: keras.layers.Layer, length: int) -> int | None:
    """Return the most numbers of a row in a layer's output; None where unknown."""
    try:
        outputs = leaves_of(layer.output)
    except (AttributeError, ValueError, RuntimeError):  # it was not called in a graph
        return None
    return max((_size(each.shape, length) for each in outputs), default=1)


def _size(shape: Any, length: int) -> int:
    return max(1, prod(length if side is None else side for side in shape[1:]))


def _length_of(inputs: Nest) -> int:
    """Return how long sequences of any length are taken to be: as the longest side."""
    sides = [side for each in leaves_of(inputs) for side in each.shape[1:-1]]
    return max((side for side in sides if side is not None), default=1)


def _bytes_of_number(inputs: Nest) -> int:
    dtypes = [tf.as_dtype(each.dtype) for each in leaves_of(inputs)]
    # Layers make floats of integers.
    sizes = [each.size for each in dtypes if each.is_floating]
    return max(sizes, default=np.dtype(keras.config.floatx()).itemsize)
