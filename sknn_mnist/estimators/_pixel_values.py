"""The scale of pixels: part of the net, and compared with what comes later.

Pixels in 8 bits stay 8 bits in memory, and the network's first layer brings them to
[0, 1]. A net remembers what values it was fitted on; what is plainly on another scale
gets a warning, when it is fitted and when it predicts.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sknn_mnist._parameters import as_finite_float, invalid
from sknn_mnist._row_views import RowView, blocks_of
from sknn_mnist.estimators._data import CheckedData
from sknn_mnist.estimators._image_traps import traps_in
from sknn_mnist.estimators._parameters import PixelParameters, is_auto

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
        number = None if isinstance(given, bool) else as_finite_float(given)
        if not number:
            raise invalid(
                "rescaling",
                type(self).__name__,
                "'auto', None or a finite number other than 0, by which pixels are "
                "multiplied",
                given,
            )

    def _validate_data(
        self,
        X: Any = None,
        y: Any = "no_validation",
        reset: bool = False,
        y_numeric: bool = False,
    ) -> tuple[Any, Any]:
        X, y = super()._validate_data(X, y, reset, y_numeric)
        sample = _sample(X)
        low, high = float(sample.min()), float(sample.max())
        if reset:
            self.value_range_ = low, high
            self.rescaling_ = self._rescaling_of(X, high)
            is_scaled = self.rescaling_ is not None or not is_auto(self.rescaling)
            for trap in traps_in(sample, self._shape_of_rows(), is_scaled):
                self._warn(trap)
        elif self._is_on_another_scale(low, high):
            seen = f"{self.value_range_[0]:g} to {self.value_range_[1]:g}"
            self._warn(
                f"was fitted on values from {seen}, and gets values from {low:g} to "
                f"{high:g}. Bring them to the same scale (divide by 255, or multiply)."
            )
        return X, y

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
        # 0 and 1 in 8 bits are no pixels of 0 to 255.
        bright = high > 1 or any(int(each.max()) > 1 for each in blocks_of(X))
        return 1 / 255 if bright else None

    def _is_on_another_scale(self, low: float, high: float) -> bool:
        """Tell whether values are plainly of another scale than those of the fit."""
        seen_low, seen_high = getattr(self, "value_range_", (-1.0, 0.0))
        if seen_low < 0 or low < 0:  # no pixels
            return False
        brighter = 0 < seen_high <= 1 and high >= 16
        darker = seen_high >= 100 and 0 < high <= 1
        return brighter or darker

    def _warn(self, said: str) -> None:
        warnings.warn(f"{type(self).__name__} {said}", UserWarning, stacklevel=2)


def _sample(X: Any) -> np.ndarray:
    """Return some of the rows, evenly spaced, the first and the last among them."""
    per_row = max(1, int(np.prod(X.shape[1:]))) * 4
    n_rows = min(len(X), MOST_ROWS, max(2, MOST_BYTES // per_row))
    chosen = X[np.unique(np.linspace(0, len(X) - 1, n_rows).astype(np.int64))]
    return chosen.read() if isinstance(chosen, RowView) else chosen
