"""What the filters of a convolution look for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._parameters import call_as
from sknn_mnist.display._checks import as_cells, check_drawing, method_of
from sknn_mnist.display._drawing import as_pictures, draw_mosaic, stretched
from sknn_mnist.display._tiles import (
    MANY,
    as_choice,
    axes_for,
    grid_columns,
    table_of,
    told,
)
from sknn_mnist.inspection import maximize_activation

__all__ = ["ActivationMaximizationDisplay"]


class ActivationMaximizationDisplay:
    """What the filters of a convolution look for: images that excite them most.

    Parameters
    ----------
    images : ndarray of shape (filters, height, width, channels)
        One image per filter.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.

    See Also
    --------
    sknn_mnist.inspection.maximize_activation : How they are made.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.display import ActivationMaximizationDisplay
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(4, 4), random_state=0).fit(X[:200], y[:200])
    >>> display = ActivationMaximizationDisplay.from_estimator(clf, 1, n_steps=5)
    >>> display.frame().columns.tolist()
    ['filter', 'row', 'column', 'channel', 'value']
    >>> _ = display.plot(filters=[0, 3])
    """

    def __init__(self, images: np.ndarray) -> None:
        sides = ("filters", "height", "width", "channels")
        self.images = as_cells("images", images, type(self).__name__, sides)

    @classmethod
    def from_estimator(
        cls, estimator: Any, layer: int | str = 0, **options: Any
    ) -> Any:
        """Make the images.

        Parameters
        ----------
        estimator : estimator
            A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that
            ends in one.
        layer : int or str, default=0
            Number of the convolution from 0 (-1 is the last), or its layer's name.
        **options : dict
            Handed to `sknn_mnist.inspection.maximize_activation`.

        Returns
        -------
        ActivationMaximizationDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the estimator is not fitted.
        TypeError or ValueError
            When there is no such convolution, or an option is out of its range.
        """
        owner = method_of(cls, "from_estimator")
        return cls(call_as(owner, maximize_activation, estimator, layer, **options))

    def frame(self) -> pd.DataFrame:
        """Return the images as a table, one row per pixel and channel.

        Returns
        -------
        DataFrame
            Columns filter, row, column, channel (all from 0), value. What is drawn is
            this on the scale of each image.
        """
        names = ("filter", "row", "column", "channel")
        return table_of(self.images, names, names, "value")

    def plot(
        self,
        *,
        ax: Any = None,
        cmap: Any = "cividis",
        filters: int | Sequence[int] | None = None,
    ) -> Any:
        """Draw the images as a grid, each on a colour scale of its own.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str or matplotlib.colors.Colormap, default="cividis"
            Colour map, of images with one channel.
        filters : int or sequence of int, default=None
            Which filters: so many, the first ones, or their numbers from 0; the first
            32 if None. The picture says how many there are.

        Returns
        -------
        ActivationMaximizationDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a parameter is invalid.
        """
        n_filters = len(self.images)
        owner = method_of(self, "plot")
        shown = as_choice("filters", filters, owner, n_filters, MANY)
        cmap = check_drawing(self, ax, cmap)
        tiles = [stretched(picture) for picture in as_pictures(self.images[shown])]
        columns = grid_columns(len(tiles))
        rows = -(-len(tiles) // columns)
        self.ax_ = axes_for(ax, self, rows, columns, captions=1)
        numbers = [str(f) for f in shown]
        draw_mosaic(
            self.ax_, tiles, columns, captions=numbers, cmap=cmap, vmin=0, vmax=1
        )
        self.ax_.set_xlabel(told(shown, n_filters, "filter"))
        self.figure_ = self.ax_.figure
        return self
