"""Of version 0.1.0, pickles and files load and go on, and public names are there."""

import importlib
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

ESTIMATORS = ["CNNClassifier", "CNNRegressor", "DenseClassifier", "DenseRegressor"]
BUILDERS = ["build_cnn", "build_dense"]
PUBLIC = {
    "sknn_mnist": [
        *(*ESTIMATORS, *BUILDERS, "clear_memory", "clear_network_pool", "load"),
        *("load_digits28", "load_mnist", "pivot_cv_results", "__version__"),
    ],
    "sknn_mnist.builders": BUILDERS,
    "sknn_mnist.cli": ["main"],
    "sknn_mnist.datasets": [
        *("find_mnist", "load_dataset", "load_digits28", "load_mnist"),
    ],
    "sknn_mnist.display": [
        *("ActivationMaximizationDisplay", "FeatureMapsDisplay", "HistoryDisplay"),
        *("KernelsDisplay", "MistakesDisplay", "SearchDisplay", "SensitivityDisplay"),
    ],
    "sknn_mnist.estimators": ESTIMATORS,
    "sknn_mnist.inspection": [
        *("convolution_kernels", "feature_maps", "gradient_saliency", "images_of"),
        *("looked_at", "maximize_activation", "occlusion"),
    ],
    "sknn_mnist.reporting": ["cv_results_frame", "pivot_cv_results"],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_its_public_names_are_there(module):
    found = importlib.import_module(module)
    assert set(PUBLIC[module]) <= set(found.__all__)
    assert all(hasattr(found, name) for name in PUBLIC[module])


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
