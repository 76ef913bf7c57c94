"""Files of MNIST in, four arrays out: `.npz` as Keras lays it out, or IDX.

Nothing is unpickled. A file that is anything else is refused by one error, which
names it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sknn_mnist._messages import one_line
from sknn_mnist.datasets._idx_files import read_idx

__all__ = ["IDX_NAMES", "mnist_file_in", "read_idx", "read_mnist"]

# (images, labels) of the training and of the test set, without ".gz".
IDX_NAMES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
NPZ_NAMES = ("x_train", "y_train", "x_test", "y_test")

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def mnist_file_in(place: Path) -> Path | None:
    """Return what `read_mnist` can read at `place`: file, folder of IDX, or None."""
    if place.is_file():
        return place
    if not place.is_dir():
        return None
    if (place / "mnist.npz").is_file():
        return place / "mnist.npz"
    names = [name for pair in IDX_NAMES for name in pair]
    return place if all(_idx_file(place, name) for name in names) else None


def read_mnist(place: Path) -> Arrays:
    """Return (x_train, y_train, x_test, y_test), uint8, images of 28×28.

    Parameters
    ----------
    place : Path
        What `mnist_file_in` returned.

    Returns
    -------
    tuple of four ndarrays of uint8
        Shapes (n_train, 28, 28), (n_train,), (n_test, 28, 28), (n_test,).

    Raises
    ------
    ValueError
        When a file is truncated, corrupt or holds something else.
    """
    if place.is_dir():
        arrays = [
            read_idx(_existing(place, name)) for pair in IDX_NAMES for name in pair
        ]
        sources = [_existing(place, name) for pair in IDX_NAMES for name in pair]
    else:
        arrays, sources = _read_npz(place), [place] * 4
    for images, labels, source, label_source in (
        (arrays[0], arrays[1], sources[0], sources[1]),
        (arrays[2], arrays[3], sources[2], sources[3]),
    ):
        _check_images(images, source)
        _check_labels(labels, label_source, len(images))
    return tuple(arrays)  # type: ignore[return-value]


def _read_npz(path: Path) -> list[np.ndarray]:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise _bad(path, "is not an .npz archive")
        with archive:
            missing = [name for name in NPZ_NAMES if name not in archive.files]
            if missing:
                raise _bad(path, f"lacks {', '.join(missing)}")
            arrays = [archive[name] for name in NPZ_NAMES]
    except _BadFileError:
        raise
    # zipfile and zlib raise errors of their own, and NumPy evaluates an array's header
    # as a Python literal and lets pass whatever that raises.
    except Exception as err:
        reason = one_line(err)[:200] or type(err).__name__
        raise _bad(path, f"can't be read as an .npz archive ({reason})") from err
    for name, array in zip(NPZ_NAMES, arrays, strict=True):
        if not isinstance(array, np.ndarray):  # NumPy returns other members as bytes
            raise _bad(path, f"holds a {name} that is no array")
    return arrays


def _check_images(images: np.ndarray, source: Path) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
        raise _bad(
            source,
            "should hold images of shape (n, 28, 28) and dtype uint8, not "
            f"{images.shape} and {images.dtype}",
        )
    if len(images) == 0:
        raise _bad(source, "holds no images")


def _check_labels(labels: np.ndarray, source: Path, n_images: int) -> None:
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise _bad(
            source,
            "should hold labels of shape (n,) and dtype uint8, not "
            f"{labels.shape} and {labels.dtype}",
        )
    if len(labels) != n_images:
        raise _bad(source, f"holds {len(labels)} labels for {n_images} images")
    if labels.max() > 9:
        raise _bad(source, f"holds the label {labels.max()}, which is no digit")


class _BadFileError(ValueError):
    """A file of MNIST that is not what it should be."""


def _bad(path: Path, what: str) -> _BadFileError:
    return _BadFileError(f"MNIST file {str(path)!r} {what}.")


def _idx_file(folder: Path, name: str) -> Path | None:
    """Return the file of that name: with a dot or a dash, gzipped or not."""
    for variant in (name, name.replace("-idx", ".idx")):
        for ending in ("", ".gz"):
            if (folder / (variant + ending)).is_file():
                return folder / (variant + ending)
    return None


def _existing(folder: Path, name: str) -> Path:
    found = _idx_file(folder, name)
    if found is None:
        raise _bad(folder / name, "is missing")
    return found
