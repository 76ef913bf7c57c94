"""A heat map: its size, the numbers in its cells, the frame around one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sknn_mnist.display._drawing import new_axes, plain

__all__ = [
    "axes_of_cells",
    "frame_cell",
    "label_columns",
    "size_of_cells",
    "write_scores",
]

# Inches per cell, and beside them for the labels and the colour bar.
CELL_WIDTH, CELL_HEIGHT = 0.72, 0.5
BESIDE, BELOW = 2.0, 1.3

# About what a character of ordinary letters takes, in inches.
CHARACTER = 0.085

# Luminance, of WCAG, above which black letters have more contrast than white ones.
LIGHT = 0.179


def axes_of_cells(ax: Any, owner: str, n_rows: int, n_columns: int) -> Any:
    """Return the axes that were given, or new ones in which the cells hold numbers.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Axes to draw on.
    owner : str
        Class that draws.
    n_rows, n_columns : int
        How many cells.

    Returns
    -------
    matplotlib.axes.Axes
        Where to draw.
    """
    return new_axes(ax, owner, *size_of_cells(n_rows, n_columns))


def size_of_cells(n_rows: int, n_columns: int) -> tuple[float, float]:
    """Return inches of a picture whose cells hold numbers.

    Parameters
    ----------
    n_rows, n_columns : int
        How many cells.

    Returns
    -------
    width, height : float
        For axes, labels and colour bar.
    """
    return max(BESIDE + CELL_WIDTH * n_columns, 4.0), BELOW + CELL_HEIGHT * n_rows


def write_scores(image: Any, scores: np.ndarray) -> None:
    """Write each score into its cell, in a colour that can be read there.

    Parameters
    ----------
    image : matplotlib.image.AxesImage
        The cells.
    scores : ndarray of shape (n_rows, n_columns)
        Their numbers; a dash stands for NaN.
    """
    from matplotlib.colors import to_rgb

    for (row, column), score in np.ndenumerate(scores):
        text, options = "–", {}
        if not np.isnan(score):
            text = f"{score:.4f}"
            behind = _luminance(to_rgb(image.cmap(image.norm(score))))
            options = {"color": "black" if behind > LIGHT else "white"}
        image.axes.text(column, row, text, ha="center", va="center", **options)


def frame_cell(ax: Any, row: int, column: int) -> None:
    """Draw a frame around a cell."""
    from matplotlib.patches import Rectangle

    corner = (column - 0.5, row - 0.5)
    ax.add_patch(Rectangle(corner, 1, 1, fill=False, lw=2.5, ec="#D55E00"))


def label_columns(ax: Any, labels: Sequence[Any]) -> None:
    """Write what the columns are below them, aslant where the words are long."""
    texts = [str(each) for each in labels]
    cell = ax.get_window_extent().width / ax.figure.dpi / len(texts)
    is_long = CHARACTER * max(map(len, texts)) > cell
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(
        range(len(texts)), [plain(each) for each in texts], **turned if is_long else {}
    )


def _luminance(rgb: Sequence[float]) -> float:
    values = np.asarray(rgb)
    linear = np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )
    return float(linear @ [0.2126, 0.7152, 0.0722])
