"""How rows go to a network: flat, or as images."""

from __future__ import annotations

import warnings
from typing import Any

from sknn_mnist.cli._data import Data
from sknn_mnist.cli._errors import expecting
from sknn_mnist.cli._own_networks import OwnFunction, calling
from sknn_mnist.cli._scales import in_unit_range

__all__ = ["as_network_takes"]


def as_network_takes(
    data: Data,
    estimator: Any,
    function: OwnFunction | None = None,
    quiet: bool = False,
) -> Data:
    """Return data with rows that a network takes.

    The convolutional net takes images of the user's own where their shape is known, and
    else sees them in flat rows; the dense net takes flat rows. What a network of the
    user's own takes is seen by an attempt to make it. Flat rows do wherever it says
    what it takes: the estimator gives them that shape. A network that takes whatever it
    is called on, and can't be called on flat rows, gets images. Its pixels are from 0
    to 1, whichever data they are of.

    Parameters
    ----------
    data : Data
        With flat rows.
    estimator : estimator
        To be fitted; it is not changed.
    function : OwnFunction, default=None
        What makes its network, where that is the user's own.
    quiet : bool, default=False
        Whether to say nothing of a change of scale.

    Returns
    -------
    Data
        The same, flat or with images as rows.

    Raises
    ------
    CommandError
        When the network can't be made, or can't be called on any of them.
    """
    if function is not None:
        return _as_own_takes(in_unit_range(data, quiet), estimator, function)
    if data.is_own and data.image_shape and hasattr(estimator, "image_shape"):
        return data.reshaped(data.image_shape)
    return data


def _as_own_takes(data: Data, estimator: Any, function: OwnFunction) -> Data:
    from sknn_mnist.estimators._images import shape_of_row

    image_shape = data.image_shape or shape_of_row(data.X_train.shape[1])
    shapes = [None, image_shape, *([image_shape[:2]] if image_shape[2] == 1 else [])]
    refusals = []
    for row_shape in shapes:
        shaped = data.reshaped(row_shape) if row_shape else data
        try:
            # What Keras says of an attempt, it says again of the fits.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _call_network(estimator, shaped)
            return shaped
        except Exception as err:  # whatever the user's own code raises
            refusals.append(err)
    with calling(function, code=2), expecting(code=2):
        raise refusals[0]


def _call_network(estimator: Any, data: Data) -> None:
    import numpy as np
    from sklearn.base import clone

    _, rows = np.unique(data.y_train, return_index=True)  # one of each class
    X = data.X_train[rows]
    clone(estimator).initialize(X, data.y_train[rows]).predict(X)
