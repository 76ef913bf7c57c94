"""Pickles and saved files of version 0.1.0 load, predict as they did, and go on."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import sknn_mnist

# Written by version 0.1.0, with the oldest dependencies it took.
FOLDER = Path(__file__).with_name("version_0_1_0")

# What they predicted then, of the first digits.
PREDICTED = {
    "DenseClassifier": [0, 1, 2, 3, 4, 1, 6, 7, 8, 4, 0, 1, 2, 3, 4, 5, 6, 7, 5, 9],
    "CNNClassifier": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    "DenseRegressor": [-0.06937, 0.04513, 0.05574, -0.09389],
    "CNNRegressor": [-0.42881, -0.61076, -1.4375, -0.48497],
}


@pytest.mark.filterwarnings("ignore:Trying to unpickle estimator")
@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_it_loads(path):
    if path.suffix == ".pickle":
        net = pickle.loads(path.read_bytes())
    else:
        net = sknn_mnist.load(path)
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    assert type(net) is getattr(sknn_mnist, path.stem)
    expected = PREDICTED[path.stem]
    np.testing.assert_allclose(net.predict(X[: len(expected)]), expected, atol=1e-4)
    net.partial_fit(X[:200], y[:200])
    assert net.initial_epoch_ == net.epochs == len(net.history_["loss"]) - 1
    assert type(pickle.loads(pickle.dumps(net))) is type(net)
