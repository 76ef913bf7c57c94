"""The scale of a saved net is judged when it is read; older files have none."""

import numpy as np
import pytest
from saved_parts import parts, write

import sknn_mnist
from sknn_mnist import DenseClassifier

X = np.random.default_rng(0).integers(0, 256, (30, 64)).astype(np.uint8)
Y = np.arange(30) % 3


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.safetensors"
    DenseClassifier(epochs=1, random_state=0).fit(X, Y).save(path)
    return path


def forge(path, **features):
    about, arrays = parts(path)
    about["features"].update(features)
    write(path, about, arrays)


def test_it_is_kept(path):
    net = sknn_mnist.load(path)
    assert net.rescaling_ == 1 / 255
    assert net.value_range_ == (X.min(), X.max())


@pytest.mark.parametrize("value", [0, "1/255", True, [1], {"dict": []}])
def test_a_rescaling_that_is_none_is_refused(value, path):
    forge(path, rescaling=value)
    with pytest.raises(ValueError, match="its rescaling is no number, or 0"):
        sknn_mnist.load(path)


@pytest.mark.parametrize(
    "value", [[255, 0], [0, True], ["0", "1"], [0], [0, 1, 2], 7, {"0": 1}]
)
def test_a_range_that_is_none_is_refused(value, path):
    forge(path, value_range=value)
    with pytest.raises(ValueError, match="can't be loaded as an estimator"):
        sknn_mnist.load(path)


def test_a_file_of_before_has_neither(path):
    forge(path, rescaling=None, value_range=None)
    net = sknn_mnist.load(path)
    assert net.rescaling_ is None
    assert not hasattr(net, "value_range_")
