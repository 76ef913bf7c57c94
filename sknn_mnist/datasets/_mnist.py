"""MNIST, from where it is stored."""

from __future__ import annotations

import os
from os import PathLike

import numpy as np

from sknn_mnist._parameters import call_as
from sknn_mnist.datasets._bunch import Loaded, check_options, pack
from sknn_mnist.datasets._locating import (
    ENVIRONMENT_VARIABLE,
    download_mnist,
    find_mnist,
)
from sknn_mnist.datasets._mnist_files import read_mnist

__all__ = ["load_mnist"]

MNIST_DESCR = """The MNIST database of handwritten digits.

Images of 28×28 pixels, 10 classes; as published 60,000 for training and 10,000 for
testing. Y. LeCun, C. Cortes and C. J. C. Burges, 1998.
"""


def load_mnist(
    path: str | PathLike[str] | None = None,
    *,
    layout: str = "flat",
    return_X_y: bool = False,
    as_frame: bool = False,
    dtype: str = "float32",
    download: bool = False,
) -> Loaded:
    """Load MNIST from where it is stored.

    The digits of [1]_. They are looked for in one place: `path` if that is given; else
    what the environment variable ``SKNN_MNIST_DATA`` names, if that is set; else the
    user's Keras cache, ``~/.keras/datasets/mnist.npz``, or under ``KERAS_HOME``.

    Parameters
    ----------
    path : str or path-like, default=None
        A file as Keras keeps it (``mnist.npz``), or a folder that holds it or the
        four IDX files, gzipped or not.
    layout : {"flat", "image"}, default="flat"
        Whether each sample of X is a row of 784 features or an image of 28×28.
    return_X_y : bool, default=False
        Whether to return ``(X_train, X_test, y_train, y_test)``, in the order of
        `sklearn.model_selection.train_test_split`, instead of a Bunch.
    as_frame : bool, default=False
        Whether X are DataFrames with columns ``pixel_0_0`` to ``pixel_27_27`` and y
        are Series. Only with the flat layout.
    dtype : {"float32", "float64"}, default="float32"
        Dtype of X.
    download : bool, default=False
        Whether to download MNIST (11 MB, checked against its SHA-256) into the
        Keras cache where it is not found.

    Returns
    -------
    Bunch or tuple
        ``X_train`` and ``X_test`` of shape (60000, 784) and (10000, 784), or
        (60000, 28, 28) and (10000, 28, 28), values in [0, 1]; ``y_train`` and
        ``y_test`` of shape (60000,) and (10000,), int64, 0 to 9; ``data`` and
        ``target``, training before test samples; ``frame`` (None unless
        `as_frame`), ``feature_names``, ``target_names``, ``DESCR``, ``name`` and
        ``source``, the file or folder that was read.

    Raises
    ------
    FileNotFoundError
        When MNIST is not found, naming each place looked at.
    OSError
        When the download failed.
    ValueError or TypeError
        When the file is truncated, corrupt or not MNIST, or a parameter is out of
        its range.

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
    check_options(owner, layout, return_X_y, as_frame, dtype, download)
    try:
        place = call_as(owner, find_mnist, path)
    except FileNotFoundError:
        if not download or path is not None or os.environ.get(ENVIRONMENT_VARIABLE):
            raise
        place = download_mnist()
    x_train, y_train, x_test, y_test = read_mnist(place)
    pixels = np.empty((len(x_train) + len(x_test), 28, 28), dtype)
    # In place, so that no third copy of the images is made.
    np.divide(x_train, 255, out=pixels[: len(x_train)], casting="unsafe")
    np.divide(x_test, 255, out=pixels[len(x_train) :], casting="unsafe")
    return pack(
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
