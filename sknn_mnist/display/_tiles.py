"""Axes for many small images."""

from __future__ import annotations

from typing import Any

from sknn_mnist.display._drawing import new_axes

__all__ = ["axes_for"]

# Inches: the largest side of a tile, and of a whole picture.
TILE, LARGEST = 0.8, 11.0


def axes_for(ax: Any, display: Any, n_tiles: int, columns: int) -> Any:
    """Return the axes that were given, or new ones with room for tiles.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Axes to draw on.
    display : display
        Who draws.
    n_tiles, columns : int
        How many tiles, and how many of them side by side.

    Returns
    -------
    matplotlib.axes.Axes
        Where to draw.
    """
    rows = -(-n_tiles // columns)
    tile = min(TILE, LARGEST / max(columns, rows))
    return new_axes(
        ax, type(display).__name__, width=tile * columns + 1.2, height=tile * rows + 0.6
    )
