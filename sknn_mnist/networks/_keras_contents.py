"""What a Keras object holds, and whether another one holds the same."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from sknn_mnist.networks._keras_private import (
    VARIABLES,
    exclude_from_weight_decay,
    is_bookkeeping,
    rate_of_optimizer,
)

__all__ = [
    "KINDS",
    "has_same_contents",
    "is_plain",
    "is_same_parameter",
    "is_same_value",
    "plain_copy",
    "untracked",
]

Schedule = keras.optimizers.schedules.LearningRateSchedule


# Objects that are described by their arguments.
KINDS = (
    keras.optimizers.Optimizer,
    Schedule,
    keras.losses.Loss,
    keras.metrics.Metric,
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
)


def is_same_parameter(one: Any, other: Any) -> bool:
    """Tell whether two parameters mean the same: objects by all that they hold."""
    if one is other:
        return True
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return (
            type(one) is type(other)
            and len(one) == len(other)
            and all(map(is_same_parameter, one, other))
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(
            is_same_parameter(one[name], other[name]) for name in one
        )
    if isinstance(one, KINDS) or isinstance(other, KINDS):
        # Keras numbers the names of optimizers and metrics.
        return type(one) is type(other) and has_same_contents(one, other, names=False)
    try:
        return bool(one == other)
    except ValueError:  # of arrays, or of what holds some
        return bool(np.array_equal(one, other))


def has_same_contents(one: Any, other: Any, names: bool = True) -> bool:
    """Tell whether two objects of a class hold the same plain values.

    Left out are variables, which are state, and Keras's bookkeeping, which comes with
    the class.
    """
    if isinstance(one, keras.optimizers.Optimizer) and not (
        is_same_value(rate_of_optimizer(one), rate_of_optimizer(other))
        and _excluded(one) == _excluded(other)
    ):
        return False
    held, others = (
        {
            name: value
            for name, value in vars(each).items()
            if not is_bookkeeping(name)
            and (names or name != "name")
            and not _holds_variables_alone(value)
        }
        for each in (one, other)
    )
    return held.keys() == others.keys() and all(
        is_same_value(value, others[name]) for name, value in held.items()
    )


def is_plain(value: Any) -> bool:
    """Tell whether a value holds no variable, and nothing that does."""
    if isinstance(value, Mapping):
        return all(map(is_plain, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(is_plain, value))
    return (
        value is None
        or isinstance(value, str | bool | int | float | bytes | np.generic | np.ndarray)
        or inspect.isfunction(value)
    )


def plain_copy(value: Any) -> Any:
    """Return a copy of containers and arrays; what else they hold is shared."""
    value = untracked(value)
    if isinstance(value, dict):
        return {name: plain_copy(each) for name, each in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(plain_copy(each) for each in value)
    return value.copy() if isinstance(value, np.ndarray) else value


def untracked(value: Any) -> Any:
    """Return tensors, and the lists and dicts that Keras tracks, as Python's own."""
    for kind in (dict, list, set):
        if isinstance(value, kind) and type(value).__module__.startswith("keras."):
            value = kind(value)
    if keras.ops.is_tensor(value):
        return keras.ops.convert_to_numpy(value).tolist()
    if type(value) is dict:
        return {name: untracked(each) for name, each in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(untracked(each) for each in value)
    return value


def is_same_value(one: Any, other: Any) -> bool:
    """Tell whether two values that objects hold are the same, their types included."""
    if one is other:
        return True
    if inspect.ismethod(one) and inspect.ismethod(other):
        return one.__func__ is other.__func__
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same_value, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            is_same_value(value, other[name]) for name, value in one.items()
        )
    if keras.ops.is_tensor(one):
        one, other = map(keras.ops.convert_to_numpy, (one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, float) and one != one:
        return other != other
    if isinstance(one, KINDS):
        return has_same_contents(one, other)
    if isinstance(one, str | bool | int | float | bytes | set | frozenset | re.Pattern):
        return one == other
    if isinstance(one, keras.DTypePolicy):
        return (one.compute_dtype, one.variable_dtype) == (
            other.compute_dtype,
            other.variable_dtype,
        )
    try:
        return bool(one == other)
    except (ValueError, TypeError):
        return False


def _excluded(optimizer: keras.optimizers.Optimizer) -> Any:
    try:
        return exclude_from_weight_decay(None, like=optimizer)
    except ValueError:
        return optimizer  # equal to no other


def _holds_variables_alone(value: Any) -> bool:
    """Tell whether a value is state, which an optimizer gets when it is built."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return all(map(_holds_variables_alone, value))
    return isinstance(value, VARIABLES)
