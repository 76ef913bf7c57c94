"""The part of the estimators of small convolutional nets that makes the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sknn_mnist.networks._quiet_start  # noqa: F401  before anything that imports Keras

# isort: split
import keras
import numpy as np

from sknn_mnist.estimators._base import KerasEstimator
from sknn_mnist.estimators._constructors import names_of
from sknn_mnist.estimators._images import TakesImages
from sknn_mnist.estimators._parameters import (
    CNNParameters,
    ImageParameters,
)
from sknn_mnist.networks._augmentation import (
    augmentation_configs,
    check_channels,
    ranges_apart,
)
from sknn_mnist.networks._builder_parameters import check_cnn_parameters
from sknn_mnist.networks._builders import build_cnn
from sknn_mnist.networks._recipes import NetworkRecipe

__all__ = ["CNNPart"]


class CNNPart(TakesImages, KerasEstimator, ImageParameters, CNNParameters):
    """The part of the estimators that builds with `build_cnn`."""

    _builder = staticmethod(build_cnn)
    _network_parameters = (*names_of(CNNParameters), "rescaling", "dtype")

    @property
    def kernels_(self) -> list[np.ndarray]:
        """Kernels of the convolutions, first to last.

        Each of shape (kernel_height, kernel_width, channels, filters); copies.
        """
        return [
            np.array(keras.ops.convert_to_numpy(layer.kernel))
            for layer in self.model_.layers
            if isinstance(layer, keras.layers.Conv2D)
        ]

    @property
    def _input_shape(self) -> tuple[int, ...]:
        return self.image_shape_

    def _check_parameters(self) -> None:
        super()._check_parameters()
        given = {name: getattr(self, name) for name in names_of(CNNParameters)}
        check_cnn_parameters(type(self).__name__, **given)

    def _now(self, name: str) -> Any:
        value = super()._now(name)
        if name == "augmentation":
            # As plain values: layers can't be compared, and may change.
            value = augmentation_configs(value, type(self).__name__)
        return value

    def _parameters_now(self) -> dict[str, Any]:
        return {**super()._parameters_now(), "augmentation": self._now("augmentation")}

    def _oddities(self, X: Any, sample: np.ndarray) -> Iterator[str]:
        yield from super()._oddities(X, sample)
        high = self.value_range_[1] * (self.rescaling_ or 1)
        yield from ranges_apart(self._fit_params["augmentation"], high)

    def _recipe(self) -> NetworkRecipe:
        owner = type(self).__name__
        configs = augmentation_configs(self._fit_params.get("augmentation"), owner)
        check_channels(configs, self.image_shape_[-1], owner)
        return super()._recipe()

    def _network_options(self) -> dict[str, Any]:
        options = super()._network_options()
        if options["augmentation"] is None:
            # As before there was any, so that kept states are found.
            del options["augmentation"]
        return options
