"""The values that a network of the builders starts with, by its seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np

__all__ = ["initial_values", "layer_seeds"]


def initial_values(
    network: keras.Sequential, values: Sequence[np.ndarray], seed: int
) -> list[np.ndarray]:
    """Return the values that a new build with another seed would start with.

    Parameters
    ----------
    network : keras.Sequential
        Built by `build_dense` or `build_cnn` with whatever seed.
    values : sequence of ndarray
        Its initial values, in the order of ``network.variables``.
    seed : int
        The seed of the new build.

    Returns
    -------
    list of ndarray
        In the order of ``network.variables``.
    """
    drawn: dict[int, np.ndarray] = {}
    seeds = layer_seeds(seed)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            # As a new keras.random.SeedGenerator starts: the seed, and no draws.
            start = np.array([next(seeds), 0], dtype="uint32")
            drawn[id(layer.seed_generator.state)] = start
        elif isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
            kernel = layer.kernel
            initializer = keras.initializers.GlorotUniform(seed=next(seeds))
            drawn[id(kernel)] = keras.ops.convert_to_numpy(
                initializer(kernel.shape, dtype=kernel.dtype)
            )
    return [
        drawn.get(id(variable), value)
        for variable, value in zip(network.variables, values, strict=True)
    ]


def layer_seeds(seed: int | None) -> Iterator[int | None]:
    """Yield one seed per layer: equal seeds would give equal layers equal weights."""
    layer = 0
    while True:
        # Keras seeds are 32-bit; the odd multiplier spreads neighbouring seeds.
        yield None if seed is None else (seed * 1_000_003 + layer) % 2**31
        layer += 1
