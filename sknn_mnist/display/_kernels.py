"""The kernels of a convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknn_mnist._parameters import call_as
from sknn_mnist.display._checks import as_cells, check_drawing, method_of
from sknn_mnist.display._drawing import draw_mosaic, near_square
from sknn_mnist.display._tiles import axes_for
from sknn_mnist.inspection import convolution_kernels

__all__ = ["KernelsDisplay"]


class KernelsDisplay:
    """The kernels of a convolution, as a grid.

    Where the layer has one input channel, each tile is a filter. Where it has several,
    each column is a filter and each row an input channel. All share one colour scale,
    on which white is 0.

    Parameters
    ----------
    kernels : ndarray of shape (height, width, channels, filters)
        As Keras lays kernels out.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.
    colorbar_ : matplotlib.colorbar.Colorbar
        After `plot`.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.display import KernelsDisplay
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=(8, 8), random_state=0).fit(X[:200], y[:200])
    >>> _ = KernelsDisplay.from_estimator(clf, layer=1).plot()
    """

    def __init__(self, kernels: np.ndarray) -> None:
        sides = ("height", "width", "channels", "filters")
        self.kernels = as_cells("kernels", kernels, type(self).__name__, sides)

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
            When it has no such convolution.
        """
        owner = method_of(cls, "from_estimator")
        return cls(call_as(owner, convolution_kernels, estimator, layer))

    def plot(self, *, ax: Any = None, cmap: Any = "PuOr") -> Any:
        """Draw the grid.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str or matplotlib.colors.Colormap, default="PuOr"
            A diverging colour map, whose middle is 0.

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
        cmap = check_drawing(self, ax, cmap)
        _, _, channels, filters = self.kernels.shape
        largest = np.abs(self.kernels).max() or 1.0
        # Channel by channel, and within each channel filter by filter.
        tiles = [
            self.kernels[:, :, c, f] for c in range(channels) for f in range(filters)
        ]
        columns = filters if channels > 1 else near_square(filters)
        self.ax_ = axes_for(ax, self, len(tiles), columns)
        image = draw_mosaic(
            self.ax_, tiles, columns, cmap=cmap, vmin=-largest, vmax=largest
        )
        self.figure_ = self.ax_.figure
        self.colorbar_ = self.figure_.colorbar(image, ax=self.ax_, shrink=0.8)
        if channels > 1:
            self.ax_.set_xlabel(f"{filters} filters")
            self.ax_.set_ylabel(f"{channels} channels")
        return self
