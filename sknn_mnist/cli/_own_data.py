"""Images of the user's own as data: read by ``--data``, labelled by name."""

from __future__ import annotations

import re
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from sknn_mnist.cli._arguments import DataSource
from sknn_mnist.cli._broken_files import refused_files, tell_left_out
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._errors import CommandError, expecting, sentence
from sknn_mnist.cli._file_names import names_below

__all__ = ["are_numbers", "load_own", "loading_options"]

# What the loader calls parameters, and the command line options.
_FLAGS = {
    "target": "--target COLUMN",
    "image_shape": "--image-size HEIGHTxWIDTH",
    "test_data": "--test-data PATH",
    "test_size": "--test-size FRACTION",
    "on_error": "--skip-broken",
}


def load_own(source: DataSource, quiet: bool = False) -> Data:
    """Load images of the user's own, with flat rows and with names as labels.

    Parameters
    ----------
    source : DataSource
        Where they are. Without a path, which commands for saved nets take, the test
        data are all.
    quiet : bool, default=False
        Whether to say nothing of files that are left out.

    Returns
    -------
    Data
        Labels are ints where all names of classes are, else text.

    Raises
    ------
    CommandError
        When they can't be read, or are not labelled by classes.
    FileNotFoundError
        When there is nothing at the path.
    """
    from sknn_mnist.datasets import load_images
    from sknn_mnist.images._reading import ImageFileError

    reading = source.reading
    place, options = loading_options(source)
    with expecting():
        try:
            bunch: Any = load_images(place, **options)
        except ImageFileError as err:
            raise refused_files(err.files) from err
        except ValueError as err:
            raise CommandError(f"{sentence(err)}{_options_for(str(err))}") from err
    if bunch.target_names is None:
        raise CommandError(
            f"{place} has numbers as labels that are no classes, such as "
            f"{bunch.y_train[0]!r}: the command line trains and tests classifiers"
        )
    if not quiet:
        tell_left_out(list(map(str, bunch.skipped)), "they can't be read")
    names = _names_as_labels(bunch.target_names)
    shape = bunch.image_shape
    data = Data(
        _flat(bunch.X_train),
        _flat(bunch.X_test),
        names[bunch.y_train],
        names[bunch.y_test],
        bunch.name,
        bunch.source,
        image_shape=None if shape is None else tuple(shape),
        is_own=True,
    )
    files = bunch.files_test
    if source.path is None:  # the test data alone
        data = replace(data, X_test=data.X_train, y_test=data.y_train)
        files = bunch.files_train
    if files is None:
        return data
    root = reading.test_data if source.path and reading.test_data else bunch.source
    return replace(data, files=names_below(str(root), list(map(str, files))))


def loading_options(source: DataSource) -> tuple[str, dict[str, Any]]:
    """Return the arguments of `load_images`.

    Parameters
    ----------
    source : DataSource
        Where the data are, and how they are read.

    Returns
    -------
    path : str
        As it was given.
    options : dict of str to object
        Keyword arguments that are not at their defaults.
    """
    reading = source.reading
    given = {
        "target": reading.target,
        "image_shape": reading.image_size,
        "test_data": reading.test_data,
        "test_size": reading.test_size,
        "on_error": "skip" if reading.skip_broken else None,
    }
    path = source.path
    if path is None:
        path, given["test_data"], given["test_size"] = reading.test_data, None, 0
    assert path is not None
    return path, {name: each for name, each in given.items() if each is not None}


def are_numbers(target_names: Any) -> bool:
    """Tell whether all names of classes are ints, as they are usually written."""
    texts = [str(each) for each in target_names]
    return all(re.fullmatch("0|-?[1-9][0-9]{0,17}", each) for each in texts)


def _names_as_labels(target_names: Any) -> np.ndarray:
    names = np.array([str(each) for each in target_names])
    return names.astype(np.int64) if are_numbers(names) else names


def _flat(X: Any) -> Any:
    return X.reshape(len(X), prod(X.shape[1:]))


def _options_for(said: str) -> str:
    """Return options for the parameters that the loader names, as part of a sentence.

    They may stand at the end of what it says, which goes on for long.
    """
    named = [flag for name, flag in _FLAGS.items() if re.search(rf"\b{name}\b", said)]
    return f" (here: {', '.join(named)})" if named else ""
