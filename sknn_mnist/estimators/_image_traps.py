"""Images that are plainly not what the network would take them for.

Each is told in one sentence with what to do about it. They are judged by some of the
rows, and none is refused: what looks like a trap may be meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt, prod

import numpy as np

from sknn_mnist._pixels import LEAST_UNSCALED

__all__ = [
    "channels_first",
    "is_whole",
    "looks_like_images",
    "traps_in",
]

# Fewer values than these are hardly an image.
LEAST_PIXELS = 64
# Rows from which what all of them share says something of the data.
LEAST_ROWS = 20
CHANNELS = (1, 3, 4)


def traps_in(
    rows: np.ndarray, shape: tuple[int, int, int] | None, is_scaled: bool
) -> Iterator[str]:
    """Yield what is odd about images, each with its remedy.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Some of them.
    shape : tuple (height, width, channels) or None
        What they are taken for; None where a network takes rows as they are.
    is_scaled : bool
        Whether their scale was seen to.

    Yields
    ------
    str
        What follows the name of an estimator.
    """
    yield from _unscaled(rows, shape is not None, is_scaled)
    if shape is None:
        return
    images = rows.reshape(len(rows), *shape)
    yield from _alpha(rows, shape)
    yield from _strip(shape)
    yield from _padding(images)


def channels_first(shape: tuple[int, ...]) -> str | None:
    """Say that images of shape (n, channels, height, width) look like that; or None."""
    if len(shape) != 4 or shape[1] not in CHANNELS or shape[3] in CHANNELS:
        return None
    return (
        f"takes images of shape (n, height, width, channels), and X of shape {shape} "
        "looks like (n, channels, height, width). Give np.moveaxis(X, 1, -1)."
    )


def looks_like_images(rows: np.ndarray) -> bool:
    """Tell whether rows may be square images, of as many channels as images have."""
    n_features = rows.shape[1]
    return n_features >= LEAST_PIXELS and any(
        isqrt(n_features // channels) ** 2 * channels == n_features
        for channels in CHANNELS
    )


def is_whole(rows: np.ndarray) -> bool:
    """Tell whether all values are whole numbers, as pixels are."""
    return bool((rows == np.rint(rows)).all())


def _unscaled(rows: np.ndarray, are_images: bool, is_scaled: bool) -> Iterator[str]:
    if is_scaled or rows.shape[1] < LEAST_PIXELS:
        return
    low, high = float(rows.min()), float(rows.max())
    if low < 0 or high < LEAST_UNSCALED:
        return
    # Rows of a table may be large; pixels are whole numbers as well, in squares.
    if not are_images and not (looks_like_images(rows) and is_whole(rows)):
        return
    if high <= 255:
        remedy = (
            "Give them in 8 bits, X.astype('uint8'), which the net scales itself, or "
            "divide by 255, or set rescaling=1/255."
        )
    else:
        remedy = f"Divide by {high:g}, or set rescaling=1/{high:g}."
    yield (
        f"trains on pixels from {low:g} to {high:g}, which it learns badly from. "
        f"{remedy}"
    )


def _alpha(rows: np.ndarray, shape: tuple[int, int, int]) -> Iterator[str]:
    """Rows of red, green, blue and alpha, taken for a grey image of twice the side."""
    n_features = prod(shape)
    side = isqrt(n_features // 4)
    if shape[2] != 1 or 4 * side * side != n_features or len(rows) < 2:
        return
    alpha, others = rows[:, 3::4], rows[:, 2::4]
    if alpha.min() == alpha.max() == rows.max() > 0 and others.min() < alpha.max():
        yield (
            f"takes rows of {n_features} values for grey images of shape {shape[:2]}, "
            "and every fourth value is the same: they look like red, green, blue and "
            f"alpha. Set image_shape=({side}, {side}, 4), or leave alpha out."
        )


def _strip(shape: tuple[int, int, int]) -> Iterator[str]:
    if shape[0] == 1 and shape[1] >= LEAST_PIXELS:
        yield (
            f"takes rows of {shape[1]} values for images one pixel high, since they "
            "are no square of 1 or 3 channels. Set image_shape=(height, width) or "
            "(height, width, channels)."
        )


def _padding(images: np.ndarray) -> Iterator[str]:
    """Images whose content is not in the middle, in all of them."""
    if len(images) < LEAST_ROWS or min(images.shape[1:3]) < 8:
        return
    empty = []
    for axis, sides in ((1, ("top", "bottom")), (2, ("left", "right"))):
        others = tuple(each for each in range(4) if each != axis)
        varies = images.max(axis=others) > images.min(axis=others)
        widths = int(varies.argmax()), int(varies[::-1].argmax())
        if abs(widths[0] - widths[1]) > max(2, images.shape[axis] // 10):
            more = widths.index(max(widths))
            empty.append(
                f"{widths[more]} at the {sides[more]} and {min(widths)} at the "
                f"{sides[1 - more]}"
            )
    if empty:
        yield (
            f"trains on images that have the same empty pixels in all of them, "
            f"{', '.join(empty)}: they look padded at one side. Pad both sides alike, "
            "or cut it off."
        )
