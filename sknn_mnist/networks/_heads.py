"""What a network gives: its outputs, and what their last layers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras

from sknn_mnist.networks._input_specs import symbols_of

__all__ = ["Head", "Heads", "heads_of"]


@dataclass(frozen=True)
class Head:
    """One output of a network.

    Attributes
    ----------
    name : str
        By which losses and metrics are given for it.
    shape : tuple of int or None
        Of a row's output; None is a side left open.
    activation : str or None
        The last layer's, as ``"softmax"``; None where it is not known.
    """

    name: str
    shape: tuple[int | None, ...]
    activation: str | None

    @property
    def units(self) -> int | None:
        """Numbers that a row has; None where that is left open."""
        units = 1
        for side in self.shape:
            if side is None:
                return None
            units *= side
        return units


@dataclass(frozen=True)
class Heads:
    """All outputs of a network.

    Attributes
    ----------
    each : tuple of Head
        In the order of the network's.
    structure : object
        The nest that the network returns, of their numbers; 0 for one output.
    """

    each: tuple[Head, ...]
    structure: Any

    @property
    def is_one(self) -> bool:
        """Whether the network returns an array, not a list or dict of them."""
        return not keras.tree.is_nested(self.structure)

    def packed(self, values: list[Any]) -> Any:
        """Return values, one for each output, as the network returns them."""
        return keras.tree.pack_sequence_as(self.structure, values)


def heads_of(network: keras.Model, spec: Any) -> Heads:
    """Return what a network gives.

    Parameters
    ----------
    network : keras.Model
        Built.
    spec : tf.TensorSpec, or list, tuple or dict of them
        What it is called on.
    """
    outputs = _outputs_of(network, spec)
    flat = keras.tree.flatten(outputs)
    numbers = keras.tree.pack_sequence_as(outputs, list(range(len(flat))))
    names = _names_of(network, outputs, len(flat))
    return Heads(
        tuple(
            Head(name, tuple(each.shape)[1:], _activation_of(network, each))
            for name, each in zip(names, flat, strict=True)
        ),
        numbers,
    )


def _outputs_of(network: keras.Model, spec: Any) -> Any:
    try:
        declared = network.outputs
    except (AttributeError, ValueError):
        declared = None
    if not declared:
        return network(symbols_of(spec))
    if isinstance(network, keras.Sequential):
        return declared[0]
    return network.output


def _names_of(network: keras.Model, outputs: Any, n_outputs: int) -> list[str]:
    if isinstance(outputs, dict):
        return [str(name) for name in sorted(outputs)]
    names = getattr(network, "output_names", None)
    if isinstance(names, list) and len(names) == n_outputs:
        return [str(each) for each in names]
    return [f"output_{number}" for number in range(n_outputs)]


def _activation_of(network: keras.Model, output: Any) -> str | None:
    """Return the activation of the layer that an output comes from."""
    for layer in reversed(network.layers):
        try:
            is_it = layer.output is output
        except (AttributeError, ValueError):  # called several times, or never
            continue
        if not is_it:
            continue
        if isinstance(layer, keras.Model):
            inner = layer.outputs
            return _activation_of(layer, inner[0]) if len(inner) == 1 else None
        if type(layer) is keras.layers.Softmax:
            return "softmax"
        activation = getattr(layer, "activation", None)
        return _NAMES.get(id(activation))
    return None


_NAMES = {
    id(getattr(keras.activations, name)): name
    for name in ("softmax", "sigmoid", "linear", "relu", "tanh", "exponential")
}
