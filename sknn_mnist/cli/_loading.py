"""The data of a command: MNIST, the bundled digits, or images of the user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sknn_mnist.cli._arguments import DataSource
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._errors import CommandError, expecting, tell
from sknn_mnist.cli._own_data import load_own

__all__ = ["is_own", "load_data"]


def load_data(source: DataSource, quiet: bool = False) -> Data:
    """Load a data set with flat rows, and say which it is.

    Parameters
    ----------
    source : DataSource
        Which, and where.
    quiet : bool, default=False
        Whether to say nothing.

    Returns
    -------
    Data
        The data set.

    Raises
    ------
    CommandError
        When it can't be loaded, or has fewer training rows than were asked for.
    """
    if source.path and source.dataset == "digits":
        raise CommandError(
            "--data says where images of your own are, or MNIST: it can't be combined "
            "with --dataset digits",
            2,
        )
    own = is_own(source)
    if not (own or source.reading.is_default):
        raise CommandError(
            "--target, --image-size, --test-data, --test-size and --skip-broken say "
            "how images of your own are read: give their place by --data PATH",
            2,
        )
    if own and source.download:
        raise CommandError("--download is of MNIST, and not of images of your own", 2)
    if own:
        data = load_own(source, quiet)
    else:
        with expecting():
            data = _load(source)
    wanted = source.train_size
    if wanted is not None:
        if wanted > len(data.X_train):
            raise CommandError(
                f"--train-size {wanted} is more than the {len(data.X_train)} training "
                f"rows of {data.name}",
                code=2,
            )
        data = data.first(wanted)
    if not quiet:
        tell(f"data: {data.about}")
    return data


def is_own(source: DataSource) -> bool:
    """Tell whether these are images of the user's own.

    Parameters
    ----------
    source : DataSource
        Which data.

    Returns
    -------
    bool
        False of the data sets that have a name, and of mnist.npz wherever it is.
    """
    if source.dataset != "auto":
        return False
    if source.path is None:
        return source.reading.test_data is not None
    place = Path(os.path.expanduser(source.path))
    return place.name != "mnist.npz" and not os.path.isfile(place / "mnist.npz")


def _load(source: DataSource) -> Data:
    from sknn_mnist.datasets import load_dataset

    try:
        bunch: Any = load_dataset(
            source.dataset, path=source.path, download=source.download
        )
    except FileNotFoundError as err:
        # The loader speaks to readers of Python.
        hint = "here: --data PATH, --download or --dataset digits"
        raise FileNotFoundError(f"{err} ({hint})") from err
    return Data(
        bunch.X_train,
        bunch.X_test,
        bunch.y_train,
        bunch.y_test,
        bunch.name,
        bunch.source,
        image_shape=(28, 28, 1),
    )
