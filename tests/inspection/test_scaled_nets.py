"""Nets that scale pixels themselves are looked into as those of scaled pixels are."""

import numpy as np
import pytest
from PIL import Image
from scipy import sparse
from sklearn.base import clone

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.display import MistakesDisplay
from sknn_mnist.inspection import (
    feature_maps,
    gradient_saliency,
    looked_at,
    maximize_activation,
    occlusion,
)


@pytest.fixture(scope="module")
def pixels(digits):
    X, _, y, _ = digits
    return np.rint(X[:200] * 255).astype(np.uint8), y[:200]


@pytest.fixture(scope="module", params=[CNNClassifier(4), DenseClassifier()])
def nets(request, pixels):
    """A net of 8 bits, and the same of floats."""
    X, y = pixels
    net = clone(request.param).set_params(epochs=2, random_state=0)
    return clone(net).fit(X, y), clone(net).fit(X / 255, y)


def test_saliency_and_occlusion(nets, pixels):
    (of_bits, of_floats), X = nets, pixels[0][:5]
    steep = gradient_saliency(of_bits, X)
    assert steep.max() > 0
    np.testing.assert_allclose(
        steep * 255, gradient_saliency(of_floats, X / 255), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_array_equal(
        occlusion(of_bits, X, fill=255), occlusion(of_floats, X / 255, fill=1)
    )
    images, classes = looked_at(of_bits, X)
    np.testing.assert_array_equal(images.reshape(X.shape), X)
    assert classes == looked_at(of_floats, X / 255)[1]


@pytest.mark.parametrize("nets", [CNNClassifier(4)], indirect=True)
def test_maps_and_filters(nets, pixels):
    of_bits, of_floats = nets
    X = pixels[0][:3]
    np.testing.assert_array_equal(
        feature_maps(of_bits, X, "conv_1"), feature_maps(of_floats, X / 255, "conv_1")
    )
    found = maximize_activation(of_bits, n_steps=10)
    assert found.max() > 100  # in the scale of the pixels
    np.testing.assert_allclose(
        found / 255, maximize_activation(of_floats, n_steps=10), atol=1e-3
    )


def test_files_and_sparse_rows(pixels, tmp_path):
    X, y = pixels
    path = str(tmp_path / "digit.png")
    Image.fromarray(X[0].reshape(8, 8)).save(path)
    net = CNNClassifier(4, epochs=1, random_state=0).fit(X, y)
    np.testing.assert_array_equal(
        gradient_saliency(net, [path]), gradient_saliency(net, X[:1])
    )
    net = DenseClassifier(epochs=1, random_state=0).fit(sparse.csr_array(X), y)
    np.testing.assert_array_equal(
        gradient_saliency(net, sparse.csr_array(X[:2])), gradient_saliency(net, X[:2])
    )


def test_mistakes_of_files_and_sparse_rows(pixels, tmp_path):
    X, y = pixels
    paths = []
    for number, image in enumerate(X[:20]):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(image.reshape(8, 8)).save(paths[-1])
    net = CNNClassifier(2, epochs=1, random_state=0).fit(X, y)
    expected = MistakesDisplay.from_estimator(net, X[:20], y[:20])
    assert len(expected.images)
    for given in (paths, np.array(paths)):
        found = MistakesDisplay.from_estimator(net, given, y[:20])
        np.testing.assert_array_equal(found.images, expected.images)
    net = DenseClassifier(epochs=1, random_state=0).fit(X, y)
    found = MistakesDisplay.from_estimator(net, sparse.csr_array(X[:20]), y[:20])
    expected = MistakesDisplay.from_estimator(net, X[:20], y[:20])
    np.testing.assert_array_equal(found.images, expected.images)
