"""What a described network will take, told by its shapes before any of it is computed.

Its arrays are compared with those of the file elsewhere. What is left is what a few
numbers of a config can ask for besides: outputs of gigabytes for a row, and steps of
sequences that Keras takes one by one in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import keras

__all__ = ["check_network_size"]

# Numbers in the output of a layer for a row: 1 GB in float32.
MOST_OUTPUTS = 2**28

# Steps of sequences that are unrolled, all layers together: some milliseconds each.
MOST_STEPS = 5_000


def check_network_size(network: keras.Model) -> None:
    """Refuse a network that would take more than its arrays are worth.

    Parameters
    ----------
    network : keras.Model
        A graph of layers; its variables need no values.

    Raises
    ------
    ValueError
        When it would.
    """
    for layer in _layers(network):
        for shape in _shapes(layer, "output"):
            if prod(shape) > MOST_OUTPUTS:
                raise ValueError(
                    f"its layer {layer.name!r} would give {prod(shape):,} numbers "
                    f"for a row, and {MOST_OUTPUTS:,} is what a file may ask for"
                )
    steps = sum(_steps(layer, _first(layer)) for layer in _layers(network))
    if steps > MOST_STEPS:
        raise ValueError(
            f"its layers would take {steps:,} steps one by one (unroll=True or "
            f"TimeDistributed), and {MOST_STEPS:,} is what a file may ask for"
        )


def _layers(network: Any) -> Iterator[Any]:
    for each in getattr(network, "operations", None) or network.layers:
        yield each
        if isinstance(each, keras.Model):
            yield from _layers(each)


def _shapes(layer: Any, what: str) -> list[list[int]]:
    """Return the sides of a row's outputs or inputs that are known."""
    try:
        tensors = keras.tree.flatten(getattr(layer, what))
    except (AttributeError, ValueError, RuntimeError):  # it was not called in a graph
        return []
    return [[side or 1 for side in each.shape[1:]] for each in tensors]


def _first(layer: Any) -> list[int]:
    return next(iter(_shapes(layer, "input")), [])


def _steps(layer: Any, sides: list[int]) -> int:
    """Return the steps that a layer takes one by one; 0 where it takes none so.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer.
    sides : list of int
        Of a row of its input.
    """
    inner = getattr(layer, "forward_layer", None) or getattr(layer, "layer", None)
    if isinstance(layer, keras.layers.TimeDistributed):
        return max(1, *sides[:1]) * max(1, _steps(inner, sides[1:]))
    if isinstance(inner, keras.Model):
        return sum(_steps(each, _first(each)) for each in _layers(inner))
    if inner is not None:
        return _steps(inner, sides)
    if isinstance(layer, keras.Model):  # within a layer, whose steps repeat its own
        return sum(_steps(each, _first(each)) for each in _layers(layer))
    return max(1, *sides[:1]) if getattr(layer, "unroll", False) else 0
