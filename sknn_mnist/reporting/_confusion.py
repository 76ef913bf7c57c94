"""The confusion matrix of a report, with classes by name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Confusion", "confusion_of", "draw_confusion"]

# Classes up to which cells hold their numbers; with more they would overlap.
MOST_NUMBERED = 20

# Inches per class.
CELL = 0.45


class Confusion(NamedTuple):
    """Counts of rows by true and predicted class."""

    counts: np.ndarray
    names: list[Any]

    @property
    def side(self) -> float:
        """Inches of the picture."""
        longest = max(len(str(name)) for name in self.names)
        return max(5.0, 1.0 + CELL * len(self.names) + 0.08 * min(longest, 40))


def confusion_of(y_true: Any, y_pred: Any) -> Confusion:
    """Count true and predicted classes.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_samples,)
        Labels of one kind.

    Returns
    -------
    Confusion
        Rows are the true classes.
    """
    from sklearn.metrics import confusion_matrix

    names = np.union1d(y_true, y_pred)
    return Confusion(confusion_matrix(y_true, y_pred, labels=names), names.tolist())


def draw_confusion(confusion: Confusion, ax: Any) -> None:
    """Draw a confusion matrix on axes."""
    from sklearn.metrics import ConfusionMatrixDisplay

    from sknn_mnist.display._drawing import plain

    names = [plain(name) for name in confusion.names]
    are_texts = any(isinstance(name, str) for name in confusion.names)
    ConfusionMatrixDisplay(confusion.counts, display_labels=names).plot(
        ax=ax,
        cmap="cividis",
        colorbar=False,
        include_values=len(names) <= MOST_NUMBERED,
        xticks_rotation="vertical" if are_texts else "horizontal",
    )
