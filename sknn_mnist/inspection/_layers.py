"""The layers of a network that have kernels or maps, by number or name."""

from __future__ import annotations

from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np

from sknn_mnist._parameters import invalid, refused
from sknn_mnist.estimators._base import KerasEstimator

__all__ = ["convolution", "graph_of", "layer_with_maps", "layer_with_units"]


def graph_of(net: KerasEstimator, owner: str) -> keras.Model:
    """Return a net's network, if it is a graph of layers from one input to one output.

    Of a network that is code nobody knows which layer comes after which.
    """
    network = net.model_
    try:
        one = len(network.inputs) == len(network.outputs) == 1
    except (AttributeError, TypeError, ValueError):
        one = False
    if not one:
        raise refused(
            "estimator",
            owner,
            "have a Sequential or functional network of one input and one output",
            f"a {type(network).__name__} in {net!r}",
        )
    return network


def convolution(net: KerasEstimator, layer: Any, owner: str) -> keras.layers.Conv2D:
    found = [
        each for each in net.model_.layers if isinstance(each, keras.layers.Conv2D)
    ]
    return _chosen(found, layer, owner, net, "a convolution")


def layer_with_units(
    net: KerasEstimator, layer: Any, owner: str
) -> keras.layers.Conv2D | keras.layers.Dense:
    """Return a convolution, as `convolution` does, or a dense layer by its name."""
    for each in net.model_.layers:
        if isinstance(each, keras.layers.Dense) and each.name == layer:
            return each
    return convolution(net, layer, owner)


def layer_with_maps(net: KerasEstimator, layer: Any, owner: str) -> keras.layers.Layer:
    if not isinstance(layer, str):
        return convolution(net, layer, owner)
    layers = graph_of(net, owner).layers
    found = [each for each in layers if len(each.output.shape) == 4]
    return _chosen(found, layer, owner, net, "a layer that gives maps")


def _chosen(found: list[Any], layer: Any, owner: str, net: Any, what: str) -> Any:
    if not found:
        raise refused("estimator", owner, "have convolutions", repr(net))
    names = [each.name for each in found]
    if isinstance(layer, str) and layer in names:
        return found[names.index(layer)]
    is_number = isinstance(layer, int | np.integer) and not isinstance(layer, bool)
    if is_number and -len(found) <= layer < len(found):
        return found[layer]
    numbers = f"a number from 0 to {len(found) - 1}, or " if what[2] == "c" else ""
    raise invalid("layer", owner, f"{what}: {numbers}one of {names}", layer)
