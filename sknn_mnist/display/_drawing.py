"""What the displays draw with: axes, colours, many small images in one.

Matplotlib is imported inside, when something is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np

__all__ = [
    "COLOURS",
    "as_pictures",
    "colour_of",
    "draw_mosaic",
    "n_lines",
    "near_square",
    "new_axes",
    "plain",
    "pyplot",
    "shade_of",
    "stretched",
]

# M. Okabe and K. Ito, "Color Universal Design", 2008: told apart with any colour
# vision, and dark enough for thin lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")

# On dark paper the lighter blue and orange come first, and white is for black.
ON_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#0072B2", "#D55E00", "#F0F0F0")

# Between tiles, as a fraction of a tile's side. Small tiles are drawn finer than they
# are, so that what is between them may be less than a pixel of theirs.
GAP, FINE = 0.12, 24

# A line of a caption, in points, by the points of its letters.
LINE = 1.25


def pyplot(owner: str) -> Any:
    """Return ``matplotlib.pyplot``, or say how to get it.

    Parameters
    ----------
    owner : str
        Class that needs it, for the message.

    Returns
    -------
    module
        ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as err:
        raise ImportError(
            f"{owner} needs matplotlib. Install it with "
            "`pip install 'sknn-mnist[plot]'`."
        ) from err
    return plt


def new_axes(ax: Any, owner: str, width: float = 6.4, height: float = 4.8) -> Any:
    """Return the axes that were given, or new ones in a figure of their own.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Axes to draw on.
    owner : str
        Class that draws, for the message where Matplotlib is missing.
    width, height : float
        Size of a new figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes
        Where to draw.
    """
    plt = pyplot(owner)
    if ax is not None:
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def plain(text: Any) -> str:
    """Escape a text of the user's, so that Matplotlib shows it as it is.

    Parameters
    ----------
    text : object
        Anything; dollar signs in its text would begin a formula.

    Returns
    -------
    str
        For Matplotlib.
    """
    return str(text).replace("$", r"\$")


def colour_of(place: int, n_places: int) -> Any:
    """Return one of several colours that can be told apart.

    Parameters
    ----------
    place : int
        Number of the colour, from 0.
    n_places : int
        How many colours there are. Where they are more than the palette holds, they
        are taken from a colour map that grows lighter, which shows their order.

    Returns
    -------
    str or tuple
        As Matplotlib takes it.
    """
    if n_places <= len(COLOURS):
        return (ON_DARK if _is_dark() else COLOURS)[place]
    return shade_of(place / (n_places - 1))


def shade_of(at: float) -> Any:
    """Return a colour of a map that grows lighter.

    Parameters
    ----------
    at : float
        From 0 to 1.

    Returns
    -------
    tuple
        As Matplotlib takes it.
    """
    import matplotlib

    # Without the end of the map that is like the paper.
    shown = 0.3 + 0.7 * at if _is_dark() else 0.9 * at
    return matplotlib.colormaps["viridis"](shown)


def _is_dark() -> bool:
    """Tell whether what is drawn on is dark."""
    import matplotlib
    from matplotlib.colors import to_rgb

    return sum(to_rgb(matplotlib.rcParams["text.color"])) > 1.5


def near_square(n_tiles: int) -> int:
    """Return the number of columns of a nearly square grid of `n_tiles`.

    Parameters
    ----------
    n_tiles : int
        At least 1.

    Returns
    -------
    int
        Columns; where possible a number that leaves the last row no empty tile.
    """
    side = ceil(sqrt(n_tiles))
    for columns in range(side, min(2 * side, n_tiles) + 1):
        if n_tiles % columns == 0:
            return columns
    return side


def draw_mosaic(
    ax: Any,
    tiles: Sequence[np.ndarray],
    n_columns: int,
    *,
    captions: Sequence[str] | None = None,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    outlined: bool = False,
    **imshow_kw: Any,
) -> Any:
    """Draw many small images as one, row by row.

    One image, not one axes per tile: thousands of tiles are drawn as fast as one.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    tiles : sequence of ndarray of shape (height, width) or (height, width, 3)
        The images, all of one shape.
    n_columns : int
        Tiles per row.
    captions : sequence of str, default=None
        A line above each tile, or several.
    row_labels, column_labels : sequence of str, default=None
        Labels of the rows and columns of tiles.
    outlined : bool, default=False
        Whether each tile has a thin outline: where its edge may be as light as the
        paper.
    **imshow_kw : dict
        Handed to `matplotlib.axes.Axes.imshow`.

    Returns
    -------
    matplotlib.image.AxesImage
        The picture.
    """
    ax.set_xticks([])
    ax.set_yticks([])
    zoom = max(1, round(FINE / max(tiles[0].shape[:2])))
    height, width = (zoom * side for side in tiles[0].shape[:2])
    gap = max(1, round(GAP * max(height, width)))
    n_rows = ceil(len(tiles) / n_columns)
    above = gap
    if captions is not None:
        letters = _caption_pixels(
            ax, n_rows, n_columns * (width + gap), height, captions
        )
        above += letters
    step_y, step_x = height + above, width + gap
    canvas = np.full(
        (n_rows * step_y, n_columns * step_x - gap, *tiles[0].shape[2:]), np.nan
    )
    corners = []
    for place, tile in enumerate(tiles):
        row, column = divmod(place, n_columns)
        top, left = row * step_y + above, column * step_x
        fine = np.asarray(tile).repeat(zoom, axis=0).repeat(zoom, axis=1)
        canvas[top : top + height, left : left + width] = fine
        corners.append((left - 0.5, top - 0.5))
        if captions is not None:
            ax.text(
                left + (width - 1) / 2,
                top - 0.5 - gap / 4,
                plain(captions[place]),
                ha="center",
                va="bottom",
                linespacing=1.1,
            )
    colours = canvas.ndim == 3
    if colours:  # with an alpha channel: what is between the tiles is transparent
        there = ~np.isnan(canvas[..., :1])
        canvas = np.concatenate([np.nan_to_num(canvas), there], axis=-1)
    image = ax.imshow(canvas, interpolation="nearest", **imshow_kw)
    ax.spines[:].set_visible(False)
    if outlined:
        _outline(ax, corners, width, height)
    if row_labels is not None:
        at = [row * step_y + above + (height - 1) / 2 for row in range(n_rows)]
        ax.set_yticks(at, [plain(each) for each in row_labels])
    if column_labels is not None:
        at = [column * step_x + (width - 1) / 2 for column in range(n_columns)]
        ax.set_xticks(at, [plain(each) for each in column_labels])
    ax.tick_params(length=0)
    return image


def _caption_pixels(
    ax: Any, n_rows: int, width: int, height: int, captions: Sequence[str]
) -> int:
    """Return the room for captions above a row of tiles, in pixels of the canvas.

    Letters are as large however small the axes are, so it hangs on the size of these.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where the tiles are drawn.
    n_rows, width, height : int
        Rows of tiles; pixels of a row's width, and of a tile's height.
    captions : sequence of str
        Above the tiles.
    """
    from matplotlib import rcParams

    engine = ax.figure.get_layout_engine()
    if engine is not None:
        engine.execute(ax.figure.figure)  # not of a part of a figure
    wide, high = ax.get_window_extent().size / ax.figure.dpi
    inches = LINE * n_lines(captions) * rcParams["font.size"] / 72
    # As large as the width lets pixels be, or as the height does.
    pixel = min(wide / width, max(high / n_rows - inches, 0.2 * inches) / height)
    return ceil(inches / pixel)


def _outline(ax: Any, corners: list[tuple[float, float]], w: int, h: int) -> None:
    from matplotlib.collections import PolyCollection

    boxes = [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)] for x, y in corners]
    edges = PolyCollection(boxes, facecolors="none", edgecolors="0.5", linewidths=0.6)
    ax.add_collection(edges, autolim=False)


def n_lines(texts: Sequence[str]) -> int:
    """Return the lines of the text that has most of them, 1 at least."""
    return max((text.count("\n") + 1 for text in texts), default=1)


def as_pictures(images: np.ndarray) -> list[np.ndarray]:
    """Return images as they can be drawn.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        The images. Of 1 channel they are drawn grey, of 3 in colours, of other
        numbers as the channels' mean.

    Returns
    -------
    list of ndarray of shape (height, width) or (height, width, 3)
        Colours are scaled to [0, 1], over all of the images.
    """
    images = np.asarray(images, dtype=float)
    if images.shape[-1] != 3:
        return list(images.mean(axis=-1))
    return list(stretched(images))


def stretched(values: np.ndarray) -> np.ndarray:
    """Return values scaled to [0, 1], and 0 where all are the same.

    Parameters
    ----------
    values : ndarray
        Finite numbers, of any shape.

    Returns
    -------
    ndarray
        Of the same shape.
    """
    low, high = values.min(), values.max()
    return (values - low) / ((high - low) or 1.0)
