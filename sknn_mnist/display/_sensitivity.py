"""What a network looks at in an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from sknn_mnist._parameters import (
    call_as,
    check_one_of,
    refused,
)
from sknn_mnist.display._checks import (
    as_cells,
    as_texts,
    check_drawing,
    described,
    method_of,
)
from sknn_mnist.display._drawing import as_pictures, draw_mosaic, new_axes, stretched
from sknn_mnist.display._tiles import table_of
from sknn_mnist.inspection import gradient_saliency, occlusion
from sknn_mnist.inspection._sensitivity import images_and_classes

__all__ = ["SensitivityDisplay"]

# Inches per tile.
TILE = 1.1

FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "gradient": gradient_saliency,
    "occlusion": occlusion,
}

# Copies of an image over which a gradient's picture is a mean.
SMOOTH = 50


class SensitivityDisplay:
    """How much the score of an image's class depends on each of its regions.

    One column per image: the image above, below it how much the score depends on each
    pixel.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, channels)
        The images, as the network is given them.
    sensitivity : ndarray of shape (n_samples, height, width)
        What `sknn_mnist.inspection.occlusion` or `gradient_saliency` gave.
    labels : sequence of str
        The class of each column.
    method : {"occlusion", "gradient"}, default="occlusion"
        Which of the two `sensitivity` is from.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        After `plot`: of the lost probability, for occlusion; None for gradients.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.display import SensitivityDisplay
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=8, random_state=0).fit(X[:200], y[:200])
    >>> display = SensitivityDisplay.from_estimator(clf, X[:4], method="gradient")
    >>> display.frame().columns.tolist()
    ['image', 'class', 'row', 'column', 'sensitivity']
    >>> _ = display.plot()
    """

    def __init__(
        self,
        images: np.ndarray,
        sensitivity: np.ndarray,
        labels: Sequence[str],
        method: str = "occlusion",
    ) -> None:
        owner = type(self).__name__
        sides = ("n_samples", "height", "width", "channels")
        self.images = as_cells("images", images, owner, sides)
        self.sensitivity = as_cells("sensitivity", sensitivity, owner, sides[:3])
        if self.sensitivity.shape != self.images.shape[:3]:
            must = f"be an array of shape {self.images.shape[:3]}, as the images"
            raise refused("sensitivity", owner, must, described(sensitivity))
        self.labels = as_texts("labels", labels, owner, len(self.images))
        check_one_of("method", method, FUNCTIONS, owner)
        self.method = method

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        target: Any = None,
        *,
        method: str = "occlusion",
        **options: Any,
    ) -> Any:
        """Compute how much scores depend on the regions of images.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier or regressor of this package, or a pipeline or search
            that ends in one.
        X : array-like of shape (n_samples, ...)
            Images, as `predict` takes them.
        target : array-like of shape (n_samples,), label or None, default=None
            The class whose score is meant; the predicted class if None.
        method : {"occlusion", "gradient"}, default="occlusion"
            Whether to hide regions and measure what is lost, or take the gradient.
        **options : dict
            Handed to `sknn_mnist.inspection.occlusion` or `gradient_saliency`. The
            gradient is the mean at 50 noisy copies of each image (SmoothGrad), unless
            ``n_copies`` says otherwise; 0 is the gradient at the image itself.

        Returns
        -------
        SensitivityDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the estimator is not fitted.
        TypeError or ValueError
            When a parameter is out of its range.
        """
        owner = method_of(cls, "from_estimator")
        check_one_of("method", method, FUNCTIONS, owner)
        function = FUNCTIONS[method]
        others = set().union(*map(_options_of, FUNCTIONS.values()))
        for name in options.keys() & others - _options_of(function):
            must = f"be left out with {method=}"
            raise refused(name, owner, must, repr(options[name]))
        if method == "gradient":
            options = {"n_copies": SMOOTH, **options}
        sensitivity = call_as(owner, function, estimator, X, target, **options)
        images, about = images_and_classes(estimator, X, target, owner)
        labels = [str(each) for each in about]
        return cls(images, sensitivity, labels, method)

    def frame(self) -> pd.DataFrame:
        """Return how much the score depends on each pixel as a table.

        Returns
        -------
        DataFrame
            One row per pixel: the image (its place among the images), its class where
            it has one, row, column and sensitivity. The images themselves are left
            out: they are the attribute `images`, an array.
        """
        sides = ("image", "row", "column")
        table = table_of(self.sensitivity, sides, sides, "sensitivity")
        known: list[Any] = self.labels or [None] * len(self.images)
        table.insert(1, "class", np.array(known, object)[table["image"].to_numpy()])
        return table

    def plot(self, *, ax: Any = None, cmap: Any = None) -> Any:
        """Draw the images above, their sensitivity below.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str or matplotlib.colors.Colormap, default=None
            Colour map of the sensitivity. None: "PuOr_r" for occlusion, where
            hiding a region may help as well, "magma" for gradients.

        Returns
        -------
        SensitivityDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a parameter is invalid.
        """
        signed = self.method == "occlusion"
        if cmap is None:
            cmap = "PuOr_r" if signed else "magma"
        colours = check_drawing(self, ax, cmap)
        n_images = len(self.images)
        self.ax_ = ax = new_axes(
            ax, type(self).__name__, max(TILE * n_images + 1, 3), 2 * TILE + 0.6
        )
        self.figure_ = ax.figure
        if signed:  # one scale, in probabilities
            largest = np.abs(self.sensitivity).max() or 1.0
            shades = (self.sensitivity / largest + 1) / 2
        else:  # a scale for each image: gradients have no common unit
            most = self.sensitivity.max(axis=(1, 2), keepdims=True)
            shades = self.sensitivity / np.where(most > 0, most, 1)
        above = [_in_colours(picture) for picture in as_pictures(self.images)]
        below = [colours(shade)[..., :3] for shade in shades]
        draw_mosaic(
            ax,
            [*above, *below],
            n_images,
            row_labels=["image", self.method],
            column_labels=self.labels or None,
        )
        self.colorbar_ = None
        if signed:
            from matplotlib.cm import ScalarMappable
            from matplotlib.colors import Normalize

            scale = ScalarMappable(Normalize(-largest, largest), colours)
            self.colorbar_ = ax.figure.colorbar(
                scale, ax=ax, label="probability lost when hidden", shrink=0.8
            )
        return self


def _options_of(function: Callable[..., Any]) -> set[str]:
    named = signature(function).parameters.values()
    return {each.name for each in named if each.kind is each.KEYWORD_ONLY}


def _in_colours(picture: np.ndarray) -> np.ndarray:
    """Return a grey picture as colours, dark on white."""
    if picture.ndim == 3:
        return picture
    return np.repeat(1 - stretched(picture)[..., None], 3, axis=-1)
