"""Images of one shape: as all have it, or as they are brought to it."""

from __future__ import annotations

from math import isqrt, prod
from typing import Any

import numpy as np

from sknn_mnist.datasets._samples import Samples, bad
from sknn_mnist.images._files import resized
from sknn_mnist.images._reading import Skipped, common_shape

__all__ = ["check_every_class", "one_shape"]

CHANNELS = (1, 2, 3, 4)

Shape = tuple[int, int, int]


def one_shape(
    train: Samples,
    test: Samples | None,
    wanted: tuple[int, ...] | None,
    on_error: str,
    skipped: list[str],
) -> tuple[Samples, Samples | None, Shape | None]:
    """Return samples whose images have, or can be read in, one shape.

    Parameters
    ----------
    train, test : Samples
        Test samples may be None.
    wanted : tuple or None
        (height, width), or with channels; None for the shape that all have.
    on_error : {"raise", "skip"}
        Whether files that are no images are an error, or are left out.
    skipped : list of str
        Where those are noted.

    Returns
    -------
    tuple of (Samples, Samples or None, tuple or None)
        Files are left unread; arrays are brought to the shape. (height, width,
        channels) of all; None for flat rows that are no square images.

    Raises
    ------
    ValueError
        When there are several shapes, or none that is wanted, or files are broken.
    """
    parts = [train] if test is None else [train, test]
    files = [path for part in parts if part.are_files for path in part.X]
    shapes: list[tuple[int, ...]] = []
    shape: Shape | None = None
    if files:
        broken: Skipped = []
        size = None if wanted is None else wanted[:2]
        shape = common_shape(files, size, on_error=on_error, skipped=broken)
        if wanted is not None and len(wanted) == 3:
            shape = (wanted[0], wanted[1], wanted[2])
        shapes = [shape]
        skipped += [path for _, path, _ in broken]
        parts = [_without(part, {path for _, path, _ in broken}) for part in parts]
    for place, part in enumerate(parts):
        if not part.are_files:
            part, shape = _with_shape(part)
            if wanted is not None:
                part = _in_shape(part, shape, wanted)
                shape = part.X.shape[1:]
            shapes.append(shape if shape is not None else part.X.shape[1:])
            parts[place] = part
    if len(set(shapes)) > 1:
        told = " and ".join(map(str, shapes))
        raise bad(
            train.place,
            f"and its test images are of several shapes, {told}: say by image_shape to "
            "which they should be brought",
        )
    return parts[0], (*parts, None)[1], shape


def check_every_class(names: np.ndarray, left: np.ndarray, place: Any) -> None:
    """Refuse a class of which no file can be read."""
    lost = np.setdiff1d(names, left)
    if len(lost):
        raise bad(place, f"holds no image of {str(lost[0])!r} that can be read")


def _without(part: Samples, broken: set[str]) -> Samples:
    if not part.are_files or not broken:
        return part
    rows = [row for row, path in enumerate(part.X) if path not in broken]
    kept = part.take(rows)
    check_every_class(np.unique(part.labels), np.unique(kept.labels), part.place)
    return kept


def _with_shape(samples: Samples) -> tuple[Samples, Shape | None]:
    """Return samples as images with channels last, and the shape of these.

    Parameters
    ----------
    samples : Samples
        With X of shape (n, features), (n, height, width), (n, height, width, channels)
        or, which is turned to that, (n, channels, height, width).

    Returns
    -------
    tuple of (Samples, tuple or None)
        (height, width, channels); of flat rows that of a square, or None where they
        make none.

    Raises
    ------
    DataFileError
        When X is nothing of the kind.
    """
    X = samples.X
    if X.dtype.kind not in "iufb":
        raise bad(samples.place, f"holds images of {X.dtype}; they must be numbers")
    if not X.dtype.isnative:
        X = X.astype(X.dtype.newbyteorder("="))
        samples = Samples(X, samples.labels, samples.place)
    if X.ndim not in (2, 3, 4) or min(X.shape[1:]) < 1:
        raise bad(
            samples.place,
            f"holds images of shape {X.shape}; it must be (n, features), (n, height, "
            "width) or (n, height, width, channels)",
        )
    if X.ndim == 2:
        side = isqrt(X.shape[1])
        return samples, (side, side, 1) if side * side == X.shape[1] else None
    if X.ndim == 3:
        return samples, (*X.shape[1:], 1)
    if X.shape[3] not in CHANNELS and X.shape[1] in CHANNELS:
        X = np.moveaxis(X, 1, 3)
    elif X.shape[3] not in CHANNELS:
        raise bad(
            samples.place,
            f"holds images of shape {X.shape}, with {X.shape[3]} channels",
        )
    return Samples(X, samples.labels, samples.place), X.shape[1:]


def _in_shape(samples: Samples, own: Shape | None, wanted: tuple[int, ...]) -> Samples:
    """Return samples as images of a shape.

    Parameters
    ----------
    samples : Samples
        As `_with_shape` returned them.
    own : tuple or None
        Their shape, as well.
    wanted : tuple
        (height, width), or with channels.

    Returns
    -------
    Samples
        With X of shape (n, height, width, channels). Rows of as many numbers as it
        takes are read as it; others are resized.

    Raises
    ------
    DataFileError
        When rows are no images, or the channels are others.
    """
    X = samples.X
    if X.ndim == 2 and prod(wanted) == X.shape[1]:
        own = (*wanted, 1)[:3]  # type: ignore[assignment]
    if own is None:
        raise bad(
            samples.place,
            f"has rows of {X.shape[1]} numbers, which are neither square images nor of "
            f"the shape {wanted}",
        )
    if len(wanted) == 3 and wanted[2] != own[2]:
        raise bad(
            samples.place,
            f"holds images of {own[2]} channel{'s' * (own[2] > 1)}, where image_shape="
            f"{wanted} says {wanted[2]}",
        )
    images = X.reshape(len(X), *own)
    if own[:2] != wanted[:2]:
        size = (wanted[0], wanted[1])
        smaller = np.empty((len(X), *size, own[2]), X.dtype)
        for image, out in zip(images, smaller, strict=True):
            out[...] = resized(image, size)
        images = smaller
    return Samples(images, samples.labels, samples.place)
