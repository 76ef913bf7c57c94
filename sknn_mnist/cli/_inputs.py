"""What the command line reads: data sets, images, saved nets."""

from __future__ import annotations

import os
from math import prod
from typing import Any, NamedTuple

from sknn_mnist.cli._arguments import DataSource, Place
from sknn_mnist.cli._errors import CommandError, expecting, tell
from sknn_mnist.cli._own_networks import import_function

__all__ = ["Data", "as_fitted_on", "load_data", "load_images", "load_net"]


class Data(NamedTuple):
    """A data set, with flat rows unless a network takes others; what to say of it."""

    X_train: Any
    X_test: Any
    y_train: Any
    y_test: Any
    name: str
    source: str
    row_shape: tuple[int, ...] | None = None  # None is flat

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

    def reshaped(self, row_shape: tuple[int, ...]) -> Data:
        """Return the same with rows of another shape."""
        return Data(
            self.X_train.reshape(-1, *row_shape),
            self.X_test.reshape(-1, *row_shape),
            *(self.y_train, self.y_test, self.name, self.source, row_shape),
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
            "--data says where MNIST is: it can't be combined with --dataset digits", 2
        )
    with expecting():
        data = _load(source)
    wanted = source.train_size
    if wanted is not None and wanted > len(data.X_train):
        raise CommandError(
            f"--train-size {wanted} is more than the {len(data.X_train)} training rows "
            f"of {data.name}",
            code=2,
        )
    if not quiet:
        tell(f"data: {data.about}")
    return data


def load_net(path: str | os.PathLike[str], model: Place | None = None) -> Any:
    """Load a classifier that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file. Nothing in it is run.
    model : Place, default=None
        The function that made its network, for files that need it.

    Returns
    -------
    DenseClassifier, CNNClassifier or KerasClassifier
        The fitted classifier.
    """
    from sklearn.base import is_classifier

    from sknn_mnist.files import load

    function = import_function(model).function if model else None
    net = load(path) if function is None else load(path, model=function)
    if not is_classifier(net):
        raise ValueError(f"{path} holds no classifier, but a {type(net).__name__}")
    return net


def load_images(path: str | os.PathLike[str], net: Any) -> Any:
    """Load images from a ``.npy`` file, as floats in the layout that a net takes.

    Parameters
    ----------
    path : str or path-like
        The file: an array of shape (n, height, width), (n, height, width,
        channels) or (n, features). Integers are divided by 255.
    net : estimator
        The net to be fed.

    Returns
    -------
    ndarray of shape (n, features), or as in the file for a net that takes images
        The images.
    """
    import numpy as np

    from sknn_mnist._regular_files import open_regular

    with open_regular(path) as file:
        try:
            images = np.load(file, allow_pickle=False)
        # NumPy parses the header as Python, and lets through what that raises.
        except Exception as err:
            raise ValueError(f"{path} is not a .npy file of numbers") from err
        if not isinstance(images, np.ndarray):
            images.close()
            raise ValueError(f"{path} is a .npz archive; --images takes a .npy file")
    if images.dtype.kind not in "biuf" or images.ndim not in (2, 3, 4):
        raise ValueError(
            f"{path} must hold numbers of shape (n, height, width), (n, height, width, "
            f"channels) or (n, features), but holds {images.dtype} of shape "
            f"{images.shape}"
        )
    if images.dtype.kind in "iu":
        images = images.astype(np.float32) / 255
    return as_fitted_on(net, images)


def as_fitted_on(net: Any, X: Any) -> Any:
    """Return images, or flat rows, in the layout of those that a net was fitted on.

    Parameters
    ----------
    net : estimator
        The net to be fed.
    X : ndarray of shape (n_samples, ...)
        Of any layout.

    Returns
    -------
    ndarray of shape (n_samples, ...)
        The same values; as they were where rows of the net have other sizes.
    """
    # A convolutional net sees for itself whether images have its shape.
    if hasattr(net, "image_shape_"):
        return X
    n_features = prod(X.shape[1:])
    row_shape = getattr(net, "X_shape_", (None, n_features))[1:]
    if len(row_shape) > 1 and prod(row_shape) != n_features:
        return X  # which the net refuses
    return X.reshape(len(X), *(row_shape if len(row_shape) > 1 else [n_features]))


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
        bunch.X_train[: source.train_size],
        bunch.X_test,
        bunch.y_train[: source.train_size],
        bunch.y_test,
        bunch.name,
        bunch.source,
    )
