"""Images as X: as they are, or as flat rows with their shape beside them."""

from __future__ import annotations

from math import isqrt, prod
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.preprocessing import FunctionTransformer

from sknn_mnist._parameters import check_image_shape, invalid
from sknn_mnist.estimators._data import CheckedData, as_arrays
from sknn_mnist.estimators._parameters import is_auto

__all__ = ["TakesImages", "shape_of_row"]


class TakesImages(CheckedData):
    """The part of the estimators whose networks take images."""

    image_shape: Any
    image_shape_: Any
    n_features_in_: int

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not is_auto(self.image_shape):
            try:
                check_image_shape("image_shape", self.image_shape, type(self).__name__)
            except ValueError:
                raise invalid(
                    "image_shape",
                    type(self).__name__,
                    "'auto', (height, width) or (height, width, channels) of "
                    "positive ints",
                    self.image_shape,
                ) from None

    def _check_same_network(self) -> None:
        given = self._given_image_shape()
        if given is not None and given != self.image_shape_:
            raise self._cannot_continue("image_shape")
        super()._check_same_network()

    def _rows_of(self, X: Any, reset: bool) -> Any:
        """Return X with one row per sample, and on `reset` learn the images' shape."""
        if isinstance(X, list | tuple):
            X = np.asarray(X)
        ndim = getattr(X, "ndim", 2)
        if reset:
            self.image_shape_ = None
        if ndim not in (3, 4) or sparse.issparse(X):
            return X
        X = np.asarray(X)
        shape = X.shape[1:] if ndim == 4 else (*X.shape[1:], 1)
        if min(shape) < 1:
            raise ValueError(f"Images must hold pixels. Got X of shape {X.shape}.")
        expected = self._given_image_shape() if reset else self.image_shape_
        if expected is not None and shape != expected:
            raise ValueError(
                f"X holds images of shape {shape}, but {type(self).__name__} is "
                f"expecting images of shape {expected} as input."
            )
        if reset:
            self.image_shape_ = shape
        return X.reshape(len(X), prod(shape))

    @property
    def feature_encoder(self) -> FunctionTransformer:
        """Transformer from rows to images."""
        if self.image_shape_ is None:
            self.image_shape_ = self._image_shape_of_rows()
        return as_arrays(
            FunctionTransformer(_to_images, kw_args={"shape": self.image_shape_})
        )

    def _given_image_shape(self) -> tuple[int, int, int] | None:
        if is_auto(self.image_shape):
            return None
        return check_image_shape("image_shape", self.image_shape, type(self).__name__)

    def _image_shape_of_rows(self) -> tuple[int, int, int]:
        n_features = self.n_features_in_
        given = self._given_image_shape()
        if given is not None:
            if prod(given) != n_features:
                raise ValueError(
                    f"image_shape={self.image_shape!r} of {type(self).__name__} means "
                    f"{prod(given)} features per sample, but X has {n_features}."
                )
            return given
        return shape_of_row(n_features)


def shape_of_row(n_features: int) -> tuple[int, int, int]:
    """Return the (height, width, channels) of the image that a flat row is taken for.

    A square one of 1 or 3 channels where the number of features allows it, else one
    line of pixels.
    """
    for channels in (1, 3):
        side = isqrt(n_features // channels)
        if side * side * channels == n_features:
            return side, side, channels
    return 1, n_features, 1


def _to_images(rows: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    return rows.reshape(len(rows), *shape)
