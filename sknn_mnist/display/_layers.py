"""What a convolutional net has learned: kernels, maps, what its filters look for."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknn_mnist._parameters import call_as
from sknn_mnist.display._checks import as_cells, check_drawing, method_of
from sknn_mnist.display._drawing import (
    as_pictures,
    draw_mosaic,
    near_square,
    new_axes,
    stretched,
)
from sknn_mnist.inspection import (
    convolution_kernels,
    feature_maps,
    maximize_activation,
)

__all__ = ["ActivationMaximizationDisplay", "FeatureMapsDisplay", "KernelsDisplay"]

# Inches: the largest side of a tile, and of a whole picture.
TILE, LARGEST = 0.8, 11.0


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
        self.ax_ = _axes_for(ax, self, len(tiles), columns)
        image = draw_mosaic(
            self.ax_, tiles, columns, cmap=cmap, vmin=-largest, vmax=largest
        )
        self.figure_ = self.ax_.figure
        self.colorbar_ = self.figure_.colorbar(image, ax=self.ax_, shrink=0.8)
        if channels > 1:
            self.ax_.set_xlabel(f"{filters} filters")
            self.ax_.set_ylabel(f"{channels} channels")
        return self


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
        self.ax_ = _axes_for(ax, self, len(tiles), columns)
        draw_mosaic(self.ax_, tiles, columns, cmap=cmap, vmin=0, vmax=1)
        self.figure_ = self.ax_.figure
        if n_images > 1:
            self.ax_.set_xlabel(f"{filters} filters")
            self.ax_.set_ylabel(f"{n_images} images")
        return self


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
    >>> _ = display.plot()
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

    def plot(self, *, ax: Any = None, cmap: Any = "cividis") -> Any:
        """Draw the images as a grid, each on a colour scale of its own.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str or matplotlib.colors.Colormap, default="cividis"
            Colour map, of images with one channel.

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
        cmap = check_drawing(self, ax, cmap)
        tiles = [stretched(picture) for picture in as_pictures(self.images)]
        columns = near_square(len(tiles))
        self.ax_ = _axes_for(ax, self, len(tiles), columns)
        draw_mosaic(self.ax_, tiles, columns, cmap=cmap, vmin=0, vmax=1)
        self.figure_ = self.ax_.figure
        return self


def _axes_for(ax: Any, display: Any, n_tiles: int, columns: int) -> Any:
    rows = -(-n_tiles // columns)
    tile = min(TILE, LARGEST / max(columns, rows))
    return new_axes(
        ax, type(display).__name__, width=tile * columns + 1.2, height=tile * rows + 0.6
    )
