"""What the builders can build: checks of their parameters."""

from __future__ import annotations

from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras

from sknn_mnist._parameters import (
    InvalidParameterError,
    as_factor,
    check_activation,
    check_bool,
    check_fraction,
    check_one_of,
    invalid,
    per_layer,
    per_side,
)
from sknn_mnist.networks._augmentation import augmentation_configs

__all__ = [
    "check_cnn_parameters",
    "check_dense_parameters",
    "check_dtype",
    "check_input_shape",
    "check_output_activation",
    "check_rescaling",
]


def check_dense_parameters(
    owner: str, *, hidden_size: Any, activation: Any, dropout: Any, batch_norm: Any
) -> None:
    """Refuse what `build_dense` can't build, in the name of `owner`."""
    per_layer("hidden_size", hidden_size, owner)
    check_activation("activation", activation, owner)
    check_fraction("dropout", dropout, owner)
    check_bool("batch_norm", batch_norm, owner)


def check_cnn_parameters(
    owner: str,
    *,
    filters: Any,
    kernel_size: Any,
    pool_size: Any,
    padding: Any,
    augmentation: Any,
    **dense_parameters: Any,
) -> None:
    """Refuse what `build_cnn` can't build, in the name of `owner`."""
    per_layer("filters", filters, owner, allow_empty=False)
    per_side("kernel_size", kernel_size, owner)
    per_side("pool_size", pool_size, owner)
    check_one_of("padding", padding, ("same", "valid"), owner)
    augmentation_configs(augmentation, owner)
    check_dense_parameters(owner, **dense_parameters)


def check_output_activation(name: str, value: Any, owner: str) -> None:
    """Check an activation of one layer, which may be a layer itself."""
    if not isinstance(value, keras.layers.Layer):
        check_activation(name, value, owner)


def check_rescaling(name: str, value: Any, owner: str) -> float | None:
    """Check what a network's first layer multiplies by: a finite number, but not 0."""
    if value is None:
        return None
    factor = as_factor(value)
    if factor is None:
        raise invalid(name, owner, "a finite number other than 0, or None", value)
    return factor


def check_dtype(name: str, value: Any, owner: str) -> None:
    """Check what Keras makes a dtype policy of, one that weights can be trained in."""
    try:
        policy = keras.dtype_policies.get(value)
        dtypes = [policy.variable_dtype, policy.compute_dtype]
    # Keras looks for a name, a class or a config in whatever it is given.
    except (ValueError, TypeError, AttributeError, KeyError):
        dtypes = ["none"]
    if not all("float" in str(dtype) for dtype in dtypes):
        raise invalid(
            name,
            owner,
            "the name, config or instance of a Keras dtype policy of floats",
            value,
        )


def check_input_shape(shape: Any, owner: str) -> tuple[int, ...]:
    try:
        sides = per_layer("input_shape", shape, owner, allow_empty=False)
    except InvalidParameterError:
        raise invalid(
            "input_shape",
            owner,
            "an int or a tuple of ints in the range [1, inf)",
            shape,
        ) from None
    return sides
