"""Of version 0.1.0, pickles and files load and go on, and public names are there."""

import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import sknn_mnist
from sknn_mnist import _moved

# Written by version 0.1.0, with the oldest dependencies it took. The DenseRegressor has
# a callback object, which pickles hold and files refuse.
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


# Whatever pickles of version 0.1.0 name that is neither an estimator nor of a module
# that is public.
MOVED = {
    "sknn_mnist._callbacks": ["make_callbacks"],
    "sknn_mnist._checkpoints": ["clear_memory"],
    "sknn_mnist._display_history": ["HistoryDisplay"],
    "sknn_mnist._display_layers": [
        *("ActivationMaximizationDisplay", "FeatureMapsDisplay", "KernelsDisplay"),
    ],
    "sknn_mnist._display_samples": ["MistakesDisplay", "SensitivityDisplay"],
    "sknn_mnist._display_search": ["SearchDisplay"],
    "sknn_mnist._keras_copies": ["_from_attributes", "_from_config", "_made_by_name"],
    "sknn_mnist._networks": ["_to_images"],
    "sknn_mnist._owned_network": ["OwnedNetwork"],
    "sknn_mnist._pool": ["clear_network_pool"],
    "sknn_mnist._recipes": ["NetworkRecipe"],
    "sknn_mnist._saved_files": ["load"],
    "sknn_mnist._targets": ["ClassTargetEncoder", "RegressionTargetEncoder"],
}


@pytest.mark.parametrize(
    ("module", "name"), [(m, name) for m, names in MOVED.items() for name in names]
)
def test_pickles_find_what_moved(module, name):
    found = pickle.loads(f"c{module}\n{name}\n.".encode())
    assert found.__name__ == name
    # Stored anew, it is found where it is now.
    assert pickle.loads(pickle.dumps(found)) is found
    assert module.encode() not in pickle.dumps(found)


def test_every_module_that_moved_is_asked_for():
    assert set(MOVED) == set(_moved._MOVED)


def test_old_modules_wait_until_they_are_asked_for():
    # pickle asks all modules that there are for an object that doesn't know its own.
    code = """
import pickle, sys
import sknn_mnist
there = sorted(each for each in sys.modules if each.startswith("sknn_mnist"))
from scipy.special import expit
pickle.dumps(expit)
assert "tensorflow" not in sys.modules
print(*there)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & set(MOVED)
