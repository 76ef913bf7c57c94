"""Images of the user's own, from a folder, a table or a file of arrays."""

from __future__ import annotations

import os
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sknn_mnist._parameters import (
    as_random_state,
    check_bool,
    check_one_of,
    check_path,
    invalid,
)
from sknn_mnist.datasets._bunch import Loaded
from sknn_mnist.datasets._image_shapes import check_every_class, one_shape
from sknn_mnist.datasets._labels import encode
from sknn_mnist.datasets._samples import Parts, Samples, bad
from sknn_mnist.datasets._sources import Sources
from sknn_mnist.datasets._splits import check_test_size, divided, split_rows
from sknn_mnist.images._reading import Skipped, check_file_shape, read_images

__all__ = ["load_images"]

OWNER = "load_images"


def load_images(
    path: str | PathLike[str],
    *,
    target: str | int | None = None,
    image_shape: tuple[int, ...] | None = None,
    test_data: str | PathLike[str] | None = None,
    test_size: float | None = None,
    random_state: Any = 0,
    on_error: str = "raise",
    as_paths: bool = False,
    return_X_y: bool = False,
) -> Loaded:
    """Load images of your own, with their labels.

    Parameters
    ----------
    path : str or path-like
        One of these:

        - a folder that holds a folder for each class, called as the class, with its
          images: PNG, JPEG, BMP, GIF, TIFF, WebP or PPM. Hidden files and what systems
          leave behind (``Thumbs.db``) are not looked at;
        - a CSV file (``.csv``, ``.tsv``, gzipped or not) or a parquet file with a row
          an image: a column of labels, and a column for each pixel. A first row of
          names may be missing;
        - an ``.npz`` archive with images and labels as ``X`` and ``y``, ``data`` and
          ``target``, ``images`` and ``labels``, or ``x_train``, ``y_train``,
          ``x_test`` and ``y_test``, and the like. Nothing is unpickled;
        - a folder with a pair of ``.npy`` files under such names, or the images' file
          of these. The images are mapped into memory, and read
          where they are split;
        - a folder with the IDX files of a set in MNIST's form (Fashion-MNIST, KMNIST,
          EMNIST), gzipped or not, or one of these files.

        A folder may also hold two folders, ``train`` and ``test``, each with one of
        these.
    target : str or int, default=None
        Of a table: the column of the labels, by its name or place. None for the one
        that is called label, target, class or y, in any case of letters; else for the
        first, if all others are called as pixels are (``pixel0``, ``1x1``) or none has
        a name.
    image_shape : tuple, default=None
        (height, width) that images are resized to, as `sknn_mnist.ImageReader` does,
        or (height, width, channels). Image files become grey, RGB or RGBA with 1, 3
        or 4 channels; without a word on channels they are grey if all are, else RGB.
        Flat rows of as many numbers are taken as such images. None for the size that
        all images have.
    test_data : str or path-like, default=None
        Test images, of any of these forms; `path` then holds training images alone.
    test_size : float or int, default=None
        Where the data has no test images of its own: the fraction of the images that
        make them, in (0, 1), or their number; stratified by the labels. None for 0.2,
        0 for none.
    random_state : int, RandomState instance or None, default=0
        Seeds the split, and the order of images from class folders: training images
        are shuffled, so that no class comes last.
    on_error : {"raise", "skip"}, default="raise"
        What to do with image files that can't be read: an error that names all of
        them, or leave them out and say which in ``skipped``.
    as_paths : bool, default=False
        Whether X are the paths of image files, unread but for their headers, for
        networks and pipelines that read them batch by batch.
    return_X_y : bool, default=False
        Whether to return ``(X_train, X_test, y_train, y_test)`` instead of a Bunch.

    Returns
    -------
    Bunch or tuple
        ``X_train`` and ``X_test``: of image files, uint8 of shape (n, height, width,
        channels), their EXIF orientation applied, transparency dropped, 16 bits
        brought to 8. Of arrays, in the dtype of the file and in the shape that they
        have there, channels brought last; of tables flat rows, in uint8 where all
        numbers are integers from 0 to 255. With `image_shape`, always (n, height,
        width, channels). ``y_train`` and ``y_test``: codes from 0, int64, of the
        classes in ``target_names``, an array of str: numbers in their order, "2"
        before "10". Labels with fractions stay as they are, and target_names is None.
        ``image_shape`` is (height, width, channels) of the images, None for rows that
        are no square ones; ``n_skipped`` and ``skipped`` tell which files were left
        out, ``files_train`` and ``files_test`` which were read (None for arrays);
        ``name``, ``source`` and ``DESCR`` what was loaded.

    Raises
    ------
    FileNotFoundError
        When there is nothing at the path.
    ValueError or TypeError
        When the data can't be read or does not fit together, images have several sizes
        and `image_shape` says none, or a parameter is out of its range. Of image files
        that can't be read all are named.
    ImportError
        When a parquet file is to be read and pyarrow is not installed.

    See Also
    --------
    sknn_mnist.ImageReader : Reads image files as a step of a pipeline.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sknn_mnist.datasets import load_images
    >>> digits = load_digits()
    >>> file = tempfile.mkdtemp() + "/digits.npz"
    >>> np.savez(file, images=digits.images.astype("uint8"), labels=digits.target)
    >>> bunch = load_images(file)
    >>> bunch.X_train.shape, bunch.X_test.shape, bunch.image_shape
    ((1437, 8, 8), (360, 8, 8), (8, 8, 1))
    >>> load_images(file, image_shape=(28, 28)).X_train.shape
    (1437, 28, 28, 1)
    """
    place = _expanded(check_path("path", path, OWNER))
    if isinstance(target, bool) or not isinstance(target, str | Integral | None):
        raise invalid("target", OWNER, "a str, an int or None", target)
    wanted = None if image_shape is None else check_file_shape(image_shape, OWNER)
    check_test_size(test_size, OWNER)
    seed = as_random_state("random_state", random_state, OWNER)
    check_one_of("on_error", on_error, ("raise", "skip"), OWNER)
    check_bool("as_paths", as_paths, OWNER)
    check_bool("return_X_y", return_X_y, OWNER)
    beside = None if test_data is None else check_path("test_data", test_data, OWNER)

    sources = Sources(target, on_error, OWNER)
    train, test = _parts(sources, place, beside, test_size)
    if as_paths and not (train.are_files and (test is None or test.are_files)):
        raise invalid("as_paths", OWNER, "False where data is no image files", as_paths)
    skipped = sources.left_out
    train, test, shape = one_shape(train, test, wanted, on_error, skipped)
    y, y_test, names = encode(train, test)
    if train.are_files and names is not None and len(names) == 1:
        raise bad(
            place,
            f"holds images of one class, {str(names[0])!r}, and there must be two or "
            "more; if that is the folder of the data, give that",
        )
    if test is None:
        rows, test_rows = split_rows(y, names, test_size, seed, OWNER)
        train, test = divided(train, rows, test_rows)
        y, y_test = y[rows], y[test_rows]
    if train.are_files:
        # By class as they are in folders, they would be learnt one after the other, and
        # the last be `validation_split`.
        rows = seed.permutation(len(y))
        train, y = train.take(rows), y[rows]
    assert y_test is not None
    X_train, y_train, files_train = _read(train, y, shape, on_error, as_paths, skipped)
    X_test, y_test, files_test = _read(test, y_test, shape, on_error, as_paths, skipped)
    if names is not None:
        check_every_class(names, names[np.unique(y_train)], place)
    if return_X_y:
        return X_train, X_test, y_train, y_test
    return Bunch(
        X_train=X_train,
        X_test=X_test,
        y_train=y_train,
        y_test=y_test,
        target_names=names,
        image_shape=shape,
        files_train=files_train,
        files_test=files_test,
        n_skipped=len(skipped),
        skipped=skipped,
        name=place.name.partition(".")[0] or str(place),
        source=str(place),
        DESCR=_description(place, shape, names, len(y_train), len(y_test)),
    )


def _parts(sources: Sources, place: Path, beside: str | None, test_size: Any) -> Parts:
    """Return training and test samples, of one place or of two."""
    train, test = sources.parts_of(place)
    if beside is not None:
        if test is not None:
            raise invalid(
                "test_data", OWNER, f"None: {str(place)!r} has test images", beside
            )
        test = sources.whole_of(_expanded(beside))
    if test is not None and test_size is not None:
        raise invalid(
            "test_size", OWNER, "None where there are test images already", test_size
        )
    return train, test


def _expanded(path: str) -> Path:
    # os.path's leaves "~nobody" as it is, where Path's raises a RuntimeError.
    return Path(os.path.expanduser(path))


def _read(
    part: Samples,
    y: np.ndarray,
    shape: Any,
    on_error: str,
    as_paths: bool,
    skipped: list[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return X, y and the files of a part, without those that are broken."""
    if not part.are_files:
        return part.X, y, None
    files = np.array(part.X, dtype=str)
    if as_paths:
        return files, y, files
    broken: Skipped = []
    X = read_images(part.X, shape, on_error=on_error, skipped=broken)
    kept = np.delete(np.arange(len(y)), [row for row, _, _ in broken])
    skipped += [file for _, file, _ in broken]
    return X, y[kept], files[kept]


def _description(
    place: Path, shape: Any, names: np.ndarray | None, n_train: int, n_test: int
) -> str:
    what = "rows" if shape is None else f"images of {'×'.join(map(str, shape))} pixels"
    classes = "" if names is None else f", {len(names)} classes"
    return f"{n_train + n_test} {what}{classes}, {n_test} to test with, from {place}.\n"
