"""Single images: the ones a classifier gets wrong, and what it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from sknn_mnist._parameters import check_one_of, check_positive_int
from sknn_mnist.display._drawing import as_pictures, draw_mosaic, near_square, new_axes
from sknn_mnist.inspection import gradient_saliency, occlusion
from sknn_mnist.inspection._nets import images_of
from sknn_mnist.inspection._sensitivity import looked_at

__all__ = ["MistakesDisplay", "SensitivityDisplay"]

# Inches a tile.
TILE = 1.1


class MistakesDisplay:
    """The images that a classifier gets wrong, the most confident mistakes first.

    Parameters
    ----------
    images : ndarray of shape (n_mistakes, height, width, channels)
        The images.
    y_true, y_pred : ndarray of shape (n_mistakes,)
        What they are, and what they were taken for.
    probability : ndarray of shape (n_mistakes,)
        The probability that was given to `y_pred`.
    index : ndarray of shape (n_mistakes,)
        Which rows of X they are.
    n_samples : int
        How many images were looked at.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.

    Examples
    --------
    >>> from sknn_mnist import DenseClassifier, load_digits28
    >>> from sknn_mnist.display import MistakesDisplay
    >>> X, X_test, y, y_test = load_digits28(return_X_y=True)
    >>> clf = DenseClassifier(random_state=0).fit(X, y)
    >>> display = MistakesDisplay.from_estimator(clf, X_test, y_test)
    >>> display.frame().columns.tolist()
    ['index', 'y_true', 'y_pred', 'probability']
    >>> _ = display.plot(n_images=12)
    """

    def __init__(
        self,
        images: np.ndarray,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        probability: np.ndarray,
        index: np.ndarray,
        n_samples: int,
    ) -> None:
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.probability = probability
        self.index = index
        self.n_samples = n_samples

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any) -> Any:
        """Predict images and keep the mistakes.

        Parameters
        ----------
        estimator : classifier
            Any fitted classifier with `predict_proba`.
        X : array-like of shape (n_samples, ...)
            Images, as `predict` takes them: (n, height, width), (n, height, width,
            channels), or flat rows that are read as square images.
        y : array-like of shape (n_samples,)
            What they are.

        Returns
        -------
        MistakesDisplay
            Not drawn yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            When the estimator is not fitted.
        TypeError or ValueError
            When it is no classifier, or X and y don't belong together.
        """
        if not is_classifier(estimator):
            raise TypeError(
                "The 'estimator' parameter of MistakesDisplay must be a classifier. "
                f"Got {estimator!r} instead."
            )
        y = np.asarray(y)
        probabilities = np.asarray(estimator.predict_proba(X))
        n_samples = len(probabilities)
        if y.shape != (n_samples,):
            raise ValueError(
                f"The 'y' parameter of MistakesDisplay must hold a label for each of "
                f"the {n_samples} images. Got an array of shape {y.shape} instead."
            )
        # Not where the largest probability is: a threshold may decide otherwise.
        predicted = np.asarray(estimator.predict(X))
        places = {label: i for i, label in enumerate(estimator.classes_.tolist())}
        taken = [places[label] for label in predicted.tolist()]
        probability = probabilities[np.arange(n_samples), taken]
        wrong = np.flatnonzero(predicted != y)
        wrong = wrong[np.argsort(-probability[wrong], kind="stable")]
        return cls(
            _pictures(np.asarray(X)[wrong], estimator),
            y[wrong],
            predicted[wrong],
            probability[wrong],
            wrong,
            n_samples,
        )

    def frame(self) -> pd.DataFrame:
        """Return the mistakes as a table.

        Returns
        -------
        DataFrame
            Columns index (row of X), y_true, y_pred, probability; most confident
            first.
        """
        return pd.DataFrame(
            {
                "index": self.index,
                "y_true": self.y_true,
                "y_pred": self.y_pred,
                "probability": self.probability,
            }
        )

    def plot(self, *, ax: Any = None, n_images: int = 20, cmap: str = "gray_r") -> Any:
        """Draw the worst mistakes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        n_images : int, default=20
            How many at most.
        cmap : str, default="gray_r"
            Colour map, of images with one channel.

        Returns
        -------
        MistakesDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        """
        check_positive_int("n_images", n_images, "MistakesDisplay.plot")
        owner = type(self).__name__
        shown = min(n_images, len(self.images))
        if shown == 0:
            self.ax_ = new_axes(ax, owner, 4, 1)
            self.ax_.text(0.5, 0.5, "no mistakes", ha="center", va="center")
            self.ax_.set_axis_off()
        else:
            columns = near_square(shown)
            rows = -(-shown // columns)
            self.ax_ = new_axes(ax, owner, TILE * columns, 1.25 * TILE * rows + 0.4)
            captions = [
                f"{true}, not {taken} ({probability:.2f})"
                for true, taken, probability in zip(
                    self.y_true[:shown],
                    self.y_pred[:shown],
                    self.probability[:shown],
                    strict=True,
                )
            ]
            draw_mosaic(
                self.ax_,
                as_pictures(self.images[:shown]),
                columns,
                captions=captions,
                cmap=cmap,
            )
        self.ax_.set_title(
            f"{len(self.images):,} of {self.n_samples:,} wrong", fontsize="medium"
        )
        self.figure_ = self.ax_.figure
        return self


class SensitivityDisplay:
    """What an image's regions do to the score of its class.

    A column an image: above the image, below how much the score depends on each
    pixel.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, channels)
        The images, as the network was fed them.
    sensitivity : ndarray of shape (n_samples, height, width)
        What `sknn_mnist.inspection.occlusion` or `gradient_saliency` gave.
    labels : sequence of str
        What class each column is about.
    method : {"occlusion", "gradient"}
        Which of them.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        After `plot`.
    figure_ : matplotlib.figure.Figure
        After `plot`.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        After `plot`: of what is lost of the probability, for occlusion.

    Examples
    --------
    >>> from sknn_mnist import CNNClassifier, load_digits28
    >>> from sknn_mnist.display import SensitivityDisplay
    >>> X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    >>> clf = CNNClassifier(filters=8, random_state=0).fit(X[:200], y[:200])
    >>> _ = SensitivityDisplay.from_estimator(clf, X[:4], method="gradient").plot()
    """

    def __init__(
        self,
        images: np.ndarray,
        sensitivity: np.ndarray,
        labels: Sequence[str],
        method: str = "occlusion",
    ) -> None:
        self.images = images
        self.sensitivity = sensitivity
        self.labels = labels
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
        """Compute what the regions of images do.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier or regressor of this package, or a pipeline or search
            that ends in one.
        X : array-like of shape (n_samples, ...)
            Images, as `predict` takes them.
        target : array-like of shape (n_samples,), label or None, default=None
            Whose score; what is predicted if None.
        method : {"occlusion", "gradient"}, default="occlusion"
            Hide a region and see what is lost, or ask for the gradient.
        **options : dict
            Handed to `sknn_mnist.inspection.occlusion`.

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
        check_one_of("method", method, ("gradient", "occlusion"), "SensitivityDisplay")
        compute = occlusion if method == "occlusion" else gradient_saliency
        sensitivity = compute(estimator, X, target, **options)
        images, about = looked_at(estimator, X, target)
        labels = [str(each) for each in about]
        return cls(images, sensitivity, labels, method)

    def plot(self, *, ax: Any = None, cmap: str | None = None) -> Any:
        """Draw the images above, their sensitivity below.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        cmap : str, default=None
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
        """
        import_owner = type(self).__name__
        n_images = len(self.images)
        self.ax_ = ax = new_axes(
            ax, import_owner, max(TILE * n_images + 1, 3), 2 * TILE + 0.6
        )
        self.figure_ = ax.figure
        from matplotlib import colormaps

        signed = self.method == "occlusion"
        colours = colormaps[cmap or ("PuOr_r" if signed else "magma")]
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
            column_labels=list(self.labels) or None,
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


def _pictures(X: np.ndarray, estimator: Any) -> np.ndarray:
    """Return images that the user gave as arrays of shape (n, height, width, c)."""
    if X.ndim == 3:
        X = X[..., None]
    # Flat rows have the shape that the net was told of, if it takes them as they are.
    net = getattr(estimator, "best_estimator_", estimator)
    net = net[-1] if isinstance(net, Pipeline) else net
    shape = getattr(net, "image_shape_", None)
    if X.ndim == 2 and shape is not None and prod(shape) == X.shape[1]:
        X = X.reshape(-1, *shape)
    return images_of(None, X.astype(float))


def _in_colours(picture: np.ndarray) -> np.ndarray:
    """Return a picture in dark ink on white, as its neighbours in colours are."""
    if picture.ndim == 3:
        return picture
    low, high = picture.min(), picture.max()
    grey = 1 - (picture - low) / ((high - low) or 1.0)
    return np.repeat(grey[..., None], 3, axis=-1)
