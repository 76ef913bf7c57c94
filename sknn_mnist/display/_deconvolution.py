"""What excites filters most: projections of activations beside patches of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._parameters import call_as, check_positive_int, refused
from sknn_mnist.display._checks import (
    as_cells,
    as_whole,
    check_drawing,
    described,
    method_of,
)
from sknn_mnist.display._drawing import (
    as_pictures,
    draw_mosaic,
    near_square,
    new_axes,
)
from sknn_mnist.display._tiles import FEW, as_choice, told
from sknn_mnist.inspection import deconvolution

__all__ = ["DeconvolutionDisplay"]

# Inches: a grid of patches, and its caption.
GRID, CAPTION = 1.5, 0.3

# How bright a patch is where there is no ink.
PAPER = 0.93


class DeconvolutionDisplay:
    """What excites filters most: activations projected to pixels, beside the images.

    For each filter two grids, as in Zeiler and Fergus's figures: on the left the
    projections of its strongest activations, on the right the patches of the images
    that they come from, at the same places. Of projections of one channel, white is 0;
    one colour is ink that the activation came from, the other paper that it came from.

    Parameters
    ----------
    projections : ndarray of shape (filters, n_patches, height, width, channels)
        What `sknn_mnist.inspection.deconvolution` gave, as all that follows.
    patches : ndarray of shape (filters, n_patches, height, width, channels)
        The pixels at the same places.
    activations : ndarray of shape (filters, n_patches)
        How much the patches excite the filters.
    images : ndarray of shape (filters, n_patches)
        Which rows of X the patches are from.
    corners : ndarray of shape (filters, n_patches, 2)
        Row and column of the patches' first pixels.
    filters : ndarray of shape (filters,)
        Numbers of the filters, each once.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.

    See Also
    --------
    sknn_mnist.inspection.deconvolution : How the projections are made.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.display import DeconvolutionDisplay
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(4, 8), random_state=0).fit(X[:200], y[:200])
    >>> display = DeconvolutionDisplay.from_estimator(clf, X[:200], n_patches=4)
    >>> display.frame().columns.tolist()
    ['filter', 'rank', 'image', 'row', 'column', 'activation']
    >>> _ = display.plot(filters=[0, 3])
    """

    def __init__(
        self,
        projections: np.ndarray,
        patches: np.ndarray,
        activations: np.ndarray,
        images: np.ndarray,
        corners: np.ndarray,
        filters: np.ndarray,
    ) -> None:
        owner = type(self).__name__
        sides = ("filters", "n_patches", "height", "width", "channels")
        self.projections = as_cells("projections", projections, owner, sides)
        shape = self.projections.shape

        def alike(name: str, value: Any, names: tuple[str, ...]) -> np.ndarray:
            cells = as_cells(name, value, owner, names)
            if cells.shape != shape[: len(names)]:
                must = f"be an array of shape {shape[: len(names)]}, as the projections"
                raise refused(name, owner, must, described(value))
            return cells

        self.patches = alike("patches", patches, sides)
        self.activations = alike("activations", activations, sides[:2])
        self.images = as_whole("images", images, owner, shape[:2])
        self.corners = as_whole("corners", corners, owner, (*shape[:2], 2))
        self.filters = as_whole("filters", filters, owner, shape[:1])
        if len(np.unique(self.filters)) < len(self.filters):
            raise refused("filters", owner, "be distinct ints", repr(filters))

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, layer: int | str = -1, **options: Any
    ) -> Any:
        """Find what excites the filters of a fitted net, and project it to pixels.

        Parameters
        ----------
        estimator : estimator
            A fitted `CNNClassifier` or `CNNRegressor`, an estimator of a network of
            one's own, or a pipeline or search that ends in one.
        X : array-like of shape (n_samples, ...)
            Images, as `predict` takes them.
        layer : int or str, default=-1
            Number of a convolution from 0 (-1 is the last), or the name of a layer
            that gives maps.
        **options : dict
            ``n_patches`` and ``filters``, handed to
            `sknn_mnist.inspection.deconvolution`.

        Returns
        -------
        DeconvolutionDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the estimator is not fitted.
        TypeError or ValueError
            When there is no such layer or no way back from it, or a parameter is out
            of its range.
        """
        owner = method_of(cls, "from_estimator")
        found = call_as(owner, deconvolution, estimator, X, layer, **options)
        return cls(
            found.projections,
            found.patches,
            found.activations,
            found.images,
            found.corners,
            found.filters,
        )

    def frame(self) -> pd.DataFrame:
        """Return where the patches are from as a table.

        Returns
        -------
        DataFrame
            One row per patch: the number of the filter, the patch's rank from 0, the
            image (row of X), row and column of the patch's first pixel in it, and the
            activation. Of a patch that begins beyond the border, row or column is
            negative. The pixels are left out: they are the attributes `projections`
            and `patches`, arrays in the order of filter and rank.
        """
        n_filters, n_patches = self.activations.shape
        return pd.DataFrame(
            {
                "filter": np.repeat(self.filters, n_patches),
                "rank": np.tile(np.arange(n_patches), n_filters),
                "image": self.images.ravel(),
                "row": self.corners[..., 0].ravel(),
                "column": self.corners[..., 1].ravel(),
                "activation": self.activations.ravel(),
            }
        )

    def plot(
        self,
        *,
        ax: Any = None,
        cmap: Any = "PuOr_r",
        filters: int | Sequence[int] | None = None,
        n_columns: int = 2,
    ) -> Any:
        """Draw the projections of each filter beside its patches.

        A filter that answers to no image is left empty.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str or matplotlib.colors.Colormap, default="PuOr_r"
            A diverging colour map, whose middle is 0, for projections of one channel.
            Those of three are drawn in their colours, on a grey that is 0.
        filters : int or sequence of int, default=None
            Which filters: so many, the first ones, or their numbers, as `filters` of
            the display has them; the first 8 if None. The picture says how many there
            are.
        n_columns : int, default=2
            Filters per row.

        Returns
        -------
        DeconvolutionDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a parameter is invalid.
        """
        owner = method_of(self, "plot")
        n_filters = len(self.filters)
        numbers = self.filters.tolist()
        shown = as_choice("filters", filters, owner, n_filters, FEW, numbers)
        n_columns = check_positive_int("n_columns", n_columns, owner)
        colours = check_drawing(self, ax, cmap)
        n_columns = min(n_columns, len(shown))
        tiles, captions = [], []
        for place in shown:
            answers = self.activations[place] != 0
            projections = _in_colours(self.projections[place], colours)
            patches = _as_ink(self.patches[place], self.patches)
            tiles += [_grid(projections, answers), _grid(patches, answers)]
            name = f"filter {self.filters[place]}"
            captions += [f"{name}: projected", "images"]
            if not answers.any():
                captions[-2:] = [f"{name}: no answer", ""]
        height, width = tiles[0].shape[:2]
        rows = -(-len(shown) // n_columns)
        self.ax_ = new_axes(
            ax,
            type(self).__name__,
            GRID * 2 * n_columns + 0.3,
            (GRID * height / width + CAPTION) * rows + 0.5,
        )
        draw_mosaic(self.ax_, tiles, 2 * n_columns, captions=captions)
        self.ax_.set_xlabel(told(shown, n_filters, "filter"))
        self.figure_ = self.ax_.figure
        return self


def _in_colours(projections: np.ndarray, colours: Any) -> np.ndarray:
    """Return projections of one filter as colours, all on one scale."""
    largest = np.abs(projections).max() or 1.0
    shades = (projections / largest + 1) / 2
    if shades.shape[-1] == 3:
        return shades
    return colours(shades.mean(axis=-1))[..., :3]


def _as_ink(patches: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Return patches as colours; grey ones dark on white, on the scale of all."""
    low, high = of.min(), of.max()
    shades = (patches - low) / ((high - low) or 1.0)
    if shades.shape[-1] == 3:
        return shades
    # Paper is not white, so that the border of a patch is seen.
    shades = np.stack(as_pictures(PAPER * (1 - shades)))
    return np.repeat(shades[..., None], 3, axis=-1)


def _grid(pictures: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return pictures as one, with gaps; empty where there is none."""
    n_pictures, height, width, channels = pictures.shape
    columns = near_square(n_pictures)
    rows, gap = -(-n_pictures // columns), max(1, round(0.08 * max(height, width)))
    grid = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels), np.nan
    )
    for place in np.flatnonzero(there):
        row, column = divmod(int(place), columns)
        top, left = row * (height + gap), column * (width + gap)
        grid[top : top + height, left : left + width] = pictures[place]
    return grid
