"""Arrays of images and labels: `.npz` archives and pairs of `.npy` files.

Nothing is unpickled, and no header is trusted with memory.
"""

from __future__ import annotations

import zipfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from sknn_mnist.datasets._samples import Parts, Samples, bad, what_it_says

__all__ = ["is_npy_pair", "read_npy_pair", "read_npz"]

# Names of images and of labels, as they go together.
PAIRS = (
    ("X", "y"),
    ("data", "target"),
    ("data", "targets"),
    ("data", "labels"),
    ("images", "labels"),
    ("images", "target"),
    ("images", "targets"),
    ("x", "y"),
    ("X", "Y"),
    ("features", "labels"),
)
NAMELESS = ("arr_0", "arr_1")  # as np.savez(file, X, y) has it
TRAIN, TEST = ("train", "training"), ("test", "testing")


def read_npz(path: Path) -> Parts:
    """Read images and labels under any of the usual names.

    Parameters
    ----------
    path : Path
        The archive.

    Returns
    -------
    tuple of two Samples
        Training and test samples; None for the latter where there are none.

    Raises
    ------
    DataFileError
        When it is no archive, damaged, pickled, or has other names.
    """
    with what_it_says(path, "an .npz archive"), zipfile.ZipFile(path) as archive:
        members = {
            each.filename.removesuffix(".npy"): each for each in archive.infolist()
        }
        train, test = _pairs_among(list(members), path)

        def read(pair: tuple[str, str]) -> Samples:
            X, y = (_member(archive, members[name], path) for name in pair)
            return Samples(X, y, str(path))

        return read(train), None if test is None else read(test)


def is_npy_pair(names: list[str]) -> bool:
    """Tell whether files of a folder are `.npy` files."""
    return any(each.lower().endswith(".npy") for each in names)


def read_npy_pair(path: Path) -> Parts:
    """Map images into memory, and read their labels, from files beside each other.

    Parameters
    ----------
    path : Path
        A folder with ``X.npy`` and ``y.npy``, or under any other of the usual names;
        or the file of the images.

    Returns
    -------
    tuple of two Samples
        Training and test samples; None for the latter where there are none.

    Raises
    ------
    DataFileError
        When files are missing, damaged, pickled, or called otherwise.
    """
    folder = path if path.is_dir() else path.parent
    files = {each.stem: each for each in sorted(folder.glob("*.[nN][pP][yY]"))}
    stem = None if path.is_dir() else path.stem
    train, test = _pairs_among(list(files), folder, stem)

    def read(pair: tuple[str, str]) -> Samples:
        images, labels = (files[name] for name in pair)
        return Samples(_mapped(images), np.array(_mapped(labels)), str(images))

    return read(train), None if test is None else read(test)


def _pairs_among(
    names: list[str], place: Path, images: str | None = None
) -> tuple[tuple[str, str], tuple[str, str] | None]:
    """Return the names of training and of test arrays among those that there are."""
    whole = [pair for pair in (*PAIRS, NAMELESS) if set(pair) <= set(names)]
    train = [pair for pair in _with_part(TRAIN) if set(pair) <= set(names)]
    test = [pair for pair in _with_part(TEST) if set(pair) <= set(names)]
    found = [*whole, *train]
    if images is not None:  # one is meant, whatever else there is
        found = [pair for pair in [*found, *test] if pair[0] == images]
        test = test if found and found[0] in train else []
    elif whole:
        test = []
    if not found:
        there = ", ".join(map(repr, sorted(names)[:20])) or "nothing"
        what = "labels to it" if images else "images and labels"
        raise bad(
            place,
            f"holds {there}, and no {what} under a usual name: X and y, data and "
            "target, images and labels, x_train, y_train, x_test and y_test",
        )
    several = {pair[0] for pair in found}
    if len(several) > 1 or len({pair[0] for pair in test}) > 1:
        told = " and ".join(map(repr, sorted(several | {pair[0] for pair in test})))
        raise bad(place, f"holds {told}, each of which may be the images")
    if len({pair[1] for pair in found}) > 1:
        told = " and ".join(sorted(repr(pair[1]) for pair in found))
        raise bad(place, f"holds {told}, each of which may be the labels")
    return found[0], test[0] if test else None


def _with_part(parts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return ("x_train", "y_train"), ("train_images", "train_labels") and the like."""
    return [
        pair
        for part in parts
        for images, labels in PAIRS
        for pair in (
            (f"{images}_{part}", f"{labels}_{part}"),
            (f"{part}_{images}", f"{part}_{labels}"),
        )
    ] + [(f"X_{part}", f"y_{part}") for part in parts]


def _member(archive: zipfile.ZipFile, about: zipfile.ZipInfo, path: Path) -> np.ndarray:
    """Read one array; what its header says must be what the archive holds."""
    name = about.filename.removesuffix(".npy")
    with archive.open(about) as file:
        shape, _, dtype = _header(file)
        if dtype.hasobject:
            raise bad(
                path, f"holds {name!r} as Python objects, which are not unpickled"
            )
        expected = prod(shape) * dtype.itemsize
        there = about.file_size - file.tell()
        if there != expected:
            raise bad(
                path, f"states {expected} bytes of {name!r} and holds {there} of them"
            )
    with archive.open(about) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _mapped(path: Path) -> np.ndarray:
    """Map an array of a file into memory, unread."""
    with what_it_says(path, "an .npy array"):
        if not path.is_file():
            raise bad(path, "is no file")
        with path.open("rb") as file:
            shape, _, dtype = _header(file)
        if dtype.hasobject:
            raise bad(path, "holds Python objects, which are not unpickled")
        if prod(shape) == 0:  # which can't be mapped
            return np.empty(shape, dtype)
        return np.load(path, mmap_mode="r", allow_pickle=False)
