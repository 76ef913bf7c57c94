"""What a network takes: shapes and dtypes of a batch, one or several of them."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
import tensorflow as tf

__all__ = [
    "any_rows",
    "as_taken",
    "declared_inputs",
    "spec_of",
    "symbols_of",
    "taken_spec",
]


def any_rows(data: Any) -> tf.TensorSpec:
    """Return the spec of an array or tensor, with any number of rows."""
    return tf.TensorSpec([None, *data.shape[1:]], data.dtype)


def spec_of(x: Any) -> Any:
    """Return shapes and dtypes of arrays with one row per sample, of any number.

    Parameters
    ----------
    x : ndarray, or list, tuple or dict of them
        What a network gets.

    Returns
    -------
    tf.TensorSpec, or list, tuple or dict of them
        With the number of rows left open.
    """
    return keras.tree.map_structure(any_rows, x)


def symbols_of(spec: Any) -> Any:
    """Return symbolic tensors to call a network on that was not built yet."""
    return keras.tree.map_structure(
        lambda each: keras.KerasTensor(tuple(each.shape), each.dtype.name), spec
    )


def declared_inputs(network: keras.Model) -> list[keras.KerasTensor] | None:
    """Return the inputs that a network declares, None where `call` takes anything."""
    try:
        inputs = network.inputs
    except (AttributeError, ValueError):
        return None
    return list(inputs) if inputs else None


def taken_spec(x: Any, inputs: list[keras.KerasTensor] | None, owner: str) -> Any:
    """Return what a network takes of arrays like these.

    Parameters
    ----------
    x : ndarray, or list, tuple or dict of them
        Rows.
    inputs : list of keras.KerasTensor or None
        What `declared_inputs` gave; None for a network that takes x as it is.
    owner : str
        Whose X it is, for messages.

    Returns
    -------
    tf.TensorSpec, or list, tuple or dict of them
        As x is, for `as_taken`; named where the network names its inputs.

    Raises
    ------
    ValueError
        When x is not as many arrays as the network takes.
    """
    if inputs is None:
        return spec_of(x)
    specs = [
        tf.TensorSpec(
            tuple(each.shape), keras.backend.standardize_dtype(each.dtype), each.name
        )
        for each in inputs
    ]
    if isinstance(x, Mapping):
        named = {each.name: spec for each, spec in zip(inputs, specs, strict=True)}
        if set(named) != set(x):
            raise ValueError(
                f"X of {owner} has the inputs {sorted(x)}, and the network takes "
                f"{sorted(named)}."
            )
        return {name: named[name] for name in x}
    several = isinstance(x, list | tuple)
    if (len(x) if several else 1) != len(specs):
        raise ValueError(
            f"X of {owner} is {len(x) if several else 1} array(s), and the network "
            f"takes {len(specs)}: {[each.name for each in inputs]}. Give X as a dict "
            "or list of arrays, or a feature_encoder that makes one of X."
        )
    return specs if several else specs[0]


def as_taken(x: Any, spec: Any, owner: str) -> Any:
    """Return arrays in the shapes and dtypes that a network takes.

    Rows are reshaped where a sample has as many values as the input takes: flat rows to
    images, images to flat rows.

    Parameters
    ----------
    x : ndarray, or list, tuple or dict of them
        Rows.
    spec : tf.TensorSpec, or list, tuple or dict of them
        What `taken_spec` gave.
    owner : str
        Whose X it is, for messages.

    Raises
    ------
    ValueError
        When they can't be.
    """
    if isinstance(spec, dict):
        if not isinstance(x, Mapping) or set(x) != set(spec):
            got = sorted(x) if isinstance(x, Mapping) else type(x).__name__
            raise ValueError(
                f"X of {owner} must have the inputs {sorted(spec)}. Got {got}."
            )
        return {name: _fitted(x[name], spec[name], owner) for name in spec}
    if isinstance(spec, list | tuple):
        if not isinstance(x, list | tuple) or len(x) != len(spec):
            raise ValueError(f"X of {owner} must be a list of {len(spec)} arrays.")
        return [_fitted(*pair, owner) for pair in zip(x, spec, strict=True)]
    return _fitted(x, spec, owner)


def _fitted(x: np.ndarray, taken: tf.TensorSpec, owner: str) -> np.ndarray:
    given, wanted = x.shape[1:], tuple(taken.shape)[1:]
    fits = len(given) == len(wanted) and all(
        size is None or size == side for size, side in zip(wanted, given, strict=True)
    )
    if not fits:
        if None in wanted or prod(given) != prod(wanted):
            name = f" {taken.name!r}" if taken.name else ""
            raise ValueError(
                f"X of {owner} has rows of shape {given}, and the network's input"
                f"{name} takes {wanted}."
            )
        x = x.reshape(len(x), *wanted)
    return _cast(x, np.dtype(taken.dtype.as_numpy_dtype), owner)


def _cast(x: np.ndarray, dtype: np.dtype, owner: str) -> np.ndarray:
    if x.dtype == dtype:
        return x
    with np.errstate(over="ignore", invalid="ignore"):
        cast = x.astype(dtype)
    if dtype.kind in "iu" and not np.array_equal(cast, x):
        raise ValueError(
            f"X of {owner} holds values that are no {dtype.name}, which the network's "
            "input takes."
        )
    if dtype.kind == "f" and not np.isfinite(cast).all():
        raise ValueError(
            f"Input X contains infinity or a value too large for dtype({dtype.name!r})."
        )
    return cast
