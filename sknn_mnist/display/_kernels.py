"""The kernels of a convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._parameters import call_as, check_bool, refused
from sknn_mnist.display._checks import as_cells, check_drawing, described, method_of
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
from sknn_mnist.inspection import convolution_kernels
from sknn_mnist.inspection._unwrapping import unwrapped

__all__ = ["KernelsDisplay"]

# How many of the weights lie within the colour scale. A few are far larger than all
# others, which would look alike.
WITHIN = 0.98

# Inches.
TITLE = 0.3


class KernelsDisplay:
    """The kernels of a convolution, as a grid.

    Where the layer has one input channel, each tile is a filter. Where it has several,
    each column is a filter and each row an input channel. All share one colour scale,
    on which white is 0, orange above and purple below; the largest 2% of the layer's
    weights lie beyond its ends, which have points there. Filters of the first layer of
    a net for colour images are tiles in colours, whose mid grey is 0.

    Parameters
    ----------
    kernels : ndarray of shape (height, width, channels, filters)
        As Keras lays kernels out; finite.
    is_colour : bool, default=False
        Whether the 3 channels are red, green and blue.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        After `plot`; None for tiles in colours.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.display import KernelsDisplay
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(8, 8), random_state=0).fit(X[:200], y[:200])
    >>> display = KernelsDisplay.from_estimator(clf, layer=1)
    >>> display.frame().columns.tolist()
    ['channel', 'filter', 'row', 'column', 'weight']
    >>> _ = display.plot(filters=4, channels=[0, 7])
    """

    def __init__(self, kernels: np.ndarray, *, is_colour: bool = False) -> None:
        owner = type(self).__name__
        sides = ("height", "width", "channels", "filters")
        self.kernels = as_cells("kernels", kernels, owner, sides)
        _check_finite("kernels", self.kernels, owner, "be finite numbers")
        self.is_colour = check_bool("is_colour", is_colour, owner)
        if is_colour and self.kernels.shape[2] != 3:
            must = f"be False for {described(self.kernels)}, not of 3 channels"
            raise refused("is_colour", owner, must, repr(is_colour))

    @classmethod
    def from_estimator(cls, estimator: Any, layer: int | str = 0) -> Any:
        """Take the kernels of a fitted net.

        Parameters
        ----------
        estimator : estimator
            A fitted `CNNClassifier` or `CNNRegressor`, or a pipeline or search that
            ends in one.
        layer : int or str, default=0
            Number of the convolution from 0 (-1 is the last), or its layer's name.

        Returns
        -------
        KernelsDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the estimator is not fitted.
        TypeError or ValueError
            When it has no such convolution, or its weights are not finite, as those
            of a fit that diverged.
        """
        owner = method_of(cls, "from_estimator")
        kernels = call_as(owner, convolution_kernels, estimator, layer)
        must = "have finite weights in this layer, as a fit that diverged has not"
        _check_finite("estimator", kernels, owner, must)
        return cls(kernels, is_colour=sees_colours(estimator, kernels))

    def frame(self) -> pd.DataFrame:
        """Return the kernels as a table, one row per weight.

        Returns
        -------
        DataFrame
            Columns channel, filter, row, column (all from 0), weight.
        """
        names = ("row", "column", "channel", "filter")
        order = ["channel", "filter", "row", "column"]
        return table_of(self.kernels, names, order, "weight")

    def plot(
        self,
        *,
        ax: Any = None,
        cmap: Any = "PuOr_r",
        filters: int | Sequence[int] | None = None,
        channels: int | Sequence[int] | None = None,
    ) -> Any:
        """Draw the grid.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str or matplotlib.colors.Colormap, default="PuOr_r"
            A diverging colour map, whose middle is 0.
        filters : int or sequence of int, default=None
            Which filters: so many, the first ones, or their numbers from 0. None: the
            first 32, of a layer with several channels the first 8. The picture says
            how many there are.
        channels : int or sequence of int, default=None
            Which input channels, in the same way; the first 8 if None. Refused for
            tiles in colours, which have all three.

        Returns
        -------
        KernelsDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a parameter is invalid.
        """
        owner = method_of(self, "plot")
        _, _, n_channels, n_filters = self.kernels.shape
        if self.is_colour and channels is not None:
            must = "be left out for tiles in colours, which have all three channels"
            raise refused("channels", owner, must, repr(channels))
        is_list = self.is_colour or n_channels == 1
        most = MANY if is_list else FEW
        shown = as_choice("filters", filters, owner, n_filters, most)
        seen = as_choice("channels", channels, owner, n_channels, FEW)
        cmap = check_drawing(self, ax, cmap)
        if is_list:
            self._draw_list(ax, cmap, shown)
        else:
            self._draw_table(ax, cmap, shown, seen)
        self.ax_.set_xlabel(told(shown, n_filters, "filter"))
        self.figure_ = self.ax_.figure
        return self

    @property
    def _end(self) -> float:
        """The end of the colour scale, which all kernels of the layer share."""
        sizes = np.abs(self.kernels)
        return float(np.quantile(sizes, WITHIN)) or float(sizes.max()) or 1.0

    def _draw_list(self, ax: Any, cmap: Any, shown: list[int]) -> None:
        """Draw a tile for each filter."""
        tiles = [self.kernels[:, :, :, f] for f in shown]
        columns = grid_columns(len(tiles))
        rows = -(-len(tiles) // columns)
        self.ax_ = axes_for(
            ax,
            self,
            rows,
            columns,
            captions=1,
            beside=0.9,
            above=TITLE * self.is_colour,
        )
        numbers = [str(f) for f in shown]
        if self.is_colour:
            tiles = [np.clip((tile / self._end + 1) / 2, 0, 1) for tile in tiles]
            draw_mosaic(self.ax_, tiles, columns, captions=numbers, outlined=True)
            self.colorbar_ = None
            text = f"mid grey is 0, the scale ends at ±{self._end:.2g}"
            self.ax_.set_title(text, fontsize="medium")
            return
        tiles = [tile[:, :, 0] for tile in tiles]
        self._draw(tiles, columns, cmap, captions=numbers)

    def _draw_table(
        self, ax: Any, cmap: Any, shown: list[int], seen: list[int]
    ) -> None:
        """Draw a column of tiles for each filter, a row for each channel."""
        tiles = [self.kernels[:, :, c, f] for c in seen for f in shown]
        self.ax_ = axes_for(ax, self, len(seen), len(shown), beside=1.4)
        self._draw(
            tiles,
            len(shown),
            cmap,
            row_labels=[str(c) for c in seen],
            column_labels=[str(f) for f in shown],
        )
        self.ax_.set_ylabel(told(seen, self.kernels.shape[2], "channel"))

    def _draw(
        self, tiles: list[np.ndarray], columns: int, cmap: Any, **texts: Any
    ) -> None:
        end = self._end
        texts |= {"cmap": cmap, "vmin": -end, "vmax": end}
        image = draw_mosaic(self.ax_, tiles, columns, outlined=True, **texts)
        figure = self.ax_.figure
        self.colorbar_ = figure.colorbar(
            image,
            ax=self.ax_,
            label="weight",
            shrink=0.9,
            extend="neither" if np.abs(self.kernels).max() <= end else "both",
        )


def sees_colours(estimator: Any, kernels: np.ndarray) -> bool:
    """Tell whether kernels are those of the first layer of a net for colour images."""
    if kernels.shape[2] != 3:
        return False
    _, net = unwrapped(estimator)
    shape = getattr(net.model_, "input_shape", None)
    is_image = isinstance(shape, tuple) and shape[-1] == 3
    return is_image and np.array_equal(convolution_kernels(net, 0), kernels)


def _check_finite(name: str, kernels: np.ndarray, owner: str, must: str) -> None:
    n_wrong = int(np.count_nonzero(~np.isfinite(kernels)))
    if n_wrong:
        got = f"{n_wrong} of {kernels.size} that are NaN or infinite"
        raise refused(name, owner, must, got)
