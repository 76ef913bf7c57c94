"""How rows go to a network of the user's own: flat, or as images."""

from __future__ import annotations

import warnings
from typing import Any

from sknn_mnist.cli._errors import expecting
from sknn_mnist.cli._inputs import Data
from sknn_mnist.cli._own_networks import OwnFunction, calling

__all__ = ["as_network_takes"]


def as_network_takes(data: Data, estimator: Any, function: OwnFunction) -> Data:
    """Return data with rows that a network takes, after an attempt to make it.

    Flat rows do wherever the network says what it takes: the estimator gives them
    that shape. A network that takes whatever it is called on, and can't be called on
    flat rows, gets images.

    Parameters
    ----------
    data : Data
        With flat rows.
    estimator : KerasClassifier
        To be fitted; it is not changed.
    function : OwnFunction
        What makes its network.

    Returns
    -------
    Data
        The same, flat or with images as rows.

    Raises
    ------
    CommandError
        When the network can't be made, or can't be called on any of them.
    """
    from sknn_mnist.estimators._images import shape_of_row

    image_shape = shape_of_row(data.X_train.shape[1])
    refusals = []
    for row_shape in (None, image_shape, image_shape[:2]):
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
