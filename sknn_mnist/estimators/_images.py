"""Images as X: as they are, or as flat rows with their shape beside them."""

from __future__ import annotations

import os
from math import isqrt, prod
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.preprocessing import FunctionTransformer

from sknn_mnist._parameters import check_bool, check_image_shape, invalid
from sknn_mnist._row_views import RowView
from sknn_mnist.estimators._data import as_arrays
from sknn_mnist.estimators._image_traps import channels_first
from sknn_mnist.estimators._parameters import is_auto
from sknn_mnist.estimators._pixel_values import ScalesPixels
from sknn_mnist.estimators._sources import FileRows
from sknn_mnist.images._reading import (
    check_file_shape,
    common_shape,
    is_path_array,
    paths_of,
)

__all__ = ["TakesImages", "shape_of_row"]


class TakesImages(ScalesPixels):
    """The part of the estimators whose networks take images."""

    image_shape: Any
    cache_images: bool
    image_shape_: Any
    n_features_in_: int

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_bool("cache_images", self.cache_images, type(self).__name__)
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
        if given is not None:
            # Of two sides, files have as many channels as there are colours.
            n_given = len(self.image_shape)
            given = (*given[:n_given], *self.image_shape_[n_given:])
            if given != self.image_shape_:
                raise self._cannot_continue("image_shape")
        super()._check_same_network()

    def _rows_of(self, X: Any, reset: bool) -> Any:
        """Return X with one row per sample, and on `reset` learn the images' shape."""
        of_files = is_path_array(X)
        if of_files:
            X = self._view_of_files(X, reset)
        elif isinstance(X, str | os.PathLike):
            raise ValueError(
                f"X of {type(self).__name__} is one path: give a list of paths, [X]."
            )
        elif isinstance(X, list | tuple):
            X = np.asarray(X)
        ndim = getattr(X, "ndim", 2)
        if reset:
            self.image_shape_ = None
        if ndim not in (3, 4) or sparse.issparse(X):
            return X
        if not isinstance(X, np.ndarray | RowView):
            X = np.asarray(X)
        shape = X.shape[1:] if ndim == 4 else (*X.shape[1:], 1)
        if min(shape) < 1:
            raise ValueError(f"Images must hold pixels. Got X of shape {X.shape}.")
        expected = self._given_image_shape() if reset else self.image_shape_
        said = channels_first(X.shape) if reset and expected is None else None
        if said:
            self._warn(said)
        if expected is not None and shape != expected and not (reset and of_files):
            raise ValueError(
                f"X holds images of shape {shape}, but {type(self).__name__} is "
                f"expecting images of shape {expected} as input."
            )
        if reset:
            self.image_shape_ = shape
        return X.reshape(len(X), prod(shape))

    def _view_of_files(self, X: Any, reset: bool) -> RowView:
        """Return images of files, which are read when they are needed."""
        paths = paths_of(X)
        if not reset and is_auto(self._fit_params["image_shape"]):
            # None is resized: all have the size of those of the fit, or say what size.
            found = common_shape(paths)
            if found[:2] != self.image_shape_[:2]:
                raise ValueError(
                    f"X holds files of images of {found[0]}×{found[1]} pixels, but "
                    f"{type(self).__name__} is expecting images of "
                    f"{self.image_shape_[0]}×{self.image_shape_[1]}, to which it "
                    "resizes no other: fit it with image_shape=(height, width)."
                )
        given = self.image_shape if reset else self.image_shape_
        if not is_auto(given):
            given = check_file_shape(given, type(self).__name__)
        shape = common_shape(paths, None if is_auto(given) else given)
        return RowView(FileRows(paths, shape, self.cache_images))

    def _shape_of_rows(self) -> tuple[int, int, int]:
        if self.image_shape_ is None:
            self.image_shape_ = self._image_shape_of_rows()
        shape: tuple[int, int, int] = self.image_shape_
        return shape

    @property
    def feature_encoder(self) -> FunctionTransformer:
        """Transformer from rows to images."""
        self._shape_of_rows()
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
