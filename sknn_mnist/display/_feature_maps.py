"""What a layer makes of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._parameters import call_as
from sknn_mnist.display._checks import as_cells, check_drawing, method_of
from sknn_mnist.display._drawing import draw_mosaic
from sknn_mnist.display._tiles import (
    FEW,
    MANY,
    as_choice,
    axes_for,
    grid_columns,
    table_of,
    told,
)
from sknn_mnist.inspection import feature_maps

__all__ = ["FeatureMapsDisplay"]


class FeatureMapsDisplay:
    """The feature maps of a layer, one per image and filter.

    The maps of one image fill a grid; of several, each row is an image and each column
    a filter. Each image has a colour scale of its own, which its filters share.

    Parameters
    ----------
    maps : ndarray of shape (n_samples, height, width, filters)
        The maps.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.display import FeatureMapsDisplay
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(8, 8), random_state=0).fit(X[:200], y[:200])
    >>> display = FeatureMapsDisplay.from_estimator(clf, X[:3], layer="pool_1")
    >>> display.frame().columns.tolist()
    ['image', 'filter', 'row', 'column', 'activation']
    >>> _ = display.plot(filters=4)
    """

    def __init__(self, maps: np.ndarray) -> None:
        sides = ("n_samples", "height", "width", "filters")
        self.maps = as_cells("maps", maps, type(self).__name__, sides)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, layer: int | str = 0) -> Any:
        """Compute the maps of images.

        Parameters
        ----------
        estimator : estimator
            A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that
            ends in one.
        X : array-like of shape (n_samples, ...)
            Images, as `predict` takes them.
        layer : int or str, default=0
            Number of a convolution from 0, or the name of a layer that gives maps,
            such as ``"pool_1"``.

        Returns
        -------
        FeatureMapsDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the estimator is not fitted.
        TypeError or ValueError
            When there is no such layer, or X is not what `predict` takes.
        """
        owner = method_of(cls, "from_estimator")
        return cls(call_as(owner, feature_maps, estimator, X, layer))

    def frame(self) -> pd.DataFrame:
        """Return the maps as a table, one row per pixel of a map.

        Returns
        -------
        DataFrame
            Columns image, filter, row, column (all from 0), activation. What is drawn
            is this on the scale of each image.
        """
        names = ("image", "row", "column", "filter")
        order = ["image", "filter", "row", "column"]
        return table_of(self.maps, names, order, "activation")

    def plot(
        self,
        *,
        ax: Any = None,
        cmap: Any = "cividis",
        filters: int | Sequence[int] | None = None,
        images: int | Sequence[int] | None = None,
    ) -> Any:
        """Draw the maps.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str or matplotlib.colors.Colormap, default="cividis"
            Colour map.
        filters : int or sequence of int, default=None
            Which filters: so many, the first ones, or their numbers from 0. None: the
            first 8, of a single image the first 32. The picture says how many there
            are.
        images : int or sequence of int, default=None
            Which images, in the same way; the first 8 if None.

        Returns
        -------
        FeatureMapsDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a parameter is invalid.
        """
        owner = method_of(self, "plot")
        n_images, _, _, n_filters = self.maps.shape
        looked_at = as_choice("images", images, owner, n_images, FEW)
        most = FEW if len(looked_at) > 1 else MANY
        shown = as_choice("filters", filters, owner, n_filters, most)
        cmap = check_drawing(self, ax, cmap)
        low = self.maps.min(axis=(1, 2, 3), keepdims=True)
        span = self.maps.max(axis=(1, 2, 3), keepdims=True) - low
        scaled = (self.maps - low) / np.where(span > 0, span, 1)
        tiles = [scaled[i, :, :, f] for i in looked_at for f in shown]
        numbers = [str(f) for f in shown]
        texts: dict[str, Any]
        if len(looked_at) > 1:
            columns, rows = len(shown), len(looked_at)
            self.ax_ = axes_for(ax, self, rows, columns)
            texts = {
                "row_labels": [str(i) for i in looked_at],
                "column_labels": numbers,
            }
            self.ax_.set_ylabel(told(looked_at, n_images, "image"))
        else:
            columns = grid_columns(len(tiles))
            rows = -(-len(tiles) // columns)
            self.ax_ = axes_for(ax, self, rows, columns, captions=1)
            texts = {"captions": numbers}
        draw_mosaic(self.ax_, tiles, columns, cmap=cmap, vmin=0, vmax=1, **texts)
        self.ax_.set_xlabel(told(shown, n_filters, "filter"))
        self.figure_ = self.ax_.figure
        return self
