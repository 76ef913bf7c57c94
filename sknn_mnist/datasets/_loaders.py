"""Handwritten digits: MNIST, and scikit-learn's digits in MNIST's shape.

Nothing is downloaded unless it is asked for.
"""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils import Bunch

from sknn_mnist._parameters import check_bool, check_one_of
from sknn_mnist.datasets._mnist_files import mnist_file_in, read_mnist

__all__ = ["find_mnist", "load_dataset", "load_digits28", "load_mnist"]

ENVIRONMENT_VARIABLE = "SKNN_MNIST_DATA"

# The file that `keras.datasets.mnist` downloads.
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

MNIST_DESCR = """The MNIST database of handwritten digits.

Images of 28×28 pixels, 10 classes; as published 60,000 for training and 10,000 for
testing. Y. LeCun, C. Cortes and C. J. C. Burges, 1998.
"""
DIGITS28_DESCR = """scikit-learn's handwritten digits, in MNIST's shape.

1,797 images of 8×8 pixels, enlarged to 20×20 and framed to 28×28, 10 classes.
E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
Learning Repository, 1998.
"""

# A Bunch, or (X_train, X_test, y_train, y_test).
Loaded: TypeAlias = Any


def load_mnist(
    path: str | PathLike[str] | None = None,
    *,
    layout: str = "flat",
    return_X_y: bool = False,
    as_frame: bool = False,
    dtype: str = "float32",
    download: bool = False,
) -> Loaded:
    """Load MNIST [1]_ from where it is at hand.

    Looked for in this order: `path`, alone, if it is given; the place that the
    environment variable ``SKNN_MNIST_DATA`` names, alone, if it is set; the user's
    Keras cache, ``~/.keras/datasets/mnist.npz``, or under ``KERAS_HOME``.

    Parameters
    ----------
    path : str or path-like, default=None
        A file as Keras keeps it (``mnist.npz``), or a folder that holds it or the
        four IDX files, gzipped or not.
    layout : {"flat", "image"}, default="flat"
        Whether X has one row of 784 features a sample or one image of 28×28.
    return_X_y : bool, default=False
        Whether to return ``(X_train, X_test, y_train, y_test)``, in the order of
        `sklearn.model_selection.train_test_split`, instead of a Bunch.
    as_frame : bool, default=False
        Whether X are DataFrames with columns ``pixel_0_0`` to ``pixel_27_27`` and y
        are Series. Only with the flat layout.
    dtype : {"float32", "float64"}, default="float32"
        Of X.
    download : bool, default=False
        Whether to download MNIST (11 MB, checked against its SHA-256) into the
        Keras cache where it is not at hand.

    Returns
    -------
    Bunch or tuple
        ``X_train`` and ``X_test`` of shape (60000, 784) and (10000, 784), or
        (60000, 28, 28) and (10000, 28, 28), values in [0, 1]; ``y_train`` and
        ``y_test`` of shape (60000,) and (10000,), int64, 0 to 9; ``data`` and
        ``target``, training before test samples; ``frame`` (None unless
        `as_frame`), ``feature_names``, ``target_names``, ``DESCR``, ``name`` and
        ``source``, the place read.

    Raises
    ------
    FileNotFoundError
        When MNIST is not at hand, naming each place looked at.
    OSError
        When the download failed.
    ValueError or TypeError
        When the file is truncated, corrupt or something else, or a parameter is
        out of its range.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of
       handwritten digits", 1998.

    Examples
    --------
    >>> from sknn_mnist.datasets import load_mnist
    >>> X_train, X_test, y_train, y_test = load_mnist(
    ...     return_X_y=True
    ... )  # doctest: +SKIP
    >>> X_train.shape  # doctest: +SKIP
    (60000, 784)
    """
    owner = "load_mnist"
    _check_options(owner, layout, return_X_y, as_frame, dtype, download)
    try:
        place = find_mnist(path)
    except FileNotFoundError:
        if not download or path is not None or os.environ.get(ENVIRONMENT_VARIABLE):
            raise
        place = _download()
    x_train, y_train, x_test, y_test = read_mnist(place)
    pixels = np.empty((len(x_train) + len(x_test), 28, 28), dtype)
    # In place, so that no third copy of the images is made.
    np.divide(x_train, 255, out=pixels[: len(x_train)], casting="unsafe")
    np.divide(x_test, 255, out=pixels[len(x_train) :], casting="unsafe")
    return _pack(
        pixels,
        np.concatenate([y_train, y_test]).astype(np.int64),
        len(x_train),
        layout,
        return_X_y,
        as_frame,
        DESCR=MNIST_DESCR,
        name="mnist",
        source=str(place),
    )


def load_digits28(
    *,
    layout: str = "flat",
    test_size: float = 0.2,
    random_state: Any = 0,
    return_X_y: bool = False,
    as_frame: bool = False,
    dtype: str = "float32",
) -> Loaded:
    """Load scikit-learn's bundled digits at 28×28 pixels.

    Every network of the lesson runs on them without a download. The images of
    8×8 pixels are enlarged to 20×20 by linear interpolation and framed by 4 empty
    pixels, as MNIST frames its digits.

    Parameters
    ----------
    layout : {"flat", "image"}, default="flat"
        Whether X has one row of 784 features a sample or one image of 28×28.
    test_size : float, default=0.2
        Fraction of the samples that make the test set, in (0, 1).
    random_state : int, RandomState instance or None, default=0
        Seeds the split, which is stratified.
    return_X_y : bool, default=False
        Whether to return ``(X_train, X_test, y_train, y_test)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether X are DataFrames and y are Series. Only with the flat layout.
    dtype : {"float32", "float64"}, default="float32"
        Of X.

    Returns
    -------
    Bunch or tuple
        As from :func:`load_mnist`; by default 1,437 training and 360 test samples.

    Raises
    ------
    ValueError or TypeError
        When a parameter is out of its range.

    Examples
    --------
    >>> from sknn_mnist.datasets import load_digits28
    >>> X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    >>> X_train.shape, X_test.shape
    ((1437, 784), (360, 784))
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    _check_options("load_digits28", layout, return_X_y, as_frame, dtype)
    bundled = load_digits()
    # grid_mode takes pixels as areas, so that the picture does not shift.
    enlarged = zoom(
        bundled.images / 16, (1, 2.5, 2.5), order=1, mode="nearest", grid_mode=True
    )
    images = np.pad(np.clip(enlarged, 0, 1), ((0, 0), (4, 4), (4, 4)))
    train, test = train_test_split(
        np.arange(len(images)),
        test_size=test_size,
        random_state=random_state,
        stratify=bundled.target,
    )
    order = np.concatenate([train, test])
    return _pack(
        images[order].astype(dtype),
        bundled.target[order].astype(np.int64),
        len(train),
        layout,
        return_X_y,
        as_frame,
        DESCR=DIGITS28_DESCR,
        name="digits",
        source="sklearn.datasets.load_digits",
    )


def load_dataset(
    name: str = "auto",
    *,
    path: str | PathLike[str] | None = None,
    download: bool = False,
    **options: Any,
) -> Loaded:
    """Load MNIST or the bundled digits, by name.

    Parameters
    ----------
    name : {"auto", "mnist", "digits"}, default="auto"
        "auto" is MNIST where it is at hand, else the bundled digits. A place that
        is given, by `path` or the environment variable, must be good all the same.
    path : str or path-like, default=None
        As in :func:`load_mnist`; not with "digits".
    download : bool, default=False
        As in :func:`load_mnist`.
    **options : dict
        `layout`, `return_X_y`, `as_frame` and `dtype` of both loaders.

    Returns
    -------
    Bunch or tuple
        As from the loader; the Bunch's ``name`` and ``source`` tell which.

    Raises
    ------
    FileNotFoundError, OSError, ValueError or TypeError
        As from the loader.

    Examples
    --------
    >>> from sknn_mnist.datasets import load_dataset
    >>> load_dataset("digits").name
    'digits'
    """
    check_one_of("name", name, ("auto", "mnist", "digits"), "load_dataset")
    if name == "digits":
        if path is not None:
            raise ValueError(
                "The 'path' parameter of load_dataset must be None with "
                f"name='digits'. Got {str(path)!r} instead."
            )
        return load_digits28(**options)
    if name == "auto" and path is None and not download:
        try:
            find_mnist()
        except FileNotFoundError:
            if os.environ.get(ENVIRONMENT_VARIABLE):
                raise
            return load_digits28(**options)
    return load_mnist(path, download=download, **options)


def find_mnist(path: str | PathLike[str] | None = None) -> Path:
    """Return the file or folder that `load_mnist` would read.

    Parameters
    ----------
    path : str or path-like, default=None
        As in :func:`load_mnist`.

    Returns
    -------
    Path
        A file, or a folder with the four IDX files.

    Raises
    ------
    FileNotFoundError
        When MNIST is not at hand, naming each place looked at.

    Examples
    --------
    >>> from sknn_mnist.datasets import find_mnist
    >>> find_mnist("/no/such/folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: MNIST was not found. Looked at path=/no/such/folder...
    """
    places: dict[str, str | PathLike[str] | None]
    if path is not None:
        places = {f"path={os.fspath(path)}": path}
    elif os.environ.get(ENVIRONMENT_VARIABLE):
        given = os.environ[ENVIRONMENT_VARIABLE]
        places = {f"{ENVIRONMENT_VARIABLE}={given}": given}
    else:
        cached = _keras_cache() / "mnist.npz"
        places = {
            f"{ENVIRONMENT_VARIABLE} (not set)": None,
            f"the Keras cache, {cached}": cached,
        }
    for place in places.values():
        # os.path's leaves "~nobody" as it is, where Path's raises a RuntimeError.
        found = None if place is None else mnist_file_in(_expanded(place))
        if found is not None:
            return found
    raise FileNotFoundError(
        f"MNIST was not found. Looked at {'; '.join(places)}. Give the path of "
        "mnist.npz or of a folder with the IDX files, set "
        f"{ENVIRONMENT_VARIABLE} to it, or ask for the download with download=True; "
        "load_digits28 needs no file."
    )


def _keras_cache() -> Path:
    # As Keras finds it, without importing Keras.
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else _expanded("~/.keras")) / "datasets"


def _expanded(path: str | PathLike[str]) -> Path:
    return Path(os.path.expanduser(path))


def _download() -> Path:
    import keras

    folder = _keras_cache()
    try:
        # Keras turns to /tmp when the folder is not there yet.
        folder.mkdir(parents=True, exist_ok=True)
        return Path(
            keras.utils.get_file(
                "mnist.npz",
                origin=MNIST_URL,
                file_hash=MNIST_SHA256,
                hash_algorithm="sha256",
                cache_dir=str(folder.parent),
                cache_subdir=folder.name,
            )
        )
    # Keras raises a bare Exception when a request fails, ValueError on a bad hash.
    except Exception as err:
        raise OSError(
            f"MNIST could not be downloaded from {MNIST_URL} ({err}). Fetch it by "
            f"other means and put it at {folder / 'mnist.npz'}."
        ) from err


def _check_options(
    owner: str,
    layout: Any,
    return_X_y: Any,
    as_frame: Any,
    dtype: Any,
    download: Any = False,
) -> None:
    check_one_of("layout", layout, ("flat", "image"), owner)
    check_one_of("dtype", dtype, ("float32", "float64"), owner)
    check_bool("return_X_y", return_X_y, owner)
    check_bool("as_frame", as_frame, owner)
    check_bool("download", download, owner)
    if as_frame and layout != "flat":
        raise ValueError(
            f"The 'layout' parameter of {owner} must be 'flat' with as_frame=True. "
            f"Got {layout!r} instead."
        )


def _pack(
    pixels: np.ndarray,
    target: np.ndarray,
    n_train: int,
    layout: str,
    return_X_y: bool,
    as_frame: bool,
    **about: Any,
) -> Loaded:
    """Return views of the pixels, by sample set, in the layout asked for."""
    names = [f"pixel_{row}_{column}" for row in range(28) for column in range(28)]
    data: Any = pixels.reshape(len(pixels), -1) if layout == "flat" else pixels
    labels: Any = target
    frame = None
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(data, columns=names)
        labels = pd.Series(target, name="target")
        frame = pd.concat([data, labels], axis=1)
    cut = data.iloc if as_frame else data
    cut_labels = labels.iloc if as_frame else labels
    parts = (cut[:n_train], cut[n_train:], cut_labels[:n_train], cut_labels[n_train:])
    if return_X_y:
        return parts
    X_train, X_test, y_train, y_test = parts
    return Bunch(
        X_train=X_train,
        X_test=X_test,
        y_train=y_train,
        y_test=y_test,
        data=data,
        target=labels,
        frame=frame,
        feature_names=names,
        target_names=np.arange(10),
        **about,
    )
