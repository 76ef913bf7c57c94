"""Where MNIST is: given, in the cache, or downloaded because it was asked for."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from sknn_mnist._parameters import check_path
from sknn_mnist.datasets._mnist_files import mnist_file_in

__all__ = ["ENVIRONMENT_VARIABLE", "download_mnist", "find_mnist"]

ENVIRONMENT_VARIABLE = "SKNN_MNIST_DATA"

# The file that `keras.datasets.mnist` downloads.
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


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
        When MNIST is not found, naming each place looked at.
    ValueError or TypeError
        When `path` is no path.

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
        path = check_path("path", path, "find_mnist")
        places = {f"path={path}": path}
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
    # As Keras finds its cache, without importing Keras.
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else _expanded("~/.keras")) / "datasets"


def _expanded(path: str | PathLike[str]) -> Path:
    return Path(os.path.expanduser(path))


def download_mnist() -> Path:
    import keras

    folder = _keras_cache()
    try:
        # Keras falls back to /tmp when the folder is not there yet.
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
