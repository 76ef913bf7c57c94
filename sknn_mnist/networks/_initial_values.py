"""The values that a network starts with, by its seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import sknn_mnist.networks._quiet_start  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np

from sknn_mnist.networks._augmentation import is_augmentation

__all__ = ["InitialValues", "augmentation_seeds", "layer_seeds"]


class InitialValues:
    """The values that a builder's network starts with, by seed.

    A new build is always right, and takes ten times as long as drawing the values
    alone. So the first values that are drawn are compared with those of a new build.
    Where they differ, in layers or initializers that `_drawn` does not know, all that
    follow are those of new builds.

    Parameters
    ----------
    network : keras.Model
        What the builder made.
    seed : int
        Its seed.
    values : sequence of ndarray
        Its initial values, in the order of ``network.variables``.
    """

    def __init__(
        self, network: keras.Model, seed: int, values: Sequence[np.ndarray]
    ) -> None:
        self._network = network
        self._seed = seed
        self._values = list(values)
        self._can_be_drawn: bool | None = None  # None: not compared yet

    def by(self, seed: int, build: Callable[[], keras.Model]) -> list[np.ndarray]:
        """Return the values that a network of another seed starts with.

        Parameters
        ----------
        seed : int
            The seed.
        build : callable
            Builds a network with this seed; called where drawing is not known to give
            the same.

        Returns
        -------
        list of ndarray
            In the order of ``network.variables``.
        """
        if seed == self._seed:
            return self._values
        if self._can_be_drawn:
            return _drawn(self._network, self._values, seed)
        built = [np.asarray(each.value.read_value()) for each in build().variables]
        if self._can_be_drawn is None:
            drawn = _drawn(self._network, self._values, seed)
            self._can_be_drawn = all(map(np.array_equal, drawn, built))
        return built


def _drawn(
    network: keras.Model, values: Sequence[np.ndarray], seed: int
) -> list[np.ndarray]:
    """Return the values of another seed, where layers draw as the builders' do."""
    drawn: dict[int, np.ndarray] = {}
    seeds, others = layer_seeds(seed), augmentation_seeds(seed)
    for layer in network.layers:
        if type(layer) is keras.layers.Dropout:
            number = next(seeds)
            if hasattr(layer, "seed_generator"):  # not where the rate is 0
                drawn[id(layer.seed_generator.state)] = _new_state(number)
        elif is_augmentation(layer):
            drawn[id(layer.generator.state)] = _new_state(next(others))
        elif type(layer) in (keras.layers.Dense, keras.layers.Conv2D):
            kernel = layer.kernel
            initializer = keras.initializers.GlorotUniform(seed=next(seeds))
            drawn[id(kernel)] = keras.ops.convert_to_numpy(
                initializer(kernel.shape, dtype=kernel.dtype)
            )
    return [
        drawn.get(id(variable), value)
        for variable, value in zip(network.variables, values, strict=True)
    ]


def _new_state(seed: int | None) -> np.ndarray:
    """Return how a new keras.random.SeedGenerator starts: its seed, and no draws."""
    return np.array([seed, 0], dtype="uint32")


def layer_seeds(seed: int | None) -> Iterator[int | None]:
    """Yield one seed per layer: equal seeds would give equal layers equal weights."""
    layer = 0
    while True:
        # Keras seeds are 32-bit; the odd multiplier spreads neighbouring seeds.
        yield None if seed is None else (seed * 1_000_003 + layer) % 2**31
        layer += 1


def augmentation_seeds(seed: int | None) -> Iterator[int | None]:
    """Yield one seed per layer of augmentation, none of which another layer has.

    So the others start as they would without augmentation.
    """
    layer = 0
    while True:
        # Half way between the layers of one seed and those of the next.
        yield None if seed is None else (seed * 1_000_003 + 500_000 + layer) % 2**31
        layer += 1
