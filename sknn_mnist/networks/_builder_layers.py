"""The layers that the builders make networks of, under fixed names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras

__all__ = [
    "block",
    "dense_layers",
    "dropout_layer",
    "input_layers",
    "outer_dtype",
    "output_layer",
]


def input_layers(
    shape: tuple[int, ...], rescaling: float | None, dtype: Any
) -> list[keras.layers.Layer]:
    layers: list[keras.layers.Layer] = [
        keras.layers.Input(shape=shape, dtype=outer_dtype(dtype), name="pixels")
    ]
    if rescaling is not None:
        # In 64 bits, as a product with 1 / 255 is then rounded to what a division by
        # 255 gives in 32; layers cast what comes in to their own precision. And as a
        # tensor, since Keras brings Python's numbers to 32 bits first.
        factor = keras.ops.convert_to_tensor(rescaling, dtype="float64")
        layers.append(keras.layers.Rescaling(factor, dtype="float64", name="rescaling"))
    return layers


def block(
    number: int,
    width: int,
    sides: tuple[int, ...],
    *,
    kernel: tuple[int, int],
    window: tuple[int, int],
    padding: str,
    activation: Any,
    batch_norm: bool,
    dtype: Any,
    seed: int | None,
) -> tuple[list[keras.layers.Layer], tuple[int, ...]]:
    """Return convolution and pooling for maps of `sides`, and the sides they leave."""
    kernel = _cut(kernel, sides)
    layers: list[keras.layers.Layer] = [
        keras.layers.Conv2D(
            width,
            kernel,
            padding=padding,
            data_format="channels_last",
            activation=activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
            dtype=dtype,
            name=f"conv_{number}",
        )
    ]
    if padding == "valid":
        sides = tuple(side - k + 1 for side, k in zip(sides, kernel, strict=True))
    if batch_norm:
        layers.append(_batch_norm_layer(dtype, number))
    if window != (1, 1):
        window = _cut(window, sides)
        layers.append(
            keras.layers.MaxPooling2D(
                window,
                data_format="channels_last",
                dtype=dtype,
                name=f"pool_{number}",
            )
        )
        sides = tuple(side // w for side, w in zip(sides, window, strict=True))
    return layers, sides


def dense_layers(
    sizes: Sequence[int],
    activation: Any,
    dropout: float,
    batch_norm: bool,
    dtype: Any,
    seeds: Iterator[int | None],
) -> list[keras.layers.Layer]:
    layers: list[keras.layers.Layer] = []
    for number, size in enumerate(sizes, start=1):
        layers.append(
            keras.layers.Dense(
                size,
                activation=activation,
                kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
                dtype=dtype,
                name=f"hidden_{number}",
            )
        )
        if batch_norm:
            layers.append(_batch_norm_layer(dtype, number))
        if dropout:
            layers.append(
                dropout_layer(dropout, dtype, next(seeds), f"dropout_{number}")
            )
    return layers


def _batch_norm_layer(dtype: Any, number: int) -> keras.layers.Layer:
    return keras.layers.BatchNormalization(dtype=dtype, name=f"batch_norm_{number}")


def dropout_layer(
    rate: float, dtype: Any, seed: int | None, name: str
) -> keras.layers.Layer:
    return keras.layers.Dropout(rate, seed=seed, dtype=dtype, name=name)


def output_layer(
    n_outputs: int, activation: Any, dtype: Any, seeds: Iterator[int | None]
) -> keras.layers.Layer:
    return keras.layers.Dense(
        n_outputs,
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        dtype=outer_dtype(dtype),  # 16 bits are too few for probabilities
        name="output",
    )


def outer_dtype(dtype: Any) -> str:
    return keras.dtype_policies.get(dtype).variable_dtype


def _cut(window: tuple[int, int], sides: tuple[int, ...]) -> tuple[int, int]:
    return min(window[0], sides[0]), min(window[1], sides[1])
