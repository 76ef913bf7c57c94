"""The classes of a report's data: how many rows they have, and how they look."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "ClassRows",
    "Examples",
    "as_images_of",
    "colours_of",
    "count_classes",
    "draw_examples",
    "examples_of",
]

# Images of each class that are shown, and classes whose images are.
N_EXAMPLES, MOST_CLASSES = 8, 20


class ClassRows(NamedTuple):
    """A class, and how many training and test rows are of it."""

    name: Any
    train: int
    test: int


class Examples(NamedTuple):
    """Images of some classes."""

    names: list[Any]
    n_classes: int  # that there are
    tiles: list[np.ndarray]  # N_EXAMPLES of each, NaN where a class has fewer
    n_columns: int
    colours: str | None  # of grey images

    @property
    def longest_name(self) -> int:
        """Letters of the longest of their names."""
        return max(len(str(name)) for name in self.names)

    @property
    def title(self) -> str:
        """What the picture shows."""
        shown = len(self.names)
        whose = "each class"
        if shown < self.n_classes:
            whose = f"the first {shown} of {self.n_classes} classes"
        return f"Training images of {whose}"


def count_classes(y_train: Any, y_test: Any) -> list[ClassRows]:
    """Count rows by class, in the order of the classes.

    Parameters
    ----------
    y_train, y_test : ndarray of shape (n_samples,)
        Labels of one kind.

    Returns
    -------
    list of ClassRows
        Of all classes that either has.
    """
    names = np.union1d(y_train, y_test)
    counts = [
        np.bincount(np.searchsorted(names, y), minlength=len(names))
        for y in (y_train, y_test)
    ]
    return [
        ClassRows(name, int(train), int(test))
        for name, train, test in zip(names.tolist(), *counts, strict=True)
    ]


def examples_of(data: Any) -> Examples | None:
    """Return the first training images of each class.

    Parameters
    ----------
    data : object
        As in `Run`.

    Returns
    -------
    Examples or None
        None where rows are no images.
    """
    from sknn_mnist.display._drawing import as_pictures

    names = np.unique(data.y_train)
    shown = names[:MOST_CLASSES]
    rows = [np.flatnonzero(data.y_train == name)[:N_EXAMPLES] for name in shown]
    n_columns = max(map(len, rows))
    images = as_images_of(data, data.X_train[np.concatenate(rows)])
    if images is None:
        return None
    pictures = iter(as_pictures(images))
    tiles = []
    for each in rows:
        own = [next(pictures) for _ in each]
        tiles += own + [np.full_like(own[0], np.nan)] * (n_columns - len(own))
    return Examples(shown.tolist(), len(names), tiles, n_columns, colours_of(data))


def as_images_of(data: Any, X: Any) -> np.ndarray | None:
    """Return rows of data as images.

    Parameters
    ----------
    data : object
        As in `Run`.
    X : ndarray of shape (n_samples, ...)
        Some of its rows.

    Returns
    -------
    ndarray of shape (n_samples, height, width, channels), or None
        None where rows are not known as images.
    """
    if X.ndim == 2:
        shape = data.image_shape
        return None if shape is None else X.reshape(len(X), *shape)
    return X[..., None] if X.ndim == 3 else X


def colours_of(data: Any) -> str | None:
    """Return the colour map for grey images: photographs are as seen.

    None for ink, whose colour is the theme's: dark on light paper, light on dark.
    """
    return "gray" if data.is_own else None


def draw_examples(examples: Examples, ax: Any) -> None:
    """Draw examples on axes, a row for each class."""
    from sknn_mnist.display._drawing import draw_mosaic

    draw_mosaic(
        ax,
        examples.tiles,
        examples.n_columns,
        row_labels=[str(name) for name in examples.names],
        cmap=examples.colours,
    )
