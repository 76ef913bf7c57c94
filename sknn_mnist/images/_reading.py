"""Many image files: the shape that they share, and their pixels as one array.

Threads read them. An image comes out the same whichever others are read with it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from os import PathLike
from typing import Any

import numpy as np

from sknn_mnist._messages import and_more
from sknn_mnist._parameters import check_image_shape, invalid
from sknn_mnist.images._files import BrokenImageError, header_shape, read_image

__all__ = [
    "ImageFileError",
    "Skipped",
    "check_file_shape",
    "common_shape",
    "is_path_array",
    "paths_of",
    "read_images",
    "several_sizes",
]

# (place in the array of paths, file, what is wrong with it).
Skipped = list[tuple[int, str, str]]

MOST_NAMED = 20  # in one message
PIECE = 64  # files that a thread takes at a time


class ImageFileError(ValueError):
    """Files that are no images that can be read.

    Attributes
    ----------
    files : list of (str, str)
        Of all of them, name and what is wrong.
    """

    files: list[tuple[str, str]] = []  # noqa: RUF012  so that it can be pickled


def is_path_array(X: Any) -> bool:
    """Tell whether X is an array-like of paths, each a str or a path-like.

    Parameters
    ----------
    X : object
        What a user gave as samples.

    Returns
    -------
    bool
        Whether it has shape (n,) or (n, 1), n > 0, and holds paths alone.
    """
    if isinstance(X, str | bytes | PathLike | dict | set):
        return False
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    if kind not in "OUT":  # of what NumPy and pandas have text in
        return False
    cells = _cells(X)
    return cells is not None and len(cells) > 0 and all(map(_is_path, cells))


def paths_of(X: Any) -> list[str]:
    """Return the paths of an array-like that `is_path_array` took, each as a str."""
    cells = _cells(X)
    assert cells is not None
    return [os.fspath(each) for each in cells]


def common_shape(
    paths: Any,
    image_shape: Any = None,
    *,
    on_error: str = "raise",
    skipped: Skipped | None = None,
) -> tuple[int, int, int]:
    """Return the shape in which images can be read, of all files' headers.

    Parameters
    ----------
    paths : array-like of str or path-like, of shape (n,) or (n, 1)
        The files.
    image_shape : tuple, "auto" or None, default=None
        None or "auto": the one size that they all have. (height, width): that size.
        The channels of both are 1 where all files are grey, else 3. (height, width,
        channels) is returned as it is, without a look at the files.
    on_error : {"raise", "skip"}, default="raise"
        Whether files that can't be read are an error, or are left out.
    skipped : list or None, default=None
        Where those that are left out are noted: (place, file, what is wrong).

    Returns
    -------
    tuple of three ints
        (height, width, channels).

    Raises
    ------
    ImageFileError
        When files can't be read; it names all of them. Also when none can be.
    ValueError
        When they have several sizes; it names those.
    """
    if image_shape is None or isinstance(image_shape, str):
        given = None
    else:
        given = check_file_shape(image_shape, "common_shape")
        if len(given) == 3:
            return given
    names = paths_of(paths)
    if not names:
        raise ValueError("There is no image file to tell the images' shape by.")
    shapes, broken = _each(names, header_shape)
    _judge(broken, names, on_error, skipped)
    found = {place: shape for place, shape in enumerate(shapes) if shape is not None}
    channels = max(shape[2] for shape in found.values())
    if given is not None:
        return (*given, channels)
    sizes = {place: shape[:2] for place, shape in found.items()}
    if len(set(sizes.values())) > 1:
        raise several_sizes({names[place]: size for place, size in sizes.items()})
    return (*next(iter(sizes.values())), channels)


def read_images(
    paths: Any,
    shape: tuple[int, int, int],
    *,
    resize: bool = True,
    on_error: str = "raise",
    skipped: Skipped | None = None,
) -> np.ndarray:
    """Return the pixels of image files, in one shape.

    Parameters
    ----------
    paths : array-like of str or path-like, of shape (n,) or (n, 1)
        The files.
    shape : tuple of three ints
        (height, width, channels), channels 1, 3 or 4, as `common_shape` returns it.
    resize : bool, default=True
        Whether images of another size are resized; else they are files that can't be
        read.
    on_error, skipped
        As in `common_shape`. The places that are noted are those of rows that the
        array does not have.

    Returns
    -------
    ndarray of uint8 of shape (n, height, width, channels)
        In the order of the paths, and as `read_image` tells.

    Raises
    ------
    ImageFileError
        When files can't be read; it names all of them. Also when none can be.
    """
    names = paths_of(paths)
    images = np.empty((len(names), *shape), np.uint8)

    def read_into(path: str, place: int) -> bool:
        images[place] = read_image(path, shape, resize)
        return True

    done, broken = _each(names, read_into, with_place=True)
    _judge(broken, names, on_error, skipped)
    return images[[each is not None for each in done]] if broken else images


def check_file_shape(value: Any, owner: str) -> tuple[int, ...]:
    """Return an `image_shape` of (h, w) or (h, w, channels) of image files."""
    shape = tuple(check_image_shape("image_shape", value, owner)[: len(value)])
    if shape[2:] not in ((), (1,), (3,), (4,)):
        raise invalid(
            "image_shape",
            owner,
            "(height, width) or (height, width, channels) with 1, 3 or 4 channels",
            value,
        )
    return shape


def several_sizes(sizes: dict[str, tuple[int, int]]) -> ValueError:
    """Return the error about images of several sizes; the caller raises it.

    Parameters
    ----------
    sizes : dict
        (height, width) of each, by name.
    """
    counts = Counter(sizes.values())
    examples = {size: name for name, size in reversed(sizes.items())}
    told = [
        f"{height}×{width} ({count}, as {examples[height, width]!r})"
        for (height, width), count in counts.most_common()
    ]
    (height, width), _ = counts.most_common(1)[0]
    return ValueError(
        f"The images have {len(counts)} sizes, and a network takes one: "
        f"{and_more(told, MOST_NAMED)}. Say to which they should be resized, such as "
        f"image_shape=({height}, {width})."
    )


def _each(
    names: Sequence[str], function: Callable[..., Any], with_place: bool = False
) -> tuple[list[Any], Skipped]:
    """Call a function with each file, in threads; return results and who failed."""
    results: list[Any] = [None] * len(names)
    failed: dict[int, str] = {}

    def work(start: int) -> None:
        for place in range(start, min(start + PIECE, len(names))):
            arguments = (names[place], place) if with_place else (names[place],)
            try:
                results[place] = function(*arguments)
            except BrokenImageError as err:
                failed[place] = str(err)

    starts = range(0, len(names), PIECE)
    if len(starts) == 1:
        work(0)
    else:
        _in_threads(work, starts)
    return results, [(place, names[place], failed[place]) for place in sorted(failed)]


def _in_threads(work: Callable[[int], None], starts: Sequence[int]) -> None:
    pool = _threads_of(os.getpid())
    futures = [pool.submit(work, start) for start in starts]
    try:
        for future in futures:
            future.result()
    except BaseException:  # Ctrl-C as well: nobody waits for the rest
        for future in futures:
            future.cancel()
        raise


@cache
def _threads_of(process: int) -> ThreadPoolExecutor:
    """Return this process's threads; a forked one has none of those of its parent."""
    return ThreadPoolExecutor(os.cpu_count() or 1, "sknn_mnist_images")


def _judge(
    broken: Skipped, names: Sequence[str], on_error: str, skipped: Skipped | None
) -> None:
    if not broken:
        return
    if on_error == "skip" and len(broken) < len(names):
        if skipped is not None:
            skipped.extend(broken)
        return
    told = [f"{name!r} ({what})" for _, name, what in broken]
    error = ImageFileError(
        f"{len(broken)} of {len(names)} image files can't be read: "
        f"{and_more(told, MOST_NAMED)}."
    )
    error.files = [(name, what) for _, name, what in broken]
    raise error


def _cells(X: Any) -> list[Any] | None:
    """Return the cells of an array-like of shape (n,) or (n, 1); None for others."""
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple) and shape[1:] not in ((), (1,)):
        return None  # before anything is made of what may be large
    if hasattr(X, "shape") or hasattr(X, "__array__"):
        array = np.asarray(X, dtype=object)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        return list(array) if array.ndim == 1 else None
    if not isinstance(X, Sequence):
        return None
    if all(isinstance(row, list | tuple) and len(row) == 1 for row in X):
        return [row[0] for row in X]
    return list(X)


def _is_path(cell: Any) -> bool:
    return isinstance(cell, str | PathLike) and isinstance(os.fspath(cell), str)
