"""What a layer makes of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknn_mnist._parameters import call_as
from sknn_mnist.display._checks import as_cells, check_drawing, method_of
from sknn_mnist.display._drawing import draw_mosaic, near_square
from sknn_mnist.display._tiles import axes_for
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
    >>> _ = FeatureMapsDisplay.from_estimator(clf, X[:3], layer="pool_1").plot()
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

    def plot(self, *, ax: Any = None, cmap: Any = "cividis") -> Any:
        """Draw the maps.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str or matplotlib.colors.Colormap, default="cividis"
            Colour map.

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
        cmap = check_drawing(self, ax, cmap)
        n_images, _, _, filters = self.maps.shape
        low = self.maps.min(axis=(1, 2, 3), keepdims=True)
        span = self.maps.max(axis=(1, 2, 3), keepdims=True) - low
        scaled = (self.maps - low) / np.where(span > 0, span, 1)
        tiles = [scaled[i, :, :, f] for i in range(n_images) for f in range(filters)]
        columns = filters if n_images > 1 else near_square(filters)
        self.ax_ = axes_for(ax, self, len(tiles), columns)
        draw_mosaic(self.ax_, tiles, columns, cmap=cmap, vmin=0, vmax=1)
        self.figure_ = self.ax_.figure
        if n_images > 1:
            self.ax_.set_xlabel(f"{filters} filters")
            self.ax_.set_ylabel(f"{n_images} images")
        return self
