"""The images that a classifier gets wrong."""

from __future__ import annotations

from math import ceil, prod
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import is_classifier

from sknn_mnist._parameters import (
    check_positive_int,
    check_samples,
    invalid,
    refused,
)
from sknn_mnist.display._checks import (
    as_cells,
    as_labels,
    check_drawing,
    method_of,
)
from sknn_mnist.display._drawing import (
    as_pictures,
    draw_mosaic,
    n_lines,
    new_axes,
)
from sknn_mnist.inspection._images import as_images
from sknn_mnist.inspection._unwrapping import net_and_input, unwrapped

__all__ = ["MistakesDisplay", "gallery_size"]

# Tiles are as large however many there are: always so many have room beside each other
# in a picture of this width, in inches.
COLUMNS, WIDTH = 5, 6.0

# Inches of a tile and of a line of a caption, and letters about as wide as a tile.
TILE, LINE, LETTERS = 1.09, 0.18, 14


class MistakesDisplay:
    """The images that a classifier gets wrong, the most confident mistakes first.

    Parameters
    ----------
    images : ndarray of shape (n_mistakes, height, width, channels)
        The images.
    y_true, y_pred : ndarray of shape (n_mistakes,)
        True and predicted classes.
    probability : ndarray of shape (n_mistakes,)
        The predicted probability of `y_pred`.
    index : ndarray of shape (n_mistakes,)
        Which rows of X they are.
    n_samples : int
        How many images were predicted.

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
        owner = type(self).__name__
        sides = ("n_mistakes", "height", "width", "channels")
        self.images = as_cells("images", images, owner, sides, empty=True)
        n_mistakes = len(self.images)
        self.y_true = as_labels("y_true", y_true, owner, n_mistakes)
        self.y_pred = as_labels("y_pred", y_pred, owner, n_mistakes)
        as_labels("probability", probability, owner, n_mistakes)
        self.probability = as_cells(
            "probability", probability, owner, sides[:1], empty=True
        )
        self.index = as_labels("index", index, owner, n_mistakes)
        self.n_samples = check_positive_int("n_samples", n_samples, owner, n_mistakes)

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
            True classes.

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
        owner = method_of(cls, "from_estimator")
        if not _gives_probabilities(estimator):
            allowed = "a classifier with predict_proba"
            raise invalid("estimator", owner, allowed, estimator)
        check_samples("X", X, owner)
        labels, y = y, np.asarray(y)
        if y.ndim != 1:
            must = "hold a label for each of the images"
            raise refused("y", owner, must, repr(labels))
        probabilities = np.asarray(estimator.predict_proba(X))
        n_samples = len(probabilities)
        if y.shape != (n_samples,):
            must = f"hold a label for each of the {n_samples} images"
            raise refused("y", owner, must, f"an array of shape {y.shape}")
        # Not the class of largest probability: a threshold may decide otherwise.
        predicted = np.asarray(estimator.predict(X))
        places = {label: i for i, label in enumerate(estimator.classes_.tolist())}
        taken = [places[label] for label in predicted.tolist()]
        probability = probabilities[np.arange(n_samples), taken]
        wrong = np.flatnonzero(predicted != y)
        wrong = wrong[np.argsort(-probability[wrong], kind="stable")]
        return cls(
            _pictures(X, wrong, estimator, owner),
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

    def plot(self, *, ax: Any = None, n_images: int = 20, cmap: Any = "gray_r") -> Any:
        """Draw the worst mistakes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        n_images : int, default=20
            Number of images at most.
        cmap : str or matplotlib.colors.Colormap, default="gray_r"
            Colour map, of images with one channel.

        Returns
        -------
        MistakesDisplay
            Itself.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError or TypeError
            When a parameter is invalid.
        """
        check_positive_int("n_images", n_images, method_of(self, "plot"))
        cmap = check_drawing(self, ax, cmap)
        owner = type(self).__name__
        shown = min(n_images, len(self.images))
        if shown == 0:
            self.ax_ = new_axes(ax, owner, 4, 1)
            self.ax_.text(0.5, 0.5, "no mistakes", ha="center", va="center")
            self.ax_.set_axis_off()
        else:
            self.ax_ = new_axes(ax, owner, *gallery_size(self, n_images))
            draw_mosaic(
                self.ax_,
                as_pictures(self.images[:shown]),
                COLUMNS,
                captions=_captions(self, shown),
                cmap=cmap,
            )
        self.ax_.set_title(
            f"{len(self.images):,} of {self.n_samples:,} wrong", fontsize="medium"
        )
        self.figure_ = self.ax_.figure
        return self


def gallery_size(display: MistakesDisplay, n_images: int) -> tuple[float, float]:
    """Return inches of a picture of mistakes, whose tiles are never smaller.

    Parameters
    ----------
    display : MistakesDisplay
        The mistakes.
    n_images : int
        How many are to be shown; there may be fewer.

    Returns
    -------
    width, height : float
        The height leaves some room, so that it is the width that counts.
    """
    shown = max(min(n_images, len(display.images)), 1)
    height, width = display.images.shape[1:3]
    above = LINE * n_lines(_captions(display, shown))
    row = TILE * (height / width + 0.14 * max(height / width, 1)) + above
    return WIDTH, row * ceil(shown / COLUMNS) + 0.5


def _captions(display: MistakesDisplay, shown: int) -> list[str]:
    """Return what stands above the images, in lines that are about as wide as they."""
    parts = [
        (str(true), str(taken), f"({probability:.2f})")
        for true, taken, probability in zip(
            display.y_true[:shown],
            display.y_pred[:shown],
            display.probability[:shown],
            strict=True,
        )
    ]
    two_lines = [f"{true}, not {taken}\n{share}" for true, taken, share in parts]
    if all(len(text.split("\n")[0]) <= LETTERS for text in two_lines):
        return two_lines
    return [
        "\n".join([_cut(f"{true},"), _cut(f"not {taken}"), share])
        for true, taken, share in parts
    ]


def _cut(line: str) -> str:
    return line if len(line) <= LETTERS else f"{line[: LETTERS - 1]}…"


def _gives_probabilities(estimator: Any) -> bool:
    # scikit-learn asks for tags, which other objects lack.
    has_both = hasattr(estimator, "fit") and hasattr(estimator, "predict_proba")
    is_instance = not isinstance(estimator, type)
    return is_instance and has_both and is_classifier(estimator)


def _pictures(X: Any, wrong: np.ndarray, estimator: Any, owner: str) -> np.ndarray:
    """Return some of the images that the user gave, of shape (n, height, width, c)."""
    if sparse.issparse(X):
        X = X.tocsr()[wrong].toarray()
    else:
        X = np.asarray(X)[wrong]
        if X.dtype.kind in "OUT" and len(X):  # paths of image files
            X = net_and_input(estimator, owner, X)[1]
    if X.ndim == 3:
        X = X[..., None]
    # Flat rows have the net's `image_shape_`, if it takes them without a pipeline.
    _, net = unwrapped(estimator)
    shape = getattr(net, "image_shape_", None)
    if X.ndim == 2 and shape is not None and prod(shape) == X.shape[1]:
        X = X.reshape(-1, *shape)
    return as_images(X.astype(float))
