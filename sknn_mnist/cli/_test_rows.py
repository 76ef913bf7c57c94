"""The test rows of data, as a saved net takes them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from sknn_mnist.cli._arguments import DataSource
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._errors import expecting
from sknn_mnist.cli._loading import is_own, load_data
from sknn_mnist.cli._nets import as_fitted_on, image_shape_of
from sknn_mnist.cli._scales import for_pixels_of, in_scale_of

__all__ = ["test_rows"]


def test_rows(net: Any, source: DataSource) -> tuple[Any, Data]:
    """Load data, and return its test rows for a net.

    Parameters
    ----------
    net : estimator
        The net to be fed.
    source : DataSource
        Which data. Image files are brought to the shape of the net's images, unless
        another size was asked for.

    Returns
    -------
    X : ndarray
        The test rows.
    data : Data
        As it was loaded.
    """
    data = load_data(_of_size_for(net, source))
    with expecting():
        in_scale = in_scale_of if data.is_own else for_pixels_of
        return as_fitted_on(net, in_scale(net, _as_images(net, data))), data


def _of_size_for(net: Any, source: DataSource) -> DataSource:
    reading = source.reading
    path = source.path or reading.test_data
    if reading.image_size is not None or not is_own(source):
        return source
    if path is None or not _holds_files(path):
        return source
    return replace(source, reading=replace(reading, image_size=image_shape_of(net)))


def _holds_files(path: str) -> bool:
    """Tell whether a folder, or one in it, holds image files."""
    from sknn_mnist.images._files import ENDINGS

    place = os.path.expanduser(path)
    return any(
        name.lower().endswith(ENDINGS)
        for _, _, names in os.walk(place)
        for name in names
    )


def _as_images(net: Any, data: Data) -> Any:
    """Return test rows, for a net that takes images in the shape that they have."""
    shape = data.image_shape
    if shape is None or not hasattr(net, "image_shape_"):
        return data.X_test
    return data.X_test.reshape(-1, *shape)
