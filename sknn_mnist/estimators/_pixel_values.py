"""The scale of pixels: part of the net, and compared with what comes later.

Pixels in 8 bits stay 8 bits in memory, and the network's first layer brings them to
[0, 1]. A net remembers what values it was fitted on; what is plainly on another scale
gets a warning, when it is fitted and when it predicts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from sknn_mnist._parameters import as_factor, invalid
from sknn_mnist._pixels import LEAST_UNSCALED, MOST_LEVELS
from sknn_mnist._row_views import RowView, blocks_of
from sknn_mnist.estimators._data import CheckedData
from sknn_mnist.estimators._image_traps import (
    is_whole,
    looks_like_images,
    traps_in,
)
from sknn_mnist.estimators._parameters import PixelParameters, is_auto
from sknn_mnist.estimators._sources import SparseRows

__all__ = ["ScalesPixels"]

# Most rows, and most bytes of them as floats, that values are looked at in.
MOST_ROWS, MOST_BYTES = 1000, 16 * 2**20


class ScalesPixels(CheckedData, PixelParameters):
    """The part of the estimators whose networks may begin with a Rescaling layer."""

    rescaling_: float | None
    value_range_: tuple[float, float]

    def _check_parameters(self) -> None:
        super()._check_parameters()
        given = self.rescaling
        if given is None or is_auto(given):
            return
        if as_factor(given) is None:
            raise invalid(
                "rescaling",
                type(self).__name__,
                "'auto', None or a finite number other than 0, by which pixels are "
                "multiplied",
                given,
            )

    def _look_at(self, X: Any, reset: bool) -> None:
        if reset:
            sample = _sample(X)
            self.value_range_ = float(sample.min()), float(sample.max())
            self.rescaling_ = self._rescaling_of(X, self.value_range_[1])
            for said in self._oddities(X, sample):
                self._warn(said)
        elif X.dtype != np.uint8 or self.rescaling_ is None:
            # Those of 8 bits have the scale of those that the net scales.
            self._compare(_sample(X))

    def _oddities(self, X: Any, sample: np.ndarray) -> Iterator[str]:
        """Yield what to warn of in the rows of a fit, of which `sample` are some."""
        # Counts of words are no pixels, however large.
        is_sparse = isinstance(X, RowView) and isinstance(X.source, SparseRows)
        is_chosen = self.rescaling_ is not None or not is_auto(self.rescaling)
        yield from traps_in(sample, self._shape_of_rows(), is_chosen or is_sparse)

    def _compare(self, sample: np.ndarray) -> None:
        """Warn of values that are plainly of another scale than those of the fit."""
        low, high = float(sample.min()), float(sample.max())
        if not hasattr(self, "value_range_"):  # of an older file
            return
        seen_low, seen_high = self.value_range_
        are_images = self._shape_of_rows() is not None
        if low < 0 or not (are_images or looks_like_images(sample)):
            return
        # Values around 0 as well, of pixels that were centred.
        most = max(-seen_low, seen_high)
        brighter = (
            (are_images and most <= 1 and high >= 16)
            or (most <= 10 and high >= LEAST_UNSCALED)
            or (most <= 255 and high >= 100 * 255)
        )
        # Whole numbers are dark pixels, or counts.
        darker = seen_low >= 0 and seen_high >= LEAST_UNSCALED and 0 < high <= 1
        if (brighter and (are_images or is_whole(sample))) or (
            darker and not is_whole(sample)
        ):
            self._warn(
                f"was fitted on values from {seen_low:g} to {seen_high:g}, and gets "
                f"values from {low:g} to {high:g}. Bring them to the same scale "
                "(divide by 255, or multiply)."
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]  # EstimatorCopies's
        if "_network" in state and "rescaling_" not in state:
            self.rescaling_ = None  # a fit of before there was any

    def _network_options(self) -> dict[str, Any]:
        """Return the builder's arguments that parameters give."""
        options = super()._network_options()
        del options["rescaling"]
        if self.rescaling_ is None:
            return options  # as before there was any, so that kept states are found
        return {**options, "rescaling": self.rescaling_}

    def _shape_of_rows(self) -> tuple[int, int, int] | None:
        """Return the shape of the images that rows are taken for, if they are."""
        return None

    def _rescaling_of(self, X: Any, high: float) -> float | None:
        given = self._fit_params["rescaling"]
        if not is_auto(given):
            return None if given is None else float(given)
        if X.dtype != np.uint8:
            return None
        bright = high > MOST_LEVELS or any(
            int(each.max()) > MOST_LEVELS for each in blocks_of(X)
        )
        return 1 / 255 if bright else None

    def _warn(self, said: str) -> None:
        warnings.warn(f"{type(self).__name__} {said}", UserWarning, stacklevel=2)


def _sample(X: Any) -> np.ndarray:
    """Return some of the rows, evenly spaced, the first and the last among them."""
    per_row = max(1, int(np.prod(X.shape[1:]))) * 4
    n_rows = min(len(X), MOST_ROWS, max(2, MOST_BYTES // per_row))
    chosen = X[np.unique(np.linspace(0, len(X) - 1, n_rows).astype(np.int64))]
    return chosen.read() if isinstance(chosen, RowView) else chosen
