"""The data of a command: MNIST, the bundled digits, or images of the user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from sknn_mnist.cli._arguments import DataSource
from sknn_mnist.cli._errors import CommandError, expecting, tell

__all__ = ["Data", "is_own", "load_data"]


class Data(NamedTuple):
    """A data set, with flat rows unless a network takes others; what to say of it."""

    X_train: Any
    X_test: Any
    y_train: Any
    y_test: Any
    name: str
    source: str
    row_shape: tuple[int, ...] | None = None  # None is flat
    image_shape: tuple[int, ...] | None = None  # of flat rows, if known
    is_own: bool = False  # images of the user's own
    is_divided: bool = False  # by 255, since they were read
    files: list[str] | None = None  # of the test rows

    @property
    def about(self) -> str:
        """Which data, and how much of it."""
        return (
            f"{self.name} ({self.source}), {len(self.X_train):,} training rows, "
            f"{len(self.X_test):,} test rows"
        )

    @property
    def test(self) -> str:
        """Which test rows."""
        return f"{len(self.X_test):,} rows of {self.name}"

    def first(self, n_rows: int) -> Data:
        """Return the same with so many training rows."""
        return self._replace(
            X_train=self.X_train[:n_rows], y_train=self.y_train[:n_rows]
        )

    def reshaped(self, row_shape: tuple[int, ...]) -> Data:
        """Return the same with rows of another shape."""
        return self._replace(
            X_train=self.X_train.reshape(-1, *row_shape),
            X_test=self.X_test.reshape(-1, *row_shape),
            row_shape=row_shape,
        )


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
    if own:
        from sknn_mnist.cli._own_data import load_own

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
