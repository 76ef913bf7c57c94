"""Datasets by name."""

from __future__ import annotations

import os
from os import PathLike
from typing import Any

from sknn_mnist._parameters import call_as, check_bool, check_one_of, check_path
from sknn_mnist.datasets._bunch import Loaded
from sknn_mnist.datasets._digits28 import load_digits28
from sknn_mnist.datasets._locating import ENVIRONMENT_VARIABLE, find_mnist
from sknn_mnist.datasets._mnist import load_mnist

__all__ = ["load_dataset"]


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
        "auto" is MNIST where it is found, else the bundled digits. A place that is
        given, by `path` or the environment variable, must hold MNIST all the same.
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
    owner = "load_dataset"
    check_one_of("name", name, ("auto", "mnist", "digits"), owner)
    check_bool("download", download, owner)
    if path is not None:
        path = check_path("path", path, owner)
    if name == "digits":
        if path is not None:
            raise ValueError(
                "The 'path' parameter of load_dataset must be None with "
                f"name='digits'. Got {path!r} instead."
            )
        return call_as(owner, load_digits28, **options)
    if name == "auto" and path is None and not download:
        try:
            find_mnist()
        except FileNotFoundError:
            if os.environ.get(ENVIRONMENT_VARIABLE):
                raise
            return call_as(owner, load_digits28, **options)
    return call_as(owner, load_mnist, path, download=download, **options)
