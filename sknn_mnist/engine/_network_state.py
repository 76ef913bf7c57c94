"""All that training changes in a network, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sknn_mnist.networks._keras_private import variables_of_optimizer

__all__ = ["State", "get_state", "set_state", "set_values"]

# All that training changes, as arrays: "network" (weights, statistics, seeds) and
# "optimizer", each in Keras's order of variables.
State = dict[str, list[np.ndarray]]


def get_state(network: keras.Model) -> State:
    """Return all that training changes, as read-only arrays."""
    return {
        "network": [_value(each) for each in network.variables],
        "optimizer": [_value(each) for each in variables_of_optimizer(network)],
    }


def set_state(network: keras.Model, state: State) -> None:
    """Put back what `get_state` gave, into a network of the same build."""
    for variables, name in (
        (network.variables, "network"),
        (variables_of_optimizer(network), "optimizer"),
    ):
        set_values(variables, state[name])


def set_values(variables: Sequence[keras.Variable], values: Sequence[Any]) -> None:
    """Give variables their values, of their shapes."""
    for variable, value in zip(variables, values, strict=True):
        _assign(variable, value)


def _value(variable: keras.Variable) -> np.ndarray:
    # Not `variable.numpy()`, which copies. What was read from a variable never
    # changes: TensorFlow gives the variable another buffer when it is next updated.
    # By the operation itself, as below: a fit reads and sets dozens of variables.
    held = variable.value
    read = tf.raw_ops.ReadVariableOp(resource=held.handle, dtype=held.dtype)
    return np.asarray(read)


def _assign(variable: keras.Variable, value: Any) -> None:
    held, shape = variable.value, np.shape(value)
    if shape != tuple(held.shape):
        raise ValueError(
            f"The variable {variable.path!r} has the shape {tuple(held.shape)}, and "
            f"the value for it {shape}."
        )
    # A tenth of what `variable.assign` takes, which checks the same.
    tf.raw_ops.AssignVariableOp(
        resource=held.handle, value=tf.constant(value, held.dtype)
    )
