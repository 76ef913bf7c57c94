"""Numbers of 8 bits are pixels of 0 to 255 where they are more than a few levels."""

import numpy as np
import pytest

from sknn_mnist import DenseClassifier
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._scales import in_scale_of, in_unit_range

RNG = np.random.default_rng(0)


def pixels(most):
    X = RNG.integers(0, most + 1, (40, 64)).astype(np.uint8)
    X[0, :2] = 0, most
    return X


@pytest.fixture(scope="module")
def net():
    """A net of values of 0 to 1."""
    X = pixels(255) / 255
    return DenseClassifier(epochs=1, random_state=0).fit(X, np.arange(40) % 2)


@pytest.mark.parametrize(
    ("most", "is_divided"), [(1, False), (16, False), (32, False), (33, True)]
)
def test_a_few_levels_are_not_divided(most, is_divided, net, capsys):
    X, y = pixels(most), np.arange(40) % 2
    data = in_unit_range(Data(X, X, y, y, "levels", "here"))
    assert data.is_divided == is_divided
    expected = (X / 255).astype(np.float32) if is_divided else X
    for found in (data.X_train, data.X_test, in_scale_of(net, X)):
        np.testing.assert_array_equal(found, expected)
    assert ("are divided by 255" in capsys.readouterr().err) == is_divided
